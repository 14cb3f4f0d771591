#include "torc/core/cluster_view.hpp"

#include <algorithm>
#include <bit>
#include <map>

#include "torc/core/assert.hpp"

namespace torc {

cluster_view::cluster_view(config_ptr c) : config_(std::move(c)) {
  TORC_ASSERT(config_ != nullptr);
  group_index_.fill(-1);
  for (const auto& g : config_->groups) {
    TORC_ASSERT(g.id < group_index_.size());
    group_index_[g.id] = static_cast<std::int8_t>(groups_.size());
    groups_.push_back(flatten(g));
  }
  const auto& all = config_->keyspaces;
  by_incarnation_.resize(std::bit_ceil(2 * all.size() + 2));
  for (const auto& ks : all) {
    auto i = place_of(ks.inc);
    while (by_incarnation_[i & (by_incarnation_.size() - 1)] != nullptr)
      ++i;
    by_incarnation_[i & (by_incarnation_.size() - 1)] = &ks;
    if (ks.db >= by_db_.size())
      by_db_.resize(ks.db + 1u, nullptr);
    by_db_[ks.db] = &ks;
    by_name_.emplace(ks.name, &ks);
  }
}

cluster_view::flat_group cluster_view::flatten(const placement_group& g) {
  TORC_ASSERT(g.slots.size() == slot_count);
  flat_group out;
  out.source = &g;
  std::map<std::vector<member_id>, std::uint16_t> lists;
  std::vector<std::uint16_t> list_of_assignment;
  for (const auto& a : g.assignments) {
    const auto [it, fresh] =
      lists.emplace(a.reps, static_cast<std::uint16_t>(lists.size()));
    if (fresh) {
      out.begin.push_back(static_cast<std::uint32_t>(out.members.size()));
      out.members.insert(out.members.end(), a.reps.begin(), a.reps.end());
    }
    list_of_assignment.push_back(it->second);
  }
  out.begin.push_back(static_cast<std::uint32_t>(out.members.size()));
  out.list_of.reserve(slot_count);
  for (const auto index : g.slots)
    out.list_of.push_back(list_of_assignment[index]);
  return out;
}

const slot_assignment* cluster_view::assignment(std::uint16_t group,
                                                slot_id s) const noexcept {
  if (group >= group_index_.size() || group_index_[group] < 0
      || s.value >= slot_count)
    return nullptr;
  const auto& g = groups_[static_cast<std::size_t>(group_index_[group])];
  return &g.source->at(s);
}

bool cluster_view::is_member_of(std::uint16_t group, slot_id s,
                                member_id m) const noexcept {
  const auto* a = assignment(group, s);
  return a != nullptr
         && (std::find(a->reps.begin(), a->reps.end(), m) != a->reps.end()
             || std::find(a->next.begin(), a->next.end(), m) != a->next.end());
}

std::vector<slot_id> cluster_view::slots_of(std::uint16_t group,
                                            member_id m) const {
  std::vector<slot_id> out;
  for (std::uint16_t s = 0; s < slot_count; ++s)
    if (is_member_of(group, slot_id{s}, m))
      out.emplace_back(s);
  return out;
}

std::vector<slot_range> cluster_view::ranges(std::uint16_t group) const {
  std::vector<slot_range> out;
  for (std::uint16_t s = 0; s < slot_count; ++s) {
    const auto list = replicas(group, slot_id{s});
    if (list.empty())
      continue;
    // Equal lists are one list of the table.
    if (!out.empty() && out.back().replicas.data() == list.data()
        && out.back().last.value + 1 == s)
      out.back().last = slot_id{s};
    else
      out.push_back({slot_id{s}, slot_id{s}, list});
  }
  return out;
}

const keyspace_info*
cluster_view::keyspace_by_name(std::string_view name) const {
  const auto it = by_name_.find(name);
  return it == by_name_.end() ? nullptr : it->second;
}

} // namespace torc
