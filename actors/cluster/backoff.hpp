#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace torc {

/// How long to wait before the next attempt: doubles from `min` to `max` with
/// each failure, of which a random half is taken off, so that members that lost
/// each other at once do not come back at once. Pure: `random` is passed in.
class backoff {
public:
  using duration = std::chrono::milliseconds;

  backoff(duration min, duration max) noexcept : min_(min), max_(max) {}

  /// In (w / 2, w] for the wait w that is due.
  duration next(std::uint64_t random) noexcept {
    // 2^20 times the least wait is above any sensible maximum.
    const auto grown = min_ * (std::int64_t{1} << std::min(failures_, 20u));
    const auto wait = std::clamp(grown, min_, max_).count();
    ++failures_;
    const auto half = static_cast<std::uint64_t>(wait / 2);
    const auto off = half == 0 ? 0 : random % half;
    return duration{wait - static_cast<std::int64_t>(off)};
  }

  void reset() noexcept { failures_ = 0; }

private:
  duration min_;
  duration max_;
  unsigned failures_ = 0;
};

} // namespace torc
