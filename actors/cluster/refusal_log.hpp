#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>

namespace torc {

/// Keeps strangers from filling the log: a burst, then a line every so often,
/// and how many were left out. Time is passed in.
class refusal_log {
public:
  using time_point = std::chrono::steady_clock::time_point;

  static constexpr std::size_t burst = 20;
  static constexpr std::chrono::seconds interval{2};

  /// Whether to write one more line now.
  bool allow(time_point now) noexcept {
    if (const auto periods = (now - last_) / interval; periods > 0) {
      left_ = std::min(burst, left_ + static_cast<std::size_t>(periods));
      last_ += periods * interval;
    }
    if (left_ == 0) {
      ++suppressed_;
      return false;
    }
    --left_;
    return true;
  }

  /// Lines left out since the last call.
  std::size_t take_suppressed() noexcept {
    const auto n = suppressed_;
    suppressed_ = 0;
    return n;
  }

private:
  std::size_t left_ = burst;
  std::size_t suppressed_ = 0;
  time_point last_{};
};

} // namespace torc
