#include "torc/resp_value.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

namespace torc {

namespace {

using kind = resp_value::kind;

template <class T>
bool parse_number(std::string_view text, T& out) noexcept {
  auto end = text.data() + text.size();
  auto [p, ec] = std::from_chars(text.data(), end, out);
  return ec == std::errc{} && p == end && !text.empty();
}

struct error_word {
  std::string_view word;
  errc code;
};

constexpr std::array<error_word, 11> error_words{{
  {"TRYAGAIN", errc::try_again},
  {"CLUSTERDOWN", errc::no_replica},
  {"LOADING", errc::not_ready},
  {"MISCONF", errc::disk_full},
  {"OOM", errc::memory_limit},
  {"UNKNOWN", errc::unknown_outcome},
  {"NOTFOUND", errc::not_found},
  {"EXISTS", errc::already_exists},
  {"NOAUTH", errc::refused},
  {"WRONGPASS", errc::refused},
  {"NOPERM", errc::refused},
}};

} // namespace

error to_error(std::string_view error_reply) {
  auto word = error_reply.substr(0, error_reply.find(' '));
  auto found = std::find_if(error_words.begin(), error_words.end(),
                            [&](auto& w) { return w.word == word; });
  return {found == error_words.end() ? errc::invalid_argument : found->code,
          std::string{error_reply}};
}

const resp_value* resp_value::find(std::string_view key) const noexcept {
  if (type != kind::map && type != kind::array)
    return nullptr;
  for (std::size_t i = 0; i + 1 < items.size(); i += 2)
    if (items[i].is_text() && items[i].text == key)
      return &items[i + 1];
  return nullptr;
}

std::string_view
resp_value::text_of(std::string_view key,
                    std::string_view otherwise) const noexcept {
  auto v = find(key);
  return v != nullptr && v->is_text() ? std::string_view{v->text} : otherwise;
}

std::int64_t resp_value::integer_of(std::string_view key,
                                    std::int64_t otherwise) const noexcept {
  auto v = find(key);
  return v != nullptr && v->type == kind::integer ? v->integer : otherwise;
}

double resp_value::real_of(std::string_view key,
                           double otherwise) const noexcept {
  auto v = find(key);
  if (v == nullptr)
    return otherwise;
  if (v->type == kind::real)
    return v->real;
  if (v->type == kind::integer)
    return static_cast<double>(v->integer);
  // RESP2 writes a double as a string.
  double x = 0;
  return v->is_text() && parse_number(v->text, x) ? x : otherwise;
}

bool resp_value::boolean_of(std::string_view key,
                            bool otherwise) const noexcept {
  auto v = find(key);
  if (v == nullptr || (v->type != kind::boolean && v->type != kind::integer))
    return otherwise;
  return v->integer != 0;
}

const std::vector<resp_value>&
resp_value::items_of(std::string_view key) const noexcept {
  static const std::vector<resp_value> none;
  auto v = find(key);
  return v != nullptr ? v->items : none;
}

void append_command(const std::vector<std::string_view>& argv,
                    std::string& out) {
  auto number = [&out](char type, std::size_t n) {
    std::array<char, 24> digits;
    auto end = std::to_chars(digits.data(), digits.data() + digits.size(), n);
    out += type;
    out.append(digits.data(), end.ptr);
    out += "\r\n";
  };
  number('*', argv.size());
  for (auto arg : argv) {
    number('$', arg.size());
    out += arg;
    out += "\r\n";
  }
}

resp_reply_decoder::step resp_reply_decoder::fail(std::string why) {
  why_ = std::move(why);
  return step::failed;
}

resp_reply_decoder::step resp_reply_decoder::take_bulk(std::string_view& rest,
                                                       std::string_view line,
                                                       std::size_t line_bytes,
                                                       bool verbatim,
                                                       resp_value& out) {
  std::int64_t size = 0;
  if (!parse_number(line, size) || size < -1 || (verbatim && size < 4))
    return fail("a string's length is no number");
  if (size == -1) { // RESP2's null
    rest.remove_prefix(line_bytes);
    return step::value;
  }
  auto bytes = static_cast<std::size_t>(size);
  if (bytes > bounds_.bulk_bytes || bytes_ + bytes > bounds_.reply_bytes)
    return fail(fmt::format("a string of {} bytes is too long", bytes));
  if (rest.size() < line_bytes + bytes + 2)
    return step::starved;
  auto text = rest.substr(line_bytes, bytes);
  if (rest.compare(line_bytes + bytes, 2, "\r\n") != 0)
    return fail("a string does not end where its length says");
  if (verbatim)
    text.remove_prefix(4); // "txt:"
  out.type = kind::text;
  out.text = text;
  bytes_ += bytes;
  rest.remove_prefix(line_bytes + bytes + 2);
  return step::value;
}

resp_reply_decoder::step
resp_reply_decoder::open(kind type, std::string_view line, resp_value& out) {
  std::int64_t count = 0;
  if (!parse_number(line, count) || count < -1)
    return fail("an array's length is no number");
  if (count == -1) // RESP2's null array
    return step::value;
  auto n = static_cast<std::size_t>(count);
  if (n > bounds_.elements)
    return fail(fmt::format("an array of {} elements is too long", n));
  if (type == kind::map)
    n *= 2;
  out.type = type;
  if (n == 0)
    return step::value;
  if (stack_.size() == bounds_.depth)
    return fail("arrays are nested too deep");
  out.items.reserve(std::min<std::size_t>(n, 64));
  stack_.push_back({std::move(out), n});
  return step::opened;
}

/// Takes one element: a value, or the head of an aggregate.
resp_reply_decoder::step resp_reply_decoder::take(std::string_view& rest,
                                                  resp_value& out) {
  auto end = rest.substr(0, bounds_.line_bytes).find("\r\n");
  if (end == std::string_view::npos)
    return rest.size() >= bounds_.line_bytes ? fail("a line is too long")
                                             : step::starved;
  if (end == 0)
    return fail("an empty line");
  if (++elements_ > bounds_.elements)
    return fail("a reply has too many elements");
  auto line = rest.substr(1, end - 1);
  auto line_bytes = end + 2;
  auto type = rest.front();
  if (type == '$' || type == '=') {
    auto s = take_bulk(rest, line, line_bytes, type == '=', out);
    if (s == step::starved)
      --elements_;
    return s;
  }
  auto ok = true;
  auto done = step::value;
  switch (type) {
  case '+':
  case '(':
    out.type = kind::text;
    out.text = line;
    break;
  case '-':
    out.type = kind::error;
    out.text = line;
    break;
  case ':':
    out.type = kind::integer;
    ok = parse_number(line, out.integer);
    break;
  case ',':
    out.type = kind::real;
    ok = parse_number(line, out.real);
    break;
  case '#':
    out.type = kind::boolean;
    out.integer = line == "t" ? 1 : 0;
    ok = line == "t" || line == "f";
    break;
  case '_': ok = line.empty(); break;
  case '*': done = open(kind::array, line, out); break;
  case '%': done = open(kind::map, line, out); break;
  case '~': done = open(kind::set, line, out); break;
  case '>': done = open(kind::push, line, out); break;
  default: ok = false;
  }
  if (!ok)
    return fail(fmt::format("a line that is no RESP: byte 0x{:02x}",
                            static_cast<unsigned char>(type)));
  bytes_ += out.text.size();
  rest.remove_prefix(line_bytes);
  return done;
}

parse_status resp_reply_decoder::next(std::string_view input,
                                      std::size_t& consumed, resp_value& out) {
  auto rest = input;
  for (;;) {
    resp_value value;
    auto s = take(rest, value);
    consumed = input.size() - rest.size();
    if (s == step::failed)
      return parse_status::error;
    if (s == step::starved)
      return parse_status::incomplete;
    if (s == step::opened)
      continue;
    while (!stack_.empty()) {
      auto& top = stack_.back();
      top.value.items.push_back(std::move(value));
      if (--top.left > 0)
        break;
      value = std::move(top.value);
      stack_.pop_back();
      if (stack_.empty())
        break;
    }
    if (!stack_.empty())
      continue;
    out = std::move(value);
    elements_ = 0;
    bytes_ = 0;
    return parse_status::complete;
  }
}

} // namespace torc
