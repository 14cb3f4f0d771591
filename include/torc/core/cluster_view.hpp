#pragma once

#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "torc/core/config.hpp"

namespace torc {

/// A run of slots with equal replica lists.
struct slot_range {
  slot_id first;
  slot_id last;
  std::span<const member_id> replicas;
};

/// Routing table of one epoch: immutable, held for a whole request. Lookups of
/// a key's replicas are O(1) in flat arrays.
class cluster_view {
public:
  explicit cluster_view(cluster_config c);

  torc::epoch epoch() const noexcept { return config_.epoch; }
  const cluster_config& config() const noexcept { return config_; }

  /// Members that hold a slot of a group, preferred first; empty for an unknown
  /// group.
  std::span<const member_id> replicas(std::uint16_t group,
                                      slot_id s) const noexcept;

  /// Null if the incarnation is unknown or dropped.
  const keyspace_info* keyspace(incarnation inc) const noexcept;
  const keyspace_info* keyspace_by_db(std::uint32_t db) const noexcept;
  /// True if the incarnation existed and is gone for ever; false also for one
  /// that this config does not know yet.
  bool dropped(incarnation inc) const noexcept {
    return inc < config_.next_incarnation && keyspace(inc) == nullptr;
  }

  const member_info* member(member_id m) const noexcept;

  /// Neighbouring slots with equal lists merged.
  std::vector<slot_range> ranges(std::uint16_t group) const;

private:
  struct flat_group {
    std::vector<std::uint32_t> offset; ///< Per slot; one more at the end.
    std::vector<member_id> members;
  };

  cluster_config config_;
  std::unordered_map<std::uint16_t, flat_group> groups_;
  std::unordered_map<incarnation, const keyspace_info*> by_incarnation_;
  std::vector<const keyspace_info*> by_db_;
  std::unordered_map<member_id, const member_info*> members_;
};

using view_ptr = std::shared_ptr<const cluster_view>;

} // namespace torc
