#include "actors/io/http_response.hpp"

#include <iterator>

#include <fmt/format.h>

namespace torc::http {

std::string_view reason_of(unsigned status) noexcept {
  switch (status) {
  case 200: return "OK";
  case 400: return "Bad Request";
  case 404: return "Not Found";
  case 405: return "Method Not Allowed";
  case 408: return "Request Timeout";
  case 413: return "Payload Too Large";
  case 431: return "Request Header Fields Too Large";
  case 500: return "Internal Server Error";
  case 503: return "Service Unavailable";
  case 505: return "HTTP Version Not Supported";
  default: return "Unknown";
  }
}

std::string http_date(std::time_t at) {
  static constexpr const char* days[] = {"Sun", "Mon", "Tue", "Wed",
                                         "Thu", "Fri", "Sat"};
  static constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr",
                                           "May", "Jun", "Jul", "Aug",
                                           "Sep", "Oct", "Nov", "Dec"};
  std::tm t{};
  ::gmtime_r(&at, &t);
  return fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     days[t.tm_wday], t.tm_mday, months[t.tm_mon],
                     t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
}

std::string render(const response& r, bool head_only, bool keep_alive,
                   std::time_t now) {
  std::string out;
  out.reserve(256 + r.body.size());
  auto to = std::back_inserter(out);
  fmt::format_to(to,
                 "HTTP/1.1 {} {}\r\nDate: {}\r\nServer: torc\r\n"
                 "Content-Type: {}\r\nContent-Length: {}\r\n"
                 "Cache-Control: no-store\r\n"
                 "X-Content-Type-Options: nosniff\r\n",
                 r.status, reason_of(r.status), http_date(now), r.content_type,
                 r.body.size());
  if (!r.allow.empty())
    fmt::format_to(to, "Allow: {}\r\n", r.allow);
  out.append(keep_alive ? "Connection: keep-alive\r\n\r\n"
                        : "Connection: close\r\n\r\n");
  if (!head_only)
    out.append(r.body);
  return out;
}

} // namespace torc::http
