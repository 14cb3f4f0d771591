#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "torc/core/config_change.hpp"
#include "torc/core/error.hpp"
#include "torc/core/limits.hpp"
#include "torc/counters.hpp"
#include "torc/engine/engine.hpp"
#include "torc/gateway.hpp"
#include "torc/messages/admin.hpp"
#include "torc/ring_manager.hpp"
#include "torc/storage_node.hpp"

namespace caf {
class actor_system;
}

namespace torc {

class cluster_view;
class event_loop;

/// What the actors of one member are made of: everything that differs between
/// a process of its own and a simulation.
struct node_environment {
  member_id self;
  std::string name;
  wall_clock wall;
  std::uint64_t seed = 0; ///< All randomness of the actors comes from it.

  /// The node's disk: the data of `rocksdb` keyspaces, clock ceilings, config.
  std::shared_ptr<engine> disk;
  /// Makes the engine of a shard's memory keyspaces.
  std::function<std::unique_ptr<engine>()> make_memory;
  std::size_t memory_bytes_max = 0; ///< Of the node; 0: unbounded.
  /// Durable entries of the disk that the shards keep at hand, together.
  std::size_t entry_cache_bytes = 64 * limits::mib;

  /// One shard and one gateway live on each. Empty: ordinary actors of the
  /// system's scheduler, `shards` of them.
  std::vector<event_loop*> loops;
  std::uint16_t shards = 1; ///< Without loops.
  /// Disk work on threads of its own; else everything is an ordinary actor, as
  /// a deterministic scheduler needs it.
  bool threaded = false;
  /// Reads of the disk under way at once: of single keys but for one walk.
  std::size_t loaders = 3;

  /// If the disk holds no config yet: founds the cluster with it. Only the
  /// first founder does; the others wait until they meet somebody who has one.
  std::optional<founding> found;
  register_options register_times;
  unix_ms max_skew_ms = 500; ///< Until a config says another.
  unix_ms compare_every_ms = 30'000;

  /// As in ring_manager_options; may be empty.
  std::function<void(std::shared_ptr<const cluster_view>)> on_view;
  std::function<void(member_id, bool up)> on_peer;
  /// Called once per actor that ended without being told to: the node cannot
  /// go on. From any thread; may be empty.
  std::function<void(std::string what)> on_failure;
};

/// What a node's actors count, by role.
struct node_counters {
  std::vector<std::shared_ptr<shard_counters>> shards;
  std::shared_ptr<commit_counters> commits;
  std::shared_ptr<disk_counters> disk; ///< All 0 in a simulation.
  std::shared_ptr<sync_counters> comparisons;
  std::shared_ptr<ring_manager_counters> ring;
};

/// All actors of one member but its doors and links: committer, loaders, ring
/// manager at once; shards and synchronizer when a config is known. Real nodes
/// and simulations run the same ones.
///
/// Members meet when each one's ring manager is told of the other's: send it
/// `local::peer_up{member, its port, nullptr}` (the port may be a proxy that
/// delays, drops and encodes), and `local::peer_down` when they lose each
/// other. A peer's other roles are learnt by asking its ring manager.
///
/// Thread-safe.
class node_actors {
public:
  /// Reads what the disk holds and spawns. `errc::corrupt`: the stored config
  /// or a clock ceiling is damaged; `errc::io_error`.
  static result<std::unique_ptr<node_actors>> start(caf::actor_system& sys,
                                                    node_environment env);
  /// Stops, if nobody did.
  ~node_actors();

  node_actors(const node_actors&) = delete;
  node_actors& operator=(const node_actors&) = delete;

  member_id self() const noexcept;
  const ring_manager_actor& ring_manager() const noexcept;
  /// Null until a config is known.
  std::shared_ptr<const cluster_view> view() const;
  /// Null until a config is known; then it stays the same.
  std::shared_ptr<const local_roles> roles() const;
  std::uint16_t shards() const noexcept;
  const node_counters& counters() const noexcept;

  /// Ends all actors: ring manager, synchronizer, shards, then, when all that
  /// these wrote is durable, committer and loaders. Threaded: waits for it, a
  /// few seconds at most. Else only tells them: they end when the scheduler
  /// runs. Idempotent.
  void stop();

private:
  struct state;
  explicit node_actors(std::unique_ptr<state> s);

  std::unique_ptr<state> state_;
};

/// The largest clock ceiling that a disk holds (D5): a member sends nothing
/// before its wall clock reached it. `errc::corrupt`.
result<hlc_time> durable_ceiling(const engine& disk);

} // namespace torc
