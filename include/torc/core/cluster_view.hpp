#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "torc/core/config.hpp"

namespace torc {

/// A run of slots with equal replica lists.
struct slot_range {
  slot_id first;
  slot_id last;
  std::span<const member_id> replicas; ///< Into the view.
};

/// Routing table of one epoch: immutable, held for a whole request. Lookups of
/// a key's replicas are O(1) in flat arrays. Thread-safe, as nothing changes.
class cluster_view {
public:
  /// REQUIRES: `check_config` has nothing against it.
  explicit cluster_view(config_ptr c);
  explicit cluster_view(cluster_config c)
    : cluster_view(std::make_shared<const cluster_config>(std::move(c))) {}

  // Its tables point into its config.
  cluster_view(const cluster_view&) = delete;
  cluster_view& operator=(const cluster_view&) = delete;

  torc::epoch epoch() const noexcept { return config_->epoch; }
  const cluster_config& config() const noexcept { return *config_; }
  const config_ptr& shared_config() const noexcept { return config_; }

  // -- slots ------------------------------------------------------------------

  /// Members that hold a slot of a group, preferred first; empty for an unknown
  /// group. O(1).
  std::span<const member_id> replicas(std::uint16_t group,
                                      slot_id s) const noexcept {
    if (group >= group_index_.size() || group_index_[group] < 0
        || s.value >= slot_count)
      return {};
    const auto& g = groups_[static_cast<std::size_t>(group_index_[group])];
    const auto list = g.list_of[s.value];
    return {g.members.data() + g.begin[list],
            g.begin[list + 1u] - g.begin[list]};
  }

  /// All that the config says of a slot: q, reps, next, drain. Null for an
  /// unknown group. O(1).
  const slot_assignment* assignment(std::uint16_t group,
                                    slot_id s) const noexcept;

  /// True if `m` is in reps or next of the slot (protocol 2: its members).
  bool is_member_of(std::uint16_t group, slot_id s, member_id m) const noexcept;

  /// Slots of which `m` is a member, in order. O(slots).
  std::vector<slot_id> slots_of(std::uint16_t group, member_id m) const;

  /// Neighbouring slots with equal replicas merged. O(slots).
  std::vector<slot_range> ranges(std::uint16_t group) const;

  // -- keyspaces --------------------------------------------------------------

  /// Null if the incarnation is unknown or dropped. O(1).
  const keyspace_info* keyspace(incarnation inc) const noexcept {
    for (auto i = place_of(inc);; ++i) {
      const auto* ks = by_incarnation_[i & (by_incarnation_.size() - 1)];
      if (ks == nullptr || ks->inc == inc)
        return ks;
    }
  }
  /// Null if no keyspace has this number. O(1).
  const keyspace_info* keyspace_by_db(std::uint32_t db) const noexcept {
    return db < by_db_.size() ? by_db_[db] : nullptr;
  }
  /// Null if no keyspace has this name. O(1).
  const keyspace_info* keyspace_by_name(std::string_view name) const;

  /// True if the incarnation existed and is gone for ever; false also for one
  /// that this config does not know yet.
  bool dropped(incarnation inc) const noexcept {
    return inc < config_->next_incarnation && keyspace(inc) == nullptr;
  }

  // -- members ----------------------------------------------------------------

  /// Null if there is none. O(log n).
  const member_info* member(member_id m) const noexcept {
    return config_->member(m);
  }

private:
  /// Replica lists of a group: each distinct one once, so that the whole stays
  /// in the cache.
  struct flat_group {
    const placement_group* source = nullptr;
    std::vector<std::uint16_t> list_of; ///< Per slot.
    std::vector<std::uint32_t> begin;   ///< Per list; one more at the end.
    std::vector<member_id> members;
  };

  static flat_group flatten(const placement_group& g);

  std::size_t place_of(incarnation inc) const noexcept {
    return std::size_t{inc.value} * 0x9E3779B1u >> 8;
  }

  config_ptr config_;
  std::vector<flat_group> groups_;
  /// By group id: index into groups_, or -1.
  std::array<std::int8_t, config_limits::groups_max> group_index_;
  /// Open addressing; a power of two and never full.
  std::vector<const keyspace_info*> by_incarnation_;
  std::vector<const keyspace_info*> by_db_;
  std::unordered_map<std::string_view, const keyspace_info*> by_name_;
};

using view_ptr = std::shared_ptr<const cluster_view>;

} // namespace torc
