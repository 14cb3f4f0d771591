#include "torc/core/byte_codec.hpp"

#include <xxhash.h>

namespace torc {

std::uint32_t checksum32(std::string_view bytes) noexcept {
  return static_cast<std::uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

void append_checksum(std::string& out, std::size_t begin) {
  const auto sum = checksum32(std::string_view{out}.substr(begin));
  byte_writer{out}.u32(sum);
}

std::optional<std::string_view> checked_body(std::string_view bytes) noexcept {
  if (bytes.size() < checksum32_bytes)
    return std::nullopt;
  const auto body = bytes.substr(0, bytes.size() - checksum32_bytes);
  if (byte_reader{bytes.substr(body.size())}.u32() != checksum32(body))
    return std::nullopt;
  return body;
}

} // namespace torc
