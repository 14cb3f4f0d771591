// Comparisons that one side cannot do now: the other hears so, and goes on.
#include "support/shard_world.hpp"

using namespace torc;
using namespace torc::test;

namespace {

/// Everything but the scans of `i` goes on for a while.
std::deque<local::scan_request> without_scans(shard_world& w, std::size_t i,
                                              unix_ms ms) {
  std::deque<local::scan_request> stolen;
  for (unix_ms t = 0; t < ms; t += 20) {
    for (int step = 0; step < 20; ++step) {
      for (std::size_t n = 0; n < w.nodes.size(); ++n) {
        w.flush(n);
        w.commit(n);
        w.load(n);
        w.ask(n);
        if (n != i)
          w.scan(n);
        for (std::size_t m = 0; m < w.nodes.size(); ++m) {
          w.deliver(n, m);
          if (auto& q = w.letters[{n, m}]; !q.empty()) {
            const auto f = std::move(q.front());
            q.pop_front();
            f();
          }
        }
      }
      for (auto& s : w.nodes[i].scans)
        stolen.push_back(std::move(s));
      w.nodes[i].scans.clear();
    }
    w.tick(20);
  }
  return stolen;
}

void fail(shard_world& w, std::size_t i,
          const std::deque<local::scan_request>& scans) {
  REQUIRE(!scans.empty());
  for (const auto& s : scans) {
    local::scan_result r;
    r.id = s.id;
    r.failure = std::make_shared<const error>(error{errc::io_error, "planned"});
    w.nodes[i].life->on_scanned(r);
  }
}

/// Member 1 has a key that member 2 never heard of.
void make_different(shard_world& w) {
  w.put(0, "k", "v");
  w.run();
}

} // namespace

TEST_CASE("a slot that could not be read is compared again soon",
          "[synchronizer]") {
  for (const std::size_t failing : {0u, 1u}) {
    INFO("member " << failing + 1);
    shard_world w{2};
    w.run();
    make_different(w);
    w.connect_all();
    fail(w, failing, without_scans(w, failing, 2000));
    w.run();
    CHECK_FALSE(w.value(1, "k").has_value());
    w.run_for(5000);
    CHECK(w.value(1, "k") == "v");
  }
}

TEST_CASE("WAIT does not count a replica after a comparison with a slot left "
          "out",
          "[synchronizer]") {
  for (const std::size_t failing : {0u, 1u}) {
    shard_world w{2};
    w.run();
    make_different(w);
    w.connect_all();
    fail(w, failing, without_scans(w, failing, 1500));
    const auto id = w.wait(0, 1, 5000);
    w.run();
    CHECK(w.answer(0, id) == nullptr);
    w.run_for(5000);
    REQUIRE(w.answer(0, id) != nullptr);
    CHECK(w.answer(0, id)->head.number == 1);
  }
}

TEST_CASE("a peer that still counts says so, and is asked again",
          "[synchronizer]") {
  shard_world w{2};
  w.run();
  make_different(w);
  w.crash(1);
  w.start(1);
  w.connect_all();
  auto counting = without_scans(w, 1, 2000);
  CHECK(w.nodes[0].sync_count->rounds.get() >= 1);
  const auto rounds = w.nodes[0].sync_count->rounds.get();
  w.nodes[1].scans = std::move(counting);
  w.run_for(3000);
  CHECK(w.nodes[0].sync_count->rounds.get() > rounds);
  CHECK(w.value(1, "k") == "v");
}

TEST_CASE("keys of a keyspace that is gone are not waited for",
          "[synchronizer]") {
  shard_world w{2};
  w.run();
  local::entries_query q;
  q.round = 77;
  q.inc = incarnation{4711};
  q.slot = slot_id{shard_world::shard};
  std::vector<local::entries_answer> answers;
  w.nodes[0].life->on_entries_query(
    q, [&](local::entries_answer a) { answers.push_back(std::move(a)); });
  REQUIRE(answers.size() == 1);
  CHECK(answers[0].round == 77);
  CHECK(answers[0].inc == incarnation{}); // of no keyspace
  CHECK(answers[0].keys.empty());
}

TEST_CASE("lists of keys that are compared at once are bounded",
          "[synchronizer]") {
  shard_world w{2};
  w.connect_all();
  w.run_for(3000);
  slot_entries e;
  e.sender = member_id{2};
  e.inc = w.inc();
  e.slot = slot_id{shard_world::shard};
  e.from = slot_begin(e.inc, e.slot);
  const auto& answers = w.letters[{0, 1}];
  REQUIRE(answers.empty());
  for (int i = 0; i < 256; ++i)
    w.nodes[0].sync->on_entries(e);
  CHECK(answers.empty()); // its shard is asked
  w.nodes[0].sync->on_entries(e);
  CHECK(answers.size() == 1); // not now
  w.run();
  w.nodes[0].sync->on_entries(e);
  CHECK(answers.empty());
  w.run();
}

TEST_CASE("a slot that cannot be read whole is compared, and the rest counted",
          "[synchronizer]") {
  shard_world w{2};
  w.run();
  w.connect_all();
  w.run_for(2000);
  for (int i = 0; i < 20; ++i)
    w.put(0, "k" + std::to_string(i), "v");
  w.run();
  std::string key;
  append_stored_key(key, w.inc(), slot_id{shard_world::shard},
                    shard_world::in_slot("k5"), element_kind::string);
  w.nodes[1].disk->corrupt(column::data, key);
  w.crash(1);
  w.put(0, "meanwhile", "v");
  w.run();
  w.crash(0); // and with it the hint
  w.start(0);
  w.start(1);
  w.run();
  w.connect_all();
  w.run_for(5000);
  CHECK(w.value(1, "meanwhile") == "v");
  CHECK(w.value(1, "k5") == "v"); // the other's took its place
  auto count = shard_world::operation(op_kind::count, w.inc());
  const auto id = w.submit(1, count, {}, std::string(slot_count / 8, '\xff'));
  w.run();
  REQUIRE(w.answer(1, id) != nullptr);
  CHECK(w.answer(1, id)->head.status == no_error);
}
