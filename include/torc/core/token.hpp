#pragma once

#include <compare>
#include <cstdint>

#include "torc/core/types.hpp"

namespace torc {

/// A position on the 64-bit ring. Not a number: it has only the arithmetic of
/// a circle.
class token {
public:
  constexpr token() noexcept = default;
  constexpr explicit token(std::uint64_t position) noexcept : at_(position) {}

  constexpr std::uint64_t position() const noexcept { return at_; }

  /// How far `to` lies clockwise from here; 0 for itself.
  constexpr std::uint64_t distance_to(token to) const noexcept {
    return to.at_ - at_;
  }

  /// The order of positions, from 0 up: for sorting, not for "nearer".
  friend constexpr auto operator<=>(token, token) = default;

private:
  std::uint64_t at_ = 0;
};

/// log2 of the distance between two neighbouring slots.
inline constexpr unsigned slot_spacing_bits = 50;
static_assert(std::uint64_t{slot_count} << slot_spacing_bits == 0,
              "the slots go round the circle exactly once");

/// Where slot s sits: s * 2^50, so that neighbouring slots share replicas.
/// REQUIRES: s < slot_count.
constexpr token token_of(slot_id s) noexcept {
  return token{std::uint64_t{s.value} << slot_spacing_bits};
}

/// The `index`-th token of a member: a fixed mix of the two numbers
/// (SplitMix64, Steele, Lea, Flood, 2014: the `index`-th output of a generator
/// seeded with the mixed id). Equal on all machines for ever.
token member_token(member_id m, std::uint32_t index) noexcept;

} // namespace torc
