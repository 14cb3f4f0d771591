#include <atomic>
#include <cstdint>
#include <deque>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "torc/ready_queue.hpp"

using torc::pointer_ring;
using torc::ready_queue;

namespace {

struct item {
  std::uint64_t times = 0; ///< By the owner.
  std::atomic<bool> queued{false};
  std::atomic<std::uint64_t> asked{0};
};

} // namespace

TEST_CASE("a pointer ring is a queue", "[ready_queue]") {
  std::vector<item> items(100);
  pointer_ring<item> ring;
  std::deque<item*> oracle;
  std::uint64_t random = 1;
  for (int step = 0; step < 20'000; ++step) {
    random = random * 6364136223846793005u + 1442695040888963407u;
    const auto draw = (random >> 33) % 100;
    // Grows for a while, then shrinks, so that it wraps at every size.
    const bool push = draw < (step % 400 < 200 ? 60u : 40u);
    if (push) {
      ring.push(&items[draw]);
      oracle.push_back(&items[draw]);
    } else if (!oracle.empty()) {
      REQUIRE(ring.pop() == oracle.front());
      oracle.pop_front();
    }
    REQUIRE(ring.size() == oracle.size());
    REQUIRE(ring.empty() == oracle.empty());
  }
}

TEST_CASE("only the first push owes a wake-up", "[ready_queue]") {
  item a;
  item b;
  item c;
  ready_queue<item> queue;
  CHECK(queue.push_own(&a));
  CHECK_FALSE(queue.push_own(&b));
  queue.wake();
  CHECK(queue.pop() == &a);
  CHECK_FALSE(queue.push_own(&c)); // while it pops
  CHECK(queue.rest());             // b and c are left
  CHECK_FALSE(queue.push_own(&a));
  queue.wake();
  CHECK(queue.pop() == &b);
  CHECK(queue.pop() == &c);
  CHECK(queue.pop() == &a);
  CHECK(queue.pop() == nullptr);
  CHECK_FALSE(queue.rest());
  CHECK(queue.push_own(&a));
}

TEST_CASE("pushes of others come in behind", "[ready_queue]") {
  item a;
  item b;
  item c;
  ready_queue<item> queue;
  CHECK(queue.push(&b));
  CHECK_FALSE(queue.push(&c));
  CHECK(queue.push_own(&a));
  queue.collect();
  CHECK(queue.push(&a)); // the inbox is empty again
  CHECK(queue.pop() == &a);
  CHECK(queue.pop() == &b);
  CHECK(queue.pop() == &c);
  CHECK(queue.pop() == &a); // collected when nothing else is left
  CHECK(queue.pop() == nullptr);
}

// Each item stands for an actor: queued at most once, and never forgotten. The
// wake-ups that are owed are a counter here, as posts to the loop are.
TEST_CASE("no item is lost or doubled between threads", "[ready_queue]") {
  constexpr int producers = 3;
  constexpr std::uint64_t rounds = 20'000;
  std::vector<item> items(8);
  ready_queue<item> queue;
  std::atomic<std::uint64_t> owed{0};
  std::atomic<int> running{producers};

  auto produce = [&](unsigned seed) {
    std::uint64_t random = seed;
    for (std::uint64_t i = 0; i < rounds; ++i) {
      random = random * 6364136223846793005u + 1442695040888963407u;
      auto& x = items[(random >> 33) % items.size()];
      x.asked.fetch_add(1);
      if (!x.queued.exchange(true) && queue.push(&x))
        owed.fetch_add(1);
    }
    running.fetch_sub(1);
  };
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < producers; ++i)
    threads.emplace_back(produce, i + 1);

  std::uint64_t seen = 0;
  std::uint64_t turns = 0;
  while (running.load() > 0 || owed.load() > 0) {
    if (owed.load() == 0) {
      std::this_thread::yield();
      continue;
    }
    owed.fetch_sub(1);
    ++turns;
    queue.wake();
    queue.collect();
    for (int n = 0; n < 4; ++n) {
      auto* x = queue.pop();
      if (x == nullptr)
        break;
      x->queued.store(false);
      seen += x->asked.exchange(0);
      ++x->times;
      // Now and then an item has more to do at once.
      if (x->times % 5 == 0 && !x->queued.exchange(true) && queue.push_own(x))
        owed.fetch_add(1);
    }
    if (queue.rest())
      owed.fetch_add(1);
  }
  for (auto& t : threads)
    t.join();
  CHECK(seen == producers * rounds);
  CHECK(queue.pop() == nullptr);
  CHECK(turns > 0);
}
