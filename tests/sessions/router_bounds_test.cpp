// What a router goes by: the cluster's clock skew, the bytes of one peer.
#include <string>
#include <vector>

#include "support/router_bench.hpp"

using torc::errc;
using torc::member_id;
using torc::op;
using torc::op_kind;
using torc::test::router_bench;

TEST_CASE(
  "a lost coordinator: the cluster's max_skew counts, not this node's") {
  torc::router_options o;
  o.max_skew_ms = 10;
  router_bench b{99, 3, 3, o};
  REQUIRE(b.view->config().max_skew_ms == 500);
  SECTION("that is gone") {
    CHECK(b.send(1, b.key_at(member_id{2})).to == member_id{2});
    b.route->on_peer_down(member_id{2});
    b.pass(790);
    CHECK(b.sent.empty());
  }
  SECTION("that is silent") {
    CHECK(b.send(1, b.key_at(member_id{2})).to == member_id{2});
    b.pass(780);
    CHECK(b.sent.empty());
  }
  b.pass(60);
  CHECK(b.take().to != member_id{2});
}

TEST_CASE("bytes under way to one peer are bounded") {
  torc::router_options o;
  o.bytes_per_peer_max = 250'000;
  router_bench b{99, 3, 3, o};
  const auto key = b.key_at(member_id{2});
  op x;
  x.kind = op_kind::put;
  x.slot = torc::slot_of(key);
  const std::string value(100'000, 'v');
  for (std::uint64_t i = 0; i < 5; ++i)
    b.route->start(b.client, i, *b.view->keyspace_by_db(0), x, key, value);
  CHECK(b.tokens() == std::vector<std::uint64_t>{3, 4});
  for (const auto& refused : b.outcomes)
    CHECK(refused.status == errc::try_again);
  b.flush();
  while (!b.sent.empty())
    b.answer(b.take());
  CHECK(b.last_of(5) == torc::no_error);
  // There is room again.
  b.answer(b.send(5, key));
  CHECK(b.last_of(6) == torc::no_error);
}
