#include "actors/engine/slot_prefix.hpp"

#include "support/catch.hpp"
#include "torc/core/stored_key.hpp"

using namespace torc;
using namespace std::string_literals;

TEST_CASE("a scan of any slot is within one prefix", "[engine]") {
  const incarnation inc{1};
  for (std::uint32_t s = 0; s < slot_count; ++s) {
    const slot_id slot{static_cast<std::uint16_t>(s)};
    const auto begin = "d"s.append(slot_begin(inc, slot));
    const auto end = "d"s.append(slot_end(inc, slot));
    REQUIRE(begin.size() == entry_prefix_bytes);
    REQUIRE(within_one_prefix(begin, end));
    REQUIRE(within_one_prefix(begin + "key", end));
    REQUIRE(within_one_prefix(begin, begin + "key"));
    REQUIRE_FALSE(within_one_prefix(begin, end + "key"));
  }
}

TEST_CASE("what reaches beyond a slot is not within one prefix", "[engine]") {
  CHECK_FALSE(within_one_prefix("d", "e"));
  CHECK_FALSE(within_one_prefix("d123456", ""));
  CHECK_FALSE(within_one_prefix("d123456", "d123458"));
  const std::string last(entry_prefix_bytes, '\xff');
  CHECK_FALSE(within_one_prefix(last, last + "k"));
}
