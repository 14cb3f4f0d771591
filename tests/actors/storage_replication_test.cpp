// What replicas owe each other: pushes, hints, acknowledgements, WAIT.
#include "support/shard_world.hpp"

using namespace torc;
using namespace torc::test;

TEST_CASE("nothing of one's own leaves before it is durable (D1)",
          "[storage][replication]") {
  shard_world w{2};
  w.connect_all();
  w.run();
  w.put(0, "k", "weak", consistency::weak);
  w.flush(0);
  const auto pushes = [&] { return w.nodes[0].counters->pushes_sent.get(); };
  CHECK(pushes() == 0);
  // A newer change that is not durable does not ride on an older one's push.
  w.commit(0);
  w.put(0, "k", "newer", consistency::weak);
  w.flush(0);
  while (w.deliver(0, 1)) {
  }
  w.flush(1);
  CHECK(pushes() == 1);
  CHECK(w.value(1, "k") == "weak");
  w.crash(0);
  w.start(0);
  w.heal();
  CHECK(w.value(0, "k") == "weak");
  CHECK(w.value(1, "k") == "weak");
}

TEST_CASE("a key that is written without end reaches the others all the same",
          "[storage][replication]") {
  shard_world w{2};
  w.run();
  w.put(0, "k", "0");
  w.run();
  w.connect_all(); // the hint's key is never clean from here on
  for (int i = 1; i < 50; ++i) {
    w.put(0, "k", std::to_string(i));
    w.flush(0);
    if (i > 1)
      w.commit(0);
    w.flush(0);
    while (w.deliver(0, 1)) {
    }
    w.flush(1);
    w.commit(1);
    w.flush(1);
    while (w.deliver(1, 0)) {
    }
  }
  const auto got = w.value(1, "k");
  REQUIRE(got);
  CHECK(std::stoi(*got) > 40);
}

TEST_CASE("hints are kept until the peer acknowledges, and are keys only once",
          "[storage][replication]") {
  shard_world w{2, engine_kind::memory};
  w.connect_all();
  w.run();
  w.cut(0, 1);
  for (int i = 0; i < 100; ++i)
    w.put(0, "k" + std::to_string(i % 5), std::to_string(i));
  w.run_for(600);
  CHECK(w.nodes[0].counters->hints.get() == 5);
  w.connect(0, 1);
  w.run_for(600);
  CHECK(w.nodes[0].counters->hints.get() == 0);
  for (int i = 0; i < 5; ++i)
    CHECK(w.value(1, "k" + std::to_string(i)) == std::to_string(95 + i));
}

TEST_CASE("too many hints are left to comparison", "[storage][replication]") {
  shard_world w{2, engine_kind::memory};
  w.connect_all();
  w.run();
  w.cut(0, 1);
  constexpr std::size_t writes = limits::hints_max + 500;
  for (std::size_t i = 0; i < writes; ++i)
    w.put(0, "k" + std::to_string(i), "v", consistency::weak);
  w.run();
  CHECK(w.nodes[0].counters->hint_overflows.get() == 500);
  w.connect(0, 1);
  w.run_for(120'000, 500);
  CHECK(w.same_everywhere());
  CHECK(w.value(1, "k" + std::to_string(writes - 1)) == "v");
  // And the books are straight again: WAIT counts the replica.
  const auto id = w.wait(0, 1, 1000);
  w.run();
  REQUIRE(w.answer(0, id) != nullptr);
  CHECK(w.answer(0, id)->head.number == 1);
}

TEST_CASE("WAIT counts the replicas that have all writes before it",
          "[storage][replication]") {
  shard_world w{3};
  w.run();
  w.connect_all();
  w.run();
  w.put(0, "k", "1");
  const auto both = w.wait(0, 2, 1000);
  w.flush(0);
  CHECK(w.answer(0, both) == nullptr);
  w.run();
  CHECK(w.answer(0, both)->head.number == 2);
  w.cut(0, 2);
  // A newer write of the same key must not make an older one look delivered.
  w.put(0, "k", "2");
  w.flush(0);
  const auto some = w.wait(0, 2, 500);
  w.put(0, "k", "3");
  w.run();
  CHECK(w.answer(0, some) == nullptr);
  w.tick(600);
  w.run();
  REQUIRE(w.answer(0, some) != nullptr);
  CHECK(w.answer(0, some)->head.number == 1);
}

TEST_CASE("a refused batch comes again and blocks nothing for ever",
          "[storage][replication]") {
  shard_world w{2};
  w.connect_all();
  w.run();
  w.nodes[1].disk->fail_apply({errc::io_error, "planned"});
  w.put(0, "a", "1");
  w.run();
  w.put(0, "b", "2");
  w.run_for(5000);
  CHECK_FALSE(w.value(1, "b").has_value());
  REQUIRE(w.recover(1));
  w.run_for(6000);
  CHECK(w.value(1, "a") == "1");
  CHECK(w.value(1, "b") == "2");
  CHECK(w.nodes[0].counters->hints.get() == 0);
}

TEST_CASE("records that wait for a load are acknowledged when they are durable",
          "[storage][replication]") {
  shard_world w{2};
  w.connect_all();
  w.run();
  w.put(0, "k", "1");
  w.run();
  w.nodes[1].disk->block_reads([](column, std::string_view) { return true; });
  w.put(0, "k", "2");
  w.flush(0);
  w.commit(0);
  w.flush(0);
  while (w.deliver(0, 1)) {
  }
  // Delivered twice while it waits: still one arrival.
  w.tick(2500);
  w.flush(0);
  while (w.deliver(0, 1)) {
  }
  w.flush(1);
  while (w.deliver(1, 0)) {
  }
  w.nodes[0].life->on_tick();
  CHECK(w.nodes[1].loads.size() == 1);
  w.run_for(3000);
  CHECK(w.value(1, "k") == "2");
  CHECK(w.nodes[0].counters->hints.get() == 0);
}

TEST_CASE("an expired key never comes back", "[storage][replication]") {
  for (const auto engine : {engine_kind::memory, engine_kind::rocksdb}) {
    shard_world w{3, engine};
    w.connect_all();
    w.run();
    w.put(0, "k", "for ever");
    w.run();
    w.cut(1, 2);
    w.cut(0, 2); // replica 2 lags behind with the version without a deadline
    w.put(0, "k", "for a second", consistency::eventual, w.now_ms + 1000);
    w.run_for(4000);
    CHECK(w.nodes[0].counters->expired_keys.get() == 1);
    CHECK_FALSE(w.value(0, "k").has_value());
    CHECK_FALSE(w.value(1, "k").has_value());
    CHECK(w.value(2, "k") == "for ever");
    w.connect_all();
    w.run_for(40'000, 500);
    for (std::size_t i = 0; i < 3; ++i)
      CHECK_FALSE(w.value(i, "k").has_value());
    CHECK(w.same_everywhere());
  }
}

TEST_CASE("a replica that was away is compared after its restart",
          "[storage][replication]") {
  shard_world w{2};
  w.connect_all();
  w.run();
  w.cut(0, 1);
  for (int i = 0; i < 50; ++i)
    w.put(0, "k" + std::to_string(i), "v");
  w.run();
  w.crash(0); // and its hints with it
  w.start(0);
  w.run();
  w.connect_all();
  w.run_for(3000);
  CHECK(w.same_everywhere());
  CHECK(w.value(1, "k49") == "v");
}
