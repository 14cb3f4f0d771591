#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace torc {

/// Decides how long a group commit waits for more writes before its fsync.
///
/// Clients that wait for their writes send the next ones once they have their
/// answers. If a commit began with the first of these, the others would wait
/// for the one after it: two groups would take turns, and each write would wait
/// for two fsyncs. So a commit waits a small part of what its fsync will take
/// until as many writes are there as were under way before; and where that has
/// been in vain, it does not wait for a while (PostgreSQL's `commit_siblings`
/// and `commit_delay` have the same aim, but are for an operator to find).
///
/// Not thread-safe. All operations are O(1).
class commit_pacer {
public:
  /// A commit of `writes` that took `took_us` has ended.
  void on_committed(std::size_t writes, std::int64_t took_us) noexcept {
    took_us_ = took_us_ == 0 ? took_us : (7 * took_us_ + took_us) / 8;
    if (std::exchange(waited_, false))
      note_wait(writes);
    else if (rest_ > 0)
      --rest_;
    crowd_ = writes;
  }

  /// While the last commit was under way `pending` writes came.
  void on_joined(std::size_t pending) noexcept { crowd_ += pending; }

  /// How long to wait at most if `pending` writes are there now; 0: not at all.
  std::int64_t pause_us(std::size_t pending) noexcept {
    const auto pause = std::min(took_us_ / part_of_sync, pause_max_us);
    if (pause < pause_min_us || rest_ > 0 || is_enough(pending))
      return 0;
    waited_ = true;
    return pause;
  }

  /// Whether a commit that waits need not wait any longer.
  bool is_enough(std::size_t pending) const noexcept {
    return pending >= std::min(crowd_, crowd_max);
  }

private:
  static constexpr std::int64_t part_of_sync = 4;
  static constexpr std::int64_t pause_min_us = 100; ///< A timer's precision.
  static constexpr std::int64_t pause_max_us = 5'000;
  /// As many writes are worth an fsync of their own.
  static constexpr std::size_t crowd_max = 4'096;
  static constexpr std::uint32_t rest_max = 256;

  /// A wait that found fewer than three quarters was in vain.
  void note_wait(std::size_t found) noexcept {
    if (4 * found >= 3 * std::min(crowd_, crowd_max)) {
      next_rest_ = 1;
      return;
    }
    rest_ = next_rest_;
    next_rest_ = std::min(2 * next_rest_, rest_max);
  }

  std::int64_t took_us_ = 0; ///< A moving mean.
  std::size_t crowd_ = 0;    ///< Writes under way when the last commit ended.
  bool waited_ = false;
  std::uint32_t rest_ = 0; ///< Commits that will not wait.
  std::uint32_t next_rest_ = 1;
};

} // namespace torc
