#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
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

/// What the shards of a node together fetched of their memory keyspaces.
/// Thread-safe.
class memory_starts {
public:
  explicit memory_starts(std::uint16_t shards) : shards_(shards) {}

  /// One shard is ready. Gives the records of all shards if it is the last.
  std::optional<std::uint64_t> ready(incarnation inc, std::uint64_t received);

private:
  struct progress {
    std::uint16_t shards = 0;
    std::uint64_t received = 0;
  };

  const std::uint16_t shards_;
  std::mutex mutex_; // guards what follows
  std::map<incarnation, progress> under_way_;
};

/// What one shard of a storage node is given.
struct storage_node_options {
  member_id self;
  std::uint16_t shard = 0;
  std::uint16_t shards = 1;
  std::unique_ptr<engine> memory;               ///< This shard's own.
  std::shared_ptr<engine> disk;                 ///< The node's.
  std::shared_ptr<const engine_snapshot> start; ///< The disk at the start.
  committer_actor committer;
  /// The last one walks over what is stored, the others read single keys; one
  /// alone does both.
  std::vector<loader_actor> loaders;
  synchronizer_actor synchronizer;
  hlc_time ceiling; ///< Largest durable ceiling of the node.
  unix_ms max_skew_ms = 500;
  std::size_t memory_bytes_max = 0; ///< Share of this shard; 0: unbounded.
  /// Durable entries of the disk engine that this shard keeps at hand.
  std::size_t entry_cache_bytes = 32 * limits::mib;
  wall_clock wall;
  std::shared_ptr<shard_counters> counters;
  std::shared_ptr<memory_starts> starts; ///< The node's; null: one shard.
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
