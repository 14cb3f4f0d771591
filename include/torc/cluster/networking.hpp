#pragma once

#include <chrono>
#include <cstddef>

#include <caf/fwd.hpp>

namespace torc {

/// How an actor system talks to other processes. The same on all members.
struct networking_options {
  /// A connection on which nothing was sent for so long carries a heartbeat.
  /// Well above the round trip to the farthest member: the first messages of a
  /// connection must fit in between two heartbeats.
  std::chrono::milliseconds heartbeat_interval{500};
  /// A peer that was silent for so long is given up. Several intervals.
  std::chrono::milliseconds connection_timeout{4000};
  /// Threads of the scheduler, for actors that live on no loop.
  std::size_t scheduler_threads = 1;
};

/// Loads the network layer into a configuration and sets what it needs. Call
/// before the actor system is made, after nothing else. Nothing listens until
/// `cluster_links::start`.
///
/// Every system gets a random node id: the default one, of MAC addresses and
/// process id, repeats in containers and after a restart there.
void configure_networking(caf::actor_system_config& cfg,
                          const networking_options& options = {});

} // namespace torc
