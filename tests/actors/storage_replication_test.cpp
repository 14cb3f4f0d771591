// Two and three shards over links that lose, repeat, reorder and break; crashes
// at any point. The oracle is dumb: after healing all replicas are equal, and
// no version that was acknowledged as durable has been lost.
#include <random>
#include <set>

#include "support/shard_world.hpp"

using namespace torc;
using namespace torc::test;

namespace {

/// What clients were told, and what must hold of it in the end.
class oracle {
public:
  void wrote(std::size_t node, std::uint64_t id, std::string key,
             std::string value) {
    issued_.push_back({node, id, std::move(key), std::move(value)});
  }

  /// Answers of `node` are looked at before its crash forgets the rest.
  void note(const shard_world& w) {
    for (auto& i : issued_)
      if (!i.tag.h.value)
        if (const auto* r = w.answer(i.node, i.id);
            r != nullptr && r->head.status == no_error)
          i.tag = r->head.tag;
  }

  void check(shard_world& w) {
    note(w);
    REQUIRE(w.same_everywhere());
    for (std::size_t n = 0; n < w.nodes.size(); ++n) {
      const auto held = w.stored(n);
      for (const auto& i : issued_)
        if (i.tag.h.value) {
          INFO("node " << n << " key " << i.key << " value " << i.value);
          REQUIRE(held.count(i.key) == 1);
          REQUIRE(held.at(i.key).tag >= i.tag);
        }
      for (const auto& [key, head] : held)
        if (!head.tombstone) {
          const auto r = w.read(n, key);
          REQUIRE(std::any_of(issued_.begin(), issued_.end(), [&](auto& i) {
            return i.key == key && i.value == r.payload
                   && (!i.tag.h.value || i.tag == r.head.tag
                       || i.value == r.payload);
          }));
        }
    }
  }

  std::size_t acknowledged() const {
    return static_cast<std::size_t>(std::count_if(
      issued_.begin(), issued_.end(), [](auto& i) { return i.tag.h.value; }));
  }

private:
  struct issue {
    std::size_t node;
    std::uint64_t id;
    std::string key;
    std::string value; ///< Empty: a removal.
    torc::tag tag{};   ///< Once it was acknowledged.
  };
  std::vector<issue> issued_;
};

struct drive {
  shard_world w;
  oracle o;
  int written = 0;

  drive(std::uint32_t members, engine_kind engine) : w(members, engine) {
    w.connect_all();
    w.run();
  }

  void write(std::size_t node, const std::string& key) {
    if (!w.nodes[node].life)
      return;
    const auto value = "v" + std::to_string(++written);
    o.wrote(node, w.put(node, key, value), key, value);
  }
  void crash(std::size_t node, std::size_t survivors) {
    if (!w.nodes[node].life)
      return;
    o.note(w);
    w.crash(node, survivors);
  }
};

} // namespace

TEST_CASE("two replicas converge after every short schedule of faults",
          "[storage][replication]") {
  // Every sequence of `depth` steps; then the links heal.
  constexpr std::size_t depth = 4;
  constexpr std::size_t kinds = 8;
  const auto engine = GENERATE(engine_kind::memory, engine_kind::rocksdb);
  std::size_t schedules = 1;
  for (std::size_t i = 0; i < depth; ++i)
    schedules *= kinds;
  std::size_t acknowledged = 0;
  for (std::size_t code = 0; code < schedules; ++code) {
    drive d{2, engine};
    auto& w = d.w;
    d.write(0, "k");
    w.flush(0);
    auto rest = code;
    for (std::size_t i = 0; i < depth; ++i, rest /= kinds) {
      switch (rest % kinds) {
      case 0: w.deliver(0, 1); break;
      case 1: w.drop(0, 1); break;
      case 2: w.duplicate(0, 1); break;
      case 3:
        d.write(1, "k");
        w.flush(1);
        break;
      case 4:
        d.write(0, "k");
        w.flush(0);
        break;
      case 5:
        w.cut(0, 1);
        w.connect(0, 1);
        break;
      case 6:
        w.commit(0);
        w.commit(1);
        w.flush(0);
        w.flush(1);
        break;
      default: w.deliver(1, 0); break;
      }
    }
    w.heal();
    INFO("schedule " << code);
    d.o.check(w);
    acknowledged += d.o.acknowledged();
  }
  CHECK(acknowledged > schedules);
}

TEST_CASE("three replicas converge after long random schedules with crashes",
          "[storage][replication]") {
  const auto engine = GENERATE(engine_kind::memory, engine_kind::rocksdb);
  const bool memory = engine == engine_kind::memory;
  std::size_t acknowledged = 0;
  for (unsigned seed = 0; seed < 80; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random{seed};
    drive d{3, engine};
    auto& w = d.w;
    for (int step = 0; step < 120; ++step) {
      const auto a = random() % 3;
      const auto b = (a + 1 + random() % 2) % 3;
      const auto key = "k" + std::to_string(random() % 4);
      switch (random() % 20) {
      case 0:
      case 1:
      case 2: d.write(a, key); break;
      case 3: w.drop(a, b); break;
      case 4: w.duplicate(a, b); break;
      case 5: w.swap_next(a, b); break;
      case 6: w.cut(a, b); break;
      case 7:
        // What only a memory replica has is lost with it: so not here.
        if (!memory && random() % 3 == 0)
          d.crash(a, random() % 4);
        break;
      case 8:
        if (!w.nodes[a].life)
          w.start(a);
        break;
      case 9: w.connect(a, b); break;
      case 10: w.tick(random() % 1500); break;
      case 11:
      case 12:
      case 13: w.commit(a); break;
      case 14:
      case 15: w.flush(a); break;
      case 16: w.ask(a); break;
      case 17: w.scan(a) || w.load(a); break;
      default: w.deliver(a, b); break;
      }
    }
    w.heal();
    // A crash loses hints: comparison finds what they stood for.
    w.run_for(40'000, 500);
    d.o.check(w);
    acknowledged += d.o.acknowledged();
  }
  CHECK(acknowledged > 300);
}

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
  auto o = shard_world::operation(op_kind::wait, w.inc());
  o.b = 1;
  o.deadline = w.now_ms + 1000;
  const auto id = w.submit(0, o, {});
  w.run();
  REQUIRE(w.answer(0, id) != nullptr);
  CHECK(w.answer(0, id)->head.number == 1);
}

TEST_CASE("WAIT counts the replicas that have all writes before it",
          "[storage][replication]") {
  shard_world w{3};
  w.connect_all();
  w.run();
  const auto wait = [&](std::uint64_t wanted, unix_ms timeout_ms) {
    auto o = shard_world::operation(op_kind::wait, w.inc());
    o.b = wanted;
    o.deadline = w.now_ms + timeout_ms;
    return w.submit(0, o, {});
  };
  w.put(0, "k", "1");
  const auto both = wait(2, 1000);
  w.flush(0);
  CHECK(w.answer(0, both) == nullptr);
  w.run();
  CHECK(w.answer(0, both)->head.number == 2);
  w.cut(0, 2);
  // A newer write of the same key must not make an older one look delivered.
  w.put(0, "k", "2");
  w.flush(0);
  const auto some = wait(2, 500);
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

TEST_CASE("traffic of strangers, of the future and of no sense is dropped",
          "[storage][replication]") {
  shard_world w{2, engine_kind::memory};
  w.connect_all();
  w.run();
  auto& n = w.nodes[1];
  std::string key;
  append_stored_key(key, w.inc(), slot_id{shard_world::shard}, "k",
                    element_kind::string);
  const auto batch_of = [&](hlc_time stamp) {
    version_head h;
    h.tag = {stamp, actor_id{1}};
    std::string entry;
    encode_simple_entry(entry, h, "v");
    peer_batch b;
    b.sender = member_id{1};
    b.sender_shard = shard_world::shard;
    b.epoch = w.view->epoch();
    b.clock = hlc_from_ms(w.now_ms);
    b.stream = ~std::uint64_t{0};
    b.batch = 1;
    append_push(b.items, {}, key, entry);
    return b;
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

TEST_CASE("a corrupt entry is reported, never served, and healed by a peer",
          "[storage][replication]") {
  shard_world w{2};
  w.connect_all();
  w.run();
  w.put(0, "k", "v");
  w.run();
  std::string key;
  append_stored_key(key, w.inc(), slot_id{shard_world::shard}, "k",
                    element_kind::string);
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
