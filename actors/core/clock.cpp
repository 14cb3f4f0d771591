#include "torc/core/clock.hpp"

#include <algorithm>

#include "torc/core/assert.hpp"

namespace torc {

hybrid_clock::hybrid_clock(hlc_time start, unix_ms max_skew_ms) noexcept
  : last_(start), ceiling_(start), asked_(start),
    ahead_ms_(std::max<unix_ms>(max_skew_ms / 2, 1)) {}

std::optional<hlc_time> hybrid_clock::now(unix_ms wall) noexcept {
  const hlc_time next{std::max(last_, hlc_from_ms(wall)).value + 1};
  if (next > ceiling_)
    return std::nullopt;
  last_ = next;
  return next;
}

std::optional<hlc_time> hybrid_clock::wanted_ceiling(unix_ms wall) noexcept {
  const auto base = std::max(last_, hlc_from_ms(wall));
  const auto room_ms = hlc_to_ms(asked_) > hlc_to_ms(base)
                         ? hlc_to_ms(asked_) - hlc_to_ms(base)
                         : 0;
  if (room_ms > ahead_ms_ / 2)
    return std::nullopt;
  asked_ = hlc_time{base.value + hlc_from_ms(ahead_ms_).value};
  return asked_;
}

void hybrid_clock::ceiling_durable(hlc_time h) noexcept {
  TORC_ASSERT(h <= asked_);
  ceiling_ = std::max(ceiling_, h);
}

} // namespace torc
