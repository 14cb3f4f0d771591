#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "torc/core/error.hpp"
#include "torc/core/placement.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// Names a cluster for ever; drawn at random by whoever founds it.
struct cluster_id {
  std::array<std::uint8_t, 16> bytes{};

  friend constexpr auto operator<=>(const cluster_id&,
                                    const cluster_id&) = default;
};

/// 32 hexadecimal digits.
std::string to_string(const cluster_id& id);

enum class member_state : std::uint8_t { active = 0, leaving = 1 };

/// A member as the config knows it.
struct member_info {
  member_id id;
  std::string name;
  std::string door; ///< "host:port" of the cluster door.
  std::string resp; ///< What clients are told.
  std::string http;
  std::string zone;
  std::uint32_t weight = 100; ///< Hundredths.
  member_state state = member_state::active;

  friend bool operator==(const member_info&, const member_info&) = default;
};

/// Who holds a slot (protocol 9). Many slots share one; kept once.
struct slot_assignment {
  epoch q; ///< Placement epoch: of the last change to reps or next.
  std::vector<member_id> reps;
  std::vector<member_id> next;
  std::vector<member_id> drain;

  friend auto operator<=>(const slot_assignment&,
                          const slot_assignment&) = default;
};

/// One placement per replication factor and zone rule.
struct placement_group {
  std::uint16_t id = 0;
  std::uint16_t replicas = 3; ///< Asked for; fewer members hold fewer.
  std::vector<slot_assignment> assignments; ///< Distinct ones.
  std::vector<std::uint32_t> slots;         ///< Per slot: index into it.

  const slot_assignment& at(slot_id s) const {
    return assignments[slots[s.value]];
  }
  friend bool operator==(const placement_group&,
                         const placement_group&) = default;
};

/// A named set of keys.
struct keyspace_info {
  std::string name;
  std::uint32_t db = 0;
  incarnation inc;
  std::uint16_t group = 0; ///< Id of its placement group.
  std::uint16_t replicas = 3;
  consistency default_level = consistency::eventual;
  std::uint64_t default_ttl_ms = 0;
  engine_kind engine = engine_kind::rocksdb;
  conflict_policy policy = conflict_policy::lww;
  keyspace_mode mode = keyspace_mode::mixed;

  friend bool operator==(const keyspace_info&, const keyspace_info&) = default;
};

/// The one replicated value: who is a member, who holds what, which keyspaces
/// there are (protocol 9). Changed only by the functions of config_change.hpp,
/// each of which adds one to the epoch.
struct cluster_config {
  torc::epoch epoch;
  cluster_id id;
  std::vector<member_info> members; ///< By id.
  std::vector<member_id> lost;
  std::vector<member_id> voters;
  std::vector<member_id> voters_next; ///< Not empty while voters change.
  std::vector<placement_group> groups;
  std::vector<keyspace_info> keyspaces; ///< By db.
  incarnation next_incarnation{1};
  sync_policy sync = sync_policy::always;
  std::uint32_t virtual_nodes = limits::virtual_nodes_default;
  unix_ms max_skew_ms = 500;
  hlc_time hlc;
  /// Digest of the ordered list of founders; members compare it when they meet.
  std::uint64_t founders_digest = 0;

  const member_info* member(member_id id) const;
  const keyspace_info* keyspace(std::string_view name) const;

  friend bool operator==(const cluster_config&,
                         const cluster_config&) = default;
};

/// Stored and wire form: version byte, fields, checksum (docs/formats.md).
std::string encode_config(const cluster_config& c);

/// Every count is bounded before anything is allocated for it.
/// `errc::corrupt` says what is wrong.
result<cluster_config> decode_config(std::string_view bytes);

/// True for 1 to `bytes_max` bytes of [A-Za-z0-9_.-].
bool valid_name(std::string_view name, std::size_t bytes_max) noexcept;

} // namespace torc
