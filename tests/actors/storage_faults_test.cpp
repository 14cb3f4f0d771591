// Full memory and broken disks.
#include "support/shard_world.hpp"

using namespace torc;
using namespace torc::test;

namespace {

const error disk_error{errc::io_error, "planned"};

} // namespace

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
