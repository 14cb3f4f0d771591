// Bytes of version 1, frozen: what lies in the directory of a database. Never
// change what stands here.
#include <rocksdb/db.h>

#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>

#include "actors/engine/rocksdb_database.hpp"
#include "actors/engine/rocksdb_synced_mark.hpp"
#include "support/catch.hpp"
#include "support/hex.hpp"
#include "support/scratch_directory.hpp"
#include "torc/engine/rocksdb_engine.hpp"

using namespace torc;
using torc::test::from_hex;
using torc::test::to_hex;

namespace {

using contents = std::map<std::string, std::string>;

/// All that a database of one entry per column holds, in hex.
const contents frozen_entries{
  {"006b", "30"}, // column, "k"
  {"016b", "31"}, {"026b", "32"},
  {"036b", "33"}, {"ff746f72632e666f726d6174", "31"}, // FF "torc.format"
};

rocksdb_options options_in(const test::scratch_directory& directory) {
  rocksdb_options out;
  out.path = directory / "db";
  out.memtable_bytes = 1u << 20;
  out.block_cache_bytes = 8u << 20;
  return out;
}

/// A database as RocksDB alone sees it.
std::unique_ptr<rocksdb::DB> open_plain(const std::string& path) {
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* out = nullptr;
  const auto s = rocksdb::DB::Open(options, path, &out);
  INFO(s.ToString());
  REQUIRE(s.ok());
  return std::unique_ptr<rocksdb::DB>{out};
}

} // namespace

TEST_CASE("frozen: the mark of what was synced", "[format]") {
  const test::scratch_directory directory;
  const auto path = directory / "torc.synced";
  const std::string hex = "08070605040302019eca585019af8f90";
  {
    auto mark = synced_mark::open(directory.path());
    REQUIRE(mark);
    CHECK(mark->value() == 0);
    mark->store(0x0102030405060708);
  }
  {
    std::ifstream file{path, std::ios::binary};
    const std::string bytes{std::istreambuf_iterator<char>{file}, {}};
    CHECK(to_hex(bytes) == hex);
  }
  std::ofstream{path, std::ios::binary | std::ios::trunc} << from_hex(hex);
  const auto mark = synced_mark::open(directory.path());
  REQUIRE(mark);
  CHECK(mark->value() == 0x0102030405060708);
}

TEST_CASE("frozen: keys of the database are written", "[format]") {
  const test::scratch_directory directory;
  const auto options = options_in(directory);
  {
    auto db = open_rocksdb(options);
    REQUIRE(db);
    write_batch b;
    b.put(column::data, "k", "0");
    b.put(column::meta, "k", "1");
    b.put(column::log, "k", "2");
    b.put(column::blob, "k", "3");
    REQUIRE((*db)->apply(b, durability::synced));
  }
  const auto db = open_plain(options.path);
  contents found;
  const std::unique_ptr<rocksdb::Iterator> i{
    db->NewIterator(rocksdb::ReadOptions{})};
  for (i->SeekToFirst(); i->Valid(); i->Next())
    found[to_hex(i->key().ToString())] = to_hex(i->value().ToString());
  CHECK(i->status().ok());
  CHECK(found == frozen_entries);
  // Written after a failure only.
  CHECK(to_hex(recovery_key) == "ff746f72632e7265636f76657279");
}

TEST_CASE("frozen: keys of the database are read", "[format]") {
  const test::scratch_directory directory;
  const auto options = options_in(directory);
  {
    const auto db = open_plain(options.path);
    for (const auto& [key, value] : frozen_entries)
      REQUIRE(
        db->Put(rocksdb::WriteOptions{}, from_hex(key), from_hex(value)).ok());
  }
  const auto db = open_rocksdb(options);
  REQUIRE(db);
  const column columns[] = {column::data, column::meta, column::log,
                            column::blob};
  char wanted = '0';
  for (const auto c : columns) {
    read_buffer out;
    REQUIRE((*db)->get(c, "k", read_mode::may_block, out)
            == read_status::found);
    CHECK(out.view() == std::string(1, wanted++));
  }
}
