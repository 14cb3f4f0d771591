// What a replica does not take from others, and what it waits for.
#include "support/shard_world.hpp"
#include "torc/core/config_change.hpp"

using namespace torc;
using namespace torc::test;

TEST_CASE("traffic of strangers, of the future and of no sense is dropped",
          "[storage][replication]") {
  shard_world w{2, engine_kind::memory};
  w.connect_all();
  w.run();
  auto& n = w.nodes[1];
  const auto batch_of = [&](hlc_time stamp) {
    return w.push_from(0, "k", stamp);
  };
  auto b = batch_of(hlc_from_ms(w.now_ms));
  b.sender = member_id{9};
  n.life->on_peer_batch(b);
  CHECK(n.counters->batches_unknown.get() == 1);
  b = batch_of(hlc_from_ms(w.now_ms));
  b.version = 99;
  n.life->on_peer_batch(b);
  CHECK(n.counters->batches_unknown.get() == 2);
  b = batch_of(hlc_from_ms(w.now_ms));
  b.clock = hlc_from_ms(w.now_ms + 501);
  n.life->on_peer_batch(b);
  CHECK(n.counters->messages_ahead.get() == 1);
  b = batch_of(hlc_from_ms(w.now_ms + 10'000)); // the record, not the sender
  n.life->on_peer_batch(b);
  CHECK(n.counters->messages_ahead.get() == 2);
  b = batch_of(hlc_from_ms(w.now_ms));
  b.sender_shard = shard_world::shard + 1; // not where that slot lives
  n.life->on_peer_batch(b);
  CHECK(n.counters->batches_malformed.get() == 1);
  for (std::size_t cut = 1; cut < batch_of({}).items.size(); ++cut) {
    b = batch_of(hlc_from_ms(w.now_ms));
    b.items.resize(cut);
    n.life->on_peer_batch(b);
  }
  CHECK(n.counters->batches_malformed.get() == batch_of({}).items.size());
  b = batch_of(hlc_from_ms(w.now_ms));
  b.items.back() = static_cast<char>(b.items.back() + 1); // checksum
  n.life->on_peer_batch(b);
  CHECK(n.counters->corrupt_entries.get() == 1);
  w.run();
  CHECK_FALSE(w.value(1, "k").has_value());
  b = batch_of(hlc_from_ms(w.now_ms));
  b.stream = ~std::uint64_t{0};
  n.life->on_peer_batch(b);
  CHECK(w.value(1, "k") == "v");
}

TEST_CASE("a record under a key that is none, or of another slot, is dropped",
          "[storage][replication]") {
  shard_world w{2, engine_kind::memory};
  w.connect_all();
  w.run();
  auto& n = w.nodes[1];
  auto b = w.push_from(0, "k", hlc_from_ms(w.now_ms));
  peer_item good;
  const auto items = b.items;
  REQUIRE(peer_item_reader{items}.next(good));
  const std::string key{good.key};
  auto rotten = key;
  rotten[stored_prefix_bytes + 1] = '1'; // in the tag, which says the slot
  std::uint64_t malformed = 0;
  for (const auto& bad :
       {rotten, key.substr(0, key.size() - 1), key + "element",
        key.substr(0, stored_prefix_bytes) + std::string(1000, 'x')}) {
    b.items.clear();
    append_push(b.items, {}, bad, good.entry);
    n.life->on_peer_batch(b);
    CHECK(n.counters->batches_malformed.get() == ++malformed);
  }
  w.run();
  CHECK(w.stored(1).empty());
  b.items = items;
  n.life->on_peer_batch(b);
  CHECK(w.value(1, "k") == "v");
}

TEST_CASE("whoever works with a later config is asked for it",
          "[storage][replication]") {
  shard_world w{3};
  w.connect_all();
  w.run_for(1000);
  auto& n = w.nodes[1];
  REQUIRE(n.fetches.empty());
  peer_batch b; // nothing but the epoch is new
  b.sender = member_id{3};
  b.sender_shard = shard_world::shard;
  b.clock = hlc_from_ms(w.now_ms);
  b.epoch = w.view->epoch();
  n.life->on_peer_batch(b);
  CHECK(n.fetches.empty());
  b.epoch.value += 1;
  n.life->on_peer_batch(b);
  CHECK(n.fetches == std::vector{member_id{3}});
  for (int i = 0; i < 100; ++i)
    n.life->on_peer_batch(b); // it has been asked
  CHECK(n.fetches.size() == 1);
  w.tick(600); // the answer was lost
  b.clock = hlc_from_ms(w.now_ms);
  n.life->on_peer_batch(b);
  CHECK(n.fetches.size() == 2);
  b.sender = member_id{9}; // a stranger
  w.tick(600);
  n.life->on_peer_batch(b);
  CHECK(n.fetches.size() == 2);

  op_batch from_gateway; // it does not say whose: a voter is asked
  from_gateway.epoch = b.epoch;
  n.life->on_operations(nullptr, from_gateway);
  CHECK(n.fetches.size() == 3);
  CHECK(n.fetches.back() == member_id{1});

  compare_offer offer;
  offer.sender = member_id{3};
  offer.epoch = b.epoch;
  n.sync->on_offer(offer);
  CHECK(n.fetches.size() == 4);
  CHECK(n.fetches.back() == member_id{3});
  for (int i = 0; i < 100; ++i)
    n.sync->on_offer(offer); // it has been asked
  CHECK(n.fetches.size() == 4);
  w.tick(600);
  n.sync->on_offer(offer);
  CHECK(n.fetches.size() == 5);
}

TEST_CASE("a corrupt entry is reported, never served, and healed by a peer",
          "[storage][replication]") {
  shard_world w{2};
  w.connect_all();
  w.run();
  w.put(0, "k", "v");
  w.run();
  std::string key;
  append_stored_key(key, w.inc(), slot_id{shard_world::shard},
                    shard_world::in_slot("k"), element_kind::string);
  write_batch damage;
  damage.put(column::data, key, "not an entry");
  REQUIRE(w.nodes[1].disk->apply(damage, durability::synced));
  CHECK(w.read(1, "k").head.status == errc::corrupt);
  CHECK(w.nodes[1].counters->corrupt_entries.get() == 1);
  w.crash(1);
  w.start(1); // counts what is there
  w.run();
  w.connect_all();
  w.run_for(3000);
  CHECK(w.value(1, "k") == "v");
  CHECK(w.same_everywhere());
}

TEST_CASE("incarnations change under traffic and replicas stay equal",
          "[storage][replication]") {
  for (const auto engine : {engine_kind::memory, engine_kind::rocksdb}) {
    shard_world w{2, engine};
    w.connect_all();
    w.run();
    for (int i = 0; i < 10; ++i)
      w.put(0, "k" + std::to_string(i), "old");
    w.flush(0);
    auto flushed = flush_keyspace(w.config, 0);
    REQUIRE(flushed);
    // One member enters the new config before the other.
    const auto next = std::make_shared<cluster_view>(*flushed);
    w.nodes[0].life->on_view(next);
    w.nodes[0].sync->on_view(next);
    const auto old_inc = w.inc();
    w.config = *flushed;
    w.put(0, "k1", "new");
    w.run(); // pushes of an incarnation that the other does not know
    w.enter(next);
    w.run_for(6000);
    CHECK(w.inc() != old_inc);
    CHECK(w.same_everywhere());
    for (std::size_t i = 0; i < 2; ++i) {
      CHECK(w.value(i, "k1") == "new");
      CHECK_FALSE(w.value(i, "k2").has_value());
    }
  }
}

TEST_CASE("a memory replica serves again when all that can be reached "
          "have answered its pull",
          "[storage][replication]") {
  shard_world w{3, engine_kind::memory};
  w.connect_all();
  w.run();
  for (int i = 0; i < 3000; ++i)
    w.put(0, "k" + std::to_string(i), std::string(200, 'v'), consistency::weak);
  w.remove(0, "k7");
  w.run_for(1000);
  w.crash(1);
  w.start(1);
  CHECK(w.nodes[1].ready.empty());
  const auto early =
    w.submit(1, shard_world::operation(op_kind::read, w.inc()), "k1");
  w.flush(1);
  CHECK(w.answer(1, early)->head.status == errc::not_ready);
  w.connect(0, 1);
  w.run();
  CHECK(w.nodes[1].ready.empty()); // nothing is known of member 3 yet
  w.nodes[1].life->on_peer_unreachable(member_id{3});
  REQUIRE(w.nodes[1].ready.count(w.inc()) == 1);
  CHECK(w.nodes[1].ready[w.inc()] >= 3000);
  CHECK(w.value(1, "k2999") == std::string(200, 'v'));
  CHECK_FALSE(w.value(1, "k7").has_value());
  w.heal();
  CHECK(w.same_everywhere());
}

TEST_CASE("a memory keyspace that nobody has data of starts empty",
          "[storage][replication]") {
  shard_world w{3, engine_kind::memory};
  w.connect_all();
  w.run();
  w.put(0, "k", "v");
  w.run();
  for (std::size_t i = 0; i < 3; ++i)
    w.crash(i);
  for (std::size_t i = 0; i < 3; ++i)
    w.start(i);
  w.run();
  w.connect_all();
  w.run_for(2000);
  for (std::size_t i = 0; i < 3; ++i) {
    REQUIRE(w.nodes[i].ready.count(w.inc()) == 1);
    CHECK(w.nodes[i].ready[w.inc()] == 0);
    CHECK_FALSE(w.value(i, "k").has_value());
  }
  w.put(1, "k", "again");
  w.run();
  CHECK(w.value(2, "k") == "again");
}

TEST_CASE("pulls of keyspaces that are not known yet are kept up to a bound",
          "[storage][replication]") {
  for (const std::uint32_t others : {10u, 1024u}) {
    INFO(others << " before it");
    shard_world w{2, engine_kind::memory};
    w.connect_all();
    w.run();
    const auto flushed = flush_keyspace(w.config, 0);
    REQUIRE(flushed);
    const auto inc = flushed->keyspaces.front().inc;
    auto b = w.push_from(1, "k", hlc_from_ms(w.now_ms));
    b.items.clear();
    for (std::uint32_t i = 0; i < others; ++i)
      append_pull(b.items, incarnation{1000 + i}, {}, shard_world::shard,
                  shard_world::shards);
    append_pull(b.items, inc, {}, shard_world::shard, shard_world::shards);
    w.nodes[0].life->on_peer_batch(b);
    w.nodes[0].life->on_view(std::make_shared<const cluster_view>(*flushed));
    w.flush(0);
    std::size_t answers = 0;
    for (const auto& out : w.links[{0, 1}]) {
      peer_item_reader reader{out.items};
      peer_item item;
      while (reader.next(item))
        if (item.kind == peer_item_kind::pull_end && item.inc == inc)
          ++answers;
    }
    CHECK(answers == (others < 1024 ? 1 : 0));
  }
}
