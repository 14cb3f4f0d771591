// Memory keyspaces that a replica has not had yet: when it may serve them, and
// what it takes from others meanwhile.
#include "support/shard_world.hpp"
#include "torc/core/config_change.hpp"

using namespace torc;
using namespace torc::test;

namespace {

std::shared_ptr<const cluster_view> flushed(const shard_world& w) {
  auto next = flush_keyspace(w.config, 0);
  REQUIRE(next);
  return std::make_shared<const cluster_view>(*std::move(next));
}

void enter_alone(shard_world& w, std::size_t i,
                 const std::shared_ptr<const cluster_view>& v) {
  w.nodes[i].life->on_view(v);
  w.nodes[i].sync->on_view(v);
}

} // namespace

TEST_CASE("a link that breaks during a pull does not make a replica ready",
          "[storage][replication]") {
  shard_world w{2, engine_kind::memory};
  w.connect_all();
  w.run();
  for (int i = 0; i < 3000; ++i)
    w.put(0, "k" + std::to_string(i), std::string(200, 'v'), consistency::weak);
  w.run_for(1000);
  w.crash(1);
  w.start(1);
  w.connect(0, 1);
  w.flush(1);
  w.deliver(1, 0);
  w.flush(0);
  while (w.deliver(0, 1)) { // one page of several
  }
  w.cut(0, 1);
  CHECK(w.nodes[1].ready.empty());
  w.run_for(2000);
  CHECK(w.nodes[1].ready.empty());
  w.connect(0, 1);
  w.run_for(1000);
  REQUIRE(w.nodes[1].ready.count(w.inc()) == 1);
  CHECK(w.value(1, "k2999") == std::string(200, 'v'));
}

TEST_CASE("a peer that cannot be reached any more is not waited for",
          "[storage][replication]") {
  shard_world w{2, engine_kind::memory};
  w.connect_all();
  w.run();
  w.crash(1);
  w.start(1);
  w.connect(0, 1);
  w.cut(0, 1);
  CHECK(w.nodes[1].ready.empty());
  w.nodes[1].life->on_peer_unreachable(member_id{1});
  CHECK(w.nodes[1].ready.count(w.inc()) == 1);
}

TEST_CASE("a replica that learns late of a keyspace serves no misses",
          "[storage][replication]") {
  shard_world w{3, engine_kind::memory};
  w.connect_all();
  w.run();
  w.put(0, "k", "old");
  w.run();
  w.crash(2);
  const auto before = w.view;
  const auto after = flushed(w);
  w.enter(after);
  w.run();
  w.put(0, "k", "new");
  w.run();
  w.view = before; // what its disk says
  w.start(2);
  w.view = after;
  w.connect_all();
  w.run();
  enter_alone(w, 2, after);
  const auto id =
    w.submit(2, shard_world::operation(op_kind::read, w.inc()), "k");
  w.flush(2);
  CHECK(w.answer(2, id) == nullptr); // it waits for the others
  w.run();
  REQUIRE(w.answer(2, id) != nullptr);
  CHECK(w.answer(2, id)->payload == "new");
}

TEST_CASE("operations on a keyspace just made wait for a round of messages, "
          "not for long",
          "[storage][replication]") {
  shard_world w{2, engine_kind::memory};
  w.connect_all();
  w.run();
  const auto next = flushed(w);
  enter_alone(w, 0, next);
  w.config = next->config();
  w.view = next;
  const auto id = w.put(0, "k", "v");
  w.run(); // the other does not know the keyspace yet
  CHECK(w.answer(0, id) == nullptr);
  enter_alone(w, 1, next);
  w.run(); // and no time passes
  REQUIRE(w.answer(0, id) != nullptr);
  CHECK(w.answer(0, id)->head.status == no_error);
  CHECK(w.value(1, "k") == "v");
  // Nobody waits without end.
  const auto later = flushed(w);
  enter_alone(w, 0, later);
  w.config = later->config();
  w.view = later;
  const auto refused = w.put(0, "k", "v");
  w.run_for(900);
  CHECK(w.answer(0, refused) == nullptr);
  w.run_for(300);
  REQUIRE(w.answer(0, refused) != nullptr);
  CHECK(w.answer(0, refused)->head.status == errc::not_ready);
}

TEST_CASE("what is refused is neither acknowledged nor part of a pull",
          "[storage][replication]") {
  shard_world w{2, engine_kind::memory};
  w.connect_all();
  w.run();
  w.put(0, "k", "v");
  w.run();
  w.crash(1);
  w.start(1);
  w.connect(0, 1);
  auto b = w.push_from(0, "k", hlc_from_ms(w.now_ms));
  b.items.back() = static_cast<char>(b.items.back() + 1); // checksum
  append_pull_end(b.items, w.inc(), {}, false);
  w.nodes[1].life->on_peer_batch(b);
  CHECK(w.nodes[1].counters->corrupt_entries.get() == 1);
  CHECK(w.nodes[1].ready.empty());
  w.flush(1);
  for (const auto& sent : w.links[{1, 0}])
    CHECK_FALSE((sent.ack_stream == b.stream && sent.ack >= 1));
  w.run_for(2000);
  CHECK(w.nodes[1].ready.count(w.inc()) == 1);
  CHECK(w.value(1, "k") == "v");
}
