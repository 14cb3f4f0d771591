#include "torc/core/stored_key.hpp"

#include <algorithm>
#include <random>
#include <tuple>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/slot.hpp"

using namespace torc;

namespace {

using slots = std::vector<std::uint16_t>;

std::string stored(std::uint32_t inc, std::uint16_t slot, std::string_view key,
                   std::string_view element = {}) {
  std::string out;
  append_stored_key(out, incarnation{inc}, slot_id{slot}, key,
                    element_kind::string, element);
  return out;
}

/// All byte strings up to length 3 over the bytes that matter.
std::vector<std::string> small_keys() {
  const std::string alphabet("\0\1\xfe\xff", 4);
  std::vector<std::string> out{""};
  for (std::size_t from = 0, round = 0; round < 3; ++round) {
    const auto to = out.size();
    for (; from < to; ++from)
      for (const char c : alphabet)
        out.push_back(out[from] + c);
  }
  return out;
}

} // namespace

TEST_CASE("a stored key has these bytes", "[stored_key]") {
  CHECK(stored(0x01020304, 0x0506, "key")
        == std::string("\1\2\3\4\5\6key\0\0\0", 12));
  CHECK(stored(1, 2, std::string_view("a\0b", 3), "el")
        == std::string("\0\0\0\1\0\2"
                       "a\0\xff"
                       "b\0\0\0"
                       "el",
                       15));
  std::string appended = "before";
  append_stored_key(appended, incarnation{1}, slot_id{1}, "", element_kind{},
                    {});
  CHECK(appended == std::string("before\0\0\0\1\0\1\0\0\0", 15));
}

TEST_CASE("stored keys come back, whatever the bytes", "[stored_key]") {
  for (const auto& key : small_keys())
    for (const std::string_view element : {"", "x"}) {
      const auto bytes = stored(0xffffffff, slot_count - 1, key, element);
      const auto back = parse_stored_key(bytes);
      REQUIRE(back);
      REQUIRE(back->inc.value == 0xffffffff);
      REQUIRE(back->slot.value == slot_count - 1);
      REQUIRE(back->user_key == key);
      REQUIRE(back->element == element);
      REQUIRE(stored_incarnation(bytes) == back->inc);
      REQUIRE(stored_slot(bytes) == back->slot);
    }
}

TEST_CASE("byte order is the order of incarnation, slot, key, element",
          "[stored_key]") {
  std::vector<
    std::tuple<std::uint32_t, std::uint16_t, std::string, std::string>>
    all;
  for (const std::uint32_t inc : {1u, 255u, 256u, 0x80000000u})
    for (const auto slot : slots{0, 255, 256, 16383})
      for (const auto& key : small_keys())
        for (const std::string element : {"", "a"})
          all.emplace_back(inc, slot, key, element);
  // std::string compares bytes as unsigned, as engines do.
  std::sort(all.begin(), all.end());
  std::string before;
  for (const auto& [inc, slot, key, element] : all) {
    auto bytes = stored(inc, slot, key, element);
    REQUIRE(before < bytes);
    before = std::move(bytes);
  }
}

TEST_CASE("what is no stored key is refused", "[stored_key]") {
  const auto good = stored(1, 2, std::string_view("a\0b", 3));
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK_FALSE(parse_stored_key(std::string_view{good}.substr(0, n)));
  CHECK_FALSE(parse_stored_key(stored(1, slot_count, "k"))); // no such slot
  CHECK_FALSE(parse_stored_key(std::string("\0\0\0\1\0\1k\0\1\0\0\0", 12)));
  CHECK_FALSE(parse_stored_key(std::string("\0\0\0\1\0\1k\0\0\7", 10)));
  CHECK_FALSE(parse_stored_key(std::string(40, 'k')));
  std::mt19937 random{3};
  std::size_t parsed = 0;
  for (int i = 0; i < 100'000; ++i) {
    std::string bytes(random() % 24, '\0');
    for (auto& c : bytes)
      c = random() % 2 == 0 ? '\0' : static_cast<char>(random());
    const auto back = parse_stored_key(bytes);
    if (!back)
      continue;
    ++parsed;
    std::string again;
    append_stored_key(again, back->inc, back->slot, back->user_key, back->kind,
                      back->element);
    REQUIRE(again == bytes);
  }
  CHECK(parsed > 100);
}

TEST_CASE("a stored key is valid with a key of its slot and no element",
          "[stored_key]") {
  const auto of_slot = [](std::string_view key, std::string_view element = {}) {
    return stored(1, slot_of(key).value, key, element);
  };
  for (const auto& key : small_keys()) {
    CHECK(valid_stored_key(of_slot(key)));
    CHECK_FALSE(valid_stored_key(of_slot(key, "x")));
    const auto next =
      static_cast<std::uint16_t>((slot_of(key).value + 1) % slot_count);
    CHECK_FALSE(valid_stored_key(stored(1, next, key)));
  }
  const auto good = of_slot("key");
  for (std::size_t n = 0; n < good.size(); ++n)
    CHECK_FALSE(valid_stored_key(std::string_view{good}.substr(0, n)));
  CHECK_FALSE(valid_stored_key(good.substr(0, good.size() - 1) + '\1'));
  for (const char c : {'k', '\0'}) {
    const std::string longest(limits::key_bytes_max, c);
    CHECK(valid_stored_key(of_slot(longest)));
    CHECK_FALSE(valid_stored_key(of_slot(longest + c)));
  }
}

TEST_CASE("the bounds of a slot hold its keys and no others", "[stored_key]") {
  for (const auto slot : slots{0, 77, 16383}) {
    const auto begin = slot_begin(incarnation{7}, slot_id{slot});
    const auto end = slot_end(incarnation{7}, slot_id{slot});
    CHECK(begin < end);
    CHECK(begin < stored(7, slot, ""));
    CHECK(stored(7, slot, std::string(100, '\xff')) < end);
    if (slot > 0)
      CHECK(stored(7, static_cast<std::uint16_t>(slot - 1),
                   std::string(100, '\xff'))
            < begin);
    if (slot + 1 < slot_count)
      CHECK(end <= stored(7, static_cast<std::uint16_t>(slot + 1), ""));
    else
      CHECK(end < incarnation_begin(incarnation{8}));
  }
}
