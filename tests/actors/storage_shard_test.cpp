// One shard alone: levels, durability, deadlines, limits, faults of the disk.
#include "support/shard_world.hpp"
#include "torc/core/scan_position.hpp"

using namespace torc;
using namespace torc::test;

namespace {

const error disk_error{errc::io_error, "planned"};

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
  o.deadline = w.now_ms + 5000; // the same
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

TEST_CASE("a full memory refuses what grows, and nothing else", "[storage]") {
  shard_world w{1, engine_kind::memory};
  w.crash(0);
  w.nodes[0].memory_bytes_max = 64 * 1024;
  w.start(0);
  w.run();
  int written = 0;
  errc refused = no_error;
  while (refused == no_error && written < 1000) {
    const auto id =
      w.put(0, "k" + std::to_string(written), std::string(500, 'v'));
    w.run();
    refused = w.answer(0, id)->head.status;
    written += refused == no_error ? 1 : 0;
  }
  CHECK(refused == errc::memory_limit);
  CHECK(written > 10);
  const auto status_of = [&](std::uint64_t id) {
    w.run();
    return w.answer(0, id)->head.status;
  };
  CHECK(w.value(0, "k1") == std::string(500, 'v'));
  CHECK(status_of(w.put(0, "k1", std::string(400, 'x'))) == no_error);
  CHECK(status_of(w.put(0, "k1", std::string(4000, 'x')))
        == errc::memory_limit);
  CHECK(status_of(w.remove(0, "k2")) == no_error);
  CHECK_FALSE(w.value(0, "k2").has_value());
  for (int i = 3; i < 10; ++i)
    CHECK(status_of(w.remove(0, "k" + std::to_string(i))) == no_error);
  CHECK(status_of(w.put(0, "new", "v")) == no_error); // there is room again
}

TEST_CASE("a broken disk refuses writes, serves reads and recovers",
          "[storage]") {
  shard_world w{1};
  w.run();
  w.put(0, "k", "old");
  w.run();
  auto& disk = *w.nodes[0].disk;
  const error full{errc::disk_full, "no space"};
  const bool by_sync = GENERATE(false, true);
  if (by_sync)
    disk.fail_sync(full);
  else
    disk.fail_apply(full);
  disk.fail_recover(full);
  const auto under_way = w.put(0, "k", "new");
  w.flush(0);
  const auto behind = w.put(0, "l", "new"); // its request waits already
  w.flush(0);
  w.run();
  REQUIRE(w.answer(0, under_way) != nullptr);
  REQUIRE(w.answer(0, behind) != nullptr);
  // Nobody can know what a crash would show.
  CHECK(w.answer(0, under_way)->head.status == errc::unknown_outcome);
  CHECK(w.answer(0, behind)->head.status == errc::unknown_outcome);
  CHECK(w.value(0, "k") == "old");
  CHECK_FALSE(w.value(0, "l").has_value());
  const auto refused = w.put(0, "k", "newer");
  const auto weak = w.put(0, "k", "newer", consistency::weak);
  w.run();
  CHECK(w.answer(0, refused)->head.status == errc::disk_full);
  CHECK(w.answer(0, refused)->payload == "no space");
  CHECK(w.answer(0, weak)->head.status == errc::disk_full);
  CHECK_FALSE(w.recover(0));
  CHECK(w.value(0, "k") == "old");
  disk.fail_recover(std::nullopt);
  REQUIRE(w.recover(0));
  w.run();
  const auto again = w.put(0, "k", "newest");
  w.run();
  CHECK(w.answer(0, again)->head.status == no_error);
  CHECK(w.value(0, "k") == "newest");
  w.crash(0);
  w.start(0);
  CHECK(w.value(0, "k") == "newest");
  CHECK_FALSE(w.value(0, "l").has_value());
}

TEST_CASE("a failure after a recovery is not taken for the one before",
          "[storage]") {
  shard_world w{1};
  w.run();
  auto& disk = *w.nodes[0].disk;
  for (int i = 0; i < 3; ++i) {
    disk.fail_sync(disk_error);
    const auto lost = w.put(0, "k", "lost");
    w.run();
    CHECK(w.answer(0, lost)->head.status == errc::unknown_outcome);
    REQUIRE(w.recover(0));
    const auto kept = w.put(0, "k", "kept" + std::to_string(i));
    w.run();
    REQUIRE(w.answer(0, kept) != nullptr);
    CHECK(w.answer(0, kept)->head.status == no_error);
    CHECK(w.value(0, "k") == "kept" + std::to_string(i));
  }
}

TEST_CASE("figures are right after faults and restarts", "[storage]") {
  shard_world w{1};
  w.run();
  for (int i = 0; i < 20; ++i)
    w.put(0, "k" + std::to_string(i), "v");
  w.run();
  w.remove(0, "k3");
  w.run();
  const auto live = [&] {
    auto o = shard_world::operation(op_kind::count, w.inc());
    const std::string all(slot_count / 8, '\xff');
    const auto id = w.submit(0, o, {}, all);
    w.run();
    REQUIRE(w.answer(0, id)->head.status == no_error);
    return w.answer(0, id)->head.number;
  };
  CHECK(live() == 19);
  w.nodes[0].disk->fail_apply(disk_error);
  w.put(0, "lost", "v");
  w.run();
  w.recover(0);
  w.run();
  CHECK(live() == 19);
  const auto before = w.nodes[0].life->on_digests_query({0, {w.inc()}}).digests;
  w.crash(0);
  w.start(0);
  w.run();
  CHECK(live() == 19);
  CHECK(w.nodes[0].life->on_digests_query({0, {w.inc()}}).digests == before);
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
      return key.substr(stored_prefix_bytes).starts_with('k');
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
  o = shard_world::operation(static_cast<op_kind>(200), w.inc());
  CHECK(status_of(o) == errc::unsupported);
  o = shard_world::operation(op_kind::put, w.inc());
  CHECK(status_of(o, hlc_from_ms(w.now_ms + 400)) == no_error);
  CHECK(status_of(o, hlc_from_ms(w.now_ms + 5000)) == errc::refused);
  CHECK(w.nodes[0].counters->messages_ahead.get() == 1);
  op_batch damaged;
  damaged.add(o, "key", "value");
  damaged.bytes.pop_back();
  w.nodes[0].life->on_operations(nullptr, damaged);
  op_batch outside;
  o.slot = slot_id{slot_count};
  outside.add(o, "key", "value");
  w.nodes[0].life->on_operations(nullptr, outside);
  CHECK(w.nodes[0].counters->batches_malformed.get() == 2);
}

TEST_CASE("a new incarnation is empty at once and the old one goes away",
          "[storage]") {
  for (const auto engine : {engine_kind::memory, engine_kind::rocksdb}) {
    shard_world w{1, engine};
    w.run();
    for (int i = 0; i < 100; ++i)
      w.put(0, "k" + std::to_string(i), "v");
    w.run();
    const auto old_inc = w.inc();
    auto flushed = flush_keyspace(w.config, 0);
    REQUIRE(flushed);
    w.enter(std::make_shared<cluster_view>(*flushed));
    CHECK(w.inc() != old_inc);
    CHECK_FALSE(w.value(0, "k1").has_value());
    const auto stale =
      w.submit(0, shard_world::operation(op_kind::put, old_inc), "k1", "v");
    w.put(0, "k1", "new");
    w.run_for(2000);
    CHECK(w.answer(0, stale)->head.status == errc::stale_config);
    CHECK(w.value(0, "k1") == "new");
    CHECK(w.nodes[0].counters->live_keys.get() == 1);
    CHECK(w.nodes[0]
            .disk
            ->size(column::data, incarnation_begin(old_inc),
                   incarnation_begin(w.inc()))
            .entries
          == 0);
    CHECK(w.nodes[0].counters->memory_bytes.get() < 2000);
  }
}

TEST_CASE("what a crash kept from being dropped is dropped at the next start",
          "[storage]") {
  shard_world w{1};
  w.run();
  w.put(0, "k", "v");
  w.run();
  auto flushed = flush_keyspace(w.config, 0);
  REQUIRE(flushed);
  const auto old_inc = w.inc();
  w.enter(std::make_shared<cluster_view>(*flushed));
  w.crash(0); // the config is durable, the removal is not
  const auto in_old = [&] {
    return w.nodes[0]
      .disk
      ->size(column::data, incarnation_begin(old_inc),
             incarnation_begin(incarnation{old_inc.value + 1}))
      .entries;
  };
  CHECK(in_old() == 1);
  w.start(0);
  w.run();
  CHECK(in_old() == 0);
}

TEST_CASE("pages give every key once, in the order of cursors", "[storage]") {
  for (const auto engine : {engine_kind::memory, engine_kind::rocksdb}) {
    shard_world w{1, engine};
    w.run();
    std::set<std::string> expected;
    for (int i = 0; i < 300; ++i) {
      const auto key = "key" + std::to_string(i);
      auto o = shard_world::operation(op_kind::put, w.inc());
      o.slot = slot_id{static_cast<std::uint16_t>(
        shard_world::shard + shard_world::shards * (i % 3))};
      w.submit(0, o, key, "v");
      expected.insert(key);
    }
    w.put(0, "gone", "v");
    w.remove(0, "gone");
    w.run();
    for (const std::uint64_t count : {1u, 7u, 100u, 5000u}) {
      std::set<std::string> seen;
      std::uint64_t cursor = 0;
      bool done = false;
      for (int pages = 0; !done; ++pages) {
        REQUIRE(pages < 1000);
        auto o = shard_world::operation(op_kind::scan, w.inc());
        o.slot = slot_id{
          static_cast<std::uint16_t>(unpack_scan_position(cursor).slot)};
        o.a = unpack_scan_position(cursor).hash;
        o.b = count;
        o.end_slot = slot_count;
        const auto id = w.submit(0, o, {});
        w.run();
        const auto& r = *w.answer(0, id);
        byte_reader keys{r.payload};
        std::size_t n = 0;
        for (; !keys.rest().empty(); ++n) {
          CHECK(keys.u64() >= cursor);
          CHECK(seen.insert(std::string{keys.bytes()}).second);
          REQUIRE(keys.ok());
        }
        CHECK(n <= count);
        done = has(r, reply_flag::done);
        cursor = r.head.number;
      }
      CHECK(seen == expected);
    }
  }
}

TEST_CASE("a random key is one that is there", "[storage]") {
  shard_world w{1};
  w.run();
  const std::string all(slot_count / 8, '\xff');
  const auto draw = [&](std::uint64_t a, std::uint64_t b) {
    auto o = shard_world::operation(op_kind::random_key, w.inc());
    o.a = a;
    o.b = b;
    const auto id = w.submit(0, o, {}, all);
    w.run();
    return *w.answer(0, id);
  };
  CHECK_FALSE(has(draw(1, 2), reply_flag::found));
  for (int i = 0; i < 4; ++i)
    w.put(0, "k" + std::to_string(i), "v");
  w.run();
  std::map<std::string, int> times;
  for (std::uint64_t i = 0; i < 200; ++i) {
    const auto r = draw(i * 77, i * 0x9E3779B97F4A7C15u);
    REQUIRE(has(r, reply_flag::found));
    ++times[r.payload];
  }
  CHECK(times.size() == 4);
  for (const auto& [key, n] : times)
    CHECK(n > 20);
}
