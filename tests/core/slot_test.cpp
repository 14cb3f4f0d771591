#include "torc/core/slot.hpp"

#include <map>
#include <random>
#include <string>
#include <vector>

#include "core/numbered.hpp"
#include "support/catch.hpp"

using namespace torc;

namespace {

/// CRC16-XMODEM bit by bit, as its definition has it.
std::uint16_t plain_crc16(std::string_view bytes) {
  unsigned crc = 0;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned>(static_cast<unsigned char>(c)) << 8;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc & 0x8000) != 0 ? (crc << 1 ^ 0x1021) & 0xffff : crc << 1;
  }
  return static_cast<std::uint16_t>(crc);
}

} // namespace

TEST_CASE("crc16 gives what Redis Cluster publishes", "[slot]") {
  CHECK(crc16("") == 0);
  CHECK(crc16("123456789") == 0x31c3);
  const std::map<std::string, std::uint16_t> published{
    {"foo", 12182},
    {"bar", 5061},
    {"hello", 866},
    {"somekey", 11058},
    {"foo{hash_tag}", 2515},
    {"bar{hash_tag}", 2515},
    {"", 0},
    {"123456789", 0x31c3 % 16384},
  };
  for (const auto& [key, slot] : published) {
    INFO(key);
    CHECK(slot_of(key).value == slot);
  }
}

TEST_CASE("crc16 is that of its definition for every length", "[slot]") {
  std::mt19937 random{7};
  for (std::size_t n = 0; n < 200; ++n)
    for (int round = 0; round < 5; ++round) {
      std::string s(n, '\0');
      for (auto& c : s)
        c = static_cast<char>(random());
      REQUIRE(crc16(s) == plain_crc16(s));
    }
  for (int a = 0; a < 256; ++a)
    for (int b = 0; b < 256; b += 5) {
      const std::string s{static_cast<char>(a), static_cast<char>(b)};
      REQUIRE(crc16(s) == plain_crc16(s));
    }
}

TEST_CASE("the hash tag is what Redis Cluster's specification says", "[slot]") {
  CHECK(hash_tag("{user1000}.following") == "user1000");
  CHECK(hash_tag("{user1000}.followers") == "user1000");
  CHECK(hash_tag("foo{}{bar}") == "foo{}{bar}"); // an empty tag is none
  CHECK(hash_tag("foo{{bar}}zap") == "{bar");
  CHECK(hash_tag("foo{bar}{zap}") == "bar");
  CHECK(hash_tag("{foo") == "{foo");
  CHECK(hash_tag("foo}") == "foo}");
  CHECK(hash_tag("}foo{bar}") == "bar");
  CHECK(hash_tag("").empty());
  CHECK(hash_tag("{}") == "{}");
  const std::string binary("\0{\0}\xff", 5);
  CHECK(hash_tag(binary) == std::string_view("\0", 1));
  CHECK(slot_of("{user1000}.following") == slot_of("{user1000}.followers"));
  CHECK(slot_of("{user1000}.following") == slot_of("user1000"));
}

TEST_CASE("keys spread evenly over the slots", "[slot]") {
  // Load expectation |K| / |N|: 64 keys per slot on average; a slot with none
  // or with three times as many has a probability below 1e-20.
  std::vector<std::size_t> held(slot_count, 0);
  for (std::size_t i = 0; i < 64 * std::size_t{slot_count}; ++i)
    ++held[slot_of(test::numbered("key:", i)).value];
  for (const auto n : held) {
    REQUIRE(n > 0);
    REQUIRE(n < 192);
  }
}
