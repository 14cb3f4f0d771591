#include "actors/core/zone_spread.hpp"

#include <algorithm>

#include "torc/core/assert.hpp"

namespace torc::detail {

zone_spread spread_over_zones(const std::vector<ring_member>& members,
                              std::size_t copies) {
  TORC_ASSERT(copies <= members.size());
  std::vector<std::uint32_t> names;
  names.reserve(members.size());
  for (const auto& m : members)
    names.push_back(m.zone);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());

  zone_spread out;
  out.members.resize(names.size());
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    const auto at =
      std::lower_bound(names.begin(), names.end(), members[i].zone);
    const auto z = static_cast<std::uint32_t>(at - names.begin());
    out.zone_of.push_back(z);
    out.members[z].push_back(i);
  }
  const auto held_at = [&](std::size_t level) {
    std::size_t sum = 0;
    for (const auto& zone : out.members)
      sum += std::min(zone.size(), level);
    return sum;
  };
  std::size_t level = 0;
  while (level < copies && held_at(level + 1) <= copies)
    ++level;
  out.extras = static_cast<std::uint32_t>(copies - held_at(level));
  const auto top = level + (out.extras > 0 ? 1 : 0);
  for (const auto& zone : out.members) {
    const auto held = [&](std::size_t at_level) {
      return static_cast<std::uint32_t>(std::min(zone.size(), at_level));
    };
    out.least.push_back(held(level));
    out.most.push_back(held(top));
  }
  return out;
}

} // namespace torc::detail
