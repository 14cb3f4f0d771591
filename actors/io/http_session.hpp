#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <unordered_set>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>

#include "actors/io/http_request.hpp"
#include "actors/io/http_response.hpp"
#include "torc/core/metrics.hpp"
#include "torc/socket_dealer.hpp"

namespace torc::http {

class session;

/// What answers a request that is whole and has no body.
using handler_fn = std::function<response(const request&)>;

struct session_options {
  std::size_t head_bytes_max;
  std::chrono::milliseconds idle_timeout;
  std::chrono::milliseconds request_timeout;
  std::chrono::milliseconds write_timeout;
};

/// The sessions of one loop. Its thread only, but for the counters.
class session_group : public std::enable_shared_from_this<session_group> {
public:
  /// The statuses that are counted each; others go into the last.
  static constexpr std::array<unsigned, 10> statuses{200, 400, 404, 405, 408,
                                                     413, 431, 500, 503, 0};

  session_group(session_options o, handler_fn handler)
    : options(o), handle(std::move(handler)) {}

  void start(boost::asio::ip::tcp::socket socket, connection_place place);
  /// Closes all; no handler is called any more.
  void close_all();

  void count(unsigned status) noexcept;
  std::uint64_t answers(std::size_t i) const noexcept {
    return answers_[i].get();
  }

  const session_options options;
  handler_fn handle; ///< Null: closed.

private:
  friend class session;

  std::unordered_set<session*> sessions_;
  std::array<counter, statuses.size()> answers_;
};

/// One connection. Reads heads, answers them in order, one at a time: what a
/// client sends ahead waits in the kernel, so it holds one buffer and one
/// answer. A deadline covers every wait.
class session : public std::enable_shared_from_this<session> {
public:
  session(std::shared_ptr<session_group> group,
          boost::asio::ip::tcp::socket socket, connection_place place);

  void start();
  /// Ends at once.
  void close();

private:
  using clock = std::chrono::steady_clock;

  ///   idle -> head -> writing -> idle | lingering -> closed
  enum class phase : std::uint8_t {
    idle,      ///< Between two requests.
    head,      ///< Some of a request is there.
    writing,   ///< An answer is under way.
    lingering, ///< The last answer is; what comes is discarded.
    closed,
  };

  void read();
  void on_read(std::size_t n);
  void process();
  void answer(const request& r);
  void refuse(unsigned status);
  void send(const response& r, bool head_only, bool keep_alive);
  void on_sent(bool keep_alive);
  void linger();
  void on_discard(std::size_t n);
  void allow(std::chrono::milliseconds time);
  void watch();
  void expire();

  std::shared_ptr<session_group> group_;
  boost::asio::ip::tcp::socket socket_;
  connection_place place_;
  boost::asio::steady_timer timer_;
  clock::time_point deadline_;
  request_parser parser_;
  std::string input_;     ///< As large as a head may be.
  std::size_t begin_ = 0; ///< What is not parsed yet.
  std::size_t end_ = 0;
  std::string output_;
  std::size_t discarded_ = 0;
  phase phase_ = phase::idle;
};

} // namespace torc::http
