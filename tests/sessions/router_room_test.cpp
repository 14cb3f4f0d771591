// Routing of reads that a replica refuses for want of room, and of very many
// operations.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "support/router_bench.hpp"

using torc::errc;
using torc::op_kind;
using torc::test::router_bench;

TEST_CASE("a read waits as long as its client has no room") {
  router_bench b;
  b.room = false;
  b.answer(b.send(1, "k", op_kind::read), errc::try_again);
  b.pass(10'000);
  CHECK(b.sent.empty());
  CHECK(b.outcomes.empty());
  b.room = true;
  b.pass(20);
  b.answer(b.take());
  CHECK(b.last_of(1) == torc::no_error);
}

TEST_CASE("reads that were refused for want of room come a few at a time") {
  router_bench b{1, 1, 1};
  constexpr std::size_t count = 4 + 8 + 16 + 32 + 64 + 128;
  for (std::uint64_t i = 0; i < count; ++i)
    b.start(i, torc::test::numbered("k", i), op_kind::read);
  b.flush();
  b.answer(b.take(), errc::try_again);
  std::size_t answered = 0;
  std::size_t few = 4;
  // All together takes longer than an operation is tried: the last ones wait
  // for others that come before them.
  while (answered < count) {
    b.pass(400);
    REQUIRE(b.sent.size() == 1);
    const auto s = b.take();
    CHECK(s.batch.ops.size() == few);
    answered += s.batch.ops.size();
    b.answer(s);
    b.flush();
    few *= 2; // as long as none is refused again
  }
  CHECK(b.last_of(count) == torc::no_error);
  CHECK(b.route->under_way() == 0);
}

TEST_CASE("how many reads are asked anew at a time follows the answers") {
  router_bench b{1, 1, 1};
  for (std::uint64_t i = 0; i < 60; ++i)
    b.start(i, torc::test::numbered("k", i), op_kind::read);
  b.flush();
  b.answer(b.take(), errc::try_again);
  b.pass(20);
  SECTION("one is refused again") {
    b.answer(b.take());
    b.flush();
    auto s = b.take();
    CHECK(s.batch.ops.size() == 8);
    b.answer(s, errc::try_again);
    b.pass(20);
    CHECK(b.take().batch.ops.size() == 4);
  }
  SECTION("values are large") {
    b.answer(b.take(), torc::no_error, std::string(1024 * 1024, 'v'));
    b.flush();
    CHECK(b.take().batch.ops.size() == 4);
  }
}

TEST_CASE("a refused read is not given up while others like it are answered") {
  router_bench b{1, 1, 1};
  constexpr std::size_t count = 20;
  for (std::uint64_t i = 0; i < count; ++i)
    b.start(i, "k", op_kind::read);
  b.flush();
  b.answer(b.take(), errc::try_again);
  // A slow member with room for one at a time.
  while (b.outcomes.size() < count) {
    b.pass(1'100);
    const auto s = b.take();
    router_bench::sent_batch first{s.to, s.batch};
    first.batch.ops.resize(1);
    router_bench::sent_batch others{s.to, s.batch};
    others.batch.ops.erase(others.batch.ops.begin());
    b.answer(first);
    b.answer(others, errc::try_again);
    REQUIRE(b.outcomes.back().status == torc::no_error);
  }
  auto answered = b.tokens();
  std::sort(answered.begin(), answered.end());
  for (std::size_t i = 0; i < count; ++i)
    CHECK(answered[i] == i);
}

TEST_CASE("a refused read is tried again though later reads were answered") {
  router_bench b{1, 1, 1};
  b.start(1, "k", op_kind::read);
  b.flush();
  b.start(2, "k", op_kind::read);
  b.flush();
  const auto first = b.take();
  b.answer(first, errc::try_again); // the member had room again for the next
  b.answer(b.take());
  REQUIRE(b.last_of(1) == torc::no_error);
  SECTION("it is answered later") {
    b.pass(20);
    b.answer(b.take());
    CHECK(b.last_of(2) == torc::no_error);
  }
  SECTION("not after a later write") {
    b.start(3, "k");
    b.pass(20);
    const auto both = b.take();
    CHECK(both.batch.ops.size() == 2);
    b.answer(both);
    CHECK(b.tokens() == std::vector<std::uint64_t>{2, 1, 3});
    CHECK(b.last_of(3) == torc::no_error);
  }
}

TEST_CASE("a write that a read overtook is not tried again, the reads between "
          "are") {
  router_bench b;
  for (const auto& [token, kind] :
       {std::pair{1u, op_kind::read}, std::pair{2u, op_kind::put},
        std::pair{3u, op_kind::read}}) {
    b.start(token, "k", kind);
    b.flush();
  }
  b.answer(b.take(), errc::try_again);
  b.answer(b.take(), errc::stale_config);
  b.answer(b.take());
  CHECK(b.tokens() == std::vector<std::uint64_t>{2, 3});
  CHECK(b.outcomes[0].status == errc::stale_config);
  b.pass(20);
  b.answer(b.take());
  CHECK(b.last_of(3) == torc::no_error);
}

TEST_CASE("a read that a member refuses for two seconds is given up") {
  router_bench b{1, 1, 1};
  b.start(1, "k", op_kind::read);
  b.flush();
  for (int i = 0; i < 300 && b.outcomes.empty(); ++i) {
    if (!b.sent.empty())
      b.answer(b.take(), errc::try_again);
    b.pass(10);
  }
  CHECK(b.last_of(1) == errc::try_again);
}

TEST_CASE("very many operations of one client may wait") {
  constexpr std::size_t count = 100'000;
  router_bench b{1, 1, 1};
  const bool one_slot = GENERATE(false, true);
  for (std::uint64_t i = 0; i < count; ++i)
    b.start(i, one_slot ? "k" : torc::test::numbered("k", i), op_kind::read);
  b.flush();
  while (!b.sent.empty())
    b.answer(b.take(), errc::try_again);
  for (int i = 0; i < 200 && b.outcomes.size() < count; ++i) {
    b.pass(10);
    while (!b.sent.empty())
      b.answer(b.take());
  }
  CHECK(b.last_of(count) == torc::no_error);
  CHECK(b.route->under_way() == 0);
  std::size_t failed = 0;
  for (const auto& x : b.outcomes)
    failed += x.status == torc::no_error ? 0u : 1u;
  CHECK(failed == 0);
}

TEST_CASE("reads wait for room, writers hear of full queues") {
  router_bench b;
  b.start(1, "k", op_kind::read);
  b.answer(b.send(2, "other"), errc::try_again);
  REQUIRE(b.outcomes.size() == 1);
  CHECK(b.outcomes[0].token == 2);
  CHECK(b.outcomes[0].status == errc::try_again);
  b.flush();
  CHECK(b.sent.empty());
  b.pass(20);
  b.answer(b.take());
  CHECK(b.last_of(2) == torc::no_error);
}
