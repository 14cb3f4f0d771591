#pragma once

#include <cstdint>
#include <string_view>

#include "torc/core/types.hpp"

namespace torc {

/// A SCAN cursor: slot * 2^50 + 50 bits of the key's hash. Stateless and valid
/// on every node. A page follows hash order within a slot and slot order
/// across them, so a key that is there throughout is returned at least once.
struct scan_position {
  std::uint32_t slot = 0;
  std::uint64_t hash = 0; ///< Below 2^50.

  friend constexpr auto operator<=>(const scan_position&,
                                    const scan_position&) = default;
};

inline constexpr unsigned scan_hash_bits = 50;

constexpr std::uint64_t pack(scan_position p) noexcept {
  return std::uint64_t{p.slot} << scan_hash_bits | p.hash;
}

constexpr scan_position unpack_scan_position(std::uint64_t cursor) noexcept {
  return {static_cast<std::uint32_t>(cursor >> scan_hash_bits),
          cursor & ((std::uint64_t{1} << scan_hash_bits) - 1)};
}

/// Where a user key stands within its slot. Equal on all machines for ever.
std::uint64_t scan_hash(std::string_view user_key) noexcept;

} // namespace torc
