#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/loopback_listener.hpp"
#include "torc/core/resp.hpp"
#include "torc/node_options.hpp"

namespace torc::test {

/// A RESP server on a free port of the loopback that answers as a script says,
/// one connection after the other, in a thread of its own.
class scripted_server {
public:
  using argv = std::vector<std::string>;
  /// What a command is answered with, as RESP; `hang_up` closes the connection
  /// instead, an empty text answers nothing. Runs in the server's thread.
  using script = std::function<std::string(const argv& command)>;
  static constexpr auto hang_up = "hang up";

  explicit scripted_server(script answer) : answer_(std::move(answer)) {
    thread_ = std::thread{[this] { run(); }};
  }

  ~scripted_server() {
    stopping_ = true;
    thread_.join();
  }

  scripted_server(const scripted_server&) = delete;
  scripted_server& operator=(const scripted_server&) = delete;

  socket_address address() const { return {"127.0.0.1", listener_.port()}; }
  int connections() const { return connections_; }

private:
  static constexpr int step_ms = 10;

  bool readable(int fd) const {
    while (!stopping_) {
      pollfd one{fd, POLLIN, 0};
      if (::poll(&one, 1, step_ms) == 1)
        return true;
    }
    return false;
  }

  void run() {
    while (readable(listener_.descriptor())) {
      auto fd =
        ::accept4(listener_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
      ++connections_;
      serve(fd);
      ::close(fd);
    }
  }

  void serve(int fd) {
    resp_request_parser parser;
    request_view request;
    std::string input;
    char buffer[64 * 1024];
    while (readable(fd)) {
      auto n = ::recv(fd, buffer, sizeof(buffer), 0);
      if (n <= 0)
        return;
      input.append(buffer, static_cast<std::size_t>(n));
      std::size_t consumed = 0;
      while (parser.next(input, consumed, request) == parse_status::complete) {
        auto reply = answer_({request.argv.begin(), request.argv.end()});
        input.erase(0, consumed);
        if (reply == hang_up)
          return;
        if (!send_all(fd, reply))
          return;
      }
    }
  }

  static bool send_all(int fd, std::string_view bytes) {
    while (!bytes.empty()) {
      auto n = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  script answer_;
  loopback_listener listener_{16};
  std::atomic<bool> stopping_{false};
  std::atomic<int> connections_{0};
  std::thread thread_;
};

/// What a server says to HELLO 3.
inline std::string hello_reply() {
  return "%2\r\n$6\r\nserver\r\n$5\r\nredis\r\n$5\r\nproto\r\n:3\r\n";
}

} // namespace torc::test
