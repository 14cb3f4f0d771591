#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "torc/core/config.hpp"
#include "torc/core/error.hpp"
#include "torc/node_options.hpp"

namespace caf {
class actor_system;
class actor_system_config;
} // namespace caf

namespace torc {

class cluster_view;
class node_actors;

/// Prepares an actor system for a node: its network layer and all messages.
/// For programs that give `node::start` a system of their own; they may add
/// their messages, under names of their own, before or after. Members of one
/// cluster register the same types.
void configure_node_system(caf::actor_system_config& cfg);

/// One member of a cluster, in this process: data directory, actors, doors.
///
/// A program may run several, each with its own directory and doors. Threads:
/// one per loop, and a few for disk and network. Thread-safe.
class node {
public:
  /// Opens the directory and the doors and begins to meet the others; returns
  /// before they are met (`wait_ready`).
  ///
  /// `system` is used if it is not null: configured by `configure_node_system`,
  /// alive until the node is gone, and with no other node in it. Else the node
  /// makes its own.
  ///
  /// Errors, each with a message that says what to do: `invalid_argument` (the
  /// settings, or a door that cannot be opened), `locked` (another process has
  /// the directory), `refused` (the directory belongs to another member or
  /// cluster, or the founders differ from those it was made with), `corrupt`,
  /// `disk_full`, `io_error`.
  ///
  /// It may have to wait until the clock passes the last stamps that an earlier
  /// life issued. Meanwhile `interrupted`, if there is one, is asked every few
  /// milliseconds; true: it gives up with `timeout`.
  static result<std::unique_ptr<node>>
  start(node_options options, caf::actor_system* system = nullptr,
        std::function<bool()> interrupted = {});
  /// Stops, if nobody did.
  ~node();

  node(const node&) = delete;
  node& operator=(const node&) = delete;

  /// Closes the doors, ends the actors, syncs and closes the disk: within a few
  /// seconds. Idempotent. Not from one of the node's own threads.
  void stop();

  const node_options& options() const noexcept;
  member_id self() const noexcept;
  /// Where the doors listen, with the ports they got.
  socket_address door_address() const;
  socket_address resp_address() const;
  socket_address http_address() const;

  caf::actor_system& system() noexcept;
  node_actors& actors() noexcept;
  /// Null until a config is known.
  std::shared_ptr<const cluster_view> view() const;

  /// Why this node cannot go on and should be restarted; empty: it is fine.
  std::string failure() const;
  /// Why clients should not come here now; empty: ready.
  std::string unready() const;
  /// Waits until the node is ready; false if it is not within the time.
  bool wait_ready(std::chrono::milliseconds timeout) const;

private:
  struct state;
  explicit node(std::unique_ptr<state> s);

  std::unique_ptr<state> state_;
};

/// Runs a node until SIGINT or SIGTERM: what `torc node` does. Errors go to
/// stderr in one line. Returns the process's exit code: 0 after a clean end, 2
/// if the settings are wrong, 1 for all else.
int run_node(const node_options& options);

} // namespace torc
