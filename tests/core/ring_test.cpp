#include "torc/core/ring.hpp"

#include <algorithm>
#include <map>

#include "core/placement_checks.hpp"
#include "support/catch.hpp"

using namespace torc;
using torc::test::equal_members;
using torc::test::slot_at;

namespace {

/// The owners of a position, the dumb way: all tokens by distance.
std::vector<member_id> plain_owners(const std::vector<ring_member>& members,
                                    std::uint32_t virtual_nodes, token at,
                                    std::size_t n) {
  std::vector<std::pair<std::uint64_t, member_id>> all;
  for (const auto& m : members)
    for (std::uint32_t v = 0; v < token_count(m, virtual_nodes); ++v)
      all.emplace_back(at.distance_to(member_token(m.id, v)), m.id);
  std::sort(all.begin(), all.end());
  std::vector<member_id> out;
  for (const auto& [distance, id] : all)
    if (out.size() < n && std::find(out.begin(), out.end(), id) == out.end())
      out.push_back(id);
  return out;
}

} // namespace

TEST_CASE("owners are the nearest distinct members clockwise", "[ring]") {
  for (const std::uint32_t n : {1u, 2u, 3u, 5u, 12u}) {
    auto members = equal_members(n);
    members.front().weight = 250;
    const ring r{members, 10};
    for (std::uint32_t s = 0; s < slot_count; s += 97)
      for (const std::size_t copies : {1u, 3u, 20u})
        REQUIRE(r.owners(slot_at(s), copies)
                == plain_owners(members, 10, token_of(slot_at(s)), copies));
  }
}

TEST_CASE("distance is that of the member's nearest token", "[ring]") {
  const auto members = equal_members(4);
  const ring r{members, 7};
  for (std::uint32_t s = 0; s < slot_count; s += 331)
    for (std::uint32_t m = 0; m < members.size(); ++m) {
      const auto at = token_of(slot_at(s));
      std::uint64_t least = ~std::uint64_t{0};
      for (std::uint32_t v = 0; v < 7; ++v)
        least = std::min(least, at.distance_to(member_token(members[m].id, v)));
      REQUIRE(r.distance(at, m) == least);
    }
}

TEST_CASE("successor goes round the circle", "[ring]") {
  const ring r{equal_members(3), 5};
  const auto& points = r.points();
  REQUIRE(points.size() == 15);
  CHECK(std::is_sorted(points.begin(), points.end()));
  CHECK(r.successor(token{0}) == 0);
  for (std::size_t i = 0; i < points.size(); ++i) {
    CHECK(r.successor(points[i].at) == i);
    CHECK(r.successor(token{points[i].at.position() + 1})
          == (i + 1) % points.size());
  }
}

TEST_CASE("a ring does not depend on the order of its members", "[ring]") {
  auto members = equal_members(20);
  const ring a{members};
  std::reverse(members.begin(), members.end());
  const ring b{members};
  CHECK(a.points() == b.points());
  CHECK(a.members() == b.members());
}

TEST_CASE("tokens follow the weight, between one and one per slot", "[ring]") {
  CHECK(token_count({member_id{1}, 100}, 150) == 150);
  CHECK(token_count({member_id{1}, 250}, 150) == 375);
  CHECK(token_count({member_id{1}, 1}, 10) == 1);
  CHECK(token_count({member_id{1}, 0}, 150) == 1);
  CHECK(token_count({member_id{1}, 4'000'000'000u}, 150) == 15'000);
  CHECK(token_count({member_id{1}, 10'000}, 10'000) == slot_count);
  const ring r{{{member_id{1}, 100}, {member_id{2}, 300}}, 100};
  CHECK(r.tokens_of(0).size() == 100);
  CHECK(r.tokens_of(1).size() == 300);
}

TEST_CASE("the ranges of all members are the whole circle once", "[ring]") {
  for (const std::uint32_t n : {1u, 2u, 9u}) {
    const ring r{equal_members(n), 20};
    // Lengths modulo 2^64: the whole circle is 0.
    std::uint64_t sum = 0;
    std::size_t ranges = 0;
    for (std::uint32_t m = 1; m <= n; ++m)
      for (const auto& x : r.ranges_of(member_id{m})) {
        sum += x.after.distance_to(x.upto);
        ++ranges;
        // Its end is a token of the member, and what follows is another's.
        CHECK(r.members()[r.points()[r.successor(x.upto)].member].id
              == member_id{m});
        if (n > 1)
          CHECK(
            r.members()[r.points()[r.successor(token{x.upto.position() + 1})]
                          .member]
              .id
            != member_id{m});
      }
    CHECK(sum == 0);
    CHECK(ranges >= 1);
    CHECK(ranges <= r.points().size());
  }
  CHECK(ring{equal_members(3)}.ranges_of(member_id{99}).empty());
}

TEST_CASE("a join changes owners to the joiner only", "[ring]") {
  auto members = equal_members(9);
  const ring before{members};
  members.push_back({member_id{10}});
  const ring after{members};
  std::size_t moved = 0;
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    const auto old = before.owners(slot_at(s), 1);
    const auto now = after.owners(slot_at(s), 1);
    if (old != now) {
      REQUIRE(now.front() == member_id{10});
      ++moved;
    }
  }
  // A tenth in expectation; its deviation with 150 tokens is below a tenth.
  CHECK(moved > slot_count / 10 * 7 / 10);
  CHECK(moved < slot_count / 10 * 13 / 10);
}
