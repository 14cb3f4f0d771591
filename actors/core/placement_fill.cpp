#include <algorithm>

#include "actors/core/placement_builder.hpp"
#include "torc/core/assert.hpp"

namespace torc::detail {

// Slots are completed from 0 up. The walk alone would spend early slots on
// whoever the ring meets, and a member that must be nearly everywhere, or a
// zone that must, would later have more room than there are slots left for it.
// So who is late goes first. From scratch that never gets stuck; on top of a
// previous placement it might, and then a path helps.

void placement_builder::fill() {
  look_ahead();
  for (slot s = 0; s < slot_count; ++s) {
    const std::size_t kept = used_[s];
    if (kept == copies_)
      continue;
    while (used_[s] < copies_)
      place_one(s);
    pass(s, kept);
  }
}

void placement_builder::place_one(slot s) {
  auto m = pick(s);
  if (m == nobody) {
    start_search();
    for (member x = 0; x < load_.size(); ++x) {
      ends_[x] = full(x) ? 0 : 1;
      if (!holds(s, x) && zone_allows(s, x))
        search_from(x);
    }
    const auto end = search();
    TORC_ASSERT(end != nobody);
    m = exchange(end);
    ahead_.exact = false;
  }
  add(s, m);
}

placement_builder::member placement_builder::pick(slot s) const {
  if (const auto m = nearest_late(s); m != nobody)
    return m;
  const auto may = [&](member x) {
    return !full(x) && !holds(s, x) && zone_allows(s, x);
  };
  if (zones_.extras > 0) {
    for (const auto z : ahead_.late_zones) {
      if (zone_count(s, z) >= zones_.most[z])
        continue;
      const auto m =
        walk(s, [&](member x) { return zones_.zone_of[x] == z && may(x); });
      if (m != nobody)
        return m;
    }
    const auto m =
      walk(s, [&](member x) { return may(x) && !spends_too_much(s, x); });
    if (m != nobody)
      return m;
  }
  return walk(s, may);
}

placement_builder::member placement_builder::nearest_late(slot s) const {
  auto nearest = nobody;
  std::uint64_t least = 0;
  for (const auto m : ahead_.late) {
    if (full(m) || holds(s, m) || !zone_allows(s, m))
      continue;
    const auto d = ring_.distance(position(s), m);
    if (nearest == nobody || d < least) {
      nearest = m;
      least = d;
    }
  }
  return nearest;
}

/// True if the zone of `m` would take one more than its least here, and then
/// lack room for its least in the slots to come.
bool placement_builder::spends_too_much(slot s, member m) const {
  const auto z = zones_.zone_of[m];
  const auto least = std::uint64_t{zones_.least[z]};
  return zone_count(s, z) >= least
         && ahead_.room[z] + ahead_.has_least[z] <= least * ahead_.slots;
}

void placement_builder::look_ahead() {
  const auto zones = zones_.least.size();
  ahead_ = outlook{};
  ahead_.held.assign(load_.size(), 0);
  ahead_.has.assign(zones, 0);
  ahead_.has_least.assign(zones, 0);
  for (slot s = 0; s < slot_count; ++s)
    if (used_[s] < copies_)
      count_ahead(s, used_[s], 1);
  find_room();
}

/// Counts an incomplete slot in (`by` = 1) or out (-1), with the first `kept`
/// of its list.
void placement_builder::count_ahead(slot s, std::size_t kept, std::int32_t by) {
  const auto change = static_cast<std::uint32_t>(by); // wraps as it should
  const auto held = list(s).first(kept);
  ahead_.slots += change;
  for (auto m = held.begin(); m != held.end(); ++m) {
    const auto z = zones_.zone_of[*m];
    const auto before = std::count_if(
      held.begin(), m, [&](member x) { return zones_.zone_of[x] == z; });
    ahead_.held[*m] += change;
    ahead_.has[z] += change;
    if (static_cast<std::uint32_t>(before) < zones_.least[z])
      ahead_.has_least[z] += change;
  }
}

/// Who is late and how much room the zones have, from scratch. O(members).
void placement_builder::find_room() {
  ahead_.is_late.assign(load_.size(), 0);
  ahead_.late.clear();
  ahead_.room.assign(zones_.least.size(), 0);
  for (member m = 0; m < load_.size(); ++m)
    ahead_.room[zones_.zone_of[m]] +=
      std::min(room(m), ahead_.slots - ahead_.held[m]);
  ahead_.exact = true;
  find_late();
}

void placement_builder::find_late() {
  if (ahead_.slots <= highest_)
    for (member m = 0; m < load_.size(); ++m)
      if (ahead_.is_late[m] == 0 && room(m) >= ahead_.slots - ahead_.held[m]) {
        ahead_.is_late[m] = 1;
        ahead_.late.push_back(m);
      }
  ahead_.late_zones.clear();
  if (zones_.extras > 0)
    for (std::uint32_t z = 0; z < zones_.most.size(); ++z)
      if (ahead_.room[z] + ahead_.has[z]
          >= std::uint64_t{zones_.most[z]} * ahead_.slots)
        ahead_.late_zones.push_back(z);
}

/// Brings the outlook up to date when `s` is complete; it kept its first
/// `kept`. O(zones), and O(members) near the end or if one holds very much.
void placement_builder::pass(slot s, std::size_t kept) {
  count_ahead(s, kept, -1);
  if (!ahead_.exact) {
    find_room();
    return;
  }
  const auto held = list(s);
  for (const auto m : held.subspan(kept))
    if (ahead_.is_late[m] == 0)
      --ahead_.room[zones_.zone_of[m]];
  const auto old = held.first(kept);
  for (const auto m : ahead_.late) // taken or missed, there is one slot less
    if (std::find(old.begin(), old.end(), m) == old.end())
      --ahead_.room[zones_.zone_of[m]];
  find_late();
}

} // namespace torc::detail
