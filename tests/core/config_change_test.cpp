#include "torc/core/config_change.hpp"

#include <algorithm>
#include <set>

#include "core/config_examples.hpp"
#include "core/numbered.hpp"
#include "support/catch.hpp"

using namespace torc;
using namespace torc::test;

namespace {

/// Why it was not done.
template <class T>
std::string refusal(const result<T>& r, errc code) {
  if (r) {
    FAIL_CHECK("it was done");
    return {};
  }
  CHECK(r.error().code == code);
  return r.error().message;
}

} // namespace

TEST_CASE("a founded cluster is whole", "[config]") {
  for (const std::uint32_t n : {1u, 2u, 3u, 7u}) {
    const auto c = config_of(n);
    CHECK(check_config(c));
    CHECK(c.epoch == epoch{1});
    REQUIRE(c.members.size() == n);
    for (std::uint32_t i = 0; i < n; ++i)
      CHECK(c.members[i].id == member_id{i + 1});
    CHECK(c.voters == std::vector{member_id{1}});
    REQUIRE(c.keyspaces.size() == 1);
    CHECK(c.keyspaces[0].name == "default");
    CHECK(c.keyspaces[0].db == 0);
    CHECK(c.keyspaces[0].inc == incarnation{1});
    CHECK(held_replicas(c, c.keyspaces[0]) == std::min(n, 3u));
    CHECK(c.founders_digest == digest_of_founders(founding_of(n).founders));
    for (const auto& a : c.groups[0].assignments) {
      CHECK(a.reps.size() == std::min(n, 3u));
      CHECK(a.q == epoch{1});
    }
  }
}

TEST_CASE("the digest of founders covers their order, doors and weights",
          "[config]") {
  const auto founders = founding_of(3).founders;
  const auto digest = digest_of_founders(founders);
  const auto differs = [&](auto change) {
    auto other = founders;
    change(other);
    return digest_of_founders(other) != digest;
  };
  CHECK(differs([](auto& f) { std::swap(f[0], f[1]); }));
  CHECK(differs([](auto& f) { f[0].name.append("x"); }));
  CHECK(differs([](auto& f) { f[1].door.append("1"); }));
  CHECK(differs([](auto& f) { f[2].zone = f[0].name; }));
  CHECK(differs([](auto& f) { f[2].weight = 1; }));
  CHECK(differs([](auto& f) { f.pop_back(); }));
  // What clients are told may differ per node's view of itself.
  CHECK_FALSE(differs([](auto& f) { f[0].resp = f[1].door; }));
}

TEST_CASE("a cluster is not founded on nonsense", "[config]") {
  const auto refused = [](auto change) {
    auto f = founding_of(3);
    change(f);
    return !found_cluster(f).has_value();
  };
  CHECK(refused([](auto& f) { f.founders.clear(); }));
  CHECK(refused([](auto& f) { f.founders[1].name = f.founders[0].name; }));
  CHECK(refused([](auto& f) { f.founders[1].door = f.founders[0].door; }));
  CHECK(refused([](auto& f) { f.founders[1].door.clear(); }));
  CHECK(refused([](auto& f) { f.founders[1].name = "no spaces"; }));
  CHECK(refused([](auto& f) { f.founders[1].name.assign(33, 'x'); }));
  CHECK(refused([](auto& f) { f.founders[1].zone = "a b"; }));
  CHECK(refused([](auto& f) { f.founders[1].weight = 0; }));
  CHECK(refused([](auto& f) { f.founders[1].weight = 10'001; }));
  CHECK(refused([](auto& f) { f.default_keyspace.replicas = 0; }));
  CHECK(refused([](auto& f) { f.default_keyspace.replicas = 10; }));
  CHECK(refused([](auto& f) { f.virtual_nodes = 0; }));
  CHECK(refused([](auto& f) { f.max_skew_ms = 0; }));
  CHECK(refused([](auto& f) {
    while (f.founders.size() <= limits::members_max)
      f.founders.push_back(
        founder(static_cast<std::uint32_t>(f.founders.size() + 1)));
  }));
  CHECK_FALSE(refused([](auto&) {}));
}

TEST_CASE("keyspaces come and go; db numbers are filled from below",
          "[config]") {
  auto c = config_of(3);
  const auto add = [&](const keyspace_spec& s) {
    auto next = create_keyspace(c, s);
    REQUIRE(next);
    CHECK(next->epoch.value == c.epoch.value + 1);
    CHECK(check_config(*next));
    c = *std::move(next);
    const auto* k = c.keyspace(s.name);
    REQUIRE(k != nullptr);
    return *k;
  };
  const auto a = add(keyspace_named("a"));
  CHECK(a.db == 1);
  CHECK(a.group == c.keyspaces[0].group); // of one kind, one group
  const auto b = add(keyspace_named("b", 2));
  CHECK(b.db == 2);
  CHECK(b.group != a.group);
  CHECK(c.groups.size() == 2);
  auto dropped = drop_keyspace(c, "a");
  REQUIRE(dropped);
  CHECK(check_config(*dropped));
  CHECK(dropped->groups.size() == 2);
  c = *std::move(dropped);
  const auto again = add(keyspace_named("a"));
  CHECK(again.db == 1);
  CHECK(again.inc > a.inc); // never an incarnation twice
  auto less = drop_keyspace(c, "b");
  REQUIRE(less);
  CHECK(less->groups.size() == 1); // nobody uses the other
  CHECK(check_config(*less));
}

TEST_CASE("what keyspaces are refused, and why", "[config]") {
  const auto c = config_of(3);
  const auto refuse = [&](errc code, auto change) {
    auto s = keyspace_named("k");
    change(s);
    return refusal(create_keyspace(c, s), code);
  };
  using test::contains;
  CHECK_THAT(refuse(errc::already_exists, [](auto& s) { s.name = "default"; }),
             contains("exists"));
  CHECK_THAT(refuse(errc::invalid_argument, [](auto& s) { s.name = ""; }),
             contains("name"));
  CHECK_THAT(refuse(errc::invalid_argument, [](auto& s) { s.name = "a/b"; }),
             contains("name"));
  CHECK_THAT(
    refuse(errc::invalid_argument, [](auto& s) { s.name.assign(65, 'x'); }),
    contains("64"));
  CHECK_THAT(refuse(errc::invalid_argument, [](auto& s) { s.replicas = 0; }),
             contains("replicas"));
  CHECK_THAT(refuse(errc::invalid_argument, [](auto& s) { s.replicas = 10; }),
             contains("1 to 9"));
  CHECK_THAT(
    refuse(errc::invalid_argument,
           [](auto& s) { s.default_ttl_ms = config_limits::ttl_ms_max + 1; }),
    contains("100 years"));
  CHECK_THAT(refuse(errc::unsupported,
                    [](auto& s) { s.policy = conflict_policy::siblings; }),
             contains("lww"));
  CHECK_THAT(refuse(errc::invalid_argument,
                    [](auto& s) {
                      s.policy = conflict_policy::merge;
                      s.engine = engine_kind::memory;
                    }),
             contains("restart")); // W7
  CHECK_THAT(
    refuse(errc::unsupported, [](auto& s) { s.mode = keyspace_mode::strong; }),
    contains("mixed"));
  CHECK_THAT(refuse(errc::unsupported,
                    [](auto& s) { s.default_level = consistency::strong; }),
             contains("strong"));
  CHECK_THAT(refusal(drop_keyspace(c, "nobody"), errc::not_found),
             contains("nobody"));
  CHECK_THAT(refusal(drop_keyspace(c, "default"), errc::invalid_argument),
             contains("default"));
}

TEST_CASE("256 keyspaces are the most", "[config]") {
  auto c = config_of(1);
  for (std::uint64_t i = 1; i < 256; ++i) {
    auto next = create_keyspace(c, keyspace_named(numbered("k", i), 1));
    REQUIRE(next);
    c = *std::move(next);
  }
  CHECK(check_config(c));
  CHECK(refusal(create_keyspace(c, keyspace_named("more")), errc::unsupported)
          .find("256")
        != std::string::npos);
}

TEST_CASE("a flush gives new incarnations and nothing else", "[config]") {
  auto made = create_keyspace(config_of(3), keyspace_named("a"));
  REQUIRE(made);
  const auto c = *std::move(made);
  const auto one = flush_keyspace(c, 1);
  REQUIRE(one);
  CHECK(one->epoch.value == c.epoch.value + 1);
  CHECK(one->keyspaces[0] == c.keyspaces[0]);
  CHECK(one->keyspaces[1].inc >= c.next_incarnation);
  CHECK(check_config(*one));
  const auto all = flush_all(c);
  REQUIRE(all);
  std::set<incarnation> used{c.keyspaces[0].inc, c.keyspaces[1].inc};
  for (const auto& k : all->keyspaces)
    CHECK(used.insert(k.inc).second);
  CHECK(check_config(*all));
  refusal(flush_keyspace(c, 9), errc::not_found);
  auto worn = c;
  worn.next_incarnation = incarnation{~std::uint32_t{0}};
  refusal(flush_all(worn), errc::unsupported);
}

TEST_CASE("voters change in two steps, or not at all", "[config]") {
  const auto c = config_of(3);
  const std::vector target{member_id{2}, member_id{3}};
  const auto joint = begin_voter_change(c, {member_id{3}, member_id{2}});
  REQUIRE(joint);
  CHECK(joint->voters == c.voters);
  CHECK(joint->voters_next == target);
  CHECK(check_config(*joint));
  const auto done = finish_voter_change(*joint);
  REQUIRE(done);
  CHECK(done->voters == target);
  CHECK(done->voters_next.empty());
  CHECK(check_config(*done));
  const auto back = abort_voter_change(*joint);
  REQUIRE(back);
  CHECK(back->voters == c.voters);
  CHECK(back->voters_next.empty());
  refusal(begin_voter_change(*joint, {member_id{1}}), errc::try_again);
  refusal(begin_voter_change(c, {}), errc::invalid_argument);
  refusal(begin_voter_change(c, {member_id{1}}), errc::invalid_argument);
  refusal(begin_voter_change(c, {member_id{9}}), errc::invalid_argument);
  refusal(begin_voter_change(c, {member_id{2}, member_id{2}}),
          errc::invalid_argument);
  refusal(finish_voter_change(c), errc::invalid_argument);
  refusal(abort_voter_change(c), errc::invalid_argument);
}

TEST_CASE("sync changes alone", "[config]") {
  const auto c = config_of(2);
  auto next = set_sync(c, sync_policy::os);
  REQUIRE(next);
  CHECK(next->sync == sync_policy::os);
  next->sync = c.sync;
  next->epoch = c.epoch;
  CHECK(*next == c);
}

TEST_CASE("zones spread or are ignored, as the keyspace wants", "[config]") {
  const auto c = config_of(6, true);
  const auto zone = [&](member_id m) { return c.member(m)->zone; };
  for (const auto& a : c.groups[0].assignments) {
    std::set<std::string> zones;
    for (const auto m : a.reps)
      zones.insert(zone(m));
    REQUIRE(zones.size() == 3);
  }
  auto s = keyspace_named("anywhere");
  s.zones = zone_rule::ignore;
  const auto next = create_keyspace(c, s);
  REQUIRE(next);
  REQUIRE(next->groups.size() == 2);
  CHECK(next->groups[1].zones == zone_rule::ignore);
  bool together = false;
  for (const auto& a : next->groups[1].assignments) {
    std::set<std::string> zones;
    for (const auto m : a.reps)
      zones.insert(zone(m));
    together = together || zones.size() < 3;
  }
  CHECK(together);
}
