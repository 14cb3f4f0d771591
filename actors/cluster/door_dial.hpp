#pragma once

#include <chrono>
#include <functional>
#include <memory>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "actors/cluster/name_resolver.hpp"

namespace torc {

/// One attempt to reach an address: resolves it, then tries what it stands for
/// in turn, each with its share of the time left. Lives on the door's thread
/// and holds itself alive until it has ended.
class door_dial : public std::enable_shared_from_this<door_dial> {
public:
  using tcp = boost::asio::ip::tcp;
  using clock = std::chrono::steady_clock;
  /// The end, once: a connected socket, or why not.
  using done = std::function<void(result<tcp::socket>)>;

  door_dial(boost::asio::io_context& io, name_resolver& resolver, done f);

  void start(const socket_address& to, std::chrono::milliseconds timeout);
  void abort(error why);

private:
  void connect_next();
  void on_timer();
  void end(result<tcp::socket> outcome);

  name_resolver& resolver_;
  tcp::socket socket_;
  boost::asio::steady_timer timer_;
  done done_;
  clock::time_point deadline_;
  endpoints endpoints_;
  std::size_t next_ = 0;
  error last_{errc::io_error, "it has no address"};
};

} // namespace torc
