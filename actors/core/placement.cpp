#include "torc/core/placement.hpp"

#include <algorithm>

#include "actors/core/placement_builder.hpp"
#include "torc/core/assert.hpp"

namespace torc {
namespace {

slot_id slot_at(std::uint32_t s) {
  return slot_id{static_cast<std::uint16_t>(s)};
}

bool contains(std::span<const member_id> list, member_id m) {
  return std::find(list.begin(), list.end(), m) != list.end();
}

} // namespace

placement::placement(std::size_t copies, std::vector<member_id> flat)
  : copies_(copies), flat_(std::move(flat)) {
  TORC_ASSERT(flat_.size() == slot_count * copies_);
}

placement compute_placement(const std::vector<ring_member>& members,
                            const placement_options& options,
                            const placement* previous) {
  TORC_ASSERT(!members.empty());
  TORC_ASSERT(options.replicas > 0);
  TORC_ASSERT(options.slack_percent < 100);
  const ring circle{members, options.virtual_nodes};
  detail::placement_builder b{circle, options};
  if (previous != nullptr && !previous->empty())
    b.keep(*previous);
  b.fill();
  b.balance();
  b.order();
  return b.take();
}

std::size_t moved_replicas(const placement& before, const placement& after) {
  if (before.empty())
    return after.flat().size();
  if (after.empty())
    return 0;
  std::size_t moved = 0;
  for (std::uint32_t s = 0; s < slot_count; ++s)
    for (const auto m : after.replicas(slot_at(s)))
      moved += contains(before.replicas(slot_at(s)), m) ? 0 : 1;
  return moved;
}

std::vector<slot_run> equal_runs(const placement& p) {
  std::vector<slot_run> out;
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    if (s > 0
        && std::ranges::equal(p.replicas(slot_at(s)),
                              p.replicas(slot_at(s - 1))))
      out.back().last = slot_at(s);
    else
      out.push_back({slot_at(s), slot_at(s)});
  }
  return out;
}

std::vector<slot_run> slots_of(const placement& p, member_id m) {
  std::vector<slot_run> out;
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    if (!contains(p.replicas(slot_at(s)), m))
      continue;
    if (!out.empty() && out.back().last.value + 1u == s)
      out.back().last = slot_at(s);
    else
      out.push_back({slot_at(s), slot_at(s)});
  }
  return out;
}

} // namespace torc
