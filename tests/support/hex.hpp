#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "torc/core/assert.hpp"

namespace torc::test {

/// Two lower-case digits per byte.
inline std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out += digits[byte >> 4];
    out += digits[byte & 15];
  }
  return out;
}

/// The bytes that `to_hex` made it of.
inline std::string from_hex(std::string_view hex) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    const auto high = digits.find(hex[i]);
    const auto low = digits.find(hex[i + 1]);
    TORC_ASSERT(high < 16 && low < 16);
    out += static_cast<char>(high << 4 | low);
  }
  return out;
}

} // namespace torc::test
