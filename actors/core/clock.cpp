#include "torc/core/clock.hpp"

#include <algorithm>
#include <limits>

#include "torc/core/assert.hpp"

namespace torc {
namespace {

constexpr auto stamp_max = std::numeric_limits<std::uint64_t>::max();

/// The wall clock as a stamp; a clock that went mad does not wrap around.
hlc_time stamp_of(unix_ms wall) noexcept {
  return wall >> (64 - hlc_counter_bits) == 0 ? hlc_from_ms(wall)
                                              : hlc_time{stamp_max};
}

} // namespace

hybrid_clock::hybrid_clock(hlc_time start, unix_ms max_skew_ms) noexcept
  : last_(start), ceiling_(start), asked_(start),
    ahead_ms_(std::max<unix_ms>(max_skew_ms / 2, 1)) {}

std::optional<hlc_time> hybrid_clock::now(unix_ms wall) noexcept {
  const auto base = std::max(last_, stamp_of(wall));
  if (base >= ceiling_)
    return std::nullopt;
  last_ = hlc_time{base.value + 1};
  return last_;
}

std::optional<hlc_time> hybrid_clock::wanted_ceiling(unix_ms wall) noexcept {
  const auto base = std::max(last_, stamp_of(wall));
  const auto room_ms = hlc_to_ms(asked_) > hlc_to_ms(base)
                         ? hlc_to_ms(asked_) - hlc_to_ms(base)
                         : 0;
  if (room_ms > ahead_ms_ / 2)
    return std::nullopt;
  const auto ahead = hlc_from_ms(ahead_ms_).value;
  const hlc_time wanted{base.value + std::min(ahead, stamp_max - base.value)};
  if (wanted <= asked_)
    return std::nullopt;
  asked_ = wanted;
  return asked_;
}

void hybrid_clock::ceiling_durable(hlc_time h) noexcept {
  TORC_ASSERT(h <= asked_);
  ceiling_ = std::max(ceiling_, h);
}

} // namespace torc
