#pragma once

#include <cstdint>
#include <vector>

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/catch.hpp"

namespace torc::test {

inline bool is_free(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  REQUIRE(fd >= 0);
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  a.sin_port = htons(port);
  const bool bound = ::bind(fd, reinterpret_cast<sockaddr*>(&a), sizeof a) == 0;
  ::close(fd);
  return bound;
}

/// Different ports that were free a moment ago, on the loopback. Below those
/// that the kernel gives to outgoing connections, which other tests make
/// meanwhile, and above those of the tests in Python.
inline std::vector<std::uint16_t> free_ports(std::size_t n) {
  constexpr int first = 22'000;
  constexpr int count = 10'000;
  static int next = ::getpid() % 1000 * 137;
  std::vector<std::uint16_t> out;
  for (int tried = 0; out.size() < n; ++tried) {
    REQUIRE(tried < count);
    const auto port = static_cast<std::uint16_t>(first + next++ % count);
    if (is_free(port))
      out.push_back(port);
  }
  return out;
}

} // namespace torc::test
