#include "torc/core/resp.hpp"

#include <cstring>

#include "actors/core/hex_digit.hpp"

namespace torc {
namespace {

bool is_space(char c) noexcept {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/// Reads one escape after a backslash within double quotes.
char unescape(std::string_view& in) noexcept {
  const char c = in.front();
  if (c == 'x' && in.size() >= 3 && hex_digit(in[1]) >= 0
      && hex_digit(in[2]) >= 0) {
    const auto v = hex_digit(in[1]) * 16 + hex_digit(in[2]);
    in.remove_prefix(3);
    return static_cast<char>(v);
  }
  in.remove_prefix(1);
  switch (c) {
  case 'n': return '\n';
  case 'r': return '\r';
  case 't': return '\t';
  case 'b': return '\b';
  case 'a': return '\a';
  default: return c;
  }
}

/// Appends one argument of an inline command; false: quotes do not balance.
bool read_argument(std::string_view& in, std::string& out) {
  char quote = 0;
  while (!in.empty()) {
    const char c = in.front();
    if (quote == 0) {
      if (is_space(c))
        return true;
      in.remove_prefix(1);
      if (c == '"' || c == '\'')
        quote = c;
      else
        out.push_back(c);
      continue;
    }
    in.remove_prefix(1);
    if (c == quote)
      return in.empty() || is_space(in.front());
    if (c == '\\' && !in.empty() && (quote == '"' || in.front() == '\'')) {
      if (quote == '"') {
        out.push_back(unescape(in));
      } else {
        out.push_back('\'');
        in.remove_prefix(1);
      }
    } else {
      out.push_back(c);
    }
  }
  return quote == 0;
}

} // namespace

parse_status resp_request_parser::fail(std::string text) {
  error_ = std::move(text);
  return parse_status::error;
}

parse_status resp_request_parser::next(std::string_view input,
                                       std::size_t& consumed,
                                       request_view& out) {
  consumed = 0;
  out.argv.clear();
  wanted_ = 0;
  if (input.empty())
    return parse_status::incomplete;
  const auto status = input.front() == '*' ? parse_array(input, consumed, out)
                                           : parse_inline(input, consumed, out);
  if (status == parse_status::complete)
    reset();
  return status;
}

parse_status resp_request_parser::read_length(std::string_view input,
                                              std::int64_t& value) {
  auto i = position_ + 1;
  const auto size = input.size();
  const bool negative = i < size && input[i] == '-';
  if (negative)
    ++i;
  const auto first = i;
  std::int64_t v = 0;
  while (i < size && input[i] >= '0' && input[i] <= '9' && i - first < 18)
    v = v * 10 + (input[i++] - '0');
  if (i >= size || (input[i] == '\r' && i + 1 >= size))
    return parse_status::incomplete;
  if (i == first || input[i] != '\r' || input[i + 1] != '\n')
    return parse_status::error;
  value = negative ? -v : v;
  position_ = i + 2;
  return parse_status::complete;
}

parse_status resp_request_parser::parse_array(std::string_view input,
                                              std::size_t& consumed,
                                              request_view& out) {
  if (elements_left_ < 0) {
    std::int64_t n = 0;
    const auto s = read_length(input, n);
    if (s == parse_status::incomplete)
      return s;
    if (s == parse_status::error
        || n > static_cast<std::int64_t>(limits_.elements))
      return fail("Protocol error: invalid multibulk length");
    elements_left_ = n > 0 ? n : 0;
  }
  while (elements_left_ > 0) {
    if (position_ >= input.size())
      return parse_status::incomplete;
    if (input[position_] != '$')
      return fail(std::string{"Protocol error: expected '$', got '"}
                  + input[position_] + "'");
    const auto line = position_;
    std::int64_t n = 0;
    const auto s = read_length(input, n);
    if (s == parse_status::incomplete)
      return s;
    if (s == parse_status::error || n < 0
        || n > static_cast<std::int64_t>(limits_.bulk_bytes))
      return fail("Protocol error: invalid bulk length");
    const auto size = static_cast<std::size_t>(n);
    if (position_ + size > limits_.command_bytes)
      return fail("Protocol error: command too large");
    if (position_ + size + 2 > input.size()) {
      wanted_ = position_ + size + 2;
      position_ = line; // the short line is read again, the bytes are not
      return parse_status::incomplete;
    }
    if (input[position_ + size] != '\r' || input[position_ + size + 1] != '\n')
      return fail("Protocol error: expected CRLF after a bulk string");
    spans_.push_back({position_, size});
    position_ += size + 2;
    --elements_left_;
  }
  out.argv.reserve(spans_.size());
  for (const auto& s : spans_)
    out.argv.push_back(input.substr(s.offset, s.size));
  consumed = position_;
  return parse_status::complete;
}

parse_status resp_request_parser::parse_inline(std::string_view input,
                                               std::size_t& consumed,
                                               request_view& out) {
  const auto* end = static_cast<const char*>(
    std::memchr(input.data() + position_, '\n', input.size() - position_));
  if (end == nullptr) {
    position_ = input.size();
    if (input.size() > limits_.inline_bytes)
      return fail("Protocol error: too big inline request");
    return parse_status::incomplete;
  }
  const auto length = static_cast<std::size_t>(end - input.data());
  if (length > limits_.inline_bytes)
    return fail("Protocol error: too big inline request");
  auto line = input.substr(0, length);
  if (!line.empty() && line.back() == '\r')
    line.remove_suffix(1);
  unquoted_.clear();
  while (true) {
    while (!line.empty() && is_space(line.front()))
      line.remove_prefix(1);
    if (line.empty())
      break;
    const auto begin = unquoted_.size();
    if (!read_argument(line, unquoted_))
      return fail("Protocol error: unbalanced quotes in request");
    spans_.push_back({begin, unquoted_.size() - begin});
  }
  for (const auto& s : spans_)
    out.argv.push_back(std::string_view{unquoted_}.substr(s.offset, s.size));
  consumed = length + 1;
  return parse_status::complete;
}

} // namespace torc
