#pragma once

#include <cstdint>

namespace torc::ring {

/// Random numbers of one actor (Steele et al., splitmix64).
class splitmix {
public:
  explicit splitmix(std::uint64_t seed) : state_(seed) {}
  std::uint32_t operator()() noexcept {
    std::uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<std::uint32_t>(z ^ (z >> 31));
  }

private:
  std::uint64_t state_;
};

} // namespace torc::ring
