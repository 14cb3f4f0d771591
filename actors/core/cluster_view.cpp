#include "torc/core/cluster_view.hpp"

#include <algorithm>

namespace torc {

cluster_view::cluster_view(cluster_config c) : config_(std::move(c)) {
  for (const auto& g : config_.groups) {
    auto& flat = groups_[g.id];
    flat.offset.reserve(slot_count + 1u);
    for (std::uint32_t s = 0; s < slot_count; ++s) {
      flat.offset.push_back(static_cast<std::uint32_t>(flat.members.size()));
      const auto& reps = g.at(slot_id{static_cast<std::uint16_t>(s)}).reps;
      flat.members.insert(flat.members.end(), reps.begin(), reps.end());
    }
    flat.offset.push_back(static_cast<std::uint32_t>(flat.members.size()));
  }
  for (const auto& ks : config_.keyspaces) {
    by_incarnation_.emplace(ks.inc, &ks);
    if (ks.db >= by_db_.size())
      by_db_.resize(ks.db + 1, nullptr);
    by_db_[ks.db] = &ks;
  }
  for (const auto& m : config_.members)
    members_.emplace(m.id, &m);
}

std::span<const member_id> cluster_view::replicas(std::uint16_t group,
                                                  slot_id s) const noexcept {
  const auto it = groups_.find(group);
  if (it == groups_.end() || s.value >= slot_count)
    return {};
  const auto& g = it->second;
  return {g.members.data() + g.offset[s.value],
          g.offset[s.value + 1u] - g.offset[s.value]};
}

const keyspace_info* cluster_view::keyspace(incarnation inc) const noexcept {
  const auto it = by_incarnation_.find(inc);
  return it == by_incarnation_.end() ? nullptr : it->second;
}

const keyspace_info*
cluster_view::keyspace_by_db(std::uint32_t db) const noexcept {
  return db < by_db_.size() ? by_db_[db] : nullptr;
}

const member_info* cluster_view::member(member_id m) const noexcept {
  const auto it = members_.find(m);
  return it == members_.end() ? nullptr : it->second;
}

std::vector<slot_range> cluster_view::ranges(std::uint16_t group) const {
  std::vector<slot_range> out;
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    const slot_id slot{static_cast<std::uint16_t>(s)};
    const auto list = replicas(group, slot);
    if (!out.empty() && std::equal(list.begin(), list.end(),
                                   out.back().replicas.begin(),
                                   out.back().replicas.end()))
      out.back().last = slot;
    else
      out.push_back({slot, slot, list});
  }
  return out;
}

} // namespace torc
