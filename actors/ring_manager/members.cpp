#include "actors/ring_manager/members.hpp"

#include <algorithm>

namespace torc::ring {
namespace {

constexpr std::size_t shards_max = 256;
constexpr std::uint32_t skewed_beats_min = 3;

} // namespace

std::size_t reachable(const connected_members& members) noexcept {
  std::size_t n = 0;
  for (const auto& [id, m] : members)
    n += m.roles ? 1 : 0;
  return n;
}

bool usable(const peer_roles& roles, member_id from) noexcept {
  return roles.member == from && !roles.shards.empty()
         && roles.shards.size() <= shards_max && roles.synchronizer
         && std::all_of(roles.shards.begin(), roles.shards.end(),
                        [](const auto& s) { return static_cast<bool>(s); });
}

bool skew_watch::on_beat(connected_member& m, unix_ms theirs, unix_ms ours,
                         unix_ms max_skew_ms) {
  const auto skew = theirs > ours ? theirs - ours : ours - theirs;
  counters_->skew_ms_max.set(std::max(counters_->skew_ms_max.get(), skew));
  if (skew <= max_skew_ms) {
    m.skewed_beats = 0;
    m.skew_told = false;
    return false;
  }
  counters_->skewed_beats.add();
  if (++m.skewed_beats < skewed_beats_min || m.skew_told)
    return false;
  m.skew_told = true;
  return true;
}

} // namespace torc::ring
