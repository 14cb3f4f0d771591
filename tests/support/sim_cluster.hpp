#pragma once

#include "support/catch.hpp"
#include "torc/testing.hpp"

namespace torc::test {

inline constexpr member_id one{1};
inline constexpr member_id two{2};
inline constexpr member_id three{3};

/// A simulated cluster as it is by default, but for its seed.
inline testing::cluster_options seeded(std::uint64_t seed) {
  testing::cluster_options o;
  o.seed = seed;
  return o;
}

} // namespace torc::test
