// What a peer could not take yet comes again soon.
#include <numeric>

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

TEST_CASE("what a slow link takes long for is acknowledged in the end",
          "[storage][replication]") {
  shard_world w{2};
  w.connect_all();
  w.run_for(2000);
  const auto sent = [&] { return w.nodes[0].counters->pushes_sent.get(); };
  w.held.insert({0, 1}); // a batch arrives every seven seconds
  w.put(0, "a", "1");
  w.run();
  w.tick(100);
  REQUIRE(w.nodes[0].counters->hints.get() == 1);
  for (int step = 1; step < 1000 && w.nodes[0].counters->hints.get() != 0;
       ++step) {
    if (step % 70 == 0)
      w.deliver(0, 1);
    w.run();
    w.tick(100);
  }
  CHECK(w.nodes[0].counters->hints.get() == 0);
  CHECK(w.value(1, "a") == "1");
  // What was learnt of one record is not held against the next.
  const auto before = sent();
  w.put(0, "b", "2");
  w.run_for(3000);
  CHECK(sent() >= before + 2);
}

TEST_CASE("all streams of a link together have less under way than it takes",
          "[storage][replication]") {
  const std::vector<std::pair<std::uint16_t, std::size_t>> members{
    {1, 1}, {4, 4}, {8, 12}, {32, 32}, {31, 32}};
  for (const auto& [ours, theirs] : members) {
    INFO(ours << " shards and " << theirs);
    storage::peer_streams all{1, ours};
    all.connect(member_id{2}, std::vector<storage_node_port>(theirs), 0);
    auto& streams = all.find(member_id{2})->streams;
    REQUIRE(streams.size() == theirs);
    const std::size_t record = 1000;
    std::size_t under_way = 0;
    while (streams.back().pushes.add_sent(1, "k", {}, record, 1))
      under_way += record;
    REQUIRE(under_way >= record);
    const auto pairs = std::lcm(std::size_t{ours}, theirs);
    CHECK(under_way - record <= limits::push_window_bytes);
    CHECK(pairs * (under_way - record) <= 32 * limits::mib);
  }
}
