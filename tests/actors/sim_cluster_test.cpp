// A simulated cluster without crashes: clients, cuts, deadlines,
// reproducibility.
#include <set>

#include "support/sim_cluster.hpp"

using namespace std::chrono_literals;
using namespace torc::test;
using torc::errc;
using torc::member_id;
using torc::testing::cluster;
using torc::testing::link_faults;
using torc::testing::write_checker;

namespace {

std::string value_at(cluster& c, member_id m, const std::string& key) {
  const auto r = c.client(m).get(key);
  REQUIRE(r);
  return r->value.value_or("(none)");
}

/// A little of everything; the hash of all that happened.
std::uint64_t busy_run(std::uint64_t seed) {
  auto o = seeded(seed);
  o.shards = 2;
  o.links.drop = 0.05;
  o.links.duplicate = 0.05;
  o.links.delay_max = 5ms;
  cluster c{o};
  write_checker writes;
  for (int i = 0; i < 200; ++i) {
    auto client = c.client(member_id{1 + static_cast<std::uint32_t>(i % 3)});
    writes.put(client, "k" + std::to_string(i % 40), std::to_string(i));
    c.world().run_for(3ms);
    if (i == 100)
      c.isolate(three);
    if (i == 150)
      c.world().heal();
  }
  c.world().run_for(5s);
  CHECK(writes.answered() == writes.started());
  return c.world().trace_hash();
}

} // namespace

TEST_CASE("what one node wrote, all nodes read") {
  cluster c{seeded(1)};
  const auto put = c.client(one).put("greeting", "hello");
  REQUIRE(put);
  CHECK(put->changed);
  CHECK(put->info.level == torc::consistency::eventual);
  CHECK(put->info.synced);
  CHECK(torc::hlc_to_ms(put->info.version.h) >= c.options().start_ms);
  REQUIRE(c.converge());
  for (const auto m : c.members()) {
    CHECK(value_at(c, m, "greeting") == "hello");
    const auto head = c.stored(m, "greeting");
    REQUIRE(head);
    CHECK(head->tag == put->info.version);
  }
}

TEST_CASE("a key removed at one node is gone at all") {
  cluster c{seeded(2)};
  REQUIRE(c.client(one).put("k", "v"));
  REQUIRE(c.converge());
  const auto removed = c.client(two).remove("k");
  REQUIRE(removed);
  CHECK(removed->found);
  CHECK(removed->changed);
  REQUIRE(c.converge());
  for (const auto m : c.members())
    CHECK(value_at(c, m, "k") == "(none)");
  const auto again = c.client(three).remove("k");
  REQUIRE(again);
  CHECK_FALSE(again->found);
}

TEST_CASE("a scan finds every key once, whatever the shards and the pages") {
  auto o = seeded(3);
  o.nodes = 5;
  o.shards = 3;
  cluster c{o};
  auto client = c.client(one);
  std::set<std::string> expected;
  std::vector<std::pair<std::string, std::string>> entries;
  for (int i = 0; i < 300; ++i) {
    entries.emplace_back("key" + std::to_string(i), "v");
    expected.insert(entries.back().first);
  }
  for (const auto& r : client.mput(entries))
    REQUIRE(r);
  REQUIRE(c.converge());
  for (const std::uint32_t count : {7u, 1000u}) {
    std::vector<std::string> found;
    std::uint64_t cursor = 0;
    do {
      const auto page = client.scan(cursor, count);
      REQUIRE(page);
      found.insert(found.end(), page->keys.begin(), page->keys.end());
      cursor = page->cursor;
    } while (cursor != 0);
    CHECK(found.size() == expected.size());
    CHECK(std::set<std::string>(found.begin(), found.end()) == expected);
  }
}

TEST_CASE("a cut-off replica does not stop eventual operations, its own "
          "included") {
  cluster c{seeded(4)};
  REQUIRE(c.client(one).put("k", "before"));
  REQUIRE(c.converge());
  c.isolate(three);
  for (const auto m : c.members()) {
    const auto put = c.client(m).put("by" + std::to_string(m.value), "v");
    REQUIRE(put);
    CHECK(put->info.level == torc::consistency::eventual);
    CHECK(value_at(c, m, "k") == "before");
  }
  // Both sides go on apart from each other.
  REQUIRE(c.client(one).put("k", "main"));
  c.world().run_for(10s);
  CHECK(value_at(c, two, "k") == "main");
  CHECK(value_at(c, three, "k") == "before");
  CHECK(value_at(c, one, "by3") == "(none)");
  c.world().heal();
  REQUIRE(c.converge());
  CHECK(value_at(c, three, "k") == "main");
  CHECK(value_at(c, one, "by3") == "v");
}

TEST_CASE("of two writes on both sides of a cut the later one stays") {
  cluster c{seeded(5)};
  c.isolate(three);
  REQUIRE(c.client(one).put("k", "first"));
  c.world().run_for(100ms);
  REQUIRE(c.client(three).put("k", "second"));
  c.world().heal();
  REQUIRE(c.converge());
  for (const auto m : c.members())
    CHECK(value_at(c, m, "k") == "second");
}

TEST_CASE("a deadline holds on every replica to the millisecond") {
  cluster c{seeded(6)};
  const auto deadline = c.now_ms() + 10'000;
  torc::put_options until;
  until.expires_at_ms = deadline;
  REQUIRE(c.client(one).put("k", "v", until));
  REQUIRE(c.converge());
  c.world().run_for(std::chrono::milliseconds{deadline - 2 - c.now_ms()});
  // A read of a local replica takes no simulated time.
  REQUIRE(c.now_ms() == deadline - 2);
  for (const auto m : c.members()) {
    const auto r = c.client(m).get("k");
    REQUIRE(r);
    CHECK(r->value == "v");
    CHECK(r->info.expires_at_ms == deadline);
  }
  c.world().run_for(std::chrono::milliseconds{deadline - c.now_ms()});
  REQUIRE(c.now_ms() == deadline);
  for (const auto m : c.members())
    CHECK(value_at(c, m, "k") == "(none)");
}

TEST_CASE("an expired key never comes back, not from a replica that slept") {
  cluster c{seeded(7)};
  torc::put_options soon;
  soon.ttl = 5s;
  REQUIRE(c.client(one).put("k", "v", soon));
  REQUIRE(c.converge());
  c.isolate(three);
  c.world().run_for(60s); // expired and swept on both sides
  c.world().heal();
  for (int i = 0; i < 60; ++i) {
    c.world().run_for(2s);
    for (const auto m : c.members())
      CHECK(value_at(c, m, "k") == "(none)");
  }
  CHECK(c.differences().empty());
}

TEST_CASE("a clock that is behind lets nobody see an expired key for longer "
          "than that") {
  cluster c{seeded(8)};
  torc::put_options soon;
  soon.ttl = 2s;
  REQUIRE(c.client(one).put("k", "v", soon));
  REQUIRE(c.converge());
  c.set_skew(two, -400);
  c.world().run_for(2s);
  CHECK(value_at(c, one, "k") == "(none)");
  c.world().run_for(400ms);
  CHECK(value_at(c, two, "k") == "(none)");
}

TEST_CASE("a new keyspace is there for clients of all nodes") {
  cluster c{seeded(9)};
  torc::keyspace_spec spec;
  spec.name = "orders";
  spec.replicas = 2;
  spec.engine = torc::engine_kind::memory;
  REQUIRE(c.change(two, [spec](const auto& config) {
    return torc::create_keyspace(config, spec);
  }));
  c.world().run_for(2s);
  auto orders = c.client(three).keyspace("orders");
  REQUIRE(orders.put("o1", "paid"));
  REQUIRE(c.converge());
  CHECK(c.client(one).keyspace("orders").get("o1")->value == "paid");
  CHECK_FALSE(c.client(one).get("o1")->value);
  const auto none = c.client(one).keyspace("bills").get("o1");
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::not_found);
}

TEST_CASE("a seed is a run of a cluster: the same one has the same trace") {
  const auto first = busy_run(11);
  CHECK(first == busy_run(11));
  CHECK(first != busy_run(12));
}
