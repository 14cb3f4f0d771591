#pragma once

#include <cstdint>
#include <string_view>

#include "torc/core/types.hpp"

namespace torc {

/// CRC16-XMODEM (polynomial 0x1021, start 0, not reflected), as Redis Cluster
/// uses it. O(n), eight bytes at a time.
std::uint16_t crc16(std::string_view bytes) noexcept;

/// The part of a key that decides its slot: what stands between the first `{`
/// and the next `}` if that is not empty, else the whole key. A view of `key`.
std::string_view hash_tag(std::string_view key) noexcept;

/// The slot of a key: crc16(hash_tag(key)) mod 16384.
slot_id slot_of(std::string_view key) noexcept;

} // namespace torc
