#include <cstdint>
#include <map>
#include <string>

#include "actors/storage_node/entry_cache.hpp"
#include "tests/support/catch.hpp"

using torc::storage::entry_cache;

namespace {

/// splitmix64: the same numbers with every library.
struct numbers {
  std::uint64_t state;
  std::uint64_t below(std::uint64_t n) {
    auto z = (state += 0x9E3779B97F4A7C15u);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
    z = (z ^ z >> 27) * 0x94D049BB133111EBu;
    return (z ^ z >> 31) % n;
  }
};

/// What a store with an engine behind it has to show, done the dumb way.
struct cache_oracle {
  struct dirty {
    std::string bytes;
    std::uint64_t seq;
  };
  std::map<std::string, std::string> engine;
  std::map<std::string, dirty> overlay;

  void committed(std::uint64_t seq) {
    for (auto it = overlay.begin(); it != overlay.end();)
      if (it->second.seq <= seq) {
        engine[it->first] = it->second.bytes;
        it = overlay.erase(it);
      } else
        ++it;
  }
};

} // namespace

TEST_CASE("a cache before an engine shows what the engine and the overlay show",
          "[storage][cache]") {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    numbers rnd{seed};
    // From no room at all to room for everything.
    const auto room = rnd.below(4) * 4'000;
    entry_cache cache{room};
    cache_oracle truth;
    std::uint64_t seq = 1;
    std::uint64_t done = 0;
    for (int step = 0; step < 3'000; ++step) {
      const auto key = "key" + std::string(1, char('a' + rnd.below(20)));
      switch (rnd.below(8)) {
      case 0: ++seq; break;
      case 1:
        done += rnd.below(seq - done); // everything below `seq` may be done
        cache.committed(done);
        truth.committed(done);
        break;
      case 2:
        if (rnd.below(50) == 0) { // the disk failed
          cache.clear();
          truth.overlay.clear();
        }
        break;
      case 3:
      case 4: {
        const std::string bytes(rnd.below(300), char('0' + rnd.below(10)));
        cache.put_dirty(key, bytes, seq);
        truth.overlay[key] = {bytes, seq};
        break;
      }
      default: {
        const auto d = truth.overlay.find(key);
        const auto e = truth.engine.find(key);
        entry_cache::found hit{};
        const bool is_here = cache.find(key, hit);
        CHECK(cache.dirty_seq(key)
              == (d == truth.overlay.end() ? 0 : d->second.seq));
        if (d != truth.overlay.end()) {
          REQUIRE(is_here);
          CHECK(hit.bytes == d->second.bytes);
          CHECK(hit.dirty_seq == d->second.seq);
        } else if (is_here) {
          REQUIRE(e != truth.engine.end());
          CHECK(hit.bytes == e->second);
          CHECK(hit.dirty_seq == 0);
        } else if (e != truth.engine.end()) {
          cache.put_clean(key, e->second);
        }
      }
      }
      REQUIRE(cache.clean_bytes() <= room);
      REQUIRE(cache.dirty_count() == truth.overlay.size());
    }
  }
}

TEST_CASE("what is read stays, what is not goes", "[storage][cache]") {
  entry_cache cache{4'000};
  entry_cache::found hit{};
  cache.put_clean("kept", "value");
  for (int i = 0; i < 1'000; ++i) {
    REQUIRE(cache.find("kept", hit));
    cache.put_clean("other" + std::to_string(i), "value");
  }
  CHECK(hit.bytes == "value");
  CHECK_FALSE(cache.find("other0", hit));
  CHECK(cache.find("other999", hit));
}

TEST_CASE("a large entry is kept only until it is durable",
          "[storage][cache]") {
  entry_cache cache{1'000'000};
  entry_cache::found hit{};
  const std::string large(entry_cache::kept_bytes_max + 1, 'x');
  cache.put_dirty("large", large, 1);
  REQUIRE(cache.find("large", hit));
  CHECK(hit.bytes == large);
  cache.committed(1);
  CHECK_FALSE(cache.find("large", hit));
  cache.put_clean("large", large);
  CHECK_FALSE(cache.find("large", hit));
}
