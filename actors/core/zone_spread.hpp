#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "torc/core/ring.hpp"

namespace torc::detail {

/// How many replicas of a slot each zone holds (see `fair_shares`): at least
/// `least`, at most `most`, and `extras` zones hold one more than their least.
struct zone_spread {
  std::vector<std::uint32_t> zone_of;              ///< Per member, from 0 up.
  std::vector<std::vector<std::uint32_t>> members; ///< Per zone.
  std::vector<std::uint32_t> least;                ///< Per zone.
  std::vector<std::uint32_t> most; ///< Per zone; least or least + 1.
  std::uint32_t extras = 0;
};

/// REQUIRES: copies <= members.size().
zone_spread spread_over_zones(const std::vector<ring_member>& members,
                              std::size_t copies);

} // namespace torc::detail
