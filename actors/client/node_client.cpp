// Clients in programs that embed a node.
#include <chrono>

#include "torc/local_client.hpp"
#include "torc/node.hpp"
#include "torc/node_actors.hpp"

namespace torc {

client_actor spawn_local_client(node& beside) {
  local_client_options o;
  o.self = beside.self();
  o.ring_manager = beside.actors().ring_manager();
  o.wall = [] {
    return static_cast<unix_ms>(
      std::chrono::duration_cast<std::chrono::milliseconds>(
        std::chrono::system_clock::now().time_since_epoch())
        .count());
  };
  return spawn_local_client(beside.system(), nullptr, std::move(o));
}

} // namespace torc
