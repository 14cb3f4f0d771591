#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "torc/core/assert.hpp"

/// An input that is read as a whole and in pieces: its first byte says how
/// large these are.
struct pieces {
  std::string_view bytes;
  std::size_t piece_bytes;
};

/// REQUIRES: `size` is not 0.
inline pieces cut_up(const std::uint8_t* data, std::size_t size,
                     std::size_t piece_bytes_max) {
  TORC_ASSERT(size != 0);
  return {{reinterpret_cast<const char*>(data) + 1, size - 1},
          data[0] % piece_bytes_max + 1u};
}
