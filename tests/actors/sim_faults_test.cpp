// A simulated cluster under faults: whatever happens, what was acknowledged
// stays, and all replicas agree in the end.
#include "support/sim_cluster.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/counters.hpp"
#include "torc/node_actors.hpp"

using namespace std::chrono_literals;
using namespace torc::test;
using torc::errc;
using torc::member_id;
using torc::testing::cluster;
using torc::testing::write_checker;

namespace {

member_id any_member(cluster& c) {
  return member_id{
    1
    + static_cast<std::uint32_t>(c.world().random().below(c.options().nodes))};
}

/// Writes at random nodes, a few per millisecond.
void write_some(cluster& c, write_checker& writes, int count, int& number) {
  for (int i = 0; i < count; ++i) {
    const auto m = any_member(c);
    if (!c.alive(m))
      continue;
    auto client = c.client(m);
    const auto key = "k" + std::to_string(c.world().random().below(50));
    writes.put(client, key, std::to_string(number++));
    c.world().run_for(std::chrono::microseconds{
      static_cast<std::int64_t>(c.world().random().below(2'000))});
  }
}

void no_difference_and_nothing_lost(cluster& c, const write_checker& writes) {
  c.world().heal();
  REQUIRE(c.settle());
  CHECK(c.converge());
  CHECK(c.differences() == std::vector<std::string>{});
  CHECK(writes.lost(c) == std::vector<std::string>{});
  CHECK(writes.answered() == writes.started());
}

} // namespace

TEST_CASE("replicas converge after any pattern of drops, once links heal") {
  std::size_t acknowledged = 0;
  for (std::uint64_t seed = 1; seed <= 25; ++seed) {
    CAPTURE(seed);
    auto o = seeded(seed);
    o.shards = 1 + seed % 2;
    if (seed % 3 == 0)
      o.default_keyspace.engine = torc::engine_kind::memory;
    cluster c{o};
    auto& r = c.world().random();
    write_checker writes;
    int number = 0;
    for (int phase = 0; phase < 4; ++phase) {
      torc::testing::link_faults f;
      f.drop = static_cast<double>(r.below(60)) / 100;
      f.duplicate = static_cast<double>(r.below(30)) / 100;
      f.delay_max = std::chrono::milliseconds{1 + r.below(30)};
      f.reorder = r.chance(0.5);
      c.world().set_faults(f);
      if (r.chance(0.5))
        c.world().cut_one_way(any_member(c), any_member(c));
      if (r.chance(0.3))
        c.isolate(any_member(c));
      write_some(c, writes, 60, number);
      if (r.chance(0.5))
        c.world().heal();
    }
    no_difference_and_nothing_lost(c, writes);
    acknowledged += writes.acknowledged();
  }
  CHECK(acknowledged > 25 * 100); // it was not refusals that converged
}

TEST_CASE("nothing acknowledged at EVENTUAL is lost when nodes crash") {
  for (std::uint64_t seed = 100; seed < 125; ++seed) {
    CAPTURE(seed);
    cluster c{seeded(seed)};
    auto& r = c.world().random();
    write_checker writes;
    int number = 0;
    for (int phase = 0; phase < 5; ++phase) {
      write_some(c, writes, 40, number);
      const auto m = any_member(c);
      if (c.alive(m))
        c.crash(m, r.below(c.disk(m).unsynced_batches() + 1));
      write_some(c, writes, 20, number);
      for (const auto x : c.members())
        if (!c.alive(x) && r.chance(0.7))
          c.restart(x);
    }
    for (const auto x : c.members())
      if (!c.alive(x))
        c.restart(x);
    no_difference_and_nothing_lost(c, writes);
    CHECK(writes.acknowledged() > 100);
  }
}

TEST_CASE("a crashed node loses exactly what was not synced") {
  auto o = seeded(200);
  o.nodes = 1;
  o.sync = torc::sync_policy::os; // nothing is synced but what must be
  cluster c{o};
  // Each blocking write is a commit of its own.
  auto client = c.client(one);
  REQUIRE(client.put("synced", "v"));
  REQUIRE(c.disk(one).sync());
  std::vector<std::string> keys;
  for (int i = 0; i < 10; ++i) {
    keys.push_back("k" + std::to_string(i));
    const auto r = client.put(keys.back(), "v");
    REQUIRE(r);
    CHECK_FALSE(r->info.synced);
  }
  REQUIRE(c.disk(one).unsynced_batches() == 10);
  c.crash(one, 4);
  const auto down = client.get("synced");
  REQUIRE_FALSE(down);
  CHECK(down.error().code == errc::no_replica);
  c.restart(one);
  REQUIRE(c.settle());
  CHECK(client.get("synced")->value == "v");
  for (std::size_t i = 0; i < keys.size(); ++i)
    CHECK(client.get(keys[i])->value.has_value() == (i < 4));
}

TEST_CASE("with sync=always a crash loses nothing that was acknowledged") {
  auto o = seeded(201);
  o.nodes = 1;
  cluster c{o};
  auto client = c.client(one);
  for (int i = 0; i < 10; ++i) {
    const auto r = client.put("k" + std::to_string(i), "v");
    REQUIRE(r);
    CHECK(r->info.synced);
  }
  c.crash(one);
  c.restart(one);
  REQUIRE(c.settle());
  for (int i = 0; i < 10; ++i)
    CHECK(client.get("k" + std::to_string(i))->value == "v");
}

TEST_CASE("a write under way when its node crashes has an unknown outcome") {
  cluster c{seeded(202)};
  auto client = c.client(one);
  auto f = client.async_put("k", "v");
  c.crash(one);
  const auto r = c.wait(f);
  REQUIRE_FALSE(r);
  CHECK(r.error().code == errc::unknown_outcome);
}

TEST_CASE("versions stay unique over a crash: a restart begins above the "
          "ceiling") {
  auto o = seeded(203);
  o.nodes = 1;
  o.sync = torc::sync_policy::os;
  cluster c{o};
  auto client = c.client(one);
  const auto before = client.put("k", "lost");
  REQUIRE(before);
  c.crash(one);
  c.set_skew(one, -3'000); // its clock fell back meanwhile
  c.restart(one);
  c.world().run_for(5s);
  const auto after = client.put("k", "kept");
  REQUIRE(after);
  CHECK(after->info.version > before->info.version);
}

TEST_CASE("a node of a memory keyspace serves again only when it has fetched "
          "its slots") {
  auto o = seeded(204);
  o.default_keyspace.engine = torc::engine_kind::memory;
  cluster c{o};
  auto client = c.client(one);
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; i < 500; ++i)
    entries.emplace_back("k" + std::to_string(i), "v" + std::to_string(i));
  for (const auto& r : client.mput(entries))
    REQUIRE(r);
  REQUIRE(c.converge());
  c.crash(three);
  REQUIRE(client.put("meanwhile", "v"));
  c.restart(three);
  // From its first moment on: never "there is no such key".
  auto at_three = c.client(three);
  for (const auto& r : at_three.mget({"k0", "k1", "meanwhile"})) {
    if (!r)
      continue;
    CHECK(r->value.has_value());
  }
  REQUIRE(c.settle());
  REQUIRE(c.converge());
  c.isolate(three);
  for (const auto& [key, value] : entries)
    CHECK(at_three.get(key)->value == value);
  CHECK(at_three.get("meanwhile")->value == "v");
}

TEST_CASE("a memory keyspace that no replica has any more starts empty") {
  auto o = seeded(205);
  o.default_keyspace.engine = torc::engine_kind::memory;
  cluster c{o};
  REQUIRE(c.client(one).put("k", "v"));
  REQUIRE(c.converge());
  for (const auto m : c.members())
    c.crash(m);
  for (const auto m : c.members())
    c.restart(m);
  REQUIRE(c.settle());
  c.world().run_for(5s);
  const auto r = c.client(two).get("k");
  REQUIRE(r);
  CHECK_FALSE(r->value);
  REQUIRE(c.client(two).put("k", "new"));
}

TEST_CASE("a flush reaches a replica that was cut off, and what it wrote into "
          "the old data does not come back") {
  cluster c{seeded(207)};
  REQUIRE(c.client(one).put("old", "v"));
  REQUIRE(c.converge());
  c.isolate(three);
  c.world().run_for(3s);
  REQUIRE(
    c.change(one, [](const auto& config) { return torc::flush_all(config); }));
  c.world().run_for(1s);
  CHECK_FALSE(c.client(one).get("old")->value);
  // Three cannot know yet.
  CHECK(c.client(three).get("old")->value == "v");
  REQUIRE(c.client(three).put("into the old", "v"));
  REQUIRE(c.client(one).put("new", "v"));
  c.world().heal();
  REQUIRE(c.settle());
  REQUIRE(c.converge());
  for (const auto m : c.members()) {
    CHECK(c.client(m).get("new")->value == "v");
    CHECK_FALSE(c.client(m).get("old")->value);
    CHECK_FALSE(c.client(m).get("into the old")->value);
  }
}

TEST_CASE("a config change waits for its voter and is not half done") {
  cluster c{seeded(208)};
  c.isolate(one); // the one voter
  torc::keyspace_spec spec;
  spec.name = "later";
  const auto create = [spec](const auto& config) {
    return torc::create_keyspace(config, spec);
  };
  const auto refused = c.change(two, create);
  REQUIRE_FALSE(refused);
  CHECK((refused.error().code == errc::timeout
         || refused.error().code == errc::unknown_outcome));
  c.world().heal();
  REQUIRE(c.settle());
  c.world().run_for(5s);
  if (refused.error().code == errc::timeout)
    CHECK(c.view(one)->keyspace_by_name("later") == nullptr);
  const auto again = c.change(two, create);
  if (!again)
    CHECK(again.error().code == errc::already_exists);
  c.world().run_for(2s);
  for (const auto m : c.members())
    CHECK(c.view(m)->keyspace_by_name("later") != nullptr);
}
