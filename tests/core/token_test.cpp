#include "torc/core/token.hpp"

#include <set>

#include "support/catch.hpp"

using namespace torc;

TEST_CASE("slot s sits at s * 2^50", "[token]") {
  CHECK(token_of(slot_id{0}).position() == 0);
  CHECK(token_of(slot_id{1}).position() == std::uint64_t{1} << 50);
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    const auto at = token_of(slot_id{static_cast<std::uint16_t>(s)});
    REQUIRE(at.position() == std::uint64_t{s} * (std::uint64_t{1} << 50));
  }
}

TEST_CASE("distances go clockwise, across position 0 too", "[token]") {
  const token a{10};
  const token b{25};
  CHECK(a.distance_to(b) == 15);
  CHECK(b.distance_to(a) == ~std::uint64_t{0} - 14);
  CHECK(a.distance_to(a) == 0);
  const token last{~std::uint64_t{0}};
  CHECK(last.distance_to(token{0}) == 1);
  CHECK(token{0}.distance_to(last) == ~std::uint64_t{0});
  CHECK(a < b);
}

TEST_CASE("a member's tokens are the same for ever", "[token]") {
  // Golden: stored placements were computed from these.
  CHECK(member_token(member_id{1}, 0).position() == 0x5e41ab087439611eu);
  CHECK(member_token(member_id{1}, 1).position() == 0xf18d6ce93d6cf1eeu);
  CHECK(member_token(member_id{2}, 0).position() == 0x64684c4f0fd784b4u);
  CHECK(member_token(member_id{0x7fffffff}, 16383).position()
        == 0x0d22009d4e75a4f4u);
}

TEST_CASE("tokens of many members do not meet and cover the circle",
          "[token]") {
  std::set<std::uint64_t> seen;
  std::size_t per_quarter[4] = {};
  constexpr std::uint32_t members = 1000;
  constexpr std::uint32_t tokens = 150;
  for (std::uint32_t m = 1; m <= members; ++m)
    for (std::uint32_t v = 0; v < tokens; ++v) {
      const auto at = member_token(member_id{m}, v).position();
      seen.insert(at);
      ++per_quarter[at >> 62];
    }
  CHECK(seen.size() == members * tokens);
  for (const auto n : per_quarter) {
    CHECK(n > members * tokens / 4 * 98 / 100);
    CHECK(n < members * tokens / 4 * 102 / 100);
  }
}
