#pragma once

#include <cstdint>
#include <vector>

#include "torc/core/limits.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// A position on the 64-bit ring. Not a number: only the ring's arithmetic.
class token {
public:
  constexpr token() noexcept = default;
  constexpr explicit token(std::uint64_t position) noexcept : at_(position) {}

  constexpr std::uint64_t position() const noexcept { return at_; }

  /// How far `to` lies clockwise from here.
  constexpr std::uint64_t distance_to(token to) const noexcept {
    return to.at_ - at_;
  }

  friend constexpr auto operator<=>(token, token) = default;

private:
  std::uint64_t at_ = 0;
};

/// Where slot s sits: s * 2^50, so that neighbouring slots share replicas.
constexpr token token_of(slot_id s) noexcept {
  return token{std::uint64_t{s.value} << 50};
}

/// The `index`-th token of a member. Equal on all machines for ever.
token member_token(member_id m, std::uint32_t index) noexcept;

/// A member as the ring sees it.
struct ring_member {
  member_id id;
  std::uint32_t weight = 100;    ///< Hundredths: 100 is an ordinary member.
  std::uint32_t zone = 0;        ///< Failure domain; equal numbers, one domain.
};

/// All members' tokens on the circle (Karger et al., "Consistent Hashing and
/// Random Trees", 1997): virtual nodes x weight tokens each. Immutable.
class ring {
public:
  struct point {
    token at;
    std::uint32_t member; ///< Index into members().

    friend constexpr auto operator<=>(const point&, const point&) = default;
  };

  /// O(t log t) for t tokens.
  explicit ring(std::vector<ring_member> members,
                std::uint32_t virtual_nodes = limits::virtual_nodes_default);

  const std::vector<ring_member>& members() const noexcept { return members_; }
  const std::vector<point>& points() const noexcept { return points_; }

  /// Index of the first point at or after `t`, clockwise. O(log t).
  /// REQUIRES: at least one member.
  std::size_t successor(token t) const noexcept;

  /// The first `n` distinct members met from slot `s` on (fewer if there are
  /// fewer): the plain ring, without bounds.
  std::vector<member_id> owners(slot_id s, std::size_t n) const;

private:
  std::vector<ring_member> members_;
  std::vector<point> points_;
};

} // namespace torc
