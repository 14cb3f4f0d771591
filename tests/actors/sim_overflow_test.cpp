// More writes for an absent replica than hints have room for.
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
