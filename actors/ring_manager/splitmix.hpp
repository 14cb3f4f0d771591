#pragma once

#include <cstdint>

#include "torc/core/splitmix.hpp"

namespace torc::ring {

/// Random numbers of one actor.
class splitmix {
public:
  explicit splitmix(std::uint64_t seed) : state_(seed) {}
  std::uint32_t operator()() noexcept {
    return static_cast<std::uint32_t>(splitmix64(state_));
  }

private:
  std::uint64_t state_;
};

} // namespace torc::ring
