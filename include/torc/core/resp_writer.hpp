#pragma once

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace torc {

/// Appends replies to a buffer, in the client's version of the protocol: what
/// RESP2 lacks is written as Redis writes it there.
class resp_writer {
public:
  /// `protocol` is 2 or 3.
  resp_writer(std::string& out, int protocol) noexcept
    : out_(out), resp3_(protocol >= 3) {}

  /// Line breaks become blanks.
  void simple(std::string_view s) { line('+', s); }
  /// The text begins with an error word in capitals; line breaks become blanks.
  void error(std::string_view s) { line('-', s); }
  void integer(std::int64_t x) { number(':', x); }
  void bulk(std::string_view s) {
    number('$', static_cast<std::int64_t>(s.size()));
    out_.append(s).append("\r\n", 2);
  }
  void null() { out_.append(resp3_ ? "_\r\n" : "$-1\r\n"); }
  void null_array() { out_.append(resp3_ ? "_\r\n" : "*-1\r\n"); }
  void array(std::size_t n) { number('*', static_cast<std::int64_t>(n)); }
  /// `n` pairs follow.
  void map(std::size_t n) {
    if (resp3_)
      number('%', static_cast<std::int64_t>(n));
    else
      array(2 * n);
  }
  void set(std::size_t n) {
    number(resp3_ ? '~' : '*', static_cast<std::int64_t>(n));
  }
  void push(std::size_t n) {
    number(resp3_ ? '>' : '*', static_cast<std::int64_t>(n));
  }
  void boolean(bool b) {
    if (resp3_)
      out_.append(b ? "#t\r\n" : "#f\r\n");
    else
      integer(b ? 1 : 0);
  }
  void real(double x) {
    char b[32];
    const auto r = std::to_chars(b, b + sizeof b, x);
    const std::string_view s{b, static_cast<std::size_t>(r.ptr - b)};
    if (resp3_)
      line(',', s);
    else
      bulk(s);
  }
  /// Text for people: format `txt`.
  void verbatim(std::string_view s) {
    if (!resp3_)
      return bulk(s);
    number('=', static_cast<std::int64_t>(s.size() + 4));
    out_.append("txt:").append(s).append("\r\n");
  }

  bool resp3() const noexcept { return resp3_; }

private:
  void line(char type, std::string_view s) {
    out_.push_back(type);
    const auto at = out_.size();
    out_.append(s);
    for (auto i = at; i < out_.size(); ++i)
      if (out_[i] == '\r' || out_[i] == '\n')
        out_[i] = ' ';
    out_.append("\r\n", 2);
  }
  void number(char type, std::int64_t x) {
    char b[24];
    b[0] = type;
    const auto r = std::to_chars(b + 1, b + sizeof b - 2, x);
    r.ptr[0] = '\r';
    r.ptr[1] = '\n';
    out_.append(b, static_cast<std::size_t>(r.ptr + 2 - b));
  }

  std::string& out_;
  bool resp3_;
};

} // namespace torc
