// WAIT never counts a replica that lacks a write.
#include "support/shard_world.hpp"

using namespace torc;
using namespace torc::test;

TEST_CASE("WAIT does not count a replica before a comparison says what it has",
          "[storage][replication]") {
  for (const bool restarted : {false, true}) {
    shard_world w{2};
    w.run();
    w.put(0, "k", "v"); // the link was never up: nobody keeps a hint
    w.run();
    if (restarted) {
      w.crash(0);
      w.start(0);
      w.run();
    }
    const auto id = w.wait(0, 1, 60'000);
    w.connect_all();
    w.run(); // no time passes, so nobody compares
    CHECK(w.answer(0, id) == nullptr);
    w.run_for(3000);
    REQUIRE(w.answer(0, id) != nullptr);
    CHECK(w.answer(0, id)->head.number == 1);
    CHECK(w.value(1, "k") == "v");
  }
}

TEST_CASE("WAIT counts a replica again when it has what a comparison found",
          "[storage][replication]") {
  shard_world w{2};
  w.run();
  w.put(0, "k", "v");
  w.run();
  const auto id = w.wait(0, 1, 60'000);
  w.put(0, "later", "v");
  w.connect_all();
  w.held.insert({0, 1}); // records stay on their way, letters do not
  w.run_for(4000);
  CHECK(w.nodes[0].sync_count->rounds.get() >= 1);
  CHECK(w.answer(0, id) == nullptr);
  w.held.clear();
  w.run_for(6000);
  REQUIRE(w.answer(0, id) != nullptr);
  CHECK(w.answer(0, id)->head.number == 1);
}

TEST_CASE("WAIT does not count a replica for a record that cannot be read",
          "[storage][replication]") {
  for (const bool blocked : {false, true}) {
    shard_world w{2};
    w.run();
    w.connect_all();
    w.run_for(2000);
    w.cut(0, 1);
    w.put(0, "k", "v");
    w.run();
    std::string key;
    append_stored_key(key, w.inc(), slot_id{shard_world::shard},
                      shard_world::in_slot("k"), element_kind::string);
    w.nodes[0].disk->corrupt(column::data, key);
    if (blocked)
      w.nodes[0].disk->block_reads(
        [](column, std::string_view) { return true; });
    const auto id = w.wait(0, 1, 4000);
    w.connect_all();
    w.run();
    CHECK(w.answer(0, id) == nullptr);
    w.run_for(5000);
    REQUIRE(w.answer(0, id) != nullptr);
    CHECK(w.answer(0, id)->head.number == 0);
  }
}
