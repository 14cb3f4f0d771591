// What a peer could not take yet comes again soon.
#include "support/shard_world.hpp"
#include "torc/core/config_change.hpp"

using namespace torc;
using namespace torc::test;

TEST_CASE("pushes of a keyspace that the peer learns of a little later do not "
          "cost seconds",
          "[storage][replication]") {
  shard_world w{2};
  w.connect_all();
  w.run();
  auto flushed = flush_keyspace(w.config, 0);
  REQUIRE(flushed);
  const auto next = std::make_shared<const cluster_view>(*flushed);
  w.nodes[0].life->on_view(next);
  w.nodes[0].sync->on_view(next);
  w.config = *flushed;
  w.put(0, "k", "v");
  w.run();
  w.enter(next);
  w.run_for(200, 20);
  CHECK(w.value(1, "k") == "v");
  w.run_for(600);
  CHECK(w.nodes[0].counters->hints.get() == 0);
}

TEST_CASE("a peer that hears later of the link has what was sent before soon",
          "[storage][replication]") {
  shard_world w{2};
  w.run();
  w.connect_all();
  w.run_for(2000);
  w.cut(0, 1);
  w.put(0, "k", "v");
  w.run();
  w.up.insert({0, 1});
  auto roles = std::make_shared<peer_roles>();
  roles->shards.resize(1);
  roles->member = member_id{2};
  w.nodes[0].life->on_peer_up({member_id{2}, {}, roles});
  w.run(); // the batch is dropped at the other side
  roles = std::make_shared<peer_roles>(*roles);
  roles->member = member_id{1};
  w.nodes[1].life->on_peer_up({member_id{1}, {}, roles});
  w.run_for(200, 20);
  CHECK(w.value(1, "k") == "v");
}

TEST_CASE("a peer that refuses for long is asked less and less often",
          "[storage][replication]") {
  shard_world w{2};
  w.connect_all();
  w.run();
  w.nodes[1].disk->fail_apply({errc::io_error, "planned"});
  w.put(0, "a", "1");
  w.run();
  w.put(0, "b", "2");
  w.run_for(20'000, 20);
  CHECK(w.nodes[0].counters->pushes_sent.get() < 60);
  REQUIRE(w.recover(1));
  w.run_for(3000);
  CHECK(w.value(1, "b") == "2");
  CHECK(w.nodes[0].counters->hints.get() == 0);
}
