#pragma once

#include <ctime>
#include <string>
#include <string_view>

namespace torc::http {

/// What answers a request.
struct response {
  unsigned status = 200;
  std::string body;
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string_view allow = {}; ///< With 405: the methods that work.
};

/// The phrase that goes with a status: "Not Found".
std::string_view reason_of(unsigned status) noexcept;

/// A time as HTTP writes it: "Sun, 06 Nov 1994 08:49:37 GMT".
std::string http_date(std::time_t at);

/// The bytes of an answer. `head_only` leaves out the body, and says its length
/// as without it.
std::string render(const response& r, bool head_only, bool keep_alive,
                   std::time_t now);

} // namespace torc::http
