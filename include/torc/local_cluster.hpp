#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "torc/client.hpp"
#include "torc/core/config_change.hpp"
#include "torc/core/error.hpp"

namespace caf {
class actor_system;
class actor_system_config;
} // namespace caf

namespace torc {

/// What a cluster within one process is like.
struct local_cluster_options {
  std::size_t nodes = 3;
  /// Copies of each key; as many as there are nodes if these are fewer.
  std::uint16_t replicas = 3;
  engine_kind engine = engine_kind::memory;
  consistency level = consistency::eventual;
  std::chrono::milliseconds ttl{0}; ///< Of keys that name none; 0: they stay.
  sync_policy sync = sync_policy::always;
  /// Where everything is kept, to be found again by the next start; empty: in a
  /// temporary directory that goes with the cluster.
  std::string data_dir = {};
  /// Threads per node that run its shards.
  std::size_t loops = 1;
  std::size_t memory_bytes_max = 0; ///< Of each node; 0: unbounded.
  /// How long `start` waits until all keyspaces are ready on all nodes.
  std::chrono::milliseconds ready_timeout{30'000};
  /// Registers the messages of your own actors.
  std::function<void(caf::actor_system_config&)> configure = {};
};

/// A whole cluster in this process, without sockets: its nodes are actors of
/// one actor system and know each other by their handles.
///
///     auto cluster = torc::local_cluster::start();
///     auto c = cluster->client();          // or torc::client::connect({...})
///     c.put("greeting", "hello");
///
/// Movable. Thread-safe, except for the end.
class local_cluster {
public:
  /// Starts all nodes and waits until every one of them serves all keyspaces.
  /// Errors say what to do: `invalid_argument` (the options, or a directory of
  /// a cluster of another size), `locked` (another process has the directory),
  /// `corrupt`, `disk_full`, `io_error`, `timeout` (which node is not ready,
  /// and why; all has ended again).
  static result<local_cluster> start(local_cluster_options options = {});

  /// `stop`, waits for the actors of your own that live in `system()`, and
  /// removes a temporary directory. Not on a thread of the cluster's own.
  ~local_cluster();
  local_cluster(local_cluster&&) noexcept;
  local_cluster& operator=(local_cluster&&) noexcept;

  /// A client of its own session at one of the nodes. It may outlive the
  /// cluster: then its calls fail with `errc::no_replica`.
  torc::client client(std::size_t node = 0) const;
  /// The client actor of one of the nodes, for actors of `system()`.
  torc::client_actor client_actor(std::size_t node = 0) const;

  std::size_t size() const noexcept;
  /// Where your own actors may live. End them before the cluster: its end
  /// waits for them.
  caf::actor_system& system() noexcept;

  /// As `torc keyspace create`; returns when all nodes know it.
  /// `already_exists`, `invalid_argument`, `unknown_outcome`, `timeout` (it is
  /// made, and a node has not heard of it), `no_replica` (stopped).
  result<void> create_keyspace(keyspace_spec spec);

  /// Ends all actors and threads of all nodes, and closes their disks; what was
  /// acknowledged is there at the next start. Calls of clients that wait are
  /// answered with errors. Takes as long as the disk operations under way.
  /// Idempotent.
  void stop();

private:
  struct state;
  explicit local_cluster(std::shared_ptr<state> s);

  std::shared_ptr<state> state_;
};

} // namespace torc
