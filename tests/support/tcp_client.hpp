#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace torc::test {

/// A client that blocks, with a bound on every wait: a test that hangs fails.
class tcp_client {
public:
  static constexpr int patience_ms = 30'000;

  explicit tcp_client(std::uint16_t port) {
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0)
      close();
  }
  tcp_client(tcp_client&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  tcp_client& operator=(tcp_client&&) = delete;
  ~tcp_client() { close(); }

  bool connected() const noexcept { return fd_ >= 0; }
  int descriptor() const noexcept { return fd_; }

  /// False: the other side is gone.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  void shut_down_send() { ::shutdown(fd_, SHUT_WR); }

  /// Some bytes; empty at the end of the stream, after a reset and when it
  /// takes too long.
  std::string receive(std::size_t bytes_max = 65536) {
    pollfd p{fd_, POLLIN, 0};
    if (::poll(&p, 1, patience_ms) != 1) {
      timed_out_ = true;
      return {};
    }
    std::string bytes(bytes_max, '\0');
    const auto n = ::recv(fd_, bytes.data(), bytes.size(), 0);
    bytes.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return bytes;
  }

  /// Everything up to the end of the stream.
  std::string receive_all() {
    std::string all;
    for (;;) {
      const auto some = receive();
      if (some.empty())
        return all;
      all += some;
    }
  }

  bool timed_out() const noexcept { return timed_out_; }

  void close() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }

private:
  int fd_ = -1;
  bool timed_out_ = false;
};

} // namespace torc::test
