#include "torc/tcp_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace torc {

namespace {

constexpr std::size_t receive_bytes = 256 * 1024;

error io_failure(std::string_view what, int number) {
  return {errc::io_error, fmt::format("{}: {}", what, std::strerror(number))};
}

int milliseconds_left(tcp_stream::deadline until) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(
    until - tcp_stream::clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
}

} // namespace

tcp_stream::tcp_stream(tcp_stream&& other) noexcept
  : fd_(std::exchange(other.fd_, -1)) {}

tcp_stream& tcp_stream::operator=(tcp_stream&& other) noexcept {
  std::swap(fd_, other.fd_);
  other.close();
  return *this;
}

tcp_stream::~tcp_stream() {
  close();
}

void tcp_stream::close() noexcept {
  if (fd_ >= 0)
    ::close(std::exchange(fd_, -1));
}

result<short> tcp_stream::wait(short events, deadline until) {
  for (;;) {
    pollfd one{fd_, events, 0};
    auto n = ::poll(&one, 1, milliseconds_left(until));
    if (n > 0)
      return one.revents;
    if (n == 0)
      return {errc::timeout, "no answer within the time allowed"};
    if (errno != EINTR)
      return io_failure("poll", errno);
  }
}

result<tcp_stream> tcp_stream::connect(const socket_address& to,
                                       deadline until) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  auto port = std::to_string(to.port);
  if (auto e = ::getaddrinfo(to.host.c_str(), port.c_str(), &hints, &list))
    return {errc::io_error,
            fmt::format("cannot resolve '{}': {}", to.host, ::gai_strerror(e))};
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owner{list,
                                                             &::freeaddrinfo};
  auto failure = error{errc::io_error, "no address"};
  for (auto a = list; a != nullptr; a = a->ai_next) {
    tcp_stream s{::socket(a->ai_family,
                          a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC,
                          a->ai_protocol)};
    if (!s.is_open()) {
      failure = io_failure("socket", errno);
      continue;
    }
    if (::connect(s.fd_, a->ai_addr, a->ai_addrlen) != 0) {
      auto number = errno;
      if (number == EINPROGRESS) {
        auto ready = s.wait(POLLOUT, until);
        if (!ready) {
          failure = std::move(ready).error();
          continue;
        }
        socklen_t size = sizeof(number);
        ::getsockopt(s.fd_, SOL_SOCKET, SO_ERROR, &number, &size);
      }
      if (number != 0) {
        failure = io_failure("connect", number);
        continue;
      }
    }
    int on = 1;
    ::setsockopt(s.fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return s;
  }
  failure.message = fmt::format("{}: {}", to_string(to), failure.message);
  return failure;
}

/// Takes what the kernel has, without waiting.
result<void> tcp_stream::take(std::string& received) {
  auto before = received.size();
  received.resize(before + receive_bytes);
  auto n = ::recv(fd_, received.data() + before, receive_bytes, 0);
  auto number = errno;
  received.resize(before + static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
  if (n > 0)
    return {};
  if (n == 0)
    return {errc::io_error, "the other side closed the connection"};
  if (number == EAGAIN || number == EINTR)
    return {};
  return io_failure("receive", number);
}

result<void> tcp_stream::send(std::string_view bytes, std::string& received,
                              deadline until) {
  while (!bytes.empty()) {
    auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(n));
      continue;
    }
    if (errno == EINTR)
      continue;
    if (errno != EAGAIN)
      return io_failure("send", errno);
    short events = POLLOUT;
    if (received.size() < received_bytes_max)
      events |= POLLIN;
    auto ready = wait(events, until);
    if (!ready)
      return std::move(ready).error();
    if ((*ready & POLLIN) != 0)
      if (auto ok = take(received); !ok)
        return ok;
  }
  return {};
}

result<void> tcp_stream::receive(std::string& received, deadline until) {
  auto before = received.size();
  while (received.size() == before) {
    if (auto ready = wait(POLLIN, until); !ready)
      return std::move(ready).error();
    if (auto ok = take(received); !ok)
      return ok;
  }
  return {};
}

} // namespace torc
