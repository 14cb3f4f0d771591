#include "torc/core/push_stream.hpp"

#include <random>
#include <set>
#include <utility>
#include <vector>

#include "support/catch.hpp"

using namespace torc;

TEST_CASE("what was written is sent in order and kept until acknowledged",
          "[push_stream]") {
  push_stream s{100, 10};
  CHECK(s.acknowledged(5));
  s.add(1, "a", hlc_time{11});
  s.add(2, "b", hlc_time{12});
  REQUIRE(s.next() != nullptr);
  CHECK(s.next()->key == "a");
  CHECK(s.next()->written == hlc_time{11});
  CHECK_FALSE(s.acknowledged(1));
  s.sent(7, 40);
  CHECK(s.next()->key == "b");
  s.sent(8, 40);
  CHECK(s.next() == nullptr);
  CHECK(s.in_flight() == 2);
  CHECK(s.in_flight_bytes() == 80);
  s.acknowledge(7);
  CHECK(s.acknowledged(1));
  CHECK_FALSE(s.acknowledged(2));
  s.acknowledge(6); // an old one changes nothing
  CHECK(s.size() == 1);
  s.acknowledge(8);
  CHECK(s.acknowledged(2));
  CHECK(s.in_flight_bytes() == 0);
}

TEST_CASE("a full window stops sending but for one item", "[push_stream]") {
  push_stream s{100, 10};
  for (std::uint64_t i = 1; i <= 3; ++i)
    s.add(i, "k", {});
  s.sent(1, 1'000'000); // larger than the window: it leaves all the same
  CHECK(s.next() == nullptr);
  CHECK_FALSE(s.add_sent(4, "x", {}, 1, 1));
  s.acknowledge(1);
  REQUIRE(s.next() != nullptr);
  CHECK(s.next()->write_seq == 2);
}

TEST_CASE("a key leaves at once only if nothing waits before it",
          "[push_stream]") {
  push_stream s{100, 3};
  CHECK(s.add_sent(1, "a", {}, 10, 1));
  s.add(2, "b", {});
  CHECK_FALSE(s.add_sent(3, "c", {}, 10, 1));
  s.sent(1, 10);
  CHECK(s.add_sent(3, "c", {}, 10, 2));
  CHECK_FALSE(s.add_sent(4, "d", {}, 10, 2)); // full
  CHECK_FALSE(s.overflowed());
  s.acknowledge(2);
  CHECK(s.size() == 0);
}

TEST_CASE("a broken link makes all of it wait again", "[push_stream]") {
  push_stream s{100, 10};
  CHECK(s.add_sent(1, "a", {}, 60, 1));
  CHECK(s.add_sent(2, "b", {}, 60, 2));
  s.reset();
  CHECK(s.in_flight() == 0);
  CHECK(s.in_flight_bytes() == 0);
  s.acknowledge(2); // of the former life of the link
  CHECK(s.size() == 2);
  REQUIRE(s.next() != nullptr);
  CHECK(s.next()->key == "a");
  s.skip();
  REQUIRE(s.next() != nullptr);
  CHECK(s.next()->key == "b");
}

TEST_CASE("what is too much is left to comparison, and nobody is told that it "
          "arrived",
          "[push_stream]") {
  push_stream s{100, 2};
  s.add(1, "a", {});
  s.add(2, "b", {});
  s.add(3, "c", {});
  CHECK(s.overflowed());
  CHECK(s.size() == 2);
  s.sent(1, 1);
  s.sent(1, 1);
  s.acknowledge(1);
  CHECK_FALSE(s.acknowledged(1));
  s.compared();
  CHECK(s.acknowledged(3));
}

TEST_CASE("what a comparison added counts for all writes before it",
          "[push_stream]") {
  push_stream s{100, 3};
  s.overflow(); // writes up to 9 went to nobody
  s.add(10, "found by the comparison", {});
  s.compared();
  CHECK_FALSE(s.overflowed());
  s.add(11, "written after it", {});
  CHECK_FALSE(s.acknowledged(5));
  s.sent(1, 1);
  s.sent(2, 1);
  CHECK_FALSE(s.acknowledged(5));
  s.acknowledge(1);
  CHECK(s.acknowledged(10));
  CHECK_FALSE(s.acknowledged(11));
  s.acknowledge(2);
  CHECK(s.acknowledged(11));
}

TEST_CASE("what is dropped after a comparison needs another one",
          "[push_stream]") {
  push_stream s{100, 2};
  s.overflow();
  s.add(1, "a", {});
  s.compared();
  s.overflow();
  s.sent(1, 1);
  s.acknowledge(1);
  CHECK_FALSE(s.acknowledged(1));
  s.compared();
  CHECK(s.acknowledged(1));
}

TEST_CASE("an item without anything to send goes with those before it",
          "[push_stream]") {
  push_stream s{100, 10};
  for (std::uint64_t i = 1; i <= 4; ++i)
    s.add(i, std::to_string(i), {});
  s.sent(1, 10);
  s.skip();
  s.skip();
  REQUIRE(s.next() != nullptr);
  CHECK(s.next()->key == "4");
  CHECK_FALSE(s.acknowledged(2));
  s.acknowledge(1);
  CHECK(s.acknowledged(3));
  CHECK(s.size() == 1);
  CHECK(s.in_flight_bytes() == 0);
}

TEST_CASE("the keys held are bounded by their bytes", "[push_stream]") {
  push_stream s;
  const std::string key(limits::key_bytes_max, 'k');
  std::size_t held = 0;
  while (s.add(1, key, {}) != nullptr)
    ++held;
  CHECK(held == push_stream::key_bytes_max / key.size());
  CHECK(s.overflowed());
  s.sent(1, 1);
  s.acknowledge(1);
  CHECK(s.add(2, key, {}) != nullptr);
}

TEST_CASE("no write is forgotten, whatever links do", "[push_stream]") {
  std::mt19937 random{17};
  for (int round = 0; round < 50; ++round) {
    push_stream s{200, 1000};
    std::uint64_t seq = 0;
    std::uint64_t batch = 0;
    std::set<std::string> arrived;
    std::vector<std::pair<std::uint64_t, std::string>> on_the_way;
    for (int step = 0; step < 300; ++step)
      switch (random() % 5) {
      case 0:
        ++seq;
        s.add(seq, std::to_string(seq), {});
        break;
      case 1:
        if (s.add_sent(seq + 1, std::to_string(seq + 1), {}, 30, batch + 1)) {
          ++seq;
          on_the_way.emplace_back(++batch, std::to_string(seq));
        }
        break;
      case 2:
        if (const auto* x = s.next()) {
          on_the_way.emplace_back(++batch, x->key);
          s.sent(batch, 30);
        }
        break;
      case 3:
        if (!on_the_way.empty()) {
          arrived.insert(on_the_way.front().second);
          s.acknowledge(on_the_way.front().first);
          on_the_way.erase(on_the_way.begin());
        }
        break;
      default:
        if (random() % 10 == 0) {
          on_the_way.clear();
          s.reset();
        }
      }
    for (std::uint64_t i = 1; i <= seq; ++i)
      if (s.acknowledged(i))
        REQUIRE(arrived.count(std::to_string(i)) == 1);
    // Healed, everything arrives.
    for (const auto& [b, key] : on_the_way)
      arrived.insert(key);
    s.acknowledge(batch);
    while (s.next() != nullptr) {
      arrived.insert(s.next()->key);
      s.sent(++batch, 30);
      s.acknowledge(batch);
    }
    REQUIRE(arrived.size() == seq);
    REQUIRE(s.size() == 0);
  }
}
