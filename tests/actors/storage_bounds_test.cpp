// Who waits for what, and for how long: nothing waits without need or bound.
#include "support/shard_world.hpp"

using namespace torc;
using namespace torc::test;

TEST_CASE("only what touches a key that waits for the clock waits for it",
          "[storage]") {
  shard_world w{1, engine_kind::memory};
  const auto put = w.put(0, "a", "1"); // no ceiling is durable yet
  const auto other =
    w.submit(0, shard_world::operation(op_kind::read, w.inc()), "b");
  const auto same =
    w.submit(0, shard_world::operation(op_kind::read, w.inc()), "a");
  w.flush(0);
  CHECK(w.answer(0, put) == nullptr);
  CHECK(w.answer(0, other) != nullptr);
  CHECK(w.answer(0, same) == nullptr);
  w.run();
  REQUIRE(w.answer(0, same) != nullptr);
  CHECK(w.answer(0, same)->payload == "1"); // in the order of arrival
  CHECK(w.answer(0, put)->head.status == no_error);
}

TEST_CASE("what waits is bounded by its bytes", "[storage]") {
  shard_world w{1};
  w.run();
  w.nodes[0].disk->block_reads([](column, std::string_view) { return true; });
  const std::string value(limits::value_bytes_max, 'v');
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 10; ++i)
    ids.push_back(w.put(0, "k" + std::to_string(i), value));
  w.flush(0);
  CHECK(w.answer(0, ids.front()) == nullptr);
  REQUIRE(w.answer(0, ids.back()) != nullptr);
  CHECK(w.answer(0, ids.back())->head.status == errc::try_again);
  w.run();
  CHECK(w.answer(0, ids.front())->head.status == no_error);
  const auto again = w.put(0, "k9", "v");
  w.run();
  CHECK(w.answer(0, again)->head.status == no_error);
}

TEST_CASE("a WAIT without a limit is asked again by who is still there",
          "[storage][replication]") {
  shard_world w{2};
  w.run();
  w.connect_all();
  w.run_for(2000);
  w.cut(0, 1);
  w.put(0, "k", "v");
  w.run();
  const auto id = w.wait(0, 1, 0);
  w.run_for(4000);
  CHECK(w.answer(0, id) == nullptr);
  w.run_for(2000);
  REQUIRE(w.answer(0, id) != nullptr);
  CHECK(w.answer(0, id)->head.number == 0);
}

TEST_CASE("no slot's expired keys starve because of those before them",
          "[storage]") {
  for (const auto engine : {engine_kind::memory, engine_kind::rocksdb}) {
    shard_world w{1, engine};
    w.run();
    const auto put = [&](std::uint16_t i, std::string_view key) {
      auto o = shard_world::operation(op_kind::put, w.inc(), consistency::weak);
      o.slot = slot_id{static_cast<std::uint16_t>(i * shard_world::shards)};
      o.deadline = w.now_ms + 1;
      w.submit(0, o, key, "v");
    };
    const slot_id last{1023 * shard_world::shards};
    const auto last_one = [&] {
      record_id found;
      local::entries_query q;
      q.inc = w.inc();
      q.slot = last;
      w.nodes[0].life->on_entries_query(q, [&](local::entries_answer a) {
        REQUIRE(a.fingerprints.size() == 1);
        found = a.fingerprints.front();
      });
      while (w.scan(0)) {
      }
      return found;
    };
    put(1023, "k");
    w.run();
    const auto before = last_one();
    for (int round = 0; round < 24; ++round) {
      for (std::uint16_t i = 0; i < 900; ++i)
        put(i, "k" + std::to_string(round % 3));
      w.run();
      w.tick(1000);
    }
    w.run();
    CHECK(last_one() != before);
  }
}

TEST_CASE("a sweep walks no more of what is in memory than its share",
          "[storage]") {
  shard_world w{1, engine_kind::memory};
  w.run();
  for (std::uint16_t i = 0; i < 3; ++i) {
    for (int k = 0; k < 12'000; ++k) {
      auto o = shard_world::operation(op_kind::put, w.inc(), consistency::weak);
      o.slot = slot_id{static_cast<std::uint16_t>(i * shard_world::shards)};
      o.deadline = w.now_ms + 1;
      w.submit(0, o, std::to_string(k), "v");
    }
    w.run();
  }
  w.now_ms += 10'000;
  const auto sweep = [&] {
    for (int i = 0; i < 10; ++i)
      w.nodes[0].life->on_tick();
    return w.nodes[0].counters->expired_keys.get();
  };
  // Each slot has more than a sweep marks of one; they take turns.
  CHECK(sweep() == 1000);
  CHECK(sweep() == 2000);
  CHECK(sweep() == 3000);
}

TEST_CASE("writes under way to the disk are bounded by their bytes",
          "[storage]") {
  shard_world w{1};
  w.run();
  const std::string value(limits::value_bytes_max, 'v');
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 10; ++i)
    ids.push_back(w.put(0, "k" + std::to_string(i), value));
  w.flush(0);
  CHECK(w.answer(0, ids.front()) == nullptr); // not durable yet
  REQUIRE(w.answer(0, ids.back()) != nullptr);
  CHECK(w.answer(0, ids.back())->head.status == errc::try_again);
  CHECK(w.answer(0, ids.back())->payload == "the commit queue is full");
  w.run();
  CHECK(w.answer(0, ids.front())->head.status == no_error);
  const auto again = w.put(0, "k9", "v");
  w.run();
  CHECK(w.answer(0, again)->head.status == no_error);
}

TEST_CASE("WAITs under way are bounded", "[storage][replication]") {
  shard_world w{2};
  w.run();
  std::vector<std::uint64_t> ids;
  for (int i = 0; i <= 65'536; ++i)
    ids.push_back(w.wait(0, 1, 60'000));
  w.flush(0);
  CHECK(w.answer(0, ids.front()) == nullptr);
  CHECK(w.answer(0, ids[65'535]) == nullptr);
  REQUIRE(w.answer(0, ids.back()) != nullptr);
  CHECK(w.answer(0, ids.back())->head.status == errc::try_again);
  w.run_for(6000, 6000);
  REQUIRE(w.answer(0, ids.front()) != nullptr);
  CHECK(w.answer(0, ids.front())->head.status == no_error);
}

TEST_CASE("a member whose clock was set back sends nothing until it is at what "
          "its former life sent",
          "[storage][replication]") {
  shard_world w{2};
  w.connect_all();
  w.run_for(2000);
  w.put(0, "a", "1");
  w.run();
  w.crash(0);
  w.now_ms -= 400;
  w.start(0);
  w.run();
  w.held.insert({0, 1});
  w.connect_all();
  w.put(0, "b", "2");
  w.run();
  CHECK(w.links[{0, 1}].empty());
  w.tick(500);
  w.run();
  CHECK_FALSE(w.links[{0, 1}].empty());
  w.held.clear();
  w.run();
  CHECK(w.value(1, "b") == "2");
}

TEST_CASE("what others acknowledged is stored above the memory limit",
          "[storage][replication]") {
  shard_world w{2, engine_kind::memory};
  w.crash(1);
  w.nodes[1].memory_bytes_max = 50'000;
  w.start(1);
  w.connect_all();
  w.run_for(1000);
  for (int i = 0; i < 100; ++i)
    w.put(0, "k" + std::to_string(i), std::string(1000, 'v'));
  w.run();
  const auto own = w.put(1, "own", "v");
  w.run();
  REQUIRE(w.answer(1, own) != nullptr);
  CHECK(w.answer(1, own)->head.status == errc::memory_limit);
  CHECK(w.value(1, "k99") == std::string(1000, 'v'));
}
