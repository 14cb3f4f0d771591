#pragma once

#include "torc/cluster/cluster_links.hpp"
#include "torc/messages/admin.hpp"

namespace caf {
class actor_system;
}

namespace torc {

/// Spawns the actor that hears of links and tells a ring manager of peers.
link_listener spawn_link_relay(caf::actor_system& sys, ring_manager_actor to);

} // namespace torc
