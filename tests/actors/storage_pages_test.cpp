// Keyspaces as a whole: new incarnations, pages of keys, random keys.
#include "support/hex.hpp"
#include "support/shard_world.hpp"
#include "torc/core/byte_codec.hpp"
#include "torc/core/config_change.hpp"
#include "torc/core/scan_position.hpp"
#include "torc/storage_node.hpp"

using namespace torc;
using namespace torc::test;

namespace {

bool has(const shard_world::reply& r, std::uint8_t flag) {
  return (r.head.flags & flag) != 0;
}

/// Asks for a page of at most `count` keys from `cursor` on.
std::uint64_t ask_page(shard_world& w, std::uint64_t cursor,
                       std::uint64_t count) {
  auto o = shard_world::operation(op_kind::scan, w.inc());
  o.slot =
    slot_id{static_cast<std::uint16_t>(unpack_scan_position(cursor).slot)};
  o.a = unpack_scan_position(cursor).hash;
  o.b = count;
  o.end_slot = slot_count;
  return w.submit(0, o, {});
}

/// Keys of nearly the largest size, all in one slot.
std::set<std::string> put_large_keys(shard_world& w, int n) {
  std::set<std::string> out;
  for (int i = 0; i < n; ++i) {
    const auto key = std::to_string(i) + std::string(60'000, 'k');
    w.put(0, key, "v");
    out.insert(shard_world::in_slot(key));
  }
  w.run();
  return out;
}

/// Gives the keyspace of a world a new incarnation; returns the old one.
incarnation flush(shard_world& w) {
  const auto old_inc = w.inc();
  const auto flushed = flush_keyspace(w.config, 0);
  REQUIRE(flushed);
  w.enter(std::make_shared<cluster_view>(*flushed));
  return old_inc;
}

/// Entries of an incarnation on the disk.
std::uint64_t entries_of(shard_world& w, incarnation inc) {
  return w.nodes[0]
    .disk
    ->size(column::data, incarnation_begin(inc),
           incarnation_begin(incarnation{inc.value + 1}))
    .entries;
}

} // namespace

TEST_CASE("a new incarnation is empty at once and the old one goes away",
          "[storage]") {
  for (const auto engine : {engine_kind::memory, engine_kind::rocksdb}) {
    shard_world w{1, engine};
    w.run();
    for (int i = 0; i < 100; ++i)
      w.put(0, "k" + std::to_string(i), "v");
    w.run();
    const auto old_inc = flush(w);
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
  const auto old_inc = flush(w);
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

TEST_CASE("what another shard writes late of what was dropped goes too",
          "[storage]") {
  shard_world w{1};
  w.run();
  w.put(0, "k", "v");
  w.run();
  const auto old_inc = flush(w);
  w.put(0, "k", "new");
  w.run();
  REQUIRE(entries_of(w, old_inc) == 0);
  std::string stored;
  append_stored_key(stored, old_inc, slot_id{1}, "k", element_kind::string);
  write_batch late;
  late.put(column::data, stored, "what it was");
  REQUIRE(w.nodes[0].disk->apply(late, durability::synced));
  REQUIRE(entries_of(w, old_inc) == 1);
  w.run_for(15'000, 1000);
  CHECK(entries_of(w, old_inc) == 0);
  CHECK(w.value(0, "k") == "new");
}

TEST_CASE("what is dropped while the disk fails goes once it works again",
          "[storage]") {
  shard_world w{1};
  w.run();
  w.put(0, "k", "v");
  w.run();
  w.nodes[0].disk->fail_apply({errc::io_error, "planned"});
  w.put(0, "x", "v");
  w.run();
  const auto old_inc = flush(w);
  w.run();
  REQUIRE(w.recover(0));
  REQUIRE(entries_of(w, old_inc) == 1);
  w.run_for(15'000, 1000);
  CHECK(entries_of(w, old_inc) == 0);
}

TEST_CASE("a shard counts its own slots at the start, and serves meanwhile",
          "[storage]") {
  shard_world w{1};
  w.run();
  w.crash(0);
  auto& n = w.nodes[0];
  constexpr std::uint16_t slots = 20 * shard_world::shards;
  write_batch b;
  for (std::uint16_t slot = 0; slot < slots; ++slot) { // of all shards
    std::string stored;
    append_stored_key(stored, w.inc(), slot_id{slot},
                      shard_world::in_slot("old"), element_kind::string);
    version_head h;
    h.tag = {hlc_time{1}, actor_id{1}};
    std::string entry;
    encode_simple_entry(entry, h, "v");
    b.put(column::data, stored, entry);
  }
  REQUIRE(n.disk->apply(b, durability::synced));
  w.start(0);
  const auto count = [&] {
    auto o = shard_world::operation(op_kind::count, w.inc());
    const std::string all(slot_count / 8, '\xff');
    const auto id = w.submit(0, o, {}, all);
    w.flush(0);
    REQUIRE(w.answer(0, id) != nullptr);
    return w.answer(0, id)->head;
  };
  std::size_t scans = 0;
  std::size_t foreign = 0;
  while (!n.scans.empty()) {
    const auto& r = n.scans.front();
    // The first only looks whether there is anything at all.
    if (scans++ > 0
        && (stored_slot(r.begin).value % shard_world::shards
              != shard_world::shard
            || r.end > slot_end(w.inc(), stored_slot(r.begin))))
      ++foreign;
    if (scans == 5) { // in the middle of it
      CHECK(w.value(0, "old") == "v");
      w.put(0, "new", "v");
      w.remove(0, "old");
      w.flush(0);
      w.commit(0);
      CHECK(count().status == errc::try_again);
    }
    w.scan(0);
  }
  CHECK(foreign == 0);
  CHECK(scans == 1 + slot_count / shard_world::shards);
  CHECK(count().number == slots / shard_world::shards); // one more, one less
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
      expected.insert(i % 3 == 0 ? shard_world::in_slot(key) : key);
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

TEST_CASE("frozen: a page of keys, and the ceiling of a shard's clock",
          "[storage]") {
  shard_world w{1};
  w.run();
  auto put = shard_world::operation(op_kind::put, w.inc());
  put.slot = slot_id{shard_world::shards};
  w.submit(0, put, "key", "v");
  w.run();
  auto scan = shard_world::operation(op_kind::scan, w.inc());
  scan.slot = slot_id{0};
  scan.b = 10;
  scan.end_slot = slot_count;
  const auto id = w.submit(0, scan, {});
  w.run();
  // Slot 16 and the key's hash, then the key.
  CHECK(to_hex(w.answer(0, id)->payload) == "45818e35a8ef4200036b6579");

  read_buffer ceiling;
  REQUIRE(w.nodes[0].disk->get(column::meta, ceiling_key(shard_world::shard),
                               read_mode::may_block, ceiling)
          == read_status::found);
  byte_reader stored{ceiling.view()};
  const auto ms = hlc_to_ms(hlc_time{stored.u64()});
  CHECK(stored.done());
  CHECK(ms > w.now_ms);
  CHECK(ms < w.now_ms + 10'000);
}

TEST_CASE("pages of large keys are bounded by their bytes", "[storage]") {
  for (const auto engine : {engine_kind::memory, engine_kind::rocksdb}) {
    shard_world w{1, engine};
    w.run();
    const auto expected = put_large_keys(w, 64);
    std::set<std::string> seen;
    std::uint64_t cursor = 0;
    bool done = false;
    for (int pages = 0; !done; ++pages) {
      REQUIRE(pages < 100);
      const auto id = ask_page(w, cursor, 10'000);
      w.run();
      const auto& r = *w.answer(0, id);
      CHECK(r.payload.size() <= 2 * limits::mib);
      byte_reader keys{r.payload};
      while (!keys.rest().empty()) {
        keys.u64();
        CHECK(seen.insert(std::string{keys.bytes()}).second);
        REQUIRE(keys.ok());
      }
      done = has(r, reply_flag::done);
      cursor = r.head.number;
    }
    CHECK((seen == expected)); // too large to be shown
  }
}

TEST_CASE("pages that are not sent yet are bounded by their bytes",
          "[storage]") {
  shard_world w{1, engine_kind::memory};
  w.run();
  put_large_keys(w, 20);
  std::vector<std::uint64_t> ids;
  for (int i = 0; i < 40; ++i) // in one turn
    ids.push_back(ask_page(w, 0, 10'000));
  w.run();
  REQUIRE(w.answer(0, ids.back()) != nullptr);
  CHECK(w.answer(0, ids.front())->head.status == no_error);
  CHECK(w.answer(0, ids.back())->head.status == errc::try_again);
  const auto again = ask_page(w, 0, 10'000);
  w.run();
  CHECK(w.answer(0, again)->head.status == no_error);
}

TEST_CASE("pages under way are bounded", "[storage]") {
  shard_world w{1};
  w.run();
  w.put(0, "k", "v");
  w.run();
  std::vector<std::uint64_t> ids;
  for (int i = 0; i <= 1024; ++i)
    ids.push_back(ask_page(w, 0, 10));
  w.flush(0);
  CHECK(w.answer(0, ids.front()) == nullptr); // the disk is read
  REQUIRE(w.answer(0, ids.back()) != nullptr);
  CHECK(w.answer(0, ids.back())->head.status == errc::try_again);
  w.run();
  REQUIRE(w.answer(0, ids.front()) != nullptr);
  CHECK(w.answer(0, ids.front())->head.status == no_error);
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
