#include "torc/core/token.hpp"

namespace torc {
namespace {

constexpr std::uint64_t golden_gamma = 0x9E3779B97F4A7C15u;

constexpr std::uint64_t mix(std::uint64_t z) noexcept {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

} // namespace

token member_token(member_id m, std::uint32_t index) noexcept {
  const auto seed = mix(std::uint64_t{m.value} + golden_gamma);
  return token{mix(seed + (std::uint64_t{index} + 1) * golden_gamma)};
}

} // namespace torc
