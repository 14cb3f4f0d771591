// The memtable by slots inside a real RocksDB, against an oracle: versions
// under snapshots, iterators of both kinds in both directions, recovery from
// the log.
#include <rocksdb/db.h>
#include <rocksdb/slice_transform.h>

#include <atomic>
#include <iterator>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "actors/engine/rocksdb_slot_memtable.hpp"
#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

namespace {

using contents = std::map<std::string, std::string>;

constexpr std::size_t prefix_bytes = 3;

struct database {
  torc::test::scratch_directory directory;
  rocksdb::Options options;
  std::unique_ptr<rocksdb::DB> db;

  explicit database(std::size_t buckets) {
    options.create_if_missing = true;
    options.allow_concurrent_memtable_write = false;
    options.prefix_extractor.reset(
      rocksdb::NewCappedPrefixTransform(prefix_bytes));
    options.memtable_factory = torc::make_slot_memtables(buckets);
    open();
  }

  void open() {
    db.reset();
    rocksdb::DB* out = nullptr;
    const auto s = rocksdb::DB::Open(options, directory.path() + "/db", &out);
    INFO(s.ToString());
    REQUIRE(s.ok());
    db.reset(out);
  }
};

/// Keys of few prefixes, some shorter than a prefix, so that many lie together.
std::string draw_key(std::mt19937& random) {
  static const std::vector<std::string> prefixes{"aaa", "aab", "b\xff\xff",
                                                 "ccc", "a",   "\xff"};
  auto key = prefixes[random() % prefixes.size()];
  if (key.size() == prefix_bytes)
    key += std::to_string(random() % 40);
  return key;
}

std::string read(rocksdb::DB& db, const std::string& key,
                 const rocksdb::Snapshot* at) {
  rocksdb::ReadOptions options;
  options.snapshot = at;
  std::string out;
  const auto s = db.Get(options, key, &out);
  REQUIRE((s.ok() || s.IsNotFound()));
  return s.ok() ? out : "absent";
}

void check_keys(rocksdb::DB& db, const contents& wanted,
                const rocksdb::Snapshot* at, std::mt19937& random) {
  for (int i = 0; i < 20; ++i) {
    const auto key = draw_key(random);
    const auto it = wanted.find(key);
    CHECK(read(db, key, at) == (it == wanted.end() ? "absent" : it->second));
  }
}

void check_order(rocksdb::DB& db, const contents& wanted,
                 const rocksdb::Snapshot* at, std::mt19937& random) {
  rocksdb::ReadOptions options;
  options.snapshot = at;
  options.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> it{db.NewIterator(options)};
  contents found;
  for (it->SeekToFirst(); it->Valid(); it->Next())
    found.emplace(it->key().ToString(), it->value().ToString());
  CHECK(found == wanted);
  std::size_t n = 0;
  auto expected = wanted.rbegin();
  for (it->SeekToLast(); it->Valid(); it->Prev(), ++expected, ++n)
    REQUIRE(it->key() == expected->first);
  CHECK(n == wanted.size());
  const auto from = draw_key(random);
  it->SeekForPrev(from);
  const auto after = wanted.upper_bound(from);
  REQUIRE(it->Valid() == (after != wanted.begin()));
  if (it->Valid())
    CHECK(it->key() == std::prev(after)->first);
}

void check_prefix(rocksdb::DB& db, const contents& wanted,
                  const rocksdb::Snapshot* at, std::mt19937& random) {
  rocksdb::ReadOptions options;
  options.snapshot = at;
  options.prefix_same_as_start = true;
  const std::unique_ptr<rocksdb::Iterator> it{db.NewIterator(options)};
  for (int i = 0; i < 5; ++i) {
    const auto from = draw_key(random);
    auto expected = wanted.lower_bound(from);
    const auto prefix = from.substr(0, prefix_bytes);
    for (it->Seek(from); it->Valid(); it->Next(), ++expected) {
      REQUIRE(expected != wanted.end());
      CHECK(it->key() == expected->first);
      CHECK(it->value() == expected->second);
    }
    CHECK((expected == wanted.end()
           || expected->first.substr(0, prefix_bytes) != prefix));
    // Back and forth around some key.
    it->Seek(from);
    if (!it->Valid())
      continue;
    const auto first = it->key().ToString();
    it->Next();
    if (!it->Valid())
      continue;
    it->Prev();
    REQUIRE(it->Valid());
    CHECK(it->key() == first);
  }
}

/// One iterator goes to the ends and within prefixes in turn.
void check_mixed(rocksdb::DB& db, const contents& wanted,
                 const rocksdb::Snapshot* at, std::mt19937& random) {
  rocksdb::ReadOptions options;
  options.snapshot = at;
  const std::unique_ptr<rocksdb::Iterator> it{db.NewIterator(options)};
  for (int i = 0; i < 4; ++i) {
    it->SeekToFirst();
    REQUIRE(it->Valid() == !wanted.empty());
    if (it->Valid())
      CHECK(it->key() == wanted.begin()->first);
    const auto from = draw_key(random);
    const auto expected = wanted.lower_bound(from);
    it->Seek(from);
    if (expected != wanted.end()
        && expected->first.substr(0, prefix_bytes)
             == from.substr(0, prefix_bytes)) {
      REQUIRE(it->Valid());
      CHECK(it->key() == expected->first);
    }
    it->SeekToLast();
    REQUIRE(it->Valid() == !wanted.empty());
    if (it->Valid())
      CHECK(it->key() == wanted.rbegin()->first);
  }
}

} // namespace

TEST_CASE("a database with slot memtables agrees with a map", "[engine]") {
  for (unsigned seed = 0; seed < 12; ++seed) {
    INFO("seed " << seed);
    std::mt19937 random{seed};
    database d{seed % 2 == 0 ? 1u : 64u}; // all prefixes in one bucket, or not
    contents now;
    std::map<const rocksdb::Snapshot*, contents> past;
    const auto release = [&] {
      for (const auto& [at, then] : past)
        d.db->ReleaseSnapshot(at);
      past.clear();
    };
    for (int step = 0; step < 1500; ++step) {
      const auto key = draw_key(random);
      const auto value = std::to_string(step);
      switch (random() % 32) {
      case 0:
        if (past.size() < 5)
          past.emplace(d.db->GetSnapshot(), now);
        break;
      case 1: {
        const auto end = draw_key(random);
        if (key < end) {
          REQUIRE(
            d.db->DeleteRange({}, d.db->DefaultColumnFamily(), key, end).ok());
          now.erase(now.lower_bound(key), now.lower_bound(end));
        }
        break;
      }
      case 2:
      case 3:
      case 4:
        REQUIRE(d.db->Delete({}, key).ok());
        now.erase(key);
        break;
      case 5:
        if (random() % 16 == 0)
          REQUIRE(d.db->Flush({}).ok());
        break;
      case 6:
        if (random() % 16 == 0) {
          release();
          d.open();
        }
        break;
      case 7: {
        check_keys(*d.db, now, nullptr, random);
        check_order(*d.db, now, nullptr, random);
        check_prefix(*d.db, now, nullptr, random);
        check_mixed(*d.db, now, nullptr, random);
        for (const auto& [at, then] : past) {
          check_keys(*d.db, then, at, random);
          check_order(*d.db, then, at, random);
          check_prefix(*d.db, then, at, random);
          check_mixed(*d.db, then, at, random);
        }
        break;
      }
      default: REQUIRE(d.db->Put({}, key, value).ok()); now[key] = value;
      }
    }
    release();
  }
}

TEST_CASE("readers beside the writer see whole entries in order", "[engine]") {
  database d{4};
  constexpr int keys = 8;
  constexpr int rounds = 20'000;
  const auto key_of = [](int i) { return "aaa" + std::to_string(i); };
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  std::atomic<int> reads{0};
  const auto watch = [&] {
    std::vector<int> newest(keys, -1);
    while (!done) {
      for (int i = 0; i < keys; ++i) {
        std::string value;
        const auto s = d.db->Get({}, key_of(i), &value);
        const auto n = s.ok() ? std::stoi(value) : -1;
        wrong += n < newest[static_cast<std::size_t>(i)] ? 1 : 0;
        newest[static_cast<std::size_t>(i)] = n;
      }
      rocksdb::ReadOptions options;
      options.prefix_same_as_start = true;
      const std::unique_ptr<rocksdb::Iterator> it{d.db->NewIterator(options)};
      std::string last;
      for (it->Seek("aaa"); it->Valid(); it->Next()) {
        wrong += it->key().compare(last) <= 0 ? 1 : 0;
        last = it->key().ToString();
      }
      ++reads;
    }
  };
  std::thread one{watch};
  std::thread two{watch};
  for (int i = 0; i < rounds || reads < 4; ++i)
    if (!d.db->Put({}, key_of(i % keys), std::to_string(i)).ok())
      ++wrong;
  done = true;
  one.join();
  two.join();
  CHECK(wrong == 0);
}
