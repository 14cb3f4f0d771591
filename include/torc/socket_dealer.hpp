#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "torc/core/error.hpp"
#include "torc/core/metrics.hpp"
#include "torc/node_options.hpp"

namespace torc {

/// One place among the connections of a door, given back when it goes.
class connection_place {
public:
  connection_place() = default;
  explicit connection_place(std::shared_ptr<std::atomic<std::size_t>> open)
    : open_(std::move(open)) {}
  ~connection_place() { reset(); }

  connection_place(connection_place&& other) noexcept = default;
  connection_place& operator=(connection_place&& other) noexcept {
    if (this != &other) {
      reset();
      open_ = std::move(other.open_);
    }
    return *this;
  }

  void reset() noexcept {
    if (open_)
      open_->fetch_sub(1, std::memory_order_relaxed);
    open_.reset();
  }

private:
  std::shared_ptr<std::atomic<std::size_t>> open_;
};

/// What a dealer counts. Written by its first loop.
struct dealer_counters {
  counter accepted;
  counter refused;        ///< Above the bound.
  counter out_of_sockets; ///< Times it waited for descriptors or memory.
};

struct dealer_options {
  std::string name;      ///< Of the door, for errors and logs: "RESP".
  socket_address listen; ///< An empty host is 127.0.0.1, port 0 any free one.
  std::size_t connections_max = 10'000;
  /// Sent to who comes above the bound, then the connection is closed.
  std::string refusal;
  /// Who gets the sockets; the first one also accepts. They outlive the dealer.
  std::vector<boost::asio::io_context*> loops;
  /// Begins a session, on the thread of `loops[loop]`. The socket belongs to
  /// that loop, does not block, and sends without delay (TCP_NODELAY).
  std::function<void(boost::asio::ip::tcp::socket, connection_place,
                     std::size_t loop)>
    start;
};

/// The one acceptor of a door: takes connections and deals them to loops in
/// turn. When the process is out of descriptors or memory it waits a tenth of
/// a second before it tries again; who is not accepted waits in the kernel's
/// queue.
class socket_dealer {
public:
  /// Begins to listen. Resolves a host name, which may block. Another process
  /// on the port: `errc::already_exists`; an address that is none or not of
  /// this machine: `errc::invalid_argument`; both say which.
  static result<std::unique_ptr<socket_dealer>> open(dealer_options options);
  /// Stops, if nobody did.
  ~socket_dealer();

  socket_dealer(const socket_dealer&) = delete;
  socket_dealer& operator=(const socket_dealer&) = delete;

  /// Closes the door. After it `start` is called for no connection that was
  /// not handed to its loop before: what is posted to a loop now comes after
  /// the last one. REQUIRES: the loops run, and this thread is none of them.
  void stop();

  /// The address it listens on, with the port it got.
  const socket_address& address() const noexcept;
  std::size_t open_connections() const noexcept;
  void set_connections_max(std::size_t n) noexcept;
  const dealer_counters& counters() const noexcept;
  /// For `metrics_registry`; `door` is the label that tells doors apart.
  void collect(metrics_page& page, std::string_view door) const;

private:
  struct state;
  explicit socket_dealer(std::shared_ptr<state> s);

  std::shared_ptr<state> state_;
};

} // namespace torc
