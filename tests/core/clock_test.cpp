#include "torc/core/clock.hpp"

#include <random>

#include "support/catch.hpp"

using namespace torc;

namespace {

constexpr unix_ms start_ms = 1'800'000'000'000;

/// Stamps, with the ceiling made durable whenever one is wanted.
std::optional<hlc_time> stamp(hybrid_clock& c, unix_ms wall) {
  if (const auto h = c.wanted_ceiling(wall))
    c.ceiling_durable(*h);
  return c.now(wall);
}

} // namespace

TEST_CASE("a stamp is above the last one and the wall clock", "[clock]") {
  hybrid_clock c{hlc_time{}, 500};
  const auto a = stamp(c, start_ms);
  REQUIRE(a);
  CHECK(*a == hlc_time{hlc_from_ms(start_ms).value + 1});
  const auto b = stamp(c, start_ms);
  REQUIRE(b);
  CHECK(b->value == a->value + 1);
  // A clock that steps back does not take the stamps with it.
  const auto later = stamp(c, start_ms - 10'000);
  REQUIRE(later);
  CHECK(later->value == b->value + 1);
  const auto next = stamp(c, start_ms + 3);
  REQUIRE(next);
  CHECK(hlc_to_ms(*next) == start_ms + 3);
}

TEST_CASE("what was observed is passed", "[clock]") {
  hybrid_clock c{hlc_time{}, 500};
  c.observe(hlc_from_ms(start_ms + 200));
  const auto h = stamp(c, start_ms);
  REQUIRE(h);
  CHECK(*h > hlc_from_ms(start_ms + 200));
  c.observe(hlc_from_ms(start_ms)); // older: nothing
  CHECK(c.last() == *h);
}

TEST_CASE("no stamp passes the durable ceiling", "[clock]") {
  hybrid_clock c{hlc_time{}, 500};
  CHECK_FALSE(c.now(start_ms));
  const auto first = c.wanted_ceiling(start_ms);
  REQUIRE(first);
  // At most max_skew / 2 ahead (D5).
  CHECK(*first == hlc_from_ms(start_ms + 250));
  CHECK_FALSE(c.now(start_ms)); // asked for, not durable yet
  CHECK_FALSE(c.wanted_ceiling(start_ms));
  c.ceiling_durable(*first);
  CHECK(c.now(start_ms));
  CHECK_FALSE(c.wanted_ceiling(start_ms + 100)); // more than half is left
  const auto second = c.wanted_ceiling(start_ms + 125);
  REQUIRE(second);
  CHECK(*second == hlc_from_ms(start_ms + 375));
  CHECK(c.now(start_ms + 249));
  CHECK_FALSE(c.now(start_ms + 250));
  c.ceiling_failed();
  CHECK(c.wanted_ceiling(start_ms + 250) == hlc_from_ms(start_ms + 500));
}

TEST_CASE("ceilings that become durable late count each", "[clock]") {
  hybrid_clock c{hlc_time{}, 500};
  const auto first = c.wanted_ceiling(start_ms);
  REQUIRE(first);
  const auto second = c.wanted_ceiling(start_ms + 125); // the first one is slow
  REQUIRE(second);
  CHECK(*second > *first);
  CHECK_FALSE(c.now(start_ms + 150));
  c.ceiling_durable(*first);
  CHECK(c.now(start_ms + 150));
  CHECK_FALSE(c.now(start_ms + 300));
  c.ceiling_durable(*second);
  CHECK(c.now(start_ms + 300));
}

TEST_CASE("a restart at the ceiling issues no stamp twice", "[clock]") {
  std::mt19937 random{1};
  hlc_time durable;
  hlc_time highest;
  unix_ms wall = start_ms;
  for (int life = 0; life < 200; ++life) {
    hybrid_clock c{durable, 500};
    for (int i = 0; i < 50; ++i) {
      wall += random() % 60;
      wall -= random() % 40; // it also steps back
      if (random() % 3 == 0)
        c.observe(hlc_from_ms(wall + random() % 400));
      if (const auto h = c.wanted_ceiling(wall); h && random() % 4 != 0) {
        durable = *h;
        c.ceiling_durable(*h);
      } else if (h) {
        c.ceiling_failed();
      }
      if (const auto h = c.now(wall)) {
        REQUIRE(*h > highest);
        REQUIRE(*h <= durable);
        highest = *h;
      }
    }
  }
  CHECK(highest > hlc_from_ms(start_ms));
}

TEST_CASE("an absurd stamp or wall clock stops the clock, not its order",
          "[clock]") {
  hybrid_clock c{hlc_time{}, 500};
  const auto before = stamp(c, start_ms);
  REQUIRE(before);
  c.observe(hlc_time{~std::uint64_t{0}});
  CHECK_FALSE(stamp(c, start_ms));
  CHECK_FALSE(stamp(c, start_ms)); // nor does it wrap around later
  CHECK_FALSE(c.wanted_ceiling(start_ms));

  hybrid_clock mad{hlc_time{}, 500};
  CHECK_FALSE(stamp(mad, ~unix_ms{0}));
  CHECK_FALSE(stamp(mad, unix_ms{1} << 48));
}

TEST_CASE("stamps and milliseconds convert", "[clock]") {
  CHECK(hlc_to_ms(hlc_from_ms(start_ms)) == start_ms);
  CHECK(hlc_from_ms(1).value == 65536);
  CHECK(hlc_to_ms(hlc_time{65535}) == 0);
}
