#include "torc/engine/sim_engine.hpp"

#include <string>

#include "support/catch.hpp"

// What the simulated engine does on request.
namespace {

using namespace torc;

struct sim_fixture {
  result<void> put(std::string_view key, durability d) {
    write_batch b;
    b.put(column::data, key, "value");
    b.put(column::meta, key, "value");
    return db.apply(b, d);
  }
  bool has(std::string_view key) {
    read_buffer out;
    const bool in_data = db.get(column::data, key, read_mode::may_block, out)
                         == read_status::found;
    const bool in_meta = db.get(column::meta, key, read_mode::may_block, out)
                         == read_status::found;
    CHECK(in_data == in_meta);
    return in_data;
  }

  sim_engine db;
};

const error broken{errc::io_error, "the disk is broken"};

} // namespace

TEST_CASE_METHOD(sim_fixture,
                 "a crash keeps what was synced and a prefix of the "
                 "rest",
                 "[sim]") {
  REQUIRE(put("a", durability::buffered));
  REQUIRE(put("b", durability::synced));
  CHECK(db.unsynced_batches() == 0);
  REQUIRE(put("c", durability::buffered));
  REQUIRE(put("d", durability::buffered));
  REQUIRE(put("e", durability::buffered));
  CHECK(db.unsynced_batches() == 3);
  const auto survivors = GENERATE(range(std::size_t{0}, std::size_t{5}));
  db.crash(survivors);
  CHECK(has("a"));
  CHECK(has("b"));
  CHECK(has("c") == (survivors >= 1));
  CHECK(has("d") == (survivors >= 2));
  CHECK(has("e") == (survivors >= 3));
  CHECK(db.unsynced_batches() == 0);
  db.crash(9);
  CHECK(has("c") == (survivors >= 1));
}

TEST_CASE_METHOD(sim_fixture, "sync makes all of it survive", "[sim]") {
  REQUIRE(put("a", durability::buffered));
  REQUIRE(db.sync());
  db.crash(0);
  CHECK(has("a"));
}

TEST_CASE_METHOD(sim_fixture, "a failed write is not visible but may survive",
                 "[sim]") {
  const bool at_sync = GENERATE(true, false);
  if (at_sync)
    db.fail_sync(broken, 1);
  else
    db.fail_apply(broken, 2);
  REQUIRE(put("a", durability::synced));
  REQUIRE(put("b", durability::buffered));
  const auto failed = put("c", durability::synced);
  REQUIRE_FALSE(failed);
  CHECK(failed.error() == broken);
  CHECK_FALSE(has("c"));
  CHECK_FALSE(put("d", durability::buffered));
  CHECK_FALSE(db.sync());
  SECTION("a crash may keep it") {
    const auto survivors = GENERATE(range(std::size_t{0}, std::size_t{3}));
    db.crash(survivors);
    CHECK(has("a"));
    CHECK(has("b") == (survivors >= 1));
    CHECK(has("c") == (survivors >= 2));
    CHECK(put("d", durability::synced));
  }
  SECTION("recovery makes durable what was applied, and only that") {
    REQUIRE(db.recover());
    db.crash(9);
    CHECK(has("a"));
    CHECK(has("b"));
    CHECK_FALSE(has("c"));
    CHECK_FALSE(has("d"));
    CHECK(put("d", durability::synced));
  }
}

TEST_CASE_METHOD(sim_fixture, "recovery fails as long as it shall", "[sim]") {
  db.fail_sync({errc::disk_full, "full"});
  CHECK(db.recover());
  REQUIRE(put("a", durability::buffered));
  REQUIRE_FALSE(db.sync());
  db.fail_recover(broken);
  CHECK_FALSE(db.recover());
  CHECK(db.recover().error() == broken);
  CHECK_FALSE(put("b", durability::buffered));
  CHECK(has("a"));
  db.fail_recover(std::nullopt);
  REQUIRE(db.recover());
  db.crash(0);
  CHECK(has("a"));
}

TEST_CASE_METHOD(sim_fixture, "cached reads block where they shall", "[sim]") {
  REQUIRE(put("cold", durability::synced));
  REQUIRE(put("hot", durability::synced));
  db.block_reads([](column c, std::string_view key) {
    return c == column::data && key == "cold";
  });
  read_buffer out;
  const auto get = [&](column c, std::string_view key, read_mode mode) {
    return db.get(c, key, mode, out);
  };
  CHECK(get(column::data, "cold", read_mode::cached_only)
        == read_status::would_block);
  CHECK(get(column::data, "cold", read_mode::may_block) == read_status::found);
  CHECK(get(column::meta, "cold", read_mode::cached_only)
        == read_status::found);
  CHECK(get(column::data, "hot", read_mode::cached_only) == read_status::found);
  db.block_reads({});
  CHECK(get(column::data, "cold", read_mode::cached_only)
        == read_status::found);
}

TEST_CASE_METHOD(sim_fixture,
                 "a corrupted entry is reported until it is rewritten",
                 "[sim]") {
  REQUIRE(put("a", durability::synced));
  REQUIRE(put("b", durability::synced));
  db.corrupt(column::data, "b");
  db.crash(0);
  read_buffer out;
  CHECK(db.get(column::data, "a", read_mode::may_block, out)
        == read_status::found);
  REQUIRE(db.get(column::data, "b", read_mode::may_block, out)
          == read_status::failed);
  CHECK(out.error().code == errc::corrupt);
  const auto scan = [&] {
    return db.snapshot()->scan(column::data, "", "",
                               [](auto, auto) { return true; });
  };
  REQUIRE_FALSE(scan());
  CHECK(scan().error().code == errc::corrupt);
  REQUIRE(put("b", durability::synced));
  CHECK(has("b"));
  CHECK(scan());
}
