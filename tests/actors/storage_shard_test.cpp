// One shard alone: levels, durability, deadlines, order.
#include "support/shard_world.hpp"

using namespace torc;
using namespace torc::test;

namespace {

bool has(const shard_world::reply& r, std::uint8_t flag) {
  return (r.head.flags & flag) != 0;
}

} // namespace

TEST_CASE("an eventual write is answered when it is durable, a weak one before",
          "[storage]") {
  shard_world w{1};
  w.run();
  const auto eventual = w.put(0, "k", "v");
  const auto weak = w.put(0, "l", "w", consistency::weak);
  w.flush(0);
  CHECK(w.answer(0, eventual) == nullptr);
  REQUIRE(w.answer(0, weak) != nullptr);
  CHECK(w.answer(0, weak)->head.level == consistency::weak);
  CHECK(w.nodes[0].disk->unsynced_batches() == 0);
  w.run();
  REQUIRE(w.answer(0, eventual) != nullptr);
  const auto& r = *w.answer(0, eventual);
  CHECK(r.head.status == no_error);
  CHECK(r.head.level == consistency::eventual);
  CHECK(has(r, reply_flag::changed));
  CHECK_FALSE(has(r, reply_flag::not_synced));
  CHECK(r.head.tag.actor == actor_id{1});
  w.crash(0);
  w.start(0);
  CHECK(w.value(0, "k") == "v");
}

TEST_CASE("a crash takes exactly what was not synced", "[storage]") {
  // Batch by batch: every prefix of the unsynced ones may survive.
  constexpr std::size_t writes = 5;
  for (std::size_t survivors = 0; survivors <= writes; ++survivors) {
    shard_world w{1};
    w.run();
    for (std::size_t i = 0; i < writes; ++i) {
      w.put(0, "k" + std::to_string(i), "v");
      w.flush(0);
      while (w.commit(0, durability::buffered)) {
      }
      w.flush(0);
    }
    REQUIRE(w.nodes[0].replies.size() == writes);
    for (const auto& [id, r] : w.nodes[0].replies)
      CHECK(has(r, reply_flag::not_synced)); // and the client was told
    const auto unsynced = w.nodes[0].disk->unsynced_batches();
    REQUIRE(unsynced == writes);
    w.crash(0, survivors);
    w.start(0);
    for (std::size_t i = 0; i < writes; ++i)
      CHECK(w.value(0, "k" + std::to_string(i)).has_value() == (i < survivors));
  }
}

TEST_CASE("a read of what is not durable yet says so", "[storage]") {
  shard_world w{1};
  w.run();
  w.put(0, "k", "v");
  const auto early =
    w.submit(0, shard_world::operation(op_kind::read, w.inc()), "k");
  w.flush(0);
  REQUIRE(w.answer(0, early) != nullptr);
  CHECK(w.answer(0, early)->payload == "v");
  CHECK(w.answer(0, early)->head.level == consistency::weak);
  w.run();
  CHECK(w.read(0, "k").head.level == consistency::eventual);
}

TEST_CASE("a write that changes nothing waits for what it found", "[storage]") {
  shard_world w{1};
  w.run();
  w.put(0, "k", "v", consistency::weak, w.now_ms + 5000);
  auto o = shard_world::operation(op_kind::expire, w.inc());
  o.deadline = w.now_ms + 9000;
  o.flags = op_flag::if_no_deadline; // it has one
  const auto id = w.submit(0, o, "k");
  w.flush(0);
  CHECK(w.answer(0, id) == nullptr);
  w.run();
  REQUIRE(w.answer(0, id) != nullptr);
  CHECK(has(*w.answer(0, id), reply_flag::found));
  CHECK_FALSE(has(*w.answer(0, id), reply_flag::changed));
}

TEST_CASE("stamps grow over restarts, whatever the wall clock does",
          "[storage]") {
  shard_world w{1};
  w.run();
  tag last;
  for (int life = 0; life < 4; ++life) {
    for (int i = 0; i < 3; ++i) {
      const auto id = w.put(0, "k", "v" + std::to_string(i));
      w.run();
      REQUIRE(w.answer(0, id) != nullptr);
      CHECK(w.answer(0, id)->head.tag > last);
      last = w.answer(0, id)->head.tag;
    }
    w.crash(0);
    w.now_ms -= 100; // the clock was set back meanwhile
    w.start(0);
    w.run();
  }
}

TEST_CASE("stamps go on while the next ceiling is asked for before the last "
          "one is durable",
          "[storage]") {
  constexpr unix_ms commit_ms = 200;
  for (const auto engine : {engine_kind::memory, engine_kind::rocksdb}) {
    shard_world w{1, engine};
    w.run();
    std::deque<unix_ms> due; // when each commit under way is durable
    std::vector<std::uint64_t> writes;
    for (int step = 0; step < 200; ++step) {
      if (step < 150)
        writes.push_back(w.put(0, "k", "v"));
      w.flush(0);
      while (due.size() < w.nodes[0].commits.size())
        due.push_back(w.now_ms + commit_ms);
      for (; !due.empty() && due.front() <= w.now_ms; due.pop_front())
        w.commit(0);
      w.tick(10);
    }
    for (const auto id : writes) {
      REQUIRE(w.answer(0, id) != nullptr);
      CHECK(w.answer(0, id)->head.status == no_error);
    }
  }
}

TEST_CASE("a record ends at its deadline to the millisecond", "[storage]") {
  for (const auto engine : {engine_kind::memory, engine_kind::rocksdb}) {
    shard_world w{1, engine};
    w.run();
    const auto deadline = w.now_ms + 1000;
    w.put(0, "k", "v", consistency::eventual, deadline);
    w.run();
    w.now_ms = deadline - 1;
    CHECK(w.value(0, "k") == "v");
    w.now_ms = deadline;
    CHECK_FALSE(w.value(0, "k").has_value());
  }
}

TEST_CASE("what a shard holds is counted for each keyspace", "[storage]") {
  for (const auto engine : {engine_kind::memory, engine_kind::rocksdb}) {
    shard_world w{1, engine, 1'000'000};
    w.run();
    const auto& k = w.nodes[0].counters->keyspaces.at(0);
    const auto sooner = w.now_ms + 60'000;
    w.put(0, "a", "v", consistency::eventual, sooner);
    w.put(0, "b", "v", consistency::eventual, sooner + 2'000);
    w.put(0, "c", "v");
    w.run_for(1000);
    CHECK(k.live_keys.get() == 3);
    CHECK(k.expiring_keys.get() == 2);
    CHECK(k.deadline_ms.get() == sooner + 1'000);
    w.put(0, "b", "v");
    w.run_for(1000);
    CHECK(k.live_keys.get() == 3);
    CHECK(k.expiring_keys.get() == 1);
    CHECK(k.deadline_ms.get() == sooner);
    CHECK((w.nodes[0].counters->cache_misses.get() > 0)
          == (engine == engine_kind::rocksdb));
    CHECK((w.nodes[0].counters->cache_hits.get() > 0)
          == (engine == engine_kind::rocksdb));
  }
}

TEST_CASE("the sweep leaves a mark without the value, for ever", "[storage]") {
  for (const auto engine : {engine_kind::memory, engine_kind::rocksdb}) {
    shard_world w{1, engine};
    w.run();
    w.put(0, "k", std::string(1000, 'v'), consistency::eventual,
          w.now_ms + 1000);
    w.put(0, "stays", "v", consistency::eventual, w.now_ms + 60'000);
    w.run();
    const auto tag_before = w.stored(0).at("k").tag;
    w.run_for(1400);
    auto& c = *w.nodes[0].counters;
    CHECK(c.expired_keys.get() == 0); // not before max_skew has passed too
    CHECK(c.live_keys.get() == 2);
    w.run_for(1600);
    CHECK(c.expired_keys.get() == 1);
    CHECK(c.live_keys.get() == 1);
    CHECK(c.dead_keys.get() == 1);
    CHECK(c.dead_bytes.get() > 0);
    CHECK(c.dead_bytes.get() < 100);
    CHECK(w.stored(0).at("k").tag == tag_before);
    w.run_for(5000);
    CHECK(w.stored(0).count("k") == 1);
    CHECK_FALSE(w.value(0, "k").has_value());
    CHECK(w.value(0, "stays") == "v");
  }
}

TEST_CASE("more due keys of one slot than a sweep marks are all marked",
          "[storage]") {
  shard_world w{1, engine_kind::memory};
  w.run();
  for (int i = 0; i < 2500; ++i)
    w.put(0, "k" + std::to_string(i), "v", consistency::weak, w.now_ms + 10);
  w.run();
  w.run_for(5000);
  CHECK(w.nodes[0].counters->expired_keys.get() == 2500);
}

TEST_CASE("operations on one key keep their order over a load", "[storage]") {
  shard_world w{1};
  w.run();
  w.put(0, "k", "0");
  w.run();
  w.nodes[0].disk->block_reads([](column, std::string_view) { return true; });
  const auto first =
    w.submit(0, shard_world::operation(op_kind::read, w.inc()), "k");
  w.put(0, "k", "1");
  const auto second =
    w.submit(0, shard_world::operation(op_kind::read, w.inc()), "k");
  w.put(0, "k", "2");
  const auto third =
    w.submit(0, shard_world::operation(op_kind::read, w.inc()), "k");
  CHECK(w.nodes[0].loads.size() == 1);
  w.run();
  CHECK(w.answer(0, first)->payload == "0");
  CHECK(w.answer(0, second)->payload == "1");
  CHECK(w.answer(0, third)->payload == "2");
}

TEST_CASE("order holds while operations wait for the clock and for a load",
          "[storage]") {
  // The clock has no room before its first ceiling is durable.
  for (const bool load_first : {false, true}) {
    shard_world w{1};
    w.run();
    w.put(0, "k", "0");
    w.run();
    w.nodes[0].disk->block_reads([](column, std::string_view key) {
      return key.substr(stored_prefix_bytes)
        .starts_with(shard_world::in_slot("k"));
    });
    w.now_ms += 10'000; // the ceiling lies in the past now
    const auto read =
      w.submit(0, shard_world::operation(op_kind::read, w.inc()), "k");
    w.put(0, "k", "1"); // waits behind the load
    w.put(0, "other", "x");
    const auto second =
      w.submit(0, shard_world::operation(op_kind::read, w.inc()), "k");
    w.flush(0);
    if (load_first) {
      while (w.load(0)) {
      }
      w.put(0, "k", "2");
      const auto third =
        w.submit(0, shard_world::operation(op_kind::read, w.inc()), "k");
      w.run();
      CHECK(w.answer(0, third)->payload == "2");
    }
    w.run();
    CHECK(w.answer(0, read)->payload == "0");
    CHECK(w.answer(0, second)->payload == "1");
    CHECK(w.value(0, "k") == (load_first ? "2" : "1"));
  }
}

TEST_CASE("a forwarded write is refused past its time, also if it waited",
          "[storage]") {
  shard_world w{1};
  w.run();
  const auto put = shard_world::operation(op_kind::put, w.inc());
  const auto limit = hlc_from_ms(w.now_ms + 300);
  const auto in_time = w.submit(0, put, "a", "v", limit);
  w.nodes[0].disk->block_reads([](column, std::string_view) { return true; });
  const auto waits = w.submit(0, put, "b", "v", limit);
  w.now_ms += 301;
  const auto late = w.submit(0, put, "c", "v", limit);
  const auto read =
    w.submit(0, shard_world::operation(op_kind::read, w.inc()), "c", {}, limit);
  w.run();
  CHECK(w.answer(0, in_time)->head.status == no_error);
  CHECK(w.answer(0, waits)->head.status == errc::timeout);
  CHECK(w.answer(0, late)->head.status == errc::timeout);
  CHECK(w.answer(0, read)->head.status == no_error);
  CHECK_FALSE(w.value(0, "b").has_value());
}

TEST_CASE("what does not belong here is refused with its reason", "[storage]") {
  shard_world w{1};
  w.run();
  const auto status_of = [&](op o, hlc_time clock = {}) {
    const auto id = w.submit(0, o, "k", "v", {}, clock);
    w.run();
    REQUIRE(w.answer(0, id) != nullptr);
    return w.answer(0, id)->head.status;
  };
  auto o = shard_world::operation(op_kind::put, w.inc());
  o.inc = incarnation{77};
  CHECK(status_of(o) == errc::stale_config);
  o = shard_world::operation(op_kind::put, w.inc());
  o.slot = slot_id{shard_world::shard + 1};
  CHECK(status_of(o) == errc::no_replica);
  o = shard_world::operation(op_kind::put, w.inc(), consistency::strong);
  CHECK(status_of(o) == errc::unsupported);
  o = shard_world::operation(op_kind::put, w.inc());
  CHECK(status_of(o, hlc_from_ms(w.now_ms + 400)) == no_error);
  CHECK(status_of(o, hlc_from_ms(w.now_ms + 5000)) == errc::refused);
  CHECK(w.nodes[0].counters->messages_ahead.get() == 1);
}

TEST_CASE("operations that make no sense are answered, one by one",
          "[storage]") {
  shard_world w{1};
  w.run();
  auto& n = w.nodes[0];
  const auto put = shard_world::operation(op_kind::put, w.inc());
  std::vector<op> bad(4, put);
  bad[0].kind = static_cast<op_kind>(op_kind_count);
  bad[1].level = static_cast<consistency>(77);
  bad[2].slot = slot_id{slot_count};
  bad[3].end_slot = slot_count + 1;
  op_batch mixed; // each with a good one after it
  for (auto o : bad) {
    o.id = ++w.next_op;
    mixed.add(o, shard_world::in_slot("bad"), "value");
    auto good = put;
    good.id = ++w.next_op;
    mixed.add(good, shard_world::in_slot("good" + std::to_string(good.id)),
              "value");
  }
  n.life->on_operations(nullptr, mixed);
  w.run();
  for (std::size_t i = 0; i < mixed.ops.size(); ++i) {
    const auto* a = w.answer(0, mixed.ops[i].id);
    REQUIRE(a != nullptr);
    CHECK(a->head.status == (i % 2 == 0 ? errc::unsupported : no_error));
    CHECK(a->head.level == consistency::eventual);
  }
  CHECK(w.value(0, "good8") == "value");
  CHECK_FALSE(w.value(0, "bad").has_value());
  CHECK(n.counters->operations_unknown.get() == 4);

  op_batch damaged; // keys and values cannot be told apart
  for (int i = 0; i < 3; ++i) {
    auto o = put;
    o.id = ++w.next_op;
    damaged.add(o, shard_world::in_slot("damaged"), "value");
  }
  damaged.bytes.pop_back();
  n.life->on_operations(nullptr, damaged);
  w.run();
  for (const auto& o : damaged.ops) {
    REQUIRE(w.answer(0, o.id) != nullptr);
    CHECK(w.answer(0, o.id)->head.status == errc::corrupt);
  }
  CHECK_FALSE(w.value(0, "damaged").has_value());
  CHECK(n.counters->batches_malformed.get() == 1);

  op_batch foreign;
  foreign.add(put, "foreign", "value");
  foreign.version = wire_version + 1;
  n.life->on_operations(nullptr, foreign);
  CHECK(n.counters->batches_unknown.get() == 1);
}
