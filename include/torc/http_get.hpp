#pragma once

#include <string>
#include <string_view>

#include "torc/tcp_stream.hpp"

namespace torc {

struct http_answer {
  int status = 0; ///< 100 to 599.
  std::string body;
};

/// Asks an HTTP server for a path, for one plain thread. Only answers that
/// state their length are understood, as all of the HTTP door do. Errors:
/// `errc::timeout` past the deadline, `errc::io_error` where the connection
/// fails, `errc::corrupt` for what is not such an answer or has more than
/// 4 MiB.
result<http_answer> http_get(const socket_address& server,
                             std::string_view path, tcp_stream::deadline until);

} // namespace torc
