// Base64, UTF-8 and JSON strings, for record files.
#include <array>

#include <fmt/format.h>

#include "torc/core/utf8.hpp"
#include "torc/record_files.hpp"

namespace torc {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                      "abcdefghijklmnopqrstuvwxyz"
                                      "0123456789+/";
constexpr std::uint8_t no_digit = 0xff;

constexpr auto digits = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(no_digit);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] =
      static_cast<std::uint8_t>(i);
  return table;
}();

std::uint32_t byte_at(std::string_view s, std::size_t i) noexcept {
  return static_cast<unsigned char>(s[i]);
}

} // namespace

std::string to_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto rest = bytes.size() - i;
    auto group = byte_at(bytes, i) << 16;
    if (rest > 1)
      group |= byte_at(bytes, i + 1) << 8;
    if (rest > 2)
      group |= byte_at(bytes, i + 2);
    out += alphabet[group >> 18];
    out += alphabet[(group >> 12) & 63];
    out += rest > 1 ? alphabet[(group >> 6) & 63] : '=';
    out += rest > 2 ? alphabet[group & 63] : '=';
  }
  return out;
}

result<std::string> from_base64(std::string_view text) {
  result<std::string> refused{errc::invalid_argument, "is not base64"};
  if (text.size() % 4 != 0)
    return refused;
  std::size_t padding = 0;
  while (padding < 2 && padding < text.size()
         && text[text.size() - 1 - padding] == '=')
    ++padding;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (std::size_t i = 0; i < text.size(); i += 4) {
    auto last = i + 4 == text.size();
    auto used = last ? 4 - padding : 4;
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 4; ++k) {
      auto digit = k < used ? digits[byte_at(text, i + k)] : std::uint8_t{0};
      if (digit == no_digit)
        return refused;
      group = group << 6 | digit;
    }
    if ((used == 3 && (group & 0xff) != 0)
        || (used == 2 && (group & 0xffff) != 0))
      return refused;
    for (std::size_t k = 0; k + 1 < used; ++k)
      out += static_cast<char>(group >> (16 - 8 * k) & 0xff);
  }
  return out;
}

bool is_utf8(std::string_view bytes) noexcept {
  while (!bytes.empty()) {
    auto n = utf8_length(bytes);
    if (n == 0)
      return false;
    bytes.remove_prefix(n);
  }
  return true;
}

void append_json_string(std::string_view text, std::string& out) {
  out += '"';
  for (auto c : text) {
    switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      if (static_cast<unsigned char>(c) < 0x20)
        out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
      else
        out += c;
    }
  }
  out += '"';
}

} // namespace torc
