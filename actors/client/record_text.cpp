#include "actors/client/record_text.hpp"

#include <charconv>

namespace torc::client_detail {

namespace {

result<void> refuse(const char* why) {
  return {errc::invalid_argument, why};
}

result<std::string> unescape_tsv(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    if (++i == text.size())
      return {errc::invalid_argument, "ends in a single backslash"};
    switch (text[i]) {
    case 't': out += '\t'; break;
    case 'n': out += '\n'; break;
    case 'r': out += '\r'; break;
    case '\\': out += '\\'; break;
    default:
      return {errc::invalid_argument,
              "has an unknown escape: backslash must be followed by t, n, r "
              "or backslash"};
    }
  }
  return out;
}

/// Takes one csv field off `rest`, which then begins with a comma or is empty.
result<std::string> take_csv_field(std::string_view& rest) {
  if (rest.empty() || rest.front() != '"') {
    auto comma = std::min(rest.find(','), rest.size());
    auto field = rest.substr(0, comma);
    rest.remove_prefix(comma);
    if (field.find('"') != std::string_view::npos)
      return {errc::invalid_argument, "has a quote inside an unquoted field"};
    return std::string{field};
  }
  std::string out;
  rest.remove_prefix(1);
  for (;;) {
    auto quote = rest.find('"');
    if (quote == std::string_view::npos)
      return {errc::invalid_argument, "has a quote that is not closed"};
    out += rest.substr(0, quote);
    rest.remove_prefix(quote + 1);
    if (rest.empty() || rest.front() == ',')
      return out;
    if (rest.front() != '"')
      return {errc::invalid_argument, "has text behind a closing quote"};
    out += '"';
    rest.remove_prefix(1);
  }
}

} // namespace

result<std::uint64_t> parse_ttl(std::string_view text) {
  std::uint64_t ttl = 0;
  if (text.empty())
    return ttl;
  auto end = text.data() + text.size();
  auto [p, ec] = std::from_chars(text.data(), end, ttl);
  if (ec != std::errc{} || p != end)
    return {errc::invalid_argument, "has a ttl_ms that is no whole number"};
  return ttl;
}

result<void> parse_tsv(std::string_view text, file_record& out) {
  auto first = text.find('\t');
  if (first == std::string_view::npos)
    return refuse("has no tab between key and value");
  auto second = text.find('\t', first + 1);
  auto third = second == std::string_view::npos ? std::string_view{}
                                                : text.substr(second + 1);
  if (third.find('\t') != std::string_view::npos)
    return refuse("has more than key, value and ttl_ms");
  auto key = unescape_tsv(text.substr(0, first));
  if (!key)
    return std::move(key).error();
  auto value_bytes =
    second == std::string_view::npos ? second : second - first - 1;
  auto value = unescape_tsv(text.substr(first + 1, value_bytes));
  if (!value)
    return std::move(value).error();
  auto ttl = parse_ttl(third);
  if (!ttl)
    return std::move(ttl).error();
  out.key = std::move(*key);
  out.value = std::move(*value);
  out.ttl_ms = *ttl;
  return {};
}

result<void> parse_csv(std::string_view text, file_record& out) {
  auto key = take_csv_field(text);
  if (!key)
    return std::move(key).error();
  if (text.empty())
    return refuse("has no comma between key and value");
  text.remove_prefix(1);
  auto value = take_csv_field(text);
  if (!value)
    return std::move(value).error();
  out.ttl_ms = 0;
  if (!text.empty()) {
    text.remove_prefix(1);
    auto field = take_csv_field(text);
    if (!field)
      return std::move(field).error();
    if (!text.empty())
      return refuse("has more than key, value and ttl_ms");
    auto ttl = parse_ttl(*field);
    if (!ttl)
      return std::move(ttl).error();
    out.ttl_ms = *ttl;
  }
  out.key = std::move(*key);
  out.value = std::move(*value);
  return {};
}

} // namespace torc::client_detail
