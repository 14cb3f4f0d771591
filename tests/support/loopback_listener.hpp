#pragma once

#include <cstdint>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/catch.hpp"

namespace torc::test {

/// Holds a free port of the loopback and listens there, as long as it lives.
class loopback_listener {
public:
  explicit loopback_listener(int backlog)
    : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    auto raw = reinterpret_cast<sockaddr*>(&address);
    REQUIRE(::bind(fd_, raw, size) == 0);
    REQUIRE(::listen(fd_, backlog) == 0);
    REQUIRE(::getsockname(fd_, raw, &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~loopback_listener() { ::close(fd_); }

  loopback_listener(const loopback_listener&) = delete;
  loopback_listener& operator=(const loopback_listener&) = delete;

  int descriptor() const noexcept { return fd_; }
  std::uint16_t port() const noexcept { return port_; }

private:
  int fd_;
  std::uint16_t port_ = 0;
};

} // namespace torc::test
