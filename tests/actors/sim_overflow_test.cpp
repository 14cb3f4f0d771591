// More at once than there is room for: hints for an absent replica, operations
// that wait in a shard.
#include "support/catch.hpp"
#include "torc/counters.hpp"
#include "torc/node_actors.hpp"
#include "torc/testing.hpp"

using namespace std::chrono_literals;
using torc::testing::cluster;

TEST_CASE("what hints had no room for is found by comparison") {
  torc::testing::cluster_options o;
  o.seed = 206;
  o.default_keyspace.engine = torc::engine_kind::memory;
  o.default_keyspace.replicas = 2;
  o.nodes = 2;
  cluster c{o};
  c.isolate(torc::member_id{2});
  c.world().run_for(3s); // noticed
  auto client = c.client(torc::member_id{1});
  // Not all at once: after a silence the first write waits for the clock.
  REQUIRE(client.put("first", "v"));
  const std::size_t count = torc::limits::hints_max + 2'000;
  std::size_t written = 0;
  for (std::size_t i = 0; i < count; ++i) {
    client.start(torc::requests::put("k" + std::to_string(i), "v"),
                 [&](const torc::client_reply& r) {
                   written += r.status == torc::no_error ? 1 : 0;
                 });
    if (i % 1000 == 0)
      c.world().run_for(1ms);
  }
  c.world().run_for(1s);
  REQUIRE(written == count);
  CHECK(c.node(torc::member_id{1}).counters().shards[0]->hint_overflows.get()
        > 0);
  c.world().heal();
  REQUIRE(c.settle());
  CHECK(c.converge());
  CHECK(c.contents(torc::member_id{2}).size() == count + 1);
}

TEST_CASE("of a burst after a silence so many wait for the clock, the rest is "
          "refused") {
  torc::testing::cluster_options o;
  o.seed = 207;
  o.nodes = 1;
  o.default_keyspace.engine = torc::engine_kind::memory;
  o.default_keyspace.replicas = 1;
  cluster c{o};
  c.world().run_for(10s);
  auto client = c.client(torc::member_id{1});
  constexpr std::size_t count = 70'000;
  std::size_t written = 0;
  std::vector<std::string> refused;
  for (std::size_t i = 0; i < count; ++i) {
    const auto key = "k" + std::to_string(i);
    client.start(torc::requests::put(key, "v"),
                 [&, key](const torc::client_reply& r) {
                   if (r.status == torc::no_error)
                     ++written;
                   else if (r.status == torc::errc::try_again)
                     refused.push_back(key);
                 });
  }
  c.world().run_for(1s);
  CHECK(written + refused.size() == count);
  CHECK(written >= 65'536);
  REQUIRE_FALSE(refused.empty());
  // Nothing was done of what was refused, and it may be sent again.
  CHECK(c.contents(torc::member_id{1}).size() == written);
  for (const auto& key : refused)
    REQUIRE(client.put(key, "v"));
  CHECK(c.contents(torc::member_id{1}).size() == count);
}
