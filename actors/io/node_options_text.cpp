// The small languages of the settings: addresses, sizes, durations, names.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "torc/node_options.hpp"

namespace torc {

namespace {

struct unit {
  std::string_view name;
  double factor;
};

constexpr std::array<unit, 14> byte_units{{
  {"", 1},
  {"b", 1},
  {"k", 1024.},
  {"kib", 1024.},
  {"kb", 1e3},
  {"m", 1048576.},
  {"mib", 1048576.},
  {"mb", 1e6},
  {"g", 1073741824.},
  {"gib", 1073741824.},
  {"gb", 1e9},
  {"t", 1099511627776.},
  {"tib", 1099511627776.},
  {"tb", 1e12},
}};

constexpr std::array<unit, 6> duration_units{{
  {"", 1},
  {"ms", 1},
  {"s", 1e3},
  {"m", 60e3},
  {"h", 3600e3},
  {"d", 86400e3},
}};

std::string lower(std::string_view text) {
  std::string out{text};
  for (auto& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

/// A number with at most one dot, then a unit.
template <std::size_t N>
std::optional<std::uint64_t> parse_quantity(std::string_view text,
                                            const std::array<unit, N>& units) {
  text = trimmed(text);
  auto digits = text.find_first_not_of("0123456789.");
  auto number = text.substr(0, digits);
  auto name = digits == std::string_view::npos
                ? std::string{}
                : lower(trimmed(text.substr(digits)));
  if (number.empty())
    return std::nullopt;
  auto found = std::find_if(units.begin(), units.end(),
                            [&](const unit& u) { return u.name == name; });
  if (found == units.end())
    return std::nullopt;
  auto end = number.data() + number.size();
  if (std::uint64_t whole = 0; found->factor == 1) {
    auto [p, ec] = std::from_chars(number.data(), end, whole);
    if (ec != std::errc{} || p != end)
      return std::nullopt;
    return whole;
  }
  double value = 0;
  auto [p, ec] = std::from_chars(number.data(), end, value);
  value *= found->factor;
  if (ec != std::errc{} || p != end || !(value < 9.2e18))
    return std::nullopt;
  return static_cast<std::uint64_t>(std::llround(value));
}

template <class Enum>
struct choice {
  std::string_view name;
  Enum value;
};

constexpr std::array<choice<engine_kind>, 2> engines{
  {{"memory", engine_kind::memory}, {"rocksdb", engine_kind::rocksdb}}};
constexpr std::array<choice<consistency>, 3> levels{
  {{"weak", consistency::weak},
   {"eventual", consistency::eventual},
   {"strong", consistency::strong}}};
constexpr std::array<choice<sync_policy>, 3> syncs{
  {{"always", sync_policy::always},
   {"interval", sync_policy::interval},
   {"os", sync_policy::os}}};
constexpr std::array<choice<log_level>, 6> log_levels{
  {{"trace", log_level::trace},
   {"debug", log_level::debug},
   {"info", log_level::info},
   {"warn", log_level::warn},
   {"error", log_level::error},
   {"off", log_level::off}}};
constexpr std::array<choice<log_format>, 2> log_formats{
  {{"text", log_format::text}, {"json", log_format::json}}};

template <class Enum, std::size_t N>
result<Enum> parse_choice(std::string_view what, std::string_view text,
                          const std::array<choice<Enum>, N>& choices) {
  auto wanted = lower(text);
  std::string names;
  for (auto& c : choices) {
    if (c.name == wanted)
      return c.value;
    names += names.empty() ? "" : ", ";
    names += c.name;
  }
  return {errc::invalid_argument,
          fmt::format("'{}' is no {}; choose one of: {}", text, what, names)};
}

template <class Enum, std::size_t N>
std::string_view name_of(Enum value,
                         const std::array<choice<Enum>, N>& choices) {
  for (auto& c : choices)
    if (c.value == value)
      return c.name;
  return "unknown";
}

/// Levenshtein distance, one row at a time. O(|a| |b|).
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j)
    row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      auto above = row[j];
      auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({above + 1, row[j - 1] + 1, replaced});
      diagonal = above;
    }
  }
  return row[b.size()];
}

} // namespace

bool socket_address::is_loopback() const noexcept {
  if (host == "localhost" || host == "::1")
    return true;
  // A host name such as 127.example.org is not one: only digits and dots.
  return host.rfind("127.", 0) == 0
         && host.find_first_not_of("0123456789.") == std::string::npos;
}

result<socket_address> parse_address(std::string_view text,
                                     std::uint16_t port_default) {
  auto bad = [&](std::string_view why) {
    return result<socket_address>{
      errc::invalid_argument,
      fmt::format("'{}' is no address: {}; write host:port or [v6]:port", text,
                  why)};
  };
  socket_address out;
  auto rest = text;
  if (!rest.empty() && rest.front() == '[') {
    auto close = rest.find(']');
    if (close == std::string_view::npos)
      return bad("the bracket is not closed");
    out.host = std::string{rest.substr(1, close - 1)};
    rest.remove_prefix(close + 1);
    if (!rest.empty() && rest.front() != ':')
      return bad("a colon must follow the bracket");
  } else {
    auto colon = rest.find(':');
    if (colon != std::string_view::npos
        && rest.find(':', colon + 1) != std::string_view::npos)
      return bad("an IPv6 address needs brackets");
    out.host = std::string{rest.substr(0, colon)};
    rest.remove_prefix(colon == std::string_view::npos ? rest.size() : colon);
    if (out.host.empty() && !rest.empty())
      out.host = "127.0.0.1";
  }
  if (out.host.empty())
    return bad("there is no host");
  if (out.host.find_first_of(" \t\r\n/\"'") != std::string::npos)
    return bad("the host has a character that no host name has");
  if (rest.empty()) {
    if (port_default == 0)
      return bad("there is no port");
    out.port = port_default;
    return out;
  }
  rest.remove_prefix(1);
  unsigned port = 0;
  auto [p, ec] = std::from_chars(rest.data(), rest.data() + rest.size(), port);
  if (ec != std::errc{} || p != rest.data() + rest.size() || port == 0
      || port > 65535)
    return bad("the port is not within 1 to 65535");
  out.port = static_cast<std::uint16_t>(port);
  return out;
}

std::string to_string(const socket_address& address) {
  if (address.host.find(':') != std::string::npos)
    return fmt::format("[{}]:{}", address.host, address.port);
  return fmt::format("{}:{}", address.host, address.port);
}

result<std::uint64_t> parse_bytes(std::string_view text) {
  if (auto n = parse_quantity(text, byte_units))
    return *n;
  return {
    errc::invalid_argument,
    fmt::format("'{}' is no size; write for example 512MiB or 2GiB", text)};
}

result<std::uint64_t> parse_duration_ms(std::string_view text) {
  if (auto n = parse_quantity(text, duration_units))
    return *n;
  return {errc::invalid_argument,
          fmt::format("'{}' is no duration; write for example 250ms, 30s, 5m, "
                      "2h or 7d",
                      text)};
}

std::string_view nearest_name(std::string_view name,
                              const std::vector<std::string_view>& known) {
  // Bounded, since the name comes from a file that anybody may have written.
  if (name.size() > 64)
    return {};
  std::string_view best;
  auto best_distance = std::max<std::size_t>(2, name.size() / 2) + 1;
  for (auto candidate : known) {
    auto distance = edit_distance(name, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

result<engine_kind> parse_engine(std::string_view text) {
  return parse_choice("engine", text, engines);
}

result<consistency> parse_consistency(std::string_view text) {
  return parse_choice("consistency level", text, levels);
}

result<sync_policy> parse_sync(std::string_view text) {
  return parse_choice("sync policy", text, syncs);
}

result<log_level> parse_log_level(std::string_view text) {
  return parse_choice("log level", text, log_levels);
}

result<log_format> parse_log_format(std::string_view text) {
  return parse_choice("log format", text, log_formats);
}

std::string_view to_string(engine_kind x) noexcept {
  return name_of(x, engines);
}

std::string_view to_string(consistency x) noexcept {
  return name_of(x, levels);
}

std::string_view to_string(sync_policy x) noexcept {
  return name_of(x, syncs);
}

std::string_view to_string(log_level x) noexcept {
  return name_of(x, log_levels);
}

std::string_view to_string(log_format x) noexcept {
  return name_of(x, log_formats);
}

} // namespace torc
