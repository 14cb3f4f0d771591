#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace torc::http {

/// The head of one request, as far as the door needs it.
struct request {
  std::string method; ///< As sent: methods are case-sensitive.
  std::string path;   ///< Of the target, without authority and query.
  bool keep_alive = true;
  bool has_body = false; ///< A length above zero, or chunks.
};

/// Reads requests from bytes that arrive in pieces. Holds no copy of them:
/// whoever feeds keeps what was not consumed and feeds it again with more
/// behind it. Hostile bytes end in a status, never in more memory than the
/// bound of the head.
class request_parser {
public:
  enum class progress : std::uint8_t { need_more, done, refused };

  struct outcome {
    progress state = progress::need_more;
    std::size_t consumed = 0;
    unsigned status = 0; ///< Refused with this: 400, 431 or 505.
  };

  explicit request_parser(std::size_t head_bytes_max);
  ~request_parser();
  request_parser(request_parser&&) noexcept;
  request_parser& operator=(request_parser&&) noexcept;

  /// REQUIRES: the last outcome was `need_more`, or there is none yet.
  outcome feed(std::string_view bytes);

  /// REQUIRES: the last outcome was `done`.
  const request& value() const noexcept;

  /// Begins the next request.
  void reset();

private:
  class machine;

  std::size_t head_bytes_max_;
  std::unique_ptr<machine> machine_;
};

/// The path of a request's target: of "/a?b" and "http://host/a" it is "/a".
/// Empty: the target is none ("*" has no path either).
std::string_view path_of(std::string_view target) noexcept;

} // namespace torc::http
