// Routing of operations: batches, retries, lost coordinators, order, bounds.
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "support/router_bench.hpp"

using torc::errc;
using torc::member_id;
using torc::op;
using torc::op_kind;
using torc::router;
using torc::test::router_bench;

TEST_CASE("operations go to this node if it holds the slot, as one batch") {
  router_bench b;
  for (std::uint64_t i = 0; i < 10; ++i)
    b.start(i, torc::test::numbered("k", i));
  b.flush();
  REQUIRE(b.sent.size() == 1);
  CHECK(b.sent[0].to == member_id{1});
  CHECK(b.sent[0].batch.not_after.value == 0);
  CHECK(b.sent[0].batch.epoch == b.view->epoch());
  b.answer(b.take());
  CHECK(b.outcomes.size() == 10);
  CHECK(b.route->under_way() == 0);
  CHECK(b.route->clock_of(b.client).value == 6);
  // What the client has seen goes with its next batch.
  b.start(11, "x");
  b.flush();
  CHECK(b.take().batch.clock.value == 6);
}

TEST_CASE("a client outside goes to the first replica that can be reached") {
  router_bench b{99};
  const auto key = b.key_at(member_id{2});
  const auto s = b.send(1, key);
  CHECK(s.to == member_id{2});
  CHECK(s.batch.not_after == torc::hlc_from_ms(b.now + 300));
  b.answer(s);
  CHECK(b.tokens() == std::vector<std::uint64_t>{1});
  b.route->on_peer_down(member_id{2});
  b.start(2, key);
  b.flush();
  CHECK(b.take().to != member_id{2});
}

TEST_CASE("refused by one replica, an operation is done by another") {
  router_bench b;
  b.answer(b.send(1, "k"), errc::not_ready);
  CHECK(b.outcomes.empty());
  b.flush();
  const auto s = b.take();
  CHECK(s.to != member_id{1});
  b.answer(s);
  CHECK(b.last_of(1) == torc::no_error);
  // For a while nobody asks the one that is still fetching.
  const auto later = b.send(2, "k");
  CHECK(later.to != member_id{1});
  b.answer(later);
  b.pass(200);
  CHECK(b.send(3, "k").to == member_id{1});
}

TEST_CASE("when no replica is ready the client hears of it at once") {
  router_bench b;
  b.start(1, "k");
  for (int i = 0; i < 3; ++i) {
    b.flush();
    b.answer(b.take(), errc::not_ready);
  }
  CHECK(b.last_of(1) == errc::not_ready);
}

TEST_CASE("an older config is no reason to fail for two seconds") {
  router_bench b;
  b.start(1, "k");
  b.flush();
  for (int i = 0; i < 20; ++i) {
    b.answer(b.take(), errc::stale_config);
    b.pass(20);
    REQUIRE(b.outcomes.empty());
  }
  b.answer(b.take());
  CHECK(b.last_of(1) == torc::no_error);
  b.start(2, "k");
  b.flush();
  for (int i = 0; i < 300 && b.outcomes.size() == 1; ++i) {
    b.answer(b.take(), errc::stale_config);
    b.pass(20);
  }
  CHECK(b.last_of(2) == errc::stale_config);
}

TEST_CASE("errors that repeating does not cure are answers") {
  router_bench b;
  b.answer(b.send(1, "k"), errc::memory_limit);
  CHECK(b.last_of(1) == errc::memory_limit);
  CHECK(b.outcomes[0].payload == "text");
}

TEST_CASE("a lost coordinator: reads go on elsewhere at once") {
  router_bench b{99};
  CHECK(b.send(1, b.key_at(member_id{2}), op_kind::read).to == member_id{2});
  b.route->on_peer_down(member_id{2});
  b.flush();
  const auto s = b.take();
  CHECK(s.to != member_id{2});
  b.answer(s);
  CHECK(b.last_of(1) == torc::no_error);
}

TEST_CASE("a lost coordinator: blind writes are sent again only when the first "
          "send cannot be done any more") {
  router_bench b{99};
  CHECK(b.send(1, b.key_at(member_id{2})).to == member_id{2});
  b.route->on_peer_down(member_id{2});
  b.pass(790); // not_after is 300 ms, the clocks may differ by 500
  CHECK(b.sent.empty());
  b.pass(30);
  const auto s = b.take();
  CHECK(s.to != member_id{2});
  b.answer(s);
  CHECK(b.last_of(1) == torc::no_error);
}

TEST_CASE("a lost coordinator: what a second run would change is unknown") {
  router_bench b{99};
  const auto key = b.key_at(member_id{2});
  b.start(1, key, op_kind::remove);
  b.start(2, key, op_kind::put, torc::op_flag::return_value);
  b.flush();
  b.route->on_peer_down(member_id{2});
  REQUIRE(b.outcomes.size() == 2);
  CHECK(b.outcomes[0].status == errc::unknown_outcome);
  CHECK(b.outcomes[1].status == errc::unknown_outcome);
}

TEST_CASE("operations that did not leave yet are not lost with their peer") {
  router_bench b{99};
  b.start(1, b.key_at(member_id{2}), op_kind::remove);
  b.route->on_peer_down(member_id{2});
  b.flush();
  const auto s = b.take();
  CHECK(s.to != member_id{2});
  b.answer(s);
  CHECK(b.last_of(1) == torc::no_error);
}

TEST_CASE("a silent coordinator") {
  router_bench b{99};
  const auto key = b.key_at(member_id{2});
  SECTION("of a read: another one is asked, and the first answer counts") {
    const auto first = b.send(1, key, op_kind::read);
    b.pass(600);
    const auto second = b.take();
    CHECK(second.to != member_id{2});
    b.answer(first);
    CHECK(b.outcomes.size() == 1);
    b.answer(second);
    CHECK(b.last_of(1) == torc::no_error);
    CHECK(b.route->under_way() == 0);
  }
  SECTION("of a read, which refuses late: that is no answer") {
    const auto first = b.send(1, key, op_kind::read);
    b.pass(600);
    b.answer(first, errc::try_again);
    CHECK(b.outcomes.empty());
    b.answer(b.take());
    CHECK(b.last_of(1) == torc::no_error);
  }
  SECTION("of a read, which answers others: it is waited for longer") {
    b.send(1, key, op_kind::read);
    for (std::uint64_t i = 0; i < 9; ++i) {
      const auto other = b.send(10 + i, key, op_kind::read);
      b.pass(400);
      CHECK(b.sent.empty());
      b.answer(other);
    }
    CHECK(b.outcomes.size() == 9);
    b.pass(1'500); // not for ever
    CHECK(b.take().to != member_id{2});
  }
  SECTION("of a blind write: sent again elsewhere after not_after + max_skew") {
    const auto first = b.send(1, key);
    b.pass(780);
    CHECK(b.sent.empty());
    b.pass(60);
    const auto second = b.take();
    CHECK(second.to != member_id{2});
    b.answer(first);
    CHECK(b.outcomes.empty());
    b.answer(second);
    CHECK(b.outcomes.size() == 1);
  }
  SECTION("of a removal: unknown") {
    b.start(1, key, op_kind::remove);
    b.flush();
    b.pass(850);
    CHECK(b.last_of(1) == errc::unknown_outcome);
  }
  SECTION("of everything, for good: unknown in the end") {
    b.start(1, key);
    b.flush();
    b.pass(3'000);
    CHECK(b.last_of(1) == errc::unknown_outcome);
  }
}

TEST_CASE("operations on one slot keep their order across a retry") {
  router_bench b;
  b.answer(b.send(1, "k"), errc::stale_config);
  b.start(2, "k"); // must not overtake the first
  const auto s = b.send(3, "other");
  b.answer(s);
  b.flush();
  b.pass(20);
  while (!b.sent.empty()) {
    b.answer(b.take());
    b.flush();
  }
  std::vector<std::uint64_t> same_key;
  for (const auto t : b.tokens())
    if (t != 3)
      same_key.push_back(t);
  CHECK(same_key == std::vector<std::uint64_t>{1, 2});
}

TEST_CASE("one that was overtaken while refused is not tried again") {
  router_bench b;
  const auto first = b.send(1, "k");
  const auto second = b.send(2, "k");
  b.answer(first, errc::stale_config);
  b.flush();
  CHECK(b.sent.empty()); // waits to hear of the second
  b.answer(second);
  REQUIRE(b.outcomes.size() == 2);
  CHECK(b.outcomes[0].token == 1);
  CHECK(b.outcomes[0].status == errc::stale_config);
  CHECK(b.outcomes[1].token == 2);
  CHECK(b.outcomes[1].status == torc::no_error);
}

TEST_CASE("when routes change, operations of one slot wait for those before") {
  router_bench b{99};
  const auto key = b.key_at(member_id{2});
  b.route->on_peer_down(member_id{2});
  const auto first = b.send(1, key);
  b.route->on_peer_up(member_id{2}, 1);
  b.start(2, key); // would go to member 2 now
  b.flush();
  CHECK(b.sent.empty());
  b.answer(first);
  b.flush();
  CHECK(b.take().to == member_id{2});
}

TEST_CASE("above the bounds operations are refused with nothing done") {
  torc::router_options o;
  o.under_way_max = 5;
  router_bench b{1, 1, 1, o};
  for (std::uint64_t i = 0; i < 10; ++i)
    b.start(i, torc::test::numbered("k", i));
  b.flush();
  CHECK(b.outcomes.size() == 5);
  for (const auto& x : b.outcomes)
    CHECK(x.status == errc::try_again);
  CHECK(b.take().batch.ops.size() == 5);
}

TEST_CASE("large batches are cut") {
  router_bench b;
  op x;
  x.kind = op_kind::put;
  x.slot = torc::slot_of("k");
  const std::string value(100'000, 'v');
  for (std::uint64_t i = 0; i < 10; ++i)
    b.route->start(b.client, i, *b.view->keyspace_by_db(0), x, "k", value);
  b.flush();
  CHECK(b.sent.size() == 4);
  while (!b.sent.empty())
    b.answer(b.take());
  CHECK(b.outcomes.size() == 10);
}

TEST_CASE("answers that nobody asked for are ignored") {
  router_bench b;
  const auto s = b.send(1, "k");
  auto foreign = s;
  foreign.to = member_id{3};
  b.answer(foreign);
  CHECK(b.outcomes.empty());
  auto wrong = s;
  wrong.batch.ops[0].id += 1;
  b.answer(wrong);
  wrong.batch.ops[0].id = ~std::uint64_t{0};
  b.answer(wrong);
  CHECK(b.outcomes.empty());
  b.answer(s);
  b.answer(s);
  CHECK(b.outcomes.size() == 1);
}

TEST_CASE("questions for one member only are not asked of another") {
  router_bench b;
  op x;
  x.kind = op_kind::count;
  b.route->start_at(b.client, 1, member_id{2}, 0, x, {}, "bits", 1'000);
  b.route->start_at(b.client, 2, member_id{3}, 0, x, {}, "bits", 1'000);
  b.route->start_at(b.client, 3, member_id{9}, 0, x, {}, "bits", 1'000);
  CHECK(b.last_of(1) == errc::no_replica);
  b.flush();
  b.route->on_peer_down(member_id{2});
  REQUIRE(b.outcomes.size() == 2);
  CHECK(b.outcomes[1].token == 1);
  b.pass(1'020);
  CHECK(b.last_of(3) == errc::timeout);
}

TEST_CASE("a client's operations on one slot keep their order at any replica") {
  router_bench b;
  b.answer(b.send(1, "k"), errc::stale_config);
  b.flush();
  const auto first = b.take(); // elsewhere
  CHECK(first.to != member_id{1});
  b.start(2, "k"); // would go to member 1
  b.flush();
  CHECK(b.sent.empty());
  b.answer(first);
  b.flush();
  CHECK(b.take().to == member_id{1});
}
