#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "torc/core/limits.hpp"
#include "torc/core/types.hpp"
#include "torc/counters.hpp"
#include "torc/engine/engine.hpp"
#include "torc/messages/interfaces.hpp"
#include "torc/wall_clock.hpp"

namespace caf {
class actor_system;
}

namespace torc {

class cluster_view;
class event_loop;

/// What one shard of a storage node is given.
struct storage_node_options {
  member_id self;
  std::uint16_t shard = 0;
  std::uint16_t shards = 1;
  std::unique_ptr<engine> memory;               ///< This shard's own.
  std::shared_ptr<engine> disk;                 ///< The node's.
  std::shared_ptr<const engine_snapshot> start; ///< The disk at the start.
  committer_actor committer;
  std::vector<loader_actor> loaders;
  synchronizer_actor synchronizer;
  hlc_time ceiling; ///< Largest durable ceiling of the node.
  unix_ms max_skew_ms = 500;
  std::size_t memory_bytes_max = 0; ///< Share of this shard; 0: unbounded.
  /// Durable entries of the disk engine that this shard keeps at hand.
  std::size_t entry_cache_bytes = 32 * limits::mib;
  wall_clock wall;
  std::shared_ptr<shard_counters> counters;
  std::shared_ptr<const cluster_view> view;
};

/// What the committer is given.
struct committer_options {
  std::shared_ptr<engine> disk;
  std::function<sync_policy()> sync; ///< The cluster's current policy.
  std::shared_ptr<commit_counters> counters;
  /// Where the disk's figures go once a second; null: nobody wants them.
  std::shared_ptr<disk_counters> figures = nullptr;
};

/// Key in `column::meta` under which a shard's clock ceiling is durable.
std::string ceiling_key(std::uint16_t shard);

/// Spawns one shard, resident on `loop`, or as an ordinary actor if null.
storage_node_actor spawn_storage_node(caf::actor_system& sys, event_loop* loop,
                                      storage_node_options options);

/// Spawns the one actor that writes to the disk engine. `threaded`: on a thread
/// of its own (production); else an ordinary actor (simulation).
committer_actor spawn_committer(caf::actor_system& sys, bool threaded,
                                committer_options options);

/// Spawns an actor that reads what is not in the cache.
loader_actor spawn_loader(caf::actor_system& sys, bool threaded,
                          std::shared_ptr<engine> disk);

} // namespace torc
