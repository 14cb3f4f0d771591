#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <caf/actor.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/io/scribe.hpp>

#include "actors/cluster/connections.hpp"
#include "actors/cluster/door_dial.hpp"
#include "actors/cluster/door_session.hpp"
#include "actors/cluster/name_resolver.hpp"
#include "actors/cluster/refusal_log.hpp"

namespace torc {

struct door_options {
  socket_address listen;
  door_context context;
  std::size_t pending_max = 0;
  std::size_t unsent_bytes_max = 0;
  caf::strong_actor_ptr published; ///< What who comes in gets to see first.
  std::set<std::string> published_signatures;
  std::function<void(log_level, std::string)> log;
  /// A member came in, or knocked. On the door's thread, before the network
  /// layer hears of it.
  std::function<void(member_id, std::shared_ptr<const hello>)> came_in;
};

/// The one place where connections between members begin: a listener, and a
/// thread that authenticates both who comes in and whom this node dials. Only
/// then does the network layer get to see a socket.
///
/// Of two members the one with the lower id makes the connection. The other one
/// can only knock: it authenticates, which tells the lower one that it is
/// there, and that is all. So there is one connection at a time, and its end is
/// seen by both sides.
///
/// A stranger costs a place among `pending_max` for `timeout` at most, or until
/// a newer connection wants it: members need milliseconds.
class door {
public:
  struct dialled {
    caf::io::scribe_ptr scribe; ///< Null: it was a knock.
    std::shared_ptr<const hello> greeting;
  };
  using dial_done = std::function<void(result<dialled>)>;

  door(caf::actor_system& sys, door_options options);
  ~door(); ///< Closes.

  door(const door&) = delete;
  door& operator=(const door&) = delete;

  /// Begins to listen. Once. `errc::io_error` says why it cannot.
  result<void> open();

  std::uint16_t port() const noexcept { return port_; }

  /// Connects to a member and authenticates. `f` is called once, on the door's
  /// thread, within twice the timeout. Thread-safe. REQUIRES: not closed.
  void dial(cluster_member peer, dial_done f);

  /// Ends the connection with a member if there is one. Thread-safe.
  bool cut(member_id peer) { return connections_.cut(peer); }

  /// Ends all that is under way and the thread. Connections handed over live
  /// on. Idempotent.
  void close();

  std::size_t pending() const noexcept { return pending_count_; }
  std::size_t open_connections() const { return connections_.size(); }

private:
  using tcp = boost::asio::ip::tcp;

  void accept();
  void admit_socket(tcp::socket socket);
  void on_accepted(std::uint64_t id, door_session& s,
                   result<admitted_peer> outcome);
  void on_connected(std::uint64_t id, const cluster_member& peer,
                    result<tcp::socket> outcome);
  /// Null: there is a connection with this member already.
  caf::io::scribe_ptr make_scribe(door_session& s, const admitted_peer& peer);
  bool is_knock(member_id from, member_id to) const { return from > to; }
  void log_refusal(const door_session& s, const error& why);
  void abort_all();

  caf::actor_system& sys_;
  door_options options_;
  caf::actor network_; ///< The broker that speaks the network layer's protocol.
  connections connections_;
  std::atomic<std::size_t> pending_count_{0};
  std::uint16_t port_ = 0;

  // -- used on the door's thread only
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
    work_{io_.get_executor()};
  name_resolver resolver_{io_};
  tcp::acceptor acceptor_{io_};
  boost::asio::steady_timer retry_{io_};
  refusal_log strangers_refused_;
  refusal_log members_refused_; ///< Apart: strangers must not hide these.
  std::uint64_t next_id_ = 0;
  std::map<std::uint64_t, std::shared_ptr<door_session>> pending_; ///< By age.
  struct dialling {
    cluster_member peer;
    dial_done done;
    std::shared_ptr<door_dial> dial;       ///< First this,
    std::shared_ptr<door_session> session; ///< then this.
  };
  std::map<std::uint64_t, dialling> dials_;

  std::thread thread_;
};

} // namespace torc
