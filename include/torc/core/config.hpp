#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/error.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// Bounds of a config. `check_config` refuses what is beyond.
namespace config_limits {
inline constexpr std::size_t address_bytes_max = 272; ///< Host name and port.
inline constexpr std::size_t zone_bytes_max = 64;
inline constexpr std::size_t lost_max = 65536;
inline constexpr std::size_t voters_max = 9;
/// Placement groups: one per replication factor and zone rule. Their ids are
/// below this.
inline constexpr std::size_t groups_max = 2 * limits::replicas_max;
/// Changes that a config remembers.
inline constexpr std::size_t changes_max = 32;
/// Ballots above would leave no room for later ones.
inline constexpr std::uint64_t round_max = std::uint64_t{1} << 62;
inline constexpr std::uint32_t weight_max = 10'000; ///< Hundredths.
inline constexpr std::uint32_t virtual_nodes_max = 10'000;
/// Tokens of all members together.
inline constexpr std::uint64_t tokens_max = 4'000'000;
inline constexpr std::uint64_t ttl_ms_max = 3'155'760'000'000; ///< 100 years.
inline constexpr unix_ms skew_ms_max = 3'600'000;
} // namespace config_limits

/// Names a cluster for ever; drawn at random by whoever founds it. All zero:
/// not known yet.
struct cluster_id {
  std::array<std::uint8_t, 16> bytes{};

  friend constexpr auto operator<=>(const cluster_id&,
                                    const cluster_id&) = default;
};

/// 32 hexadecimal digits, lower case.
std::string to_string(const cluster_id& id);

/// Reads what `to_string` gives, upper case too; nothing if it is no such text.
std::optional<cluster_id> parse_cluster_id(std::string_view hex);

enum class member_state : std::uint8_t { active = 0, leaving = 1 };

/// A member as the config knows it.
struct member_info {
  member_id id;
  std::string name;           ///< As in its certificate; see `valid_name`.
  std::string door;           ///< "host:port" of the cluster door.
  std::string resp;           ///< What clients are told; may be empty.
  std::string http;           ///< May be empty.
  std::string zone;           ///< Failure domain; equal texts, one domain.
  std::uint32_t weight = 100; ///< Hundredths.
  member_state state = member_state::active;

  friend bool operator==(const member_info&, const member_info&) = default;
};

/// Who holds a slot (protocol 9). Many slots share one; kept once.
struct slot_assignment {
  epoch q; ///< Placement epoch: of the last change to reps or next.
  std::vector<member_id> reps;  ///< Preferred first.
  std::vector<member_id> next;  ///< Not empty while a move is under way.
  std::vector<member_id> drain; ///< Ex-replicas that have not handed over.

  friend auto operator<=>(const slot_assignment&,
                          const slot_assignment&) = default;
};

/// How a placement group treats zones.
enum class zone_rule : std::uint8_t { spread = 0, ignore = 1 };

/// One placement per replication factor and zone rule.
struct placement_group {
  std::uint16_t id = 0;       ///< Below `config_limits::groups_max`.
  std::uint16_t replicas = 3; ///< Asked for; fewer members hold fewer.
  zone_rule zones = zone_rule::spread;
  std::vector<slot_assignment> assignments; ///< Distinct ones.
  std::vector<std::uint16_t> slots;         ///< Per slot: index into it.

  const slot_assignment& at(slot_id s) const {
    return assignments[slots[s.value]];
  }
  friend bool operator==(const placement_group&,
                         const placement_group&) = default;
};

/// A named set of keys.
struct keyspace_info {
  std::string name;
  std::uint32_t db = 0; ///< Below `limits::keyspaces_max`.
  incarnation inc;
  std::uint16_t group = 0;    ///< Id of its placement group.
  std::uint16_t replicas = 3; ///< As its group's.
  consistency default_level = consistency::eventual;
  std::uint64_t default_ttl_ms = 0; ///< 0: none.
  engine_kind engine = engine_kind::rocksdb;
  conflict_policy policy = conflict_policy::lww;
  keyspace_mode mode = keyspace_mode::mixed;

  friend bool operator==(const keyspace_info&, const keyspace_info&) = default;
};

/// Orders proposals of the config register: higher rounds win, members break
/// ties. {0, 0} is below all that are ever drawn.
struct config_ballot {
  std::uint64_t round = 0;
  member_id member;

  friend constexpr auto operator<=>(const config_ballot&,
                                    const config_ballot&) = default;
};

/// The one replicated value: who is a member, who holds what, which keyspaces
/// there are (protocol 9). Changed only by functions like those of
/// config_change.hpp, each of which adds one to the epoch, and chosen by the
/// register of config_register.hpp.
struct cluster_config {
  torc::epoch epoch;
  cluster_id id;
  std::vector<member_info> members;   ///< By id.
  std::vector<member_id> lost;        ///< By id; never members again.
  std::vector<member_id> voters;      ///< By id.
  std::vector<member_id> voters_next; ///< Not empty while voters change.
  /// Voters of the config that this one was made from: while it is a proposal,
  /// their quorums count and not its own (V2). Set by the register.
  std::vector<member_id> parent_voters;
  std::vector<member_id> parent_voters_next;
  /// What made this epoch, what made the one before, ...: how a proposer finds
  /// out whether its change came through. Set by the register.
  std::vector<config_ballot> changes;
  std::vector<placement_group> groups;  ///< By id.
  std::vector<keyspace_info> keyspaces; ///< By db.
  incarnation next_incarnation{1};
  sync_policy sync = sync_policy::always;
  std::uint32_t virtual_nodes = limits::virtual_nodes_default;
  unix_ms max_skew_ms = 500;
  /// Every member's clock passes this before it works with the config.
  hlc_time hlc;
  /// Digest of the ordered list of founders; members compare it when they meet.
  std::uint64_t founders_digest = 0;

  /// Null if there is none. O(log n).
  const member_info* member(member_id id) const;
  /// Null if there is none. O(n).
  const keyspace_info* keyspace(std::string_view name) const;
  const placement_group* group(std::uint16_t id) const;
  bool is_lost(member_id id) const;

  friend bool operator==(const cluster_config&,
                         const cluster_config&) = default;
};

using config_ptr = std::shared_ptr<const cluster_config>;

/// Whether all that the rest of Torc takes for granted holds: order, bounds,
/// and that every name and id means something. `errc::invalid_argument` says
/// what does not. O(size).
result<void> check_config(const cluster_config& c);

/// True for 1 to `bytes_max` bytes of [A-Za-z0-9_.-].
bool valid_name(std::string_view name, std::size_t bytes_max) noexcept;

} // namespace torc
