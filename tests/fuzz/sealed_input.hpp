#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "torc/core/byte_codec.hpp"

namespace torc::fuzz {

inline std::string_view input(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

/// The input under a right checksum: else a fuzzer would see nothing but the
/// check of that. An example that has one loses it first.
inline std::string sealed(std::string_view bytes) {
  std::string out{checked_body(bytes).value_or(bytes)};
  append_checksum(out);
  return out;
}

} // namespace torc::fuzz
