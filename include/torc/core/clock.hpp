#pragma once

#include <optional>

#include "torc/core/types.hpp"

namespace torc {

/// Hybrid logical clock of one shard with a durable ceiling (protocol D5).
///
/// Source: Kulkarni et al., "Logical Physical Clocks", 2014. The wall clock is
/// passed in; nothing here reads one. Not thread-safe.
///
/// Invariant: every stamp that `now` gives is at most `ceiling()`, so that a
/// restart which begins at the ceiling issues no stamp twice (S18).
class hybrid_clock {
public:
  /// `start` is the durable ceiling of the former life; the first stamp is
  /// above it. `max_skew_ms` bounds how far the ceiling may run ahead.
  hybrid_clock(hlc_time start, unix_ms max_skew_ms) noexcept;

  /// The next stamp, or nothing while it would pass the ceiling: then make
  /// `wanted_ceiling` durable first.
  std::optional<hlc_time> now(unix_ms wall) noexcept;

  /// Raises the clock above a stamp seen in a message or record.
  void observe(hlc_time h) noexcept {
    if (h > last_)
      last_ = h;
  }

  /// A new ceiling to make durable if the last one asked for is nearly reached
  /// at `wall`, whether that is durable already or not: several may be under
  /// way, and each counts when it is durable. Nothing when there is room.
  std::optional<hlc_time> wanted_ceiling(unix_ms wall) noexcept;

  /// REQUIRES: `h` was given by `wanted_ceiling` and is durable now.
  void ceiling_durable(hlc_time h) noexcept;

  /// The ceiling asked for could not be made durable; ask again.
  void ceiling_failed() noexcept { asked_ = ceiling_; }

  hlc_time last() const noexcept { return last_; }
  hlc_time ceiling() const noexcept { return ceiling_; }

private:
  hlc_time last_;
  hlc_time ceiling_;
  hlc_time asked_;
  unix_ms ahead_ms_;
};

} // namespace torc
