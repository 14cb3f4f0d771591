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
      for (const auto& entry : held)
        if (!entry.second.tombstone) {
          const auto r = w.read(n, entry.first);
          REQUIRE(std::any_of(issued_.begin(), issued_.end(), [&](auto& i) {
            return i.key == entry.first && i.value == r.payload
                   && (!i.tag.h.value || i.tag == r.head.tag);
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

  /// Its cache holds a few entries, so that some come and go.
  drive(std::uint32_t members, engine_kind engine) : w(members, engine, 1000) {
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
  // One in five of all sequences of `depth` steps; then the links heal. Five
  // shares no factor with `kinds`: every step comes at every place.
  constexpr std::size_t depth = 4;
  constexpr std::size_t kinds = 8;
  const auto engine = GENERATE(engine_kind::memory, engine_kind::rocksdb);
  std::size_t schedules = 1;
  for (std::size_t i = 0; i < depth; ++i)
    schedules *= kinds;
  std::size_t acknowledged = 0;
  for (std::size_t code = 0; code < schedules; code += 5) {
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
  CHECK(acknowledged > schedules / 5);
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

TEST_CASE("what a replica acknowledged and lost in a power cut comes back",
          "[storage][convergence]") {
  // Under `interval` and `os` a push is acknowledged when it is applied.
  shard_world w{2};
  w.connect_all();
  w.run();
  for (int i = 0; i < 20; ++i)
    w.put(0, "k" + std::to_string(i), "v");
  for (int i = 0; i < 10; ++i) {
    for (std::size_t n = 0; n < 2; ++n) {
      w.flush(n);
      while (w.commit(n, durability::buffered)) {
      }
      w.flush(n);
    }
    while (w.deliver(0, 1) || w.deliver(1, 0)) {
    }
  }
  w.tick(100);
  REQUIRE(w.nodes[0].counters->hints.get() == 0); // no hint remembers them
  REQUIRE(w.value(1, "k19") == "v");
  w.crash(1); // with all that was not synced
  w.start(1);
  REQUIRE_FALSE(w.value(1, "k19").has_value());
  w.run();
  w.connect(0, 1);
  w.run_for(3000);
  CHECK(w.same_everywhere());
  CHECK(w.value(1, "k19") == "v");
}
