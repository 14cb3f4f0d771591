// Clients in programs that embed a node.
#include "torc/local_client.hpp"
#include "torc/node.hpp"
#include "torc/node_actors.hpp"
#include "torc/wall_clock.hpp"

namespace torc {

client_actor spawn_local_client(node& beside) {
  local_client_options o;
  o.self = beside.self();
  o.ring_manager = beside.actors().ring_manager();
  o.wall = system_wall;
  return spawn_local_client(beside.system(), nullptr, std::move(o));
}

} // namespace torc
