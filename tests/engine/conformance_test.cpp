#include <random>
#include <string>
#include <vector>

#include "support/engine_fixture.hpp"
#include "torc/core/limits.hpp"

// What every engine promises; each case runs on each engine.
namespace {

using namespace torc;
using test::bytes;
using test::entries;
using test::stored;
struct conformance_fixture : test::engine_fixture {};

} // namespace

TEST_CASE_METHOD(conformance_fixture, "an engine gives back what was put",
                 "[engine]") {
  CHECK_FALSE(get(column::data, "k"));
  put(column::data, "k", "one");
  CHECK(get(column::data, "k") == "one");
  put(column::data, "k", "another");
  CHECK(get(column::data, "k") == "another");
  put(column::data, "k", "shorter");
  CHECK(get(column::data, "k") == "shorter");
  erase(column::data, "k");
  CHECK_FALSE(get(column::data, "k"));
  erase(column::data, "k");
  CHECK_FALSE(get(column::data, "k"));
}

TEST_CASE_METHOD(conformance_fixture, "columns do not see each other",
                 "[engine]") {
  const column all[] = {column::data, column::meta, column::log, column::blob};
  for (const auto c : all)
    put(c, "k", "in " + std::to_string(static_cast<int>(c)));
  erase(column::log, "k");
  CHECK(get(column::data, "k") == "in 0");
  CHECK(get(column::meta, "k") == "in 1");
  CHECK_FALSE(get(column::log, "k"));
  CHECK(get(column::blob, "k") == "in 3");
  CHECK(scan(column::meta, "", "") == entries{{"k", "in 1"}});
}

TEST_CASE_METHOD(conformance_fixture, "the last write of a batch to a key wins",
                 "[engine]") {
  put(column::data, "kept", "0");
  write_batch b;
  b.put(column::data, "k", "1");
  b.erase(column::data, "k");
  b.put(column::data, "k", "2");
  b.put(column::data, "l", "1");
  b.erase_range(column::data, "a", "z");
  b.put(column::data, "m", "3");
  b.put(column::meta, "k", "meta");
  apply(b);
  CHECK(scan(column::data, "", "") == entries{{"m", "3"}});
  CHECK(get(column::meta, "k") == "meta");
  apply(write_batch{});
  CHECK(get(column::data, "m") == "3");
}

TEST_CASE_METHOD(conformance_fixture,
                 "empty and odd bytes are bytes like others", "[engine]") {
  const entries odd = {
    {"", "empty key"},
    {bytes({"\0", 1}), "zero"},
    {bytes({"\0\0", 2}), bytes({"\0", 1})},
    {bytes({"\0\0\0\0\0\0", 6}), "six zeros"},
    {bytes({"\0\0\0\0\0\0\0", 7}), "seven zeros"},
    {bytes({"\0\xff", 2}), bytes({"\xff\0\xff", 3})},
    {"a", ""},
    {bytes({"a\0", 2}), "a and zero"},
    {bytes({"a\0\0\0\0\0", 6}), "a and five zeros"},
    {bytes({"a\0\0\0\0\0b", 7}), ""},
    {"\xff\xff\xff\xff\xff\xff\xff", "ends"},
  };
  for (auto at = odd.rbegin(); at != odd.rend(); ++at)
    put(column::data, at->first, at->second);
  for (const auto& [key, value] : odd)
    CHECK(get(column::data, key) == value);
  CHECK(scan(column::data, "", "") == odd);
  for (std::size_t i = 0; i < odd.size(); ++i) {
    CHECK(scan(column::data, odd[i].first, "")
          == entries(odd.begin() + static_cast<std::ptrdiff_t>(i), odd.end()));
    if (i > 0)
      CHECK(
        scan(column::data, "", odd[i].first)
        == entries(odd.begin(), odd.begin() + static_cast<std::ptrdiff_t>(i)));
  }
}

TEST_CASE_METHOD(conformance_fixture,
                 "the largest keys and values pass through", "[engine]") {
  // A stored key may be twice as long as the user's: each zero is escaped.
  const auto key = stored(1, 2, std::string(limits::key_bytes_max, '\0'));
  std::string value(limits::value_bytes_max, '\0');
  std::mt19937 random{7};
  for (auto& b : value)
    b = static_cast<char>(random());
  put(column::data, key, value);
  put(column::blob, key, value);
  CHECK((get(column::data, key) == value));
  CHECK((get(column::blob, key) == value));
  const auto all = scan(column::data, "", "");
  REQUIRE(all.size() == 1);
  CHECK((all[0].first == key));
  CHECK((all[0].second == value));
}

TEST_CASE_METHOD(conformance_fixture, "one key has elements of several kinds",
                 "[engine]") {
  const auto base = stored(1, 9, "user");
  const auto element = [&](char mark, std::string_view name) {
    auto out = base;
    out.back() = mark;
    return out.append(name);
  };
  put(column::data, element(2, "b"), "2b");
  put(column::data, base, "string");
  put(column::data, element(2, "a"), "2a");
  put(column::data, element(1, ""), "1");
  put(column::data, stored(1, 9, "user2"), "other key");
  erase(column::data, element(2, "b"));
  CHECK(scan(column::data, base, element('\x7f', ""))
        == entries{
          {base, "string"}, {element(1, ""), "1"}, {element(2, "a"), "2a"}});
}

TEST_CASE_METHOD(conformance_fixture,
                 "a scan keeps to its bounds and its order", "[engine]") {
  write_batch b;
  for (std::uint16_t slot = 250; slot < 260; ++slot)
    for (const auto* key : {"b", "a", "longer key", "c"})
      b.put(column::data, stored(1, slot, key), key);
  b.put(column::data, stored(2, 255, "other incarnation"), "");
  apply(b);
  const auto slot = [](std::uint16_t s) {
    return slot_begin(incarnation{1}, slot_id{s});
  };
  const entries of_255 = {{stored(1, 255, "a"), "a"},
                          {stored(1, 255, "b"), "b"},
                          {stored(1, 255, "c"), "c"},
                          {stored(1, 255, "longer key"), "longer key"}};
  CHECK(scan(column::data, slot(255), slot(256)) == of_255);
  CHECK(scan(column::data, stored(1, 255, "b"), stored(1, 255, "c"))
        == entries{of_255[1]});
  CHECK(scan(column::data, slot(250), slot(260)).size() == 40);
  CHECK(scan(column::data, stored(1, 254, "c"), stored(1, 256, "a")).size()
        == 6);
  CHECK(scan(column::data, incarnation_begin(incarnation{2}), "").size() == 1);
  CHECK(scan(column::data, slot(256), slot(255)).empty());
  CHECK(scan(column::data, slot(255), slot(255)).empty());
  CHECK(scan(column::meta, "", "").empty());
}

TEST_CASE_METHOD(conformance_fixture, "a scan ends when its visitor says so",
                 "[engine]") {
  write_batch b;
  for (int i = 0; i < 100; ++i)
    b.put(column::data, "key " + std::to_string(i), "");
  apply(b);
  entries seen;
  const auto stop_at = GENERATE(std::size_t{1}, std::size_t{37});
  REQUIRE(under_test->snapshot()->scan(column::data, "key 2", "",
                                       [&](auto key, auto value) {
                                         seen.emplace_back(key, value);
                                         return seen.size() < stop_at;
                                       }));
  auto all = scan(column::data, "key 2", "");
  REQUIRE(all.size() > stop_at);
  all.resize(stop_at);
  CHECK(seen == all);
}

TEST_CASE_METHOD(conformance_fixture,
                 "erase_range erases its range and nothing else", "[engine]") {
  write_batch b;
  for (std::uint32_t inc = 1; inc <= 3; ++inc)
    for (std::uint16_t slot = 0; slot < 4; ++slot)
      for (const auto* key : {"a", "b", "c"})
        b.put(column::data, stored(inc, slot, key), key);
  apply(b);
  const auto all = scan(column::data, "", "");
  REQUIRE(all.size() == 36);
  const auto bounds = std::vector<std::string>{
    "",
    incarnation_begin(incarnation{1}),
    stored(1, 1, "b"),
    slot_begin(incarnation{1}, slot_id{2}),
    incarnation_begin(incarnation{2}),
    stored(2, 3, "c"),
    stored(3, 3, "zz"),
    "\xff",
  };
  const auto first = GENERATE(range(0u, 8u));
  const auto last = GENERATE(range(0u, 8u));
  erase_range(column::data, bounds[first], bounds[last]);
  entries left;
  for (const auto& e : all)
    if (e.first < bounds[first] || e.first >= bounds[last])
      left.push_back(e);
  CHECK(scan(column::data, "", "") == left);
  for (const auto& [key, value] : all)
    CHECK(get(column::data, key).has_value()
          == (key < bounds[first] || key >= bounds[last]));
  while (under_test->reclaim(2)) {
  }
  put(column::data, stored(1, 1, "b"), "again");
  CHECK(get(column::data, stored(1, 1, "b")) == "again");
}

TEST_CASE_METHOD(conformance_fixture, "a snapshot does not see later writes",
                 "[engine]") {
  write_batch b;
  b.put(column::data, "overwritten", "old");
  b.put(column::data, "overwritten same size", "old");
  b.put(column::data, "erased", "old");
  b.put(column::data, "untouched", "old");
  b.put(column::meta, "meta", "old");
  for (std::uint16_t slot = 0; slot < 3; ++slot)
    b.put(column::data, stored(1, slot, "dropped"), "old");
  apply(b);
  const auto before = scan(column::data, "", "");
  auto first = under_test->snapshot();

  put(column::data, "overwritten", "a longer new value");
  put(column::data, "overwritten same size", "new");
  put(column::data, "overwritten same size", "twi");
  put(column::data, "added", "new");
  erase(column::data, "erased");
  erase(column::meta, "meta");
  erase_range(column::data, incarnation_begin(incarnation{1}),
              incarnation_begin(incarnation{2}));
  const auto between = scan(column::data, "", "");
  auto second = under_test->snapshot();

  erase(column::data, "added");
  put(column::data, "erased", "back");
  put(column::data, "overwritten", "third");
  put(column::data, stored(1, 1, "dropped"), "third");
  erase(column::data, "untouched");
  const auto after = scan(column::data, "", "");

  CHECK(scan(*first, column::data, "", "") == before);
  CHECK(scan(*first, column::meta, "", "") == entries{{"meta", "old"}});
  CHECK(scan(*first, column::data, "f", "overwritten s")
        == entries{{"overwritten", "old"}});
  CHECK(scan(*second, column::data, "", "") == between);
  CHECK(scan(*second, column::meta, "", "").empty());
  SECTION("the older one goes first") {
    first.reset();
    CHECK(scan(*second, column::data, "", "") == between);
  }
  SECTION("the newer one goes first") {
    second.reset();
    CHECK(scan(*first, column::data, "", "") == before);
    first.reset();
  }
  second.reset();
  CHECK(scan(column::data, "", "") == after);
  CHECK(get(column::data, "overwritten") == "third");
}

TEST_CASE_METHOD(conformance_fixture, "size follows what is stored",
                 "[engine]") {
  const auto empty = under_test->size();
  const auto marks = kind.persistent ? 4u : 0u; // Entries of the engine's own.
  CHECK(empty.entries <= marks);
  write_batch b;
  for (std::uint16_t slot = 0; slot < 4; ++slot)
    for (int i = 0; i < 1000; ++i)
      b.put(column::data, stored(1, slot, std::to_string(i)),
            std::string(100, 'v'));
  apply(b);
  const auto whole = under_test->size();
  CHECK(whole.entries >= 4000);
  CHECK(whole.entries <= 4000 + marks);
  CHECK(whole.bytes > 4000 * 100);
  CHECK(whole.bytes < 4000 * 400);

  const auto slot =
    under_test->size(column::data, slot_begin(incarnation{1}, slot_id{1}),
                     slot_end(incarnation{1}, slot_id{1}));
  const auto nothing =
    under_test->size(column::data, incarnation_begin(incarnation{2}), "");
  if (kind.persistent) {
    // An estimate, and one that a memtable makes with random numbers: anything
    // from nothing to all.
    CHECK(slot.entries <= whole.entries);
    CHECK(nothing.entries < 500);
  } else {
    CHECK(slot.entries == 1000);
    CHECK(slot.bytes > whole.bytes / 5);
    CHECK(slot.bytes < whole.bytes / 3);
    CHECK(nothing.entries == 0);
  }
  CHECK(under_test->size(column::meta, "", "").entries == 0);
}

TEST_CASE_METHOD(conformance_fixture, "a synced batch is there after reopening",
                 "[engine]") {
  if (!kind.persistent) {
    CHECK(under_test->sync());
    return;
  }
  write_batch b;
  b.put(column::data, "synced", "1");
  b.put(column::meta, "synced", "2");
  REQUIRE(under_test->apply(b, durability::synced));
  put(column::log, "buffered", "3");
  put(column::blob, "blob", std::string(100'000, 'b'));
  REQUIRE(under_test->sync());
  for (int times = 0; times < 3; ++times) {
    under_test.reset();
    under_test = kind.make(directory.path());
    REQUIRE(under_test != nullptr);
    CHECK(get(column::data, "synced") == "1");
    CHECK(get(column::meta, "synced") == "2");
    CHECK(get(column::log, "buffered") == "3");
    CHECK((get(column::blob, "blob") == std::string(100'000, 'b')));
    put(column::data, "synced", "1");
  }
}
