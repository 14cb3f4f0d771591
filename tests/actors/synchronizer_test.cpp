// Comparisons of slots against an oracle: what two members hold is drawn, and
// what they decide to push must be what differs, in the direction needed.
#include <random>
#include <set>

#include "support/planted.hpp"
#include "support/shard_world.hpp"

using namespace torc;
using namespace torc::test;

TEST_CASE("comparison pushes what differs in the directions needed",
          "[synchronizer]") {
  for (unsigned seed = 0; seed < 40; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random{seed};
    shard_world w{2};
    w.run();
    w.crash(0);
    w.crash(1);
    std::map<std::string, std::uint64_t> newest;
    std::size_t differing = 0;
    std::size_t needed[2] = {0, 0}; ///< What each has that the other has not.
    for (int k = 0; k < 40; ++k) {
      const auto key = "k" + std::to_string(k);
      std::uint64_t stamps[2] = {0, 0};
      switch (random() % 4) {
      case 0: stamps[0] = 1 + random() % 100; break;
      case 1: stamps[1] = 1 + random() % 100; break;
      case 2: stamps[0] = stamps[1] = 1 + random() % 100; break;
      default: stamps[0] = 1 + random() % 100; stamps[1] = 1 + random() % 100;
      }
      for (std::size_t i = 0; i < 2; ++i)
        if (stamps[i] != 0)
          plant(w, i, key, stamps[i], 7);
      differing += stamps[0] != stamps[1] ? 1 : 0;
      for (std::size_t i = 0; i < 2; ++i)
        needed[i] += stamps[i] != 0 && stamps[0] != stamps[1] ? 1 : 0;
      newest[key] = std::max(stamps[0], stamps[1]);
    }
    w.start(0);
    w.start(1);
    w.connect_all();
    w.run_for(5000);
    CHECK(w.same_everywhere());
    for (std::size_t i = 0; i < 2; ++i)
      for (const auto& [key, head] : w.stored(i))
        CHECK(head.tag.h.value == newest.at(key));
    CHECK(w.stored(0).size() == newest.size());
    if (differing > 0)
      CHECK(w.nodes[0].sync_count->differing_keys.get()
              + w.nodes[1].sync_count->differing_keys.get()
            >= differing);
    // Both compare at their meeting, and find the same.
    for (std::size_t i = 0; i < 2; ++i)
      CHECK(w.nodes[i].counters->pushes_sent.get() <= 2 * needed[i]);
    // Nothing is pushed for what is equal.
    const auto pushed = w.nodes[0].counters->pushes_sent.get()
                        + w.nodes[1].counters->pushes_sent.get();
    w.run_for(70'000, 500);
    CHECK(w.nodes[0].sync_count->rounds.get() >= 2);
    CHECK(w.nodes[0].counters->pushes_sent.get()
            + w.nodes[1].counters->pushes_sent.get()
          == pushed);
  }
}

TEST_CASE("rounds come every half minute with jitter", "[synchronizer]") {
  shard_world w{2};
  w.connect_all();
  w.run_for(5000);
  std::vector<unix_ms> at;
  auto last = w.nodes[0].sync_count->rounds.get();
  REQUIRE(last == 1); // at the meeting
  for (int i = 0; i < 3000; ++i) {
    w.run_for(100);
    if (const auto n = w.nodes[0].sync_count->rounds.get(); n != last) {
      REQUIRE(n == last + 1);
      last = n;
      at.push_back(w.now_ms);
    }
  }
  REQUIRE(at.size() >= 8);
  std::set<unix_ms> gaps;
  for (std::size_t i = 1; i < at.size(); ++i) {
    const auto gap = at[i] - at[i - 1];
    CHECK(gap >= 24'000);
    CHECK(gap <= 36'200);
    gaps.insert(gap);
  }
  CHECK(gaps.size() > 3);
}

TEST_CASE("a large difference is worked off in parts, with bounded hints",
          "[synchronizer]") {
  shard_world w{2};
  w.run();
  w.crash(0);
  const std::size_t keys = 30'000; // several parts of a list
  plant_many(w, 0, keys, 1);
  w.start(0);
  w.run();
  w.connect_all();
  w.run_for(20'000, 250);
  CHECK(w.same_everywhere());
  CHECK(w.stored(1).size() > 0);
  CHECK(w.value(1, "key29999") == "v");
}

TEST_CASE("any letter of a round may be lost", "[synchronizer]") {
  for (unsigned seed = 0; seed < 30; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random{seed};
    shard_world w{2};
    w.run();
    w.crash(0);
    for (int k = 0; k < 5; ++k)
      plant(w, 0, "k" + std::to_string(k), 5, 1);
    w.start(0);
    w.run();
    w.connect_all();
    for (int step = 0; step < 100; ++step) {
      w.tick(100);
      for (std::size_t i = 0; i < 2; ++i) {
        w.ask(i);
        w.flush(i);
        w.scan(i);
        w.commit(i);
        if (auto& q = w.letters[{i, 1 - i}]; !q.empty()) {
          const auto f = std::move(q.front());
          q.pop_front();
          if (random() % 3 != 0)
            f();
        }
      }
    }
    w.run_for(120'000, 500); // a lost answer costs a minute
    CHECK(w.same_everywhere());
    CHECK(w.value(1, "k4") == "value of 5");
  }
}

TEST_CASE("an offer that nobody answered is made again after seconds",
          "[synchronizer]") {
  shard_world w{2};
  w.run();
  w.crash(0);
  for (int k = 0; k < 5; ++k)
    plant(w, 0, "k" + std::to_string(k), 5, 1);
  w.start(0);
  w.run();
  w.connect_all();
  const auto offered = [&](std::size_t i) {
    return w.nodes[i].sync_count->rounds.get();
  };
  while (offered(0) == 0 || offered(1) == 0) {
    w.tick(50);
    for (std::size_t i = 0; i < 2; ++i)
      w.ask(i);
    w.letters.clear(); // as a peer drops them that does not know us yet
  }
  w.run_for(8000);
  CHECK(w.same_everywhere());
  CHECK(w.value(1, "k4") == "value of 5");
}

TEST_CASE("a peer that returns before its end was noticed is compared with",
          "[synchronizer]") {
  shard_world w{2};
  w.connect_all();
  w.run_for(3000);
  w.nodes[0].sync->on_compare_soon(w.nodes[1].id);
  for (int i = 0; i < 10; ++i) {
    w.tick(100);
    w.ask(0);
  }
  REQUIRE(w.nodes[0].sync_count->rounds.get() == 2); // not answered yet
  w.letters.clear();
  w.nodes[0].sync->on_peer_up(w.nodes[1].id);
  w.run_for(1500);
  CHECK(w.nodes[0].sync_count->rounds.get() == 3);
}

TEST_CASE("a comparison asked for during another one follows it",
          "[synchronizer]") {
  shard_world w{2};
  w.connect_all();
  w.run_for(3000);
  REQUIRE(w.nodes[0].sync_count->rounds.get() == 1);
  const auto ask = [&] {
    w.nodes[0].sync->on_compare_soon(w.nodes[1].id);
    for (int i = 0; i < 10; ++i) {
      w.tick(100);
      w.ask(0);
    }
  };
  ask();
  CHECK(w.nodes[0].sync_count->rounds.get() == 2);
  ask(); // the second is not answered yet
  CHECK(w.nodes[0].sync_count->rounds.get() == 2);
  w.run_for(1500);
  CHECK(w.nodes[0].sync_count->rounds.get() == 3);
}

TEST_CASE("a peer that comes before the shards is compared with once they are "
          "there",
          "[synchronizer]") {
  shard_world w{2};
  w.nodes[0].sync->on_shards(0);
  w.connect_all();
  w.run_for(3000);
  REQUIRE(w.nodes[0].sync_count->rounds.get() == 0);
  w.nodes[0].sync->on_shards(1);
  w.run_for(1500);
  CHECK(w.nodes[0].sync_count->rounds.get() == 1);
}

TEST_CASE("what a comparison has no room for is found by another one soon",
          "[synchronizer]") {
  shard_world w{2};
  w.connect_all();
  w.run_for(3000);
  const auto rounds = [&] { return w.nodes[0].sync_count->rounds.get(); };
  REQUIRE(rounds() == 1);
  local::push_keys found{w.nodes[1].id, {}};
  for (std::size_t k = 0; k <= limits::hints_max / 2; ++k)
    append_stored_key(found.keys.emplace_back(), w.inc(), slot_id{0},
                      shard_world::in_slot("key" + std::to_string(k)),
                      element_kind::string);
  w.nodes[0].life->on_push_keys(found);
  w.run_for(3000);
  CHECK(rounds() >= 2);
  const auto done = rounds();
  w.run_for(10'000);
  CHECK(rounds() == done); // the last one had room for all

  // As long as there is room, nothing is compared again.
  found.keys.resize(100);
  w.nodes[0].life->on_push_keys(found);
  w.run_for(3000);
  CHECK(rounds() == done);
}

TEST_CASE("a round for whose findings there is no room lists no more slots",
          "[synchronizer]") {
  shard_world w{2};
  w.run();
  w.crash(0);
  plant_many(w, 0, 600, 600);
  w.start(0);
  w.run();
  w.connect_all();
  local::push_keys full{w.nodes[1].id, {}};
  for (std::size_t k = 0; k < limits::hints_max / 2; ++k)
    append_stored_key(full.keys.emplace_back(), w.inc(), slot_id{0},
                      "absent" + std::to_string(k), element_kind::string);
  w.nodes[0].life->on_push_keys(full);
  for (int step = 0; step < 4000; ++step) { // but nothing is flushed
    if (step % 40 == 0)
      w.tick(50);
    for (std::size_t i = 0; i < 2; ++i) {
      w.ask(i);
      w.scan(i);
      if (auto& q = w.letters[{i, 1 - i}]; !q.empty()) {
        const auto f = std::move(q.front());
        q.pop_front();
        f();
      }
    }
  }
  REQUIRE(w.nodes[0].sync_count->differing_slots.get() >= 600);
  // Those that were under way when the first of them had no room.
  CHECK(w.nodes[1].sync_count->differing_keys.get() < 300);
  w.run_for(10'000);
  CHECK(w.same_everywhere());
}

TEST_CASE("a slot far larger than the peer's list is compared part by part",
          "[synchronizer]") {
  shard_world w{2};
  w.run();
  w.crash(0);
  const std::size_t keys = 20'000;
  plant_many(w, 0, keys, 1);
  w.start(0);
  w.run();
  w.connect_all();
  slot_entries nothing; // all that it has of the slot
  nothing.sender = w.nodes[1].id;
  nothing.inc = w.inc();
  nothing.slot = slot_id{0};
  nothing.from = slot_begin(nothing.inc, nothing.slot);
  w.nodes[0].sync->on_entries(nothing);
  const auto& found = w.nodes[0].sync_count->differing_keys;
  for (int step = 0; found.get() == 0; ++step) {
    REQUIRE(step < 1000);
    w.ask(0);
    w.scan(0);
  }
  CHECK(found.get() < keys);
  w.run();
  CHECK(found.get() == keys);
  w.run_for(1000);
  CHECK(w.value(1, "key19999") == "v");
}

TEST_CASE("letters of strangers and of no sense are dropped",
          "[synchronizer]") {
  shard_world w{2};
  w.connect_all();
  w.run_for(3000);
  auto& n = w.nodes[0];
  auto& refused = n.sync_count->refused;
  const member_id peer{2};
  n.sync->on_offer({member_id{9}, {}, 1, {}, {}});
  CHECK(refused.get() == 1);
  n.sync->on_offer({peer, {}, 1, {w.inc()}, {}});
  CHECK(refused.get() == 2);
  slot_digests d;
  d.sender = peer;
  d.slots = {slot_id{1}};
  n.sync->on_digests(d);
  CHECK(refused.get() == 3);
  slot_entries e;
  e.sender = peer;
  e.inc = w.inc();
  e.slot = slot_id{0};
  e.from = slot_begin(w.inc(), slot_id{0});
  e.keys = {slot_begin(w.inc(), slot_id{16}) + "k"}; // of another slot
  e.fingerprints.resize(1);
  n.sync->on_entries(e);
  CHECK(refused.get() == 4);
  e.slot = slot_id{slot_count};
  n.sync->on_entries(e);
  CHECK(refused.get() == 5);
  slot_wants wants;
  wants.sender = peer;
  wants.inc = w.inc();
  wants.keys = {"nonsense"};
  n.sync->on_wants(wants);
  CHECK(refused.get() == 6);
  w.run();
  CHECK(w.nodes[0].counters->hints.get() == 0);
}
