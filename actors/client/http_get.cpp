// One request of HTTP/1.1 (RFC 9112) and its answer.
#include "torc/http_get.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include <fmt/format.h>

#include "torc/core/limits.hpp"

namespace torc {
namespace {

constexpr std::size_t answer_bytes_max = 4 * limits::mib;
constexpr std::string_view http_version = "HTTP/1.";
constexpr std::string_view head_end = "\r\n\r\n";

template <class Number>
std::optional<Number> number_of(std::string_view digits) {
  Number n{};
  const auto end = digits.data() + digits.size();
  const auto [p, ec] = std::from_chars(digits.data(), end, n);
  if (digits.empty() || ec != std::errc{} || p != end)
    return std::nullopt;
  return n;
}

bool same_name(std::string_view a, std::string_view b) {
  const auto lower = [](char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [&](char x, char y) { return lower(x) == lower(y); });
}

/// The number of the header Content-Length; nothing if there is none.
std::optional<std::size_t> content_length(std::string_view head) {
  while (!head.empty()) {
    const auto line = head.substr(0, head.find("\r\n"));
    head.remove_prefix(std::min(line.size() + 2, head.size()));
    const auto colon = line.find(':');
    if (colon == std::string_view::npos
        || !same_name(line.substr(0, colon), "content-length"))
      continue;
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(" \t"), value.size()));
    return number_of<std::size_t>(value);
  }
  return std::nullopt;
}

/// 0 if the head does not begin with a status line of HTTP/1.x.
int status_of(std::string_view head) {
  // "HTTP/1.1 200"
  if (head.size() < http_version.size() + 5 || head.rfind(http_version, 0) != 0
      || head[http_version.size() + 1] != ' ')
    return 0;
  const auto status = number_of<int>(head.substr(http_version.size() + 2, 3));
  return status && *status >= 100 && *status <= 599 ? *status : 0;
}

} // namespace

result<http_answer> http_get(const socket_address& server,
                             std::string_view path,
                             tcp_stream::deadline until) {
  auto stream = tcp_stream::connect(server, until);
  if (!stream)
    return std::move(stream).error();
  std::string reply;
  const auto request = fmt::format("GET {} HTTP/1.1\r\nHost: {}\r\n"
                                   "Connection: close\r\n\r\n",
                                   path, to_string(server));
  if (auto ok = stream->send(request, reply, until); !ok)
    return std::move(ok).error();
  const auto strange = [&] {
    return error{
      errc::corrupt,
      fmt::format("{} gives no answer of HTTP that states its length "
                  "and has at most {} bytes",
                  to_string(server), answer_bytes_max)};
  };
  std::size_t head_bytes = reply.find(head_end);
  while (head_bytes == std::string::npos) {
    if (reply.size() > answer_bytes_max
        || reply.compare(0, http_version.size(), http_version, 0, reply.size())
             != 0)
      return strange();
    if (auto ok = stream->receive(reply, until); !ok)
      return std::move(ok).error();
    head_bytes = reply.find(head_end);
  }
  const auto head = std::string_view{reply}.substr(0, head_bytes);
  http_answer answer;
  answer.status = status_of(head);
  const auto body_bytes = content_length(head);
  if (answer.status == 0 || !body_bytes || *body_bytes > answer_bytes_max)
    return strange();
  const auto begin = head_bytes + head_end.size();
  while (reply.size() < begin + *body_bytes)
    if (auto ok = stream->receive(reply, until); !ok)
      return std::move(ok).error();
  answer.body = reply.substr(begin, *body_bytes);
  return answer;
}

} // namespace torc
