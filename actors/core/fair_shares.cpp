#include <algorithm>

#include "actors/core/zone_spread.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/placement.hpp"

namespace torc {
namespace {

/// A slot's worth of replicas: what a member holds at most.
constexpr std::uint64_t all_slots = slot_count * share_unit;

/// A level is what one hundredth of weight holds, in 1/(256 share_unit).
constexpr unsigned level_bits = 8;

/// At this level every member is full.
constexpr std::uint64_t level_max = all_slots << level_bits;
static_assert(level_max <= ~std::uint64_t{0} / member_weight_max);

std::uint64_t member_share(const ring_member& m, std::uint64_t level) {
  return std::min((weight_of(m) * level) >> level_bits, all_slots);
}

/// The least level at which `held(level)` is at least `total`, or level_max.
/// `held` must not fall as the level rises.
template <class Held>
std::uint64_t level_for(std::uint64_t total, Held held) {
  std::uint64_t low = 0;
  std::uint64_t high = level_max;
  while (low < high) {
    const auto mid = low + (high - low) / 2;
    if (held(mid) < total)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

} // namespace

std::vector<std::uint64_t> fair_shares(const std::vector<ring_member>& members,
                                       std::size_t replicas) {
  TORC_ASSERT(!members.empty());
  const auto copies = std::min(replicas, members.size());
  const auto zones = detail::spread_over_zones(members, copies);
  const auto unbounded = [&](std::size_t z, std::uint64_t level) {
    std::uint64_t sum = 0;
    for (const auto m : zones.members[z])
      sum += member_share(members[m], level);
    return sum;
  };
  const auto zone_share = [&](std::size_t z, std::uint64_t level) {
    return std::clamp(unbounded(z, level), zones.least[z] * all_slots,
                      zones.most[z] * all_slots);
  };
  const auto level = level_for(copies * all_slots, [&](std::uint64_t x) {
    std::uint64_t sum = 0;
    for (std::size_t z = 0; z < zones.members.size(); ++z)
      sum += zone_share(z, x);
    return sum;
  });
  std::vector<std::uint64_t> out(members.size());
  for (std::size_t z = 0; z < zones.members.size(); ++z) {
    const auto own = level_for(
      zone_share(z, level), [&](std::uint64_t x) { return unbounded(z, x); });
    for (const auto m : zones.members[z])
      out[m] = member_share(members[m], own);
  }
  return out;
}

} // namespace torc
