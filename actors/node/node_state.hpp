#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include "actors/node/data_directory.hpp"
#include "actors/node/resp_door.hpp"
#include "torc/cluster/cluster_links.hpp"
#include "torc/http_door.hpp"
#include "torc/loop.hpp"
#include "torc/node.hpp"
#include "torc/node_actors.hpp"
#include "torc/wall_clock.hpp"

namespace torc {

/// An actor system of a node's own.
struct own_system {
  struct config : caf::actor_system_config {
    config() { configure_node_system(*this); }
  };
  config cfg;
  caf::actor_system system{cfg};
};

/// The parts of a node, in the order in which they come up.
struct node::state {
  state(node_options o, data_directory d)
    : options(std::move(o)), data(std::move(d)), started_ms(system_wall()) {}

  node_options options;
  data_directory data;
  const unix_ms started_ms;
  std::uint64_t digest = 0;

  std::unique_ptr<own_system> owned; ///< Null: another's is used.
  caf::actor_system* system = nullptr;
  std::vector<std::unique_ptr<event_loop>> loops;
  std::unique_ptr<node_actors> actors;
  link_listener relay;
  std::unique_ptr<resp_door> resp;
  std::unique_ptr<http_door> http;
  /// For the loops of these doors.
  std::atomic<const resp_door*> resp_started{nullptr};
  std::atomic<const http_door*> http_started{nullptr};
  metrics_registry metrics;

  mutable std::mutex mutex; // guards what follows
  std::shared_ptr<const cluster_members> members;
  cluster_links links;
  bool linked = false;
  std::string failure; ///< The first one.
  std::atomic<bool> stopping{false};

  result<void> start(const std::function<bool()>& interrupted);
  result<void> open_doors();
  result<void> open_links();
  void on_view(const std::shared_ptr<const cluster_view>& v);
  void on_failure(std::string what);
  std::string first_failure() const;
  hello greeting() const;
  std::string unready() const;
  node_figures figures() const;
  std::vector<event_loop*> loop_pointers() const;
  void stop();
};

} // namespace torc
