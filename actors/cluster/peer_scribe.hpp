#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/network/stream_impl.hpp>
#include <caf/io/scribe.hpp>

#include "actors/cluster/connections.hpp"

namespace torc {

/// What the door hands to CAF: a connection that is authenticated already.
/// Like CAF's own, but it names the member instead of asking the socket, counts
/// as open while it lives, and is closed when the peer does not take what is
/// sent to it. Lives in the multiplexer's thread from `configure_read` on.
template <class Policy>
class peer_scribe : public caf::io::scribe {
public:
  /// Owns `fd`. `lease` is released before that is closed; `given_up` is
  /// called if it is this end that gives the connection up.
  template <class... Ts>
  peer_scribe(caf::io::network::multiplexer& mpx, int fd, std::string peer,
              connections::lease lease, std::size_t unsent_bytes_max,
              std::function<void()> given_up, Ts&&... policy_arguments)
    : scribe(caf::io::network::conn_hdl_from_socket(fd)),
      peer_(std::move(peer)), unsent_bytes_max_(unsent_bytes_max),
      given_up_(std::move(given_up)), fd_(fd),
      stream_(static_cast<caf::io::network::default_multiplexer&>(mpx), fd,
              std::forward<Ts>(policy_arguments)...),
      lease_(std::move(lease)) {}

  void configure_read(caf::io::receive_policy::config config) override {
    stream_.configure_read(config);
    if (!std::exchange(launched_, true))
      stream_.start(this);
  }

  /// Called after every message.
  void flush() override {
    stream_.flush(this);
    if (stream_.wr_buf().size() <= unsent_bytes_max_)
      return;
    // The event loop sees the end of the connection and takes it down; until
    // then nothing more is kept.
    stream_.wr_buf().clear();
    if (!given_up_)
      return;
    ::shutdown(fd_, SHUT_RDWR);
    std::exchange(given_up_, nullptr)();
  }

  /// The network layer knows this connection no more. What is left of it ends
  /// when the peer closes its side, and that may not happen: another connection
  /// need not wait for it.
  void graceful_shutdown() override {
    lease_.reset();
    stream_.graceful_shutdown();
    detach(&stream_.backend(), false);
  }

  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  std::string addr() const override { return peer_; }
  uint16_t port() const override { return 0; }
  void add_to_loop() override { stream_.activate(this); }
  void remove_from_loop() override { stream_.passivate(); }

private:
  std::string peer_;
  std::size_t unsent_bytes_max_;
  std::function<void()> given_up_; ///< Null: that has happened.
  int fd_;
  bool launched_ = false;
  caf::io::network::stream_impl<Policy> stream_; ///< Closes `fd_`.
  connections::lease lease_;
};

} // namespace torc
