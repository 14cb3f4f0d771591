#pragma once

#include <memory>
#include <vector>

#include "torc/messages/interfaces.hpp"
#include "torc/storage_node.hpp"

namespace torc {

/// What the synchronizer of a node is given.
struct synchronizer_options {
  member_id self;
  wall_clock wall;
  std::uint64_t seed = 0;            ///< For the jitter.
  unix_ms compare_every_ms = 30'000; ///< Plus or minus a fifth.
  std::shared_ptr<const cluster_view> view;
  std::shared_ptr<sync_counters> counters;
};

/// Spawns the actor that compares this node's slots with each peer's and has
/// the shards push what differs. One per node, in the scheduler.
synchronizer_actor spawn_synchronizer(caf::actor_system& sys,
                                      synchronizer_options options);

} // namespace torc
