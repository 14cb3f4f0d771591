#pragma once

#include <cstddef>

#include "torc/client.hpp"
#include "torc/messages/admin.hpp"
#include "torc/storage_node.hpp"

namespace torc {

class event_loop;
class node;

/// What a client actor that lives beside a node's actors is given.
struct local_client_options {
  member_id self;                  ///< The node.
  ring_manager_actor ring_manager; ///< Its; tells of the cluster.
  wall_clock wall;
  unix_ms max_skew_ms = 500;
  /// How long requests wait for the first config, and refused ones are tried
  /// elsewhere.
  unix_ms give_up_ms = 2'000;
  std::size_t operations_max = 200'000; ///< Above: `errc::try_again`.
};

/// Spawns a client actor that sends operations to shards itself, without RESP
/// in between: resident on `loop`, or an ordinary actor if null. It ends with
/// the ring manager.
client_actor spawn_local_client(caf::actor_system& sys, event_loop* loop,
                                local_client_options options);

/// The same beside a node of this process, in its actor system: how a program's
/// own actors use the cluster that they are a member of. Thread-safe.
client_actor spawn_local_client(node& beside);

} // namespace torc
