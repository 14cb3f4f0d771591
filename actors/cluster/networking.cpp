#include "torc/cluster/networking.hpp"

#include <string>
#include <vector>

#include <caf/actor_system_config.hpp>
#include <caf/atom.hpp>
#include <caf/io/middleman.hpp>
#include <caf/timespan.hpp>

#include "actors/cluster/random_node_id.hpp"
#include "torc/core/assert.hpp"

namespace torc {

void configure_networking(caf::actor_system_config& cfg,
                          const networking_options& options) {
  TORC_ASSERT(options.heartbeat_interval.count() > 0);
  TORC_ASSERT(options.connection_timeout > 2 * options.heartbeat_interval);
  cfg.load<caf::io::middleman>();
  cfg.load<caf::net::middleman>();
  // Work stealing lets idle threads sleep between looks, which messages from
  // other threads wait for.
  cfg.set("scheduler.policy", caf::atom("sharing"));
  cfg.set("scheduler.max-threads", options.scheduler_threads);
  // Messages are decoded where they are read: a thread less to go through.
  cfg.set("middleman.workers", std::size_t{0});
  // Nobody connects or publishes but through the door.
  cfg.set("middleman.attach-utility-actors", true);
  cfg.set("middleman.enable-automatic-connections", false);
  cfg.set("middleman.heartbeat-interval",
          caf::timespan{options.heartbeat_interval});
  cfg.set("middleman.connection-timeout",
          caf::timespan{options.connection_timeout});
  cfg.set("middleman.app-identifiers", std::vector<std::string>{"torc"});
}

} // namespace torc
