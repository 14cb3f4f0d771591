#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "torc/core/config_register.hpp"
#include "torc/core/error.hpp"
#include "torc/core/metrics.hpp"
#include "torc/core/types.hpp"
#include "torc/messages/admin.hpp"
#include "torc/storage_node.hpp"

namespace caf {
class actor_system;
}

namespace torc {

class cluster_view;
class engine;

/// What a ring manager counts.
struct ring_manager_counters {
  counter epoch;           ///< Of the config that the node works with.
  counter changes;         ///< Done through this member.
  counter changes_failed;  ///< Surely not done.
  counter changes_unknown; ///< May or may not have been done.
  counter changes_waiting; ///< Now.
  counter peers_up;        ///< Other members that can be sent to.
  counter configs_fetched;
  counter beats_received;
  counter skewed_beats;    ///< Whose sender's clock was too far off.
  counter skew_ms_max;     ///< Largest difference seen at the last beats.
  counter refused_letters; ///< Malformed, or from who is no member.
};

/// The actors of this node that a config is for.
struct local_roles {
  std::vector<storage_node_actor> shards;
  synchronizer_actor synchronizer;
};

/// What a ring manager is given.
struct ring_manager_options {
  member_id self;
  register_state state; ///< What is durable; from `load_register_state`.
  register_options times;
  wall_clock wall;
  std::uint64_t seed = 0;    ///< For back-offs.
  unix_ms max_skew_ms = 500; ///< Until a config says another.
  committer_actor committer;

  /// Called once, in the actor, with the first config, which is durable by
  /// then: spawns the other actors of the node.
  std::function<local_roles(std::shared_ptr<const cluster_view>)> start_roles;
  /// Called in the actor with each config, durable by then, before the roles
  /// hear of it. Must not block.
  std::function<void(std::shared_ptr<const cluster_view>)> on_view;
  /// Called in the actor when a peer's link goes up or down.
  std::function<void(member_id, bool up)> on_peer;

  std::shared_ptr<ring_manager_counters> counters;
};

/// Changes that wait for the one that runs; one more is refused.
inline constexpr std::size_t changes_waiting_max = 64;

/// Key in `column::meta` under which the register's state is durable.
std::string register_state_key();

/// The register's state as an engine holds it; nothing in a new one.
/// `errc::corrupt`: this member may have forgotten a promise.
result<std::optional<register_state>> load_register_state(const engine& disk);

/// Makes the state of a new cluster's first founder durable. Blocks.
result<void> store_register_state(engine& disk, const register_state& state);

/// Spawns the actor that keeps the cluster's config: this member's part of the
/// register (protocol 9), heartbeats, and who is connected. Its port is what a
/// member publishes to its peers.
ring_manager_actor spawn_ring_manager(caf::actor_system& sys,
                                      ring_manager_options options);

} // namespace torc
