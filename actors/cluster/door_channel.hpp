#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/ip/tcp.hpp>

#include "actors/cluster/openssl_handles.hpp"
#include "actors/cluster/tls_context.hpp"
#include "torc/core/error.hpp"

namespace torc {

/// The bytes of one connection until the network layer takes it over: whole
/// writes and exact reads, so that nothing that follows is taken out of the
/// socket, first plain, then TLS if wanted. Used from one thread, one call at a
/// time; the function given is called once, perhaps before the call returns,
/// and keeps the channel alive.
///
/// Bound: a connection that sends more than `received_bytes_max` in all ends
/// with `errc::corrupt`.
class door_channel {
public:
  using tcp = boost::asio::ip::tcp;
  using read_done = std::function<void(result<std::string_view>)>;
  using write_done = std::function<void(result<void>)>;

  static constexpr std::size_t received_bytes_max = 40 * 1024;

  explicit door_channel(tcp::socket socket) : socket_(std::move(socket)) {}

  tcp::socket& socket() noexcept { return socket_; }

  /// Options for a connection between members; not blocking from here on.
  result<void> prepare();

  /// The view given is valid until the next call.
  void read(std::size_t bytes, read_done f);
  void write(std::string bytes, write_done f);

  /// TLS from here on.
  void handshake(SSL_CTX* context, tls::role r, write_done f);

  /// Empty without TLS.
  std::vector<std::string> names() const {
    return tls_ ? tls::peer_names(tls_.get()) : std::vector<std::string>{};
  }

  /// Sends what has been written and the end, then waits for the peer's end,
  /// so that it reads what was sent: closing with bytes unread would cut that
  /// off. At most as long as nobody calls `close`.
  void finish(std::function<void()> f);

  /// Calls under way fail.
  void close();

  /// Gives up socket and TLS session, to whoever goes on with them.
  int release_socket() { return socket_.release(); }
  tls::owned<SSL> release_tls() { return std::move(tls_); }

private:
  void read_tls(std::size_t have, read_done f);
  void write_tls(std::size_t sent, write_done f);
  void shake(write_done f);
  void discard(std::function<void()> f);

  /// Waits for what TLS waits for, then calls `again`; else `fail`.
  template <class Again, class Fail>
  void wait_tls(int returned, Again again, Fail fail);

  tcp::socket socket_;
  tls::owned<SSL> tls_;
  std::string in_;
  std::string out_;
  std::size_t received_bytes_ = 0;
};

} // namespace torc
