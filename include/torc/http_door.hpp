#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>

#include "torc/core/error.hpp"
#include "torc/core/metrics.hpp"
#include "torc/node_options.hpp"

namespace torc {

/// What the HTTP door shows. Called on any of the door's loops, so at once by
/// several; each answers within a millisecond.
struct http_sources {
  /// Why this process should be restarted; empty: healthy. `/healthz`
  std::function<std::string()> unhealthy;
  /// Why no clients should be sent here now; empty: ready. `/readyz`
  std::function<std::string()> unready;
  /// Prometheus text. `/metrics`
  std::function<std::string()> metrics;
};

struct http_options {
  socket_address listen; ///< An empty host is 127.0.0.1, port 0 any free one.
  std::vector<boost::asio::io_context*> loops; ///< They outlive the door.
  std::size_t connections_max = 256;
  std::chrono::milliseconds idle_timeout{60'000};    ///< Between two requests.
  std::chrono::milliseconds request_timeout{10'000}; ///< From its first byte.
  std::chrono::milliseconds write_timeout{30'000};   ///< For one whole answer.
};

/// HTTP/1.1 with keep-alive: GET and HEAD of `/healthz`, `/readyz` (200 or 503
/// with the reason) and `/metrics`. A header above 16 KiB, a body, another
/// method or path is refused with the status that says so; what is not HTTP
/// gets 400 and an end. A session holds at most 16 KiB of input and one answer.
class http_door {
public:
  static constexpr std::size_t header_bytes_max = 16 * 1024;

  /// Errors as `socket_dealer::open`.
  static result<std::unique_ptr<http_door>> open(http_options options,
                                                 http_sources sources);
  /// Stops, if nobody did.
  ~http_door();

  http_door(const http_door&) = delete;
  http_door& operator=(const http_door&) = delete;

  /// Closes the door and all its connections; the sources are not called any
  /// more when it returns. REQUIRES: the loops run, and this thread is none of
  /// them.
  void stop();

  /// The address it listens on, with the port it got.
  const socket_address& address() const noexcept;

  /// Connections and answers by path and status, for `metrics_registry`.
  void collect(metrics_page& page) const;

private:
  struct state;
  explicit http_door(std::unique_ptr<state> s);

  std::unique_ptr<state> state_;
};

} // namespace torc
