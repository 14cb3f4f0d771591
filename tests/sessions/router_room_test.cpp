// Routing of reads that a replica refuses for want of room, and of very many
// operations.
#include <string>

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
