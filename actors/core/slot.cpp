#include "torc/core/slot.hpp"

#include <array>
#include <cstddef>

namespace torc {
namespace {

using crc_table = std::array<std::uint16_t, 256>;

/// How many bytes one step takes.
constexpr std::size_t slices = 8;

/// tables[k][b]: the checksum of byte b followed by k zero bytes. The checksum
/// is linear, so that of eight bytes is the sum of eight of these ("slicing",
/// Kounavis and Berry, 2005).
constexpr std::array<crc_table, slices> make_tables() {
  std::array<crc_table, slices> tables{};
  for (unsigned i = 0; i < 256; ++i) {
    unsigned crc = i << 8;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc & 0x8000) != 0 ? (crc << 1) ^ 0x1021 : crc << 1;
    tables[0][i] = static_cast<std::uint16_t>(crc);
  }
  for (std::size_t k = 1; k < slices; ++k)
    for (std::size_t i = 0; i < 256; ++i) {
      const unsigned crc = tables[k - 1][i];
      tables[k][i] =
        static_cast<std::uint16_t>((crc << 8 & 0xffff) ^ tables[0][crc >> 8]);
    }
  return tables;
}

constexpr auto tables = make_tables();

} // namespace

std::uint16_t crc16(std::string_view bytes) noexcept {
  unsigned crc = 0;
  auto byte = [&](std::size_t i) {
    return static_cast<unsigned char>(bytes[i]);
  };
  for (; bytes.size() >= slices; bytes.remove_prefix(slices))
    crc = tables[7][byte(0) ^ (crc >> 8)] ^ tables[6][byte(1) ^ (crc & 0xff)]
          ^ tables[5][byte(2)] ^ tables[4][byte(3)] ^ tables[3][byte(4)]
          ^ tables[2][byte(5)] ^ tables[1][byte(6)] ^ tables[0][byte(7)];
  for (std::size_t i = 0; i < bytes.size(); ++i)
    crc = (crc << 8 & 0xffff) ^ tables[0][(crc >> 8 ^ byte(i)) & 0xff];
  return static_cast<std::uint16_t>(crc);
}

std::string_view hash_tag(std::string_view key) noexcept {
  const auto open = key.find('{');
  if (open == std::string_view::npos)
    return key;
  const auto close = key.find('}', open + 1);
  if (close == std::string_view::npos || close == open + 1)
    return key;
  return key.substr(open + 1, close - open - 1);
}

slot_id slot_of(std::string_view key) noexcept {
  return slot_id{static_cast<std::uint16_t>(crc16(hash_tag(key)) % slot_count)};
}

} // namespace torc
