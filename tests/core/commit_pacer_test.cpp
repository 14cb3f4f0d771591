#include "torc/core/commit_pacer.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "support/catch.hpp"

using torc::commit_pacer;

namespace {

/// Clients that each send one write, wait for its commit, and send the next one
/// a while later; and one committer. Times in microseconds.
struct commit_world {
  std::int64_t sync_us = 2'000;
  std::int64_t turn_us = 150; ///< From a commit's end to the first next write.
  std::int64_t gap_us = 4;    ///< Between the writes of two clients.
  bool paces = true;

  std::int64_t now = 0;
  std::vector<std::int64_t>
    arrivals; ///< Of writes not yet in a commit; sorted.
  commit_pacer pacer;
  std::int64_t commits = 0;
  std::int64_t paused_us = 0;

  explicit commit_world(std::size_t clients) : arrivals(clients, 0) {
    for (std::size_t i = 0; i < clients; ++i)
      arrivals[i] = static_cast<std::int64_t>(i) * gap_us;
  }

  std::size_t pending() const {
    return static_cast<std::size_t>(
      std::upper_bound(arrivals.begin(), arrivals.end(), now)
      - arrivals.begin());
  }

  /// One commit of what is there, or of what comes during a pause; how many
  /// writes that was. Their clients come back if `closed`.
  std::size_t commit(bool closed = true) {
    now = std::max(now, arrivals.front());
    const auto pause = paces ? pacer.pause_us(pending()) : 0;
    const auto end = now + pause;
    const auto began = now;
    while (now < end && !pacer.is_enough(pending()))
      ++now;
    paused_us += now - began;
    const auto taken = pending();
    arrivals.erase(arrivals.begin(),
                   arrivals.begin() + static_cast<std::ptrdiff_t>(taken));
    now += sync_us;
    ++commits;
    pacer.on_committed(taken, sync_us);
    pacer.on_joined(pending());
    if (closed)
      for (std::size_t i = 0; i < taken; ++i)
        arrivals.push_back(now + turn_us
                           + static_cast<std::int64_t>(i) * gap_us);
    std::sort(arrivals.begin(), arrivals.end());
    return taken;
  }

  /// Writes per second over 200 commits.
  double rate() {
    const auto from = now;
    std::size_t writes = 0;
    for (int i = 0; i < 200; ++i)
      writes += commit();
    return static_cast<double>(writes) * 1e6 / static_cast<double>(now - from);
  }
};

} // namespace

TEST_CASE("clients that wait for their writes meet in one commit") {
  for (const std::size_t clients : {2u, 3u, 10u, 50u, 64u}) {
    commit_world paced{clients};
    commit_world plain{clients};
    plain.paces = false;
    const auto ratio = paced.rate() / plain.rate();
    CAPTURE(clients, ratio);
    CHECK(ratio > 1.5);
  }
}

TEST_CASE("one client never waits for others") {
  commit_world w{1};
  w.rate();
  CHECK(w.paused_us == 0);
}

TEST_CASE("a sync that takes no time is not waited for") {
  commit_world w{50};
  w.sync_us = 300; // a quarter is less than a timer's precision
  w.rate();
  CHECK(w.paused_us == 0);
}

TEST_CASE("where pauses are in vain they become rare") {
  // Clients that come back one by one, not all together.
  commit_world w{50};
  w.turn_us = 20'000;
  w.gap_us = 1'700;
  w.rate();
  CHECK(w.commits == 200);
  CHECK(w.paused_us < w.now / 50);
}

TEST_CASE("writes that come whatever is answered are delayed little") {
  commit_world w{0};
  std::int64_t next = 0;
  for (int i = 0; i < 500; ++i) {
    while (next <= w.now + 10'000)
      w.arrivals.push_back(next += 97);
    w.commit(false);
  }
  CAPTURE(w.paused_us, w.now);
  CHECK(w.paused_us < w.now / 10);
}

TEST_CASE("pauses begin again when clients come that wait") {
  commit_world w{50};
  w.turn_us = 20'000;
  w.gap_us = 1'700;
  w.rate();
  w.turn_us = 150;
  w.gap_us = 4;
  w.rate(); // finds out
  commit_world plain{50};
  plain.paces = false;
  CHECK(w.rate() / plain.rate() > 1.4);
}

TEST_CASE("a pause ends when enough writes are there") {
  commit_pacer p;
  p.on_committed(10, 4'000);
  p.on_joined(5);
  CHECK(p.pause_us(5) == 1'000);
  CHECK_FALSE(p.is_enough(14));
  CHECK(p.is_enough(15));
  CHECK(p.pause_us(15) == 0);
}

TEST_CASE("a pause has a bound however long a sync takes") {
  commit_pacer p;
  p.on_committed(10, 60'000'000);
  CHECK(p.pause_us(1) == 5'000);
}

TEST_CASE("very many writes are enough though more were under way") {
  commit_pacer p;
  p.on_committed(100'000, 4'000);
  CHECK(p.is_enough(4'096));
  CHECK(p.pause_us(4'096) == 0);
}
