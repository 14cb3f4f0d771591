// How the arguments of commands are read.
#include <algorithm>
#include <charconv>

#include "actors/gateway/commands.hpp"

namespace torc::gateway {
namespace {

template <class Number>
std::optional<Number> parse_number(std::string_view s) noexcept {
  Number x{};
  const auto* end = s.data() + s.size();
  const auto r = std::from_chars(s.data(), end, x);
  if (s.empty() || r.ec != std::errc{} || r.ptr != end)
    return std::nullopt;
  // As Redis: "-0", "007" and the like are no numbers.
  const auto digits = s[0] == '-' ? s.substr(1) : s;
  if (digits[0] == '0' && s.size() > 1)
    return std::nullopt;
  return x;
}

} // namespace

std::optional<std::int64_t> parse_integer(std::string_view s) noexcept {
  return parse_number<std::int64_t>(s);
}

std::optional<std::uint64_t> parse_unsigned(std::string_view s) noexcept {
  return parse_number<std::uint64_t>(s);
}

std::string lower(std::string_view s) {
  std::string out{s};
  for (auto& x : out)
    x = x >= 'A' && x <= 'Z' ? static_cast<char>(x + 32) : x;
  return out;
}

void write_lines(core& c, const request& r,
                 std::initializer_list<std::string_view> lines) {
  auto w = c.reply(r);
  w.array(lines.size());
  for (const auto line : lines)
    w.simple(line);
  c.finish(r);
}

bool valid_client_name(std::string_view name) noexcept {
  return std::all_of(name.begin(), name.end(),
                     [](char x) { return x >= '!' && x <= '~'; });
}

std::optional<consistency> parse_level(std::string_view s) noexcept {
  if (is(s, "eventual"))
    return consistency::eventual;
  if (is(s, "weak"))
    return consistency::weak;
  return std::nullopt;
}

std::optional<unix_ms> parse_deadline(core& c, const request& r,
                                      std::string_view text, time_unit unit,
                                      bool lenient) {
  const auto n = parse_integer(text);
  if (!n) {
    c.fail(r, not_an_integer);
    return std::nullopt;
  }
  const auto bad = [&]() -> std::optional<unix_ms> {
    c.fail(r, std::string{"ERR invalid expire time in '"}
                .append(r.info.name)
                .append("' command"));
    return std::nullopt;
  };
  if (*n <= 0 && !lenient)
    return bad();
  // Stamps have 48 bits of milliseconds; so have deadlines.
  constexpr std::int64_t latest = (std::int64_t{1} << 47);
  auto ms = *n;
  if (unit == time_unit::ex || unit == time_unit::exat) {
    if (ms > latest / 1000 || ms < INT64_MIN / 1000)
      return bad();
    ms *= 1000;
  }
  if (ms > latest)
    return bad();
  if (unit == time_unit::ex || unit == time_unit::px)
    ms += static_cast<std::int64_t>(c.now());
  if (ms > latest)
    return bad();
  return ms <= 0 ? unix_ms{1} : static_cast<unix_ms>(ms);
}

} // namespace torc::gateway
