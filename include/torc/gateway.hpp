#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <boost/asio/ip/tcp.hpp>

#include "torc/gateway_shared.hpp"
#include "torc/messages/admin.hpp"
#include "torc/socket_dealer.hpp"
#include "torc/wall_clock.hpp"

/// The RESP door: Redis clients talk to any node, which carries their commands
/// to the replicas.
namespace caf {
class actor_system;
}

namespace torc {

class event_loop;

/// What one gateway is given.
struct gateway_options {
  member_id self;
  std::uint16_t loop = 0; ///< Index into `shared->counters`.
  wall_clock wall;
  std::uint64_t seed = 0;
  unix_ms max_skew_ms = 500;
  std::shared_ptr<gateway_shared> shared;
  /// Tells of configs and peers, takes changes. Null: the actor is told by
  /// messages, and changes are refused.
  ring_manager_actor ring_manager;
};

/// A gateway: answers to operations, and what goes on in the cluster.
using gateway_actor = gateway_port::extend<
  caf::reacts_to<local::view_update>, caf::reacts_to<local::peer_up>,
  caf::reacts_to<local::peer_down>, caf::reacts_to<local::shards_started>,
  caf::reacts_to<flush_atom>, caf::reacts_to<tick_atom>>;

namespace gateway {
class door;
class line_session;
} // namespace gateway

/// A connection without a socket: for tests and simulations. Its calls belong
/// to the gateway's thread.
class gateway_line {
public:
  gateway_line(std::shared_ptr<gateway::line_session> s);
  ~gateway_line();
  gateway_line(gateway_line&&) noexcept;
  gateway_line& operator=(gateway_line&&) noexcept;

  /// Bytes as a client would send them.
  void send(std::string_view bytes);
  /// All output since the last call.
  std::string take();
  /// False: the gateway closed it.
  bool open() const;
  void close();

private:
  std::shared_ptr<gateway::line_session> session_;
};

/// The sessions of one loop and the actor among them. Copies mean the same one.
class gateway_handle {
public:
  gateway_handle() = default;
  gateway_handle(gateway_actor a, std::shared_ptr<gateway::door> d);

  const gateway_actor& actor() const noexcept { return actor_; }
  /// Begins a session. On the loop's thread: as `dealer_options::start`. After
  /// the actor's end the socket is closed.
  void accept(boost::asio::ip::tcp::socket socket,
              connection_place place) const;
  /// A session without a socket.
  gateway_line open_line(std::string address = "127.0.0.1:0") const;

private:
  gateway_actor actor_;
  std::shared_ptr<gateway::door> door_;
};

/// Spawns a gateway on a loop; null: an ordinary actor, without sockets. It
/// ends by an exit message, which closes its connections. Sockets of the loop
/// are gone before the loop stops if the actor ended before.
gateway_handle spawn_gateway(caf::actor_system& sys, event_loop* loop,
                             gateway_options options);

} // namespace torc
