#pragma once

#include <cstdint>

namespace torc {

/// Advances the state of a generator and returns its next number (Steele et
/// al., splitmix64): the same from one seed with every library, none of them
/// secret.
constexpr std::uint64_t splitmix64(std::uint64_t& state) noexcept {
  auto z = state += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

} // namespace torc
