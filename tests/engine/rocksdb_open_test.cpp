#include <fmt/core.h>
#include <rocksdb/db.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"
#include "torc/engine/rocksdb_engine.hpp"

// What opening a database finds, and what it refuses.
namespace {

using namespace torc;
namespace fs = std::filesystem;

struct open_fixture {
  rocksdb_options options() const {
    rocksdb_options out;
    out.path = directory / "db";
    out.memtable_bytes = 1u << 20;
    out.block_cache_bytes = 8u << 20;
    return out;
  }

  std::unique_ptr<engine> open() {
    auto opened = open_rocksdb(options());
    if (!opened)
      FAIL(opened.error().message);
    return std::move(*opened);
  }

  error refused() {
    auto opened = open_rocksdb(options());
    REQUIRE_FALSE(opened);
    return opened.error();
  }

  static void put(engine& db, int i, durability d) {
    write_batch b;
    b.put(column::data, fmt::format("key {:04}", i),
          std::string(100, static_cast<char>('a' + i % 26)));
    REQUIRE(db.apply(b, d));
  }

  static int count(const engine& db) {
    int out = 0;
    REQUIRE(db.snapshot()->scan(column::data, "", "", [&](auto key, auto) {
      CHECK(key == fmt::format("key {:04}", out));
      ++out;
      return true;
    }));
    return out;
  }

  /// The newest file of the database that ends so.
  fs::path newest(std::string_view suffix) const {
    std::vector<fs::path> all;
    for (const auto& e : fs::directory_iterator(directory / "db"))
      if (e.path().string().ends_with(suffix))
        all.push_back(e.path());
    REQUIRE_FALSE(all.empty());
    return *std::max_element(all.begin(), all.end());
  }

  static void flip_byte(const fs::path& path, std::uintmax_t offset) {
    std::fstream file{path, std::ios::in | std::ios::out | std::ios::binary};
    file.seekg(static_cast<std::streamoff>(offset));
    const auto byte = file.get();
    file.seekp(static_cast<std::streamoff>(offset));
    file.put(static_cast<char>(byte ^ 0x40));
    REQUIRE(file.good());
  }

  test::scratch_directory directory;
};

} // namespace

TEST_CASE_METHOD(open_fixture, "a missing database is not made unless asked",
                 "[rocksdb]") {
  auto wanted = options();
  wanted.create_if_missing = false;
  const auto none = open_rocksdb(wanted);
  REQUIRE_FALSE(none);
  CHECK(none.error().code == errc::not_found);
  CHECK_FALSE(fs::exists(wanted.path));
  open();
  CHECK(open_rocksdb(wanted));

  wanted.path = directory / "no/such/parent";
  wanted.create_if_missing = true;
  const auto lost = open_rocksdb(wanted);
  REQUIRE_FALSE(lost);
  CHECK(lost.error().code == errc::io_error);
}

TEST_CASE_METHOD(open_fixture,
                 "a database of another format or program is refused as it is",
                 "[rocksdb]") {
  const auto with_raw = [&](const std::function<void(rocksdb::DB&)>& use) {
    rocksdb::Options plain;
    plain.create_if_missing = true;
    rocksdb::DB* opened = nullptr;
    REQUIRE(rocksdb::DB::Open(plain, options().path, &opened).ok());
    const std::unique_ptr<rocksdb::DB> db{opened};
    use(*db);
  };
  const auto put_raw = [&](const std::string& key, const std::string& value) {
    with_raw([&](rocksdb::DB& db) {
      rocksdb::WriteOptions synced;
      synced.sync = true;
      REQUIRE(db.Put(synced, key, value).ok());
    });
  };
  // All but the lock, which says whose it is.
  const auto files = [&] {
    std::map<std::string, std::pair<std::uintmax_t, fs::file_time_type>> out;
    for (const auto& e : fs::directory_iterator(options().path))
      if (e.path().filename() != "torc.pid")
        out[e.path().string()] = {e.file_size(), e.last_write_time()};
    return out;
  };
  SECTION("a later format") {
    put(*open(), 0, durability::synced);
    put_raw("\xfftorc.format", "2");
    const auto before = files();
    const auto e = refused();
    CHECK(e.code == errc::unsupported);
    CHECK_THAT(e.message, test::contains("has format 2"));
    CHECK((files() == before));
  }
  SECTION("another program's") {
    put_raw("key", "value");
    const auto before = files();
    CHECK(refused().code == errc::unsupported);
    CHECK((files() == before));
  }
  SECTION("one without its format yet") {
    with_raw([](rocksdb::DB&) {});
    put(*open(), 0, durability::synced);
    CHECK(count(*open()) == 1);
  }
}

TEST_CASE_METHOD(open_fixture, "a database is opened once at a time",
                 "[rocksdb]") {
  auto first = open();
  const auto e = refused();
  CHECK(e.code == errc::locked);
  CHECK_THAT(e.message, test::contains("process "));
  first.reset();
  open();
}

TEST_CASE_METHOD(open_fixture,
                 "a rotten byte in the synced log is reported and "
                 "changes nothing",
                 "[rocksdb]") {
  {
    auto db = open();
    for (int i = 0; i < 100; ++i)
      put(*db, i, durability::synced);
  }
  const auto log = newest(".log");
  const auto middle = fs::file_size(log) / 2;
  flip_byte(log, middle);
  for (int times = 0; times < 2; ++times) {
    const auto e = refused();
    CHECK(e.code == errc::corrupt);
    CHECK_THAT(e.message, test::contains("lost writes that were synced"));
    CHECK_THAT(e.message, test::contains(options().path));
  }
  SECTION("healed, everything is back") {
    flip_byte(log, middle);
    CHECK(count(*open()) == 100);
  }
  SECTION("the operator may go on with what is left") {
    fs::remove(directory / "db/torc.synced");
    auto db = open();
    const auto left = count(*db);
    CHECK(left > 30);
    CHECK(left < 70);
    put(*db, left, durability::synced);
    db.reset();
    CHECK(count(*open()) == left + 1);
  }
}

TEST_CASE_METHOD(open_fixture, "a missing log is reported", "[rocksdb]") {
  {
    auto db = open();
    for (int i = 0; i < 10; ++i)
      put(*db, i, durability::synced);
  }
  fs::remove(newest(".log"));
  CHECK(refused().code == errc::corrupt);
}

TEST_CASE_METHOD(open_fixture, "a torn tail that was never synced is dropped",
                 "[rocksdb]") {
  std::uintmax_t synced_bytes = 0;
  {
    auto db = open();
    for (int i = 0; i < 50; ++i)
      put(*db, i, durability::synced);
    synced_bytes = fs::file_size(newest(".log"));
    for (int i = 50; i < 100; ++i)
      put(*db, i, durability::buffered);
  }
  const auto log = newest(".log");
  const auto all_bytes = fs::file_size(log);
  REQUIRE(all_bytes > synced_bytes);
  int fewest = 50;
  int most = 99;
  SECTION("cut anywhere") {
    const auto part = GENERATE(range(0u, 10u));
    const auto left = synced_bytes + (all_bytes - synced_bytes) * part / 10;
    fs::resize_file(log, left);
    REQUIRE(fs::file_size(log) == left);
    most = part == 0 ? 50 : most;
  }
  SECTION("garbage anywhere") {
    const auto part = GENERATE(range(1u, 10u));
    flip_byte(log, synced_bytes + (all_bytes - synced_bytes) * part / 10);
  }
  SECTION("zeros anywhere") {
    const auto part = GENERATE(range(1u, 10u));
    fs::resize_file(log, synced_bytes + (all_bytes - synced_bytes) * part / 10);
    fs::resize_file(log, all_bytes);
    REQUIRE(fs::file_size(log) == all_bytes);
  }
  auto db = open();
  const auto left = count(*db);
  CHECK(left >= fewest);
  CHECK(left <= most);
  put(*db, left, durability::synced);
  db.reset();
  CHECK(count(*open()) == left + 1);
}

TEST_CASE_METHOD(open_fixture, "a cut into the synced log is reported",
                 "[rocksdb]") {
  {
    auto db = open();
    for (int i = 0; i < 50; ++i)
      put(*db, i, durability::synced);
  }
  const auto log = newest(".log");
  fs::resize_file(log, fs::file_size(log) * GENERATE(range(1u, 10u)) / 10);
  CHECK(refused().code == errc::corrupt);
}

TEST_CASE_METHOD(open_fixture,
                 "a rotten byte in a table file is reported and never "
                 "served",
                 "[rocksdb]") {
  {
    auto db = open();
    for (int i = 0; i < 1000; ++i)
      put(*db, i, durability::buffered);
  }
  open(); // Writes the log's content to a table file.
  fs::path table;
  for (const auto& e : fs::directory_iterator(directory / "db"))
    if (e.path().extension() == ".sst"
        && (table.empty() || e.file_size() > fs::file_size(table)))
      table = e.path();
  flip_byte(table, fs::file_size(table) / 4);

  auto db = open();
  int corrupt = 0;
  read_buffer out;
  for (int i = 0; i < 1000; ++i) {
    const auto status = db->get(column::data, fmt::format("key {:04}", i),
                                read_mode::may_block, out);
    if (status == read_status::failed) {
      CHECK(out.error().code == errc::corrupt);
      ++corrupt;
    } else {
      REQUIRE(status == read_status::found);
      CHECK(out.view() == std::string(100, static_cast<char>('a' + i % 26)));
    }
  }
  CHECK(corrupt > 0);
  CHECK(corrupt < 500);
  const auto scanned =
    db->snapshot()->scan(column::data, "", "", [](auto, auto) { return true; });
  REQUIRE_FALSE(scanned);
  CHECK(scanned.error().code == errc::corrupt);
}

TEST_CASE_METHOD(open_fixture, "a rotten mark of what was synced is reported",
                 "[rocksdb]") {
  put(*open(), 0, durability::synced);
  flip_byte(directory / "db/torc.synced", 3);
  const auto e = refused();
  CHECK(e.code == errc::corrupt);
  CHECK_THAT(e.message, test::contains("torc.synced"));
}

TEST_CASE_METHOD(open_fixture, "a read that would need the disk says so",
                 "[rocksdb]") {
  {
    auto db = open();
    for (int i = 0; i < 1000; ++i)
      put(*db, i, durability::buffered);
    write_batch b;
    b.put(column::blob, "blob", std::string(100'000, 'b'));
    REQUIRE(db->apply(b, durability::synced));
    read_buffer out;
    CHECK(db->get(column::data, "key 0500", read_mode::cached_only, out)
          == read_status::found);
    CHECK(db->get(column::data, "none", read_mode::cached_only, out)
          == read_status::absent);
  }
  open(); // Writes the log's content to files.
  auto db = open();
  read_buffer out;
  const auto read = [&](column c, std::string_view key, read_mode mode) {
    return db->get(c, key, mode, out);
  };
  CHECK(read(column::data, "key 0500", read_mode::cached_only)
        == read_status::would_block);
  REQUIRE(read(column::data, "key 0500", read_mode::may_block)
          == read_status::found);
  REQUIRE(read(column::data, "key 0500", read_mode::cached_only)
          == read_status::found);
  CHECK(out.view() == std::string(100, static_cast<char>('a' + 500 % 26)));
  CHECK(read(column::blob, "blob", read_mode::cached_only)
        == read_status::would_block);
  REQUIRE(read(column::blob, "blob", read_mode::may_block)
          == read_status::found);
  CHECK(out.view().size() == 100'000);
}
