#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "torc/core/limits.hpp"
#include "torc/core/token.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// A member as the ring sees it.
struct ring_member {
  member_id id;
  std::uint32_t weight = 100; ///< Hundredths: 100 is an ordinary member.
  std::uint32_t zone = 0;     ///< Failure domain; equal numbers, one domain.

  friend bool operator==(const ring_member&, const ring_member&) = default;
};

/// Weights are taken as at least 1 and at most this (a hundred ordinary
/// members), which bounds the ring's tokens.
inline constexpr std::uint32_t member_weight_max = 10'000;

/// The weight that counts: `m.weight` within [1, member_weight_max].
std::uint32_t weight_of(const ring_member& m) noexcept;

/// How many tokens `m` has: virtual nodes x weight, at least one.
std::uint32_t token_count(const ring_member& m,
                          std::uint32_t virtual_nodes) noexcept;

/// The arc (after, upto] of the circle; the whole circle if both are equal.
struct token_range {
  token after;
  token upto;

  friend bool operator==(const token_range&, const token_range&) = default;
};

/// All members' tokens on the circle (Karger et al., "Consistent Hashing and
/// Random Trees", 1997). Immutable, so any number of threads may read it. Its
/// content does not depend on the order in which the members are given.
class ring {
public:
  struct point {
    token at;
    std::uint32_t member; ///< Index into members().

    friend constexpr auto operator<=>(const point&, const point&) = default;
  };

  /// O(t log t) for t tokens. REQUIRES: distinct ids.
  explicit ring(std::vector<ring_member> members,
                std::uint32_t virtual_nodes = limits::virtual_nodes_default);

  /// By id.
  const std::vector<ring_member>& members() const noexcept { return members_; }

  /// Clockwise from position 0; of two at one position the lower id is first.
  const std::vector<point>& points() const noexcept { return points_; }

  /// The tokens of members()[member], from position 0 up. O(1).
  std::span<const token> tokens_of(std::uint32_t member) const noexcept;

  /// Index of the first point at or after `t`, clockwise. O(log t).
  /// REQUIRES: at least one member.
  std::size_t successor(token t) const noexcept;

  /// How far the next token of members()[member] lies clockwise from `t`.
  /// O(log of the member's tokens).
  std::uint64_t distance(token t, std::uint32_t member) const noexcept;

  /// The first `n` distinct members met from slot `s` on (all, if there are
  /// fewer): the plain ring, without bounds. O(log t + walk).
  std::vector<member_id> owners(slot_id s, std::size_t n) const;

  /// The arcs whose positions meet this member first, clockwise from position
  /// 0, neighbouring ones joined; empty for a stranger. O(t).
  std::vector<token_range> ranges_of(member_id m) const;

private:
  std::vector<ring_member> members_;
  std::vector<point> points_;
  std::vector<token> tokens_;            ///< Grouped by member, sorted within.
  std::vector<std::size_t> first_token_; ///< Per member; one past the end too.
};

} // namespace torc
