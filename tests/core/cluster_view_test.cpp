#include "torc/core/cluster_view.hpp"

#include <algorithm>

#include "core/config_examples.hpp"
#include "core/numbered.hpp"
#include "support/catch.hpp"

using namespace torc;
using namespace torc::test;

TEST_CASE("a view shows what the config says of every slot", "[cluster_view]") {
  const auto c = rich_config();
  const cluster_view v{c};
  CHECK(v.epoch() == c.epoch);
  CHECK(v.config() == c);
  for (const auto& g : c.groups)
    for (std::uint16_t s = 0; s < slot_count; ++s) {
      const auto& a = g.at(slot_id{s});
      REQUIRE(std::ranges::equal(v.replicas(g.id, slot_id{s}), a.reps));
      REQUIRE(*v.assignment(g.id, slot_id{s}) == a);
      for (std::uint32_t m = 1; m <= 4; ++m) {
        const auto has = [&](const std::vector<member_id>& list) {
          return std::find(list.begin(), list.end(), member_id{m})
                 != list.end();
        };
        REQUIRE(v.is_member_of(g.id, slot_id{s}, member_id{m})
                == (has(a.reps) || has(a.next)));
      }
    }
}

TEST_CASE("a view knows nothing of what is not there", "[cluster_view]") {
  const cluster_view v{config_of(3)};
  CHECK(v.replicas(5, slot_id{0}).empty());
  CHECK(v.replicas(0xffff, slot_id{0}).empty());
  CHECK(v.replicas(0, slot_id{slot_count}).empty());
  CHECK(v.assignment(5, slot_id{0}) == nullptr);
  CHECK(v.assignment(0, slot_id{0xffff}) == nullptr);
  CHECK_FALSE(v.is_member_of(5, slot_id{0}, member_id{1}));
  CHECK(v.keyspace(incarnation{0}) == nullptr);
  CHECK(v.keyspace(incarnation{77}) == nullptr);
  CHECK(v.keyspace_by_db(1) == nullptr);
  CHECK(v.keyspace_by_name("x") == nullptr);
  CHECK(v.member(member_id{4}) == nullptr);
  CHECK(v.ranges(3).empty());
}

TEST_CASE("keyspaces are found by number, name and incarnation",
          "[cluster_view]") {
  auto c = config_of(1);
  for (std::uint64_t i = 1; i < 100; ++i) {
    auto next = create_keyspace(c, keyspace_named(numbered("k", i), 1));
    REQUIRE(next);
    c = *std::move(next);
  }
  // Incarnations far apart, as after many flushes.
  for (int i = 0; i < 30; ++i) {
    auto next = flush_keyspace(c, static_cast<std::uint32_t>(i * 3));
    REQUIRE(next);
    c = *std::move(next);
  }
  auto next = drop_keyspace(c, "k50");
  REQUIRE(next);
  const auto gone = c.keyspace("k50")->inc;
  c = *std::move(next);
  const cluster_view v{c};
  for (const auto& k : c.keyspaces) {
    REQUIRE(v.keyspace(k.inc) != nullptr);
    CHECK(v.keyspace(k.inc)->name == k.name);
    CHECK(v.keyspace_by_db(k.db) == v.keyspace(k.inc));
    CHECK(v.keyspace_by_name(k.name) == v.keyspace(k.inc));
    CHECK_FALSE(v.dropped(k.inc));
  }
  CHECK(v.keyspace(gone) == nullptr);
  CHECK(v.dropped(gone));
  CHECK_FALSE(v.dropped(c.next_incarnation)); // not yet, rather than no more
  CHECK(v.keyspace_by_db(50) == nullptr);
}

TEST_CASE("CLUSTER SLOTS has at most nodes x virtual nodes x 2 ranges",
          "[cluster_view]") {
  for (const std::uint32_t n : {1u, 3u, 5u, 10u, 30u}) {
    const cluster_view v{config_of(n)};
    const auto ranges = v.ranges(0);
    CHECK(ranges.size() <= n * limits::virtual_nodes_default * 2);
    std::uint32_t next = 0;
    for (const auto& r : ranges) {
      REQUIRE(r.first.value == next);
      REQUIRE(r.last >= r.first);
      for (std::uint32_t s = r.first.value; s <= r.last.value; ++s)
        REQUIRE(std::ranges::equal(
          r.replicas, v.replicas(0, slot_id{static_cast<std::uint16_t>(s)})));
      next = r.last.value + 1u;
    }
    CHECK(next == slot_count);
    // No two neighbours could be one.
    for (std::size_t i = 1; i < ranges.size(); ++i)
      REQUIRE_FALSE(
        std::ranges::equal(ranges[i - 1].replicas, ranges[i].replicas));
  }
}

TEST_CASE("a member's slots are those it holds", "[cluster_view]") {
  const cluster_view v{config_of(5)};
  std::size_t sum = 0;
  for (std::uint32_t m = 1; m <= 5; ++m) {
    const auto slots = v.slots_of(0, member_id{m});
    CHECK(std::is_sorted(slots.begin(), slots.end()));
    for (const auto s : slots)
      REQUIRE(v.is_member_of(0, s, member_id{m}));
    sum += slots.size();
  }
  CHECK(sum == 3 * std::size_t{slot_count});
}
