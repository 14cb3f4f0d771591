// Loads that overtake, or are overtaken by, what is written meanwhile.
#include "support/shard_world.hpp"

using namespace torc;
using namespace torc::test;

namespace {

/// Member 1 holds "k" with V0 durable and no longer cached, V1 on its way to
/// the disk, and a hint of it for member 2, whose push has asked for a load.
void make_hinted_and_dirty(shard_world& w) {
  w.connect_all();
  w.run_for(3000);
  w.put(0, "k", "V0");
  w.run();
  w.cut(0, 1);
  w.nodes[0].disk->block_reads([](column, std::string_view) { return true; });
  w.put(0, "k", "hinted"); // waits for a load of its own
  w.run();
  w.put(0, "k", "V1");
  while (w.load(0)) {
  }
  w.flush(0);
  REQUIRE(w.nodes[0].commits.size() == 1);
  REQUIRE(w.nodes[0].loads.empty());
  w.connect(0, 1);
  w.flush(0);
  REQUIRE(w.nodes[0].loads.size() == 1);
}

} // namespace

TEST_CASE("a load that a commit overtakes does not take back what was "
          "acknowledged",
          "[storage][replication]") {
  shard_world w{2};
  make_hinted_and_dirty(w);
  REQUIRE(w.begin_load(0)); // reads what was there before
  const auto parked =
    w.submit(0, shard_world::operation(op_kind::read, w.inc()), "k");
  REQUIRE(w.commit(0));
  w.run();
  REQUIRE(w.answer(0, parked) != nullptr);
  CHECK(w.answer(0, parked)->payload == "V1");
  CHECK(w.value(0, "k") == "V1");
  w.run_for(3000);
  CHECK(w.value(1, "k") == "V1");
  CHECK(w.nodes[0].counters->hints.get() == 0);
  CHECK(w.same_everywhere());
}

TEST_CASE("a write that waits for an overtaken load builds on the newest value",
          "[storage][replication]") {
  shard_world w{2};
  make_hinted_and_dirty(w);
  REQUIRE(w.begin_load(0));
  auto expire = shard_world::operation(op_kind::expire, w.inc());
  expire.deadline = w.now_ms + 60'000;
  const auto parked = w.submit(0, expire, "k");
  REQUIRE(w.commit(0));
  w.run();
  REQUIRE(w.answer(0, parked) != nullptr);
  CHECK((w.answer(0, parked)->head.flags & reply_flag::changed) != 0);
  CHECK(w.value(0, "k") == "V1");
  w.run_for(3000);
  CHECK(w.value(1, "k") == "V1");
  CHECK(w.same_everywhere());
  w.crash(0);
  w.start(0);
  w.heal();
  CHECK(w.value(0, "k") == "V1");
  CHECK(w.same_everywhere());
}

TEST_CASE("a load that comes before the commit shows what is durable",
          "[storage][replication]") {
  shard_world w{2};
  make_hinted_and_dirty(w);
  w.load(0);
  w.flush(0);
  while (w.deliver(0, 1)) {
  }
  w.flush(1);
  CHECK(w.value(1, "k") == "hinted"); // V1 is not durable yet (D1)
  CHECK(w.value(0, "k") == "V1");
  w.run_for(3000);
  CHECK(w.value(1, "k") == "V1");
}
