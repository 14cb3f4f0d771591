#include "torc/core/record.hpp"

#include <algorithm>
#include <random>
#include <utility>

#include "core/numbered.hpp"
#include "support/catch.hpp"
#include "torc/core/limits.hpp"

using namespace torc;

namespace {

constexpr auto lww = conflict_policy::lww;
constexpr auto siblings = conflict_policy::siblings;

/// A tag names its content: deadline, tombstone and value follow from it.
version version_of(std::uint64_t h, std::uint32_t actor, bool expired = false) {
  version v;
  v.tag = {hlc_time{h}, actor_id{actor}};
  v.tombstone = h == 3;
  v.expires_at = h == 2 ? 77 : 0;
  v.expired = expired;
  if (v.live())
    v.value = test::numbered(test::numbered("value ", h) + ".", actor);
  return v;
}

decided_op op(std::uint64_t born, bool applied) {
  return {{born % 2, born, hlc_time{born}}, applied};
}

/// All lists of decided operations with up to two ids and a floor.
std::vector<decided_ops> small_ops() {
  std::vector<decided_ops> out;
  for (std::uint64_t floor = 0; floor < 3; ++floor)
    for (unsigned set = 0; set < 4; ++set) {
      decided_ops o;
      o.floor = hlc_time{floor};
      if ((set & 2) != 0 && floor < 2)
        o.entries.push_back(op(2, false));
      if ((set & 1) != 0 && floor < 1)
        o.entries.push_back(op(1, true));
      if (std::find(out.begin(), out.end(), o) == out.end())
        out.push_back(o);
    }
  return out;
}

/// Every lww record over five tags, with and without marks, times small_ops.
std::vector<record> small_world() {
  std::vector<std::vector<version>> versions{{}};
  for (const auto& [h, actor] :
       std::vector<std::pair<std::uint64_t, std::uint32_t>>{
         {1, 1}, {1, 2}, {2, 1}, {2, strong_actor_bit | 1}, {3, 1}}) {
    versions.push_back({version_of(h, actor)});
    if (h == 2)
      versions.push_back({version_of(h, actor, true)});
  }
  std::vector<record> out;
  for (const auto& v : versions)
    for (const auto& o : small_ops())
      out.push_back({v, {}, o});
  return out;
}

/// Replicas of one key that write and exchange records as protocol 8 says;
/// gives every record that any of them ever had.
std::vector<record> sibling_history(std::uint32_t seed) {
  std::mt19937 random{seed};
  constexpr std::uint32_t replicas = 3;
  std::vector<record> now(replicas);
  std::vector<record> out{record{}};
  std::uint64_t clock = 0;
  for (int step = 0; step < 12; ++step) {
    const auto me = static_cast<std::uint32_t>(random() % replicas);
    auto& mine = now[me];
    if (random() % 2 == 0) {
      record next = mine;
      ++clock;
      // Strong versions share one entry of the context (T18).
      const bool strong = random() % 4 == 0;
      const actor_id actor{strong ? strong_actor_bit | (me + 1) : me + 1};
      const actor_id entry = strong ? strong_context_actor : actor;
      if (random() % 2 == 0)
        next.versions.clear(); // its context covers what it saw
      version v;
      v.tag = {hlc_time{clock}, actor};
      v.tombstone = random() % 4 == 0;
      next.versions.push_back(v);
      std::sort(next.versions.begin(), next.versions.end(),
                [](const auto& a, const auto& b) { return a.tag < b.tag; });
      std::erase_if(next.ctx, [&](const auto& e) { return e.actor == entry; });
      next.ctx.push_back({entry, hlc_time{clock}});
      std::sort(next.ctx.begin(), next.ctx.end());
      mine = next;
    } else {
      mine = join(siblings, mine, now[random() % replicas]);
    }
    if (random() % 8 == 0 && !mine.versions.empty())
      mine.versions.front().expired = true;
    out.push_back(mine);
  }
  return out;
}

record with_ops(std::mt19937& random, std::size_t n) {
  record r;
  for (std::size_t i = 0; i < n; ++i)
    r.ops.entries.push_back(op(1 + random() % 150, true));
  std::sort(r.ops.entries.begin(), r.ops.entries.end());
  r.ops.entries.erase(std::unique(r.ops.entries.begin(), r.ops.entries.end()),
                      r.ops.entries.end());
  return join(lww, r, r);
}

} // namespace

TEST_CASE("the join of lww records is a least upper bound: all small worlds",
          "[record]") {
  const auto world = small_world();
  REQUIRE(world.size() > 40);
  for (const auto& a : world) {
    REQUIRE(join(lww, a, a) == a);
    REQUIRE(join(lww, a, record{}) == a);
    REQUIRE(join(lww, record{}, a) == a);
    for (const auto& b : world) {
      const auto ab = join(lww, a, b);
      REQUIRE(ab == join(lww, b, a));
      // It is above both.
      REQUIRE(join(lww, a, ab) == ab);
      REQUIRE(covered_by(lww, a, ab));
      REQUIRE(covered_by(lww, b, ab));
      for (const auto& c : world)
        REQUIRE(join(lww, ab, c) == join(lww, a, join(lww, b, c)));
    }
  }
}

TEST_CASE("the larger tag wins and EXPIRED is or-ed", "[record]") {
  const record older{{version_of(1, 2)}, {}, {}};
  const record newer{{version_of(2, 1)}, {}, {}};
  CHECK(join(lww, older, newer) == newer);
  const record marked{{version_of(2, 1, true)}, {}, {}};
  const auto joined = join(lww, newer, marked);
  REQUIRE(joined.versions.size() == 1);
  CHECK(joined.versions[0].expired);
  CHECK(joined.versions[0].value.empty());
  CHECK(joined.versions[0].tag == newer.versions[0].tag);
  // A decided operation outlives the version that it made (T9).
  auto strong = older;
  strong.ops.entries = {op(1, true)};
  CHECK(join(lww, strong, newer).ops == strong.ops);
}

TEST_CASE("covered_by is the order of the lattice", "[record]") {
  const record a{{version_of(1, 1)}, {}, {}};
  const record b{{version_of(2, 1)}, {}, {}};
  CHECK(covered_by(lww, a, b));
  CHECK_FALSE(covered_by(lww, b, a));
  CHECK(covered_by(lww, record{}, a));
  auto with_op = a;
  with_op.ops.entries = {op(1, true)};
  CHECK(covered_by(lww, with_op, a)); // operations are ignored
}

TEST_CASE("the join of siblings obeys the same laws on what can happen",
          "[record]") {
  for (std::uint32_t seed = 0; seed < 60; ++seed) {
    const auto world = sibling_history(seed);
    for (const auto& a : world) {
      REQUIRE(join(siblings, a, a) == a);
      REQUIRE(join(siblings, a, record{}) == a);
      for (const auto& b : world) {
        const auto ab = join(siblings, a, b);
        REQUIRE(ab == join(siblings, b, a));
        REQUIRE(join(siblings, ab, b) == ab);
        for (const auto& c : world)
          REQUIRE(join(siblings, ab, c)
                  == join(siblings, a, join(siblings, b, c)));
      }
    }
  }
}

TEST_CASE("siblings stay until a context covers them", "[record]") {
  record a{{version_of(1, 1)}, {{actor_id{1}, hlc_time{1}}}, {}};
  record b{{version_of(1, 2)}, {{actor_id{2}, hlc_time{1}}}, {}};
  const auto both = join(siblings, a, b);
  CHECK(both.versions.size() == 2);
  record c{{version_of(4, 1)},
           {{actor_id{1}, hlc_time{4}}, {actor_id{2}, hlc_time{1}}},
           {}};
  CHECK(join(siblings, both, c) == c);
  // A strong version of another proposer is covered by the shared entry (T18).
  record s1{{version_of(1, strong_actor_bit | 1)},
            {{strong_context_actor, hlc_time{1}}},
            {}};
  record s2{{version_of(2, strong_actor_bit | 2)},
            {{strong_context_actor, hlc_time{2}}},
            {}};
  CHECK(join(siblings, s1, s2) == s2);
}

TEST_CASE("decided operations are bounded and forget the oldest", "[record]") {
  record a;
  record b;
  for (std::uint64_t i = 1; i <= limits::decided_ops_max; ++i)
    a.ops.entries.push_back({{1, i, hlc_time{i}}, true});
  b.ops.entries = {{{2, 1, hlc_time{1000}}, false}};
  const auto joined = join(lww, a, b);
  CHECK(joined.ops.entries.size() == limits::decided_ops_max);
  CHECK(joined.ops.floor == hlc_time{1});
  std::mt19937 random{5};
  for (int round = 0; round < 300; ++round) {
    const auto x = with_ops(random, 60);
    const auto y = with_ops(random, 60);
    const auto z = with_ops(random, 60);
    const auto xy = join(lww, x, y);
    REQUIRE(xy == join(lww, y, x));
    REQUIRE(join(lww, xy, z) == join(lww, x, join(lww, y, z)));
    REQUIRE(join(lww, xy, x) == xy);
    REQUIRE(xy.ops.entries.size() <= limits::decided_ops_max);
    for (const auto& e : xy.ops.entries)
      REQUIRE(e.id.born > xy.ops.floor);
  }
}

TEST_CASE("one id decided both ways counts as applied", "[record]") {
  record a;
  record b;
  a.ops.entries = {op(4, true)};
  b.ops.entries = {op(4, false)};
  CHECK(join(lww, a, b) == a);
  CHECK(join(lww, b, a) == a);
}

TEST_CASE("a record's id covers all but the values", "[record]") {
  record r{{version_of(1, 1), version_of(2, 1)},
           {{actor_id{1}, hlc_time{2}}},
           {{op(5, true)}, hlc_time{3}}};
  const auto id = id_of(r);
  // Golden: replicas of different versions compare these.
  CHECK(id_of(record{}) == record_id{0xab9c6caab332c468u, 0x1a23c76f2d0158d8u});
  CHECK(id == record_id{0x7157ccf952d26f95u, 0x47ff9da70ea52e44u});
  auto x = r;
  x.versions[0].value = "something else";
  CHECK(id_of(x) == id);
  const auto differs = [&](auto change) {
    auto y = r;
    change(y);
    return id_of(y) != id;
  };
  CHECK(differs([](auto& y) { y.versions.pop_back(); }));
  CHECK(differs([](auto& y) { ++y.versions[0].tag.h.value; }));
  CHECK(differs([](auto& y) { ++y.versions[0].tag.actor.value; }));
  CHECK(differs([](auto& y) { y.versions[0].tombstone = true; }));
  CHECK(differs([](auto& y) { y.versions[0].expired = true; }));
  CHECK(differs([](auto& y) { y.versions[0].expires_at = 9; }));
  CHECK(differs([](auto& y) { ++y.ctx[0].h.value; }));
  CHECK(differs([](auto& y) { y.ctx.clear(); }));
  CHECK(differs([](auto& y) { y.ops.entries[0].applied = false; }));
  CHECK(differs([](auto& y) { ++y.ops.entries[0].id.client; }));
  CHECK(differs([](auto& y) { ++y.ops.floor.value; }));
}

TEST_CASE("readers see a live version until its deadline", "[record]") {
  record r;
  CHECK(visible_version(r, 0) == nullptr);
  r.versions = {version_of(2, 1)};
  CHECK(visible_version(r, 76) == &r.versions[0]);
  CHECK(visible_version(r, 77) == nullptr);
  r.versions = {version_of(3, 1)};
  CHECK(visible_version(r, 0) == nullptr);
  r.versions = {version_of(2, 1, true)};
  CHECK(visible_version(r, 0) == nullptr);
}
