// Order, bounds and failures of the RESP door: what one connection may expect,
// and what a hostile one may cost.
#include <iterator>
#include <string>

#include "support/gateway_world.hpp"
#include "torc/core/limits.hpp"

using torc::errc;
using torc::member_id;
using torc::test::contains;
using torc::test::gateway_client;
using torc::test::gateway_world;
using torc::test::numbered;

namespace {

/// A key of another shard than `key`, of two.
std::string key_of_shard(std::uint16_t shard, std::uint64_t number) {
  for (std::uint64_t i = 0;; ++i) {
    auto key = numbered("k", number).append(numbered("_", i));
    if (torc::slot_of(key).value % 2 == shard)
      return key;
  }
}

} // namespace

TEST_CASE("replies keep the order of commands when answers do not") {
  gateway_world w{1, 2};
  gateway_client c{w};
  const auto even = key_of_shard(0, 1);
  const auto odd = key_of_shard(1, 1);
  w.held = true;
  c.send("SET " + even + " first");
  c.send("SET " + odd + " second");
  c.send("PING");
  c.send("GET " + even);
  c.send("GET " + odd);
  w.run();
  REQUIRE(w.sent.size() == 2);
  // The later shard answers first.
  std::swap(w.sent[0], w.sent[1]);
  w.answer_next();
  const auto early = c.take();
  w.held = false;
  w.run();
  CHECK(early + c.take()
        == "+OK\r\n+OK\r\n+PONG\r\n$5\r\nfirst\r\n$6\r\nsecond\r\n");
}

TEST_CASE("a turn's operations leave in one batch per shard") {
  gateway_world w{1, 2};
  gateway_client c{w};
  gateway_client d{w};
  w.held = true;
  for (std::uint64_t i = 0; i < 20; ++i) {
    c.send("SET " + key_of_shard(0, i) + " v");
    d.send("GET " + key_of_shard(1, i));
  }
  w.run();
  REQUIRE(w.sent.size() == 2);
  CHECK(w.sent[0].batch.ops.size() == 20);
  CHECK(w.sent[1].batch.ops.size() == 20);
}

TEST_CASE("commands that look at everything wait for those before them") {
  gateway_world w;
  gateway_client c{w};
  w.held = true;
  c.send("SET a 1");
  c.send("DBSIZE");
  c.send("SET b 2");
  w.run();
  REQUIRE(w.sent.size() == 1);
  CHECK(w.sent[0].batch.ops.size() == 1);
  w.held = false;
  w.run();
  CHECK(c.take() == "+OK\r\n:1\r\n+OK\r\n");
}

TEST_CASE("HELLO changes the protocol of later replies only") {
  gateway_world w;
  gateway_client c{w};
  w.held = true;
  c.send("GET missing");
  c.send("HELLO 3");
  c.send("GET missing");
  w.run();
  w.held = false;
  w.run();
  const auto replies = c.take();
  CHECK(replies.starts_with("$-1\r\n%7\r\n"));
  CHECK(replies.ends_with("\r\n_\r\n"));
}

TEST_CASE("pages of keys of slots are read one after another") {
  gateway_world w;
  gateway_client c{w};
  REQUIRE(c("SET foo x") == "+OK\r\n");
  w.held = true;
  for (int i = 0; i < 3; ++i)
    c.send("CLUSTER GETKEYSINSLOT 12182 10");
  c.send("PING");
  w.run();
  CHECK(w.core->routes().under_way() == 1);
  w.held = false;
  w.run();
  CHECK(c.take()
        == "*1\r\n$3\r\nfoo\r\n*1\r\n$3\r\nfoo\r\n*1\r\n$3\r\nfoo\r\n"
           "+PONG\r\n");
  // Nor does one that fails hold up what comes after it.
  w.refusals[member_id{1}] = errc::not_ready;
  CHECK_THAT(c("CLUSTER GETKEYSINSLOT 12182 10"), contains("-LOADING "));
  CHECK(c("PING") == "+PONG\r\n");
}

TEST_CASE("a session stops reading when its replies are not whole") {
  gateway_world w;
  gateway_client c{w};
  w.held = true;
  std::string many;
  for (int i = 0; i < 3000; ++i)
    many += "GET k\r\n";
  c.line().send(many);
  w.run();
  CHECK(w.core->routes().under_way() <= 1024);
  w.held = false;
  w.run();
  std::string all;
  for (int i = 0; i < 3000; ++i)
    all += "$-1\r\n";
  CHECK(c.take() == all);
}

TEST_CASE("large replies bound how many commands are under way") {
  gateway_world w;
  gateway_client c{w};
  REQUIRE(c.call({"SET", "k", std::string(600 * 1024, 'x')}) == "+OK\r\n");
  REQUIRE(c("STRLEN k") == ":614400\r\n");
  REQUIRE(c("GET k").size() > 600 * 1024);
  w.held = true;
  for (int i = 0; i < 100; ++i)
    c.send("GET k");
  w.run();
  CHECK(w.core->routes().under_way() <= 2);
  w.held = false;
  w.run();
  CHECK(c.take().size() > 100 * 600 * 1024);
}

TEST_CASE("hostile input ends its connection only") {
  gateway_world w;
  gateway_client healthy{w};
  const auto refused = [&](std::string_view bytes) {
    gateway_client c{w};
    c.line().send(bytes);
    w.run();
    const auto reply = c.take();
    return reply.starts_with("-ERR Protocol error") && !c.open();
  };
  CHECK(refused("*-x\r\n"));
  CHECK(refused("*99999999999\r\n"));
  CHECK(refused("*1\r\n$-5\r\n"));
  CHECK(refused("*1\r\n$999999999\r\n"));
  CHECK(refused("*1\r\n:5\r\n"));
  CHECK(refused("*1\r\n$4\r\nPINGxx"));
  CHECK(refused("SET \"a b\r\n"));
  CHECK(refused(std::string(70 * 1024, 'a')));
  CHECK(healthy("PING") == "+PONG\r\n");
  CHECK(w.core->session_count() == 1);
}

TEST_CASE("what came before a protocol error is answered before it") {
  gateway_world w;
  gateway_client c{w};
  c.line().send("SET k v\r\nGET k\r\n*x\r\nPING\r\n");
  w.run();
  CHECK(c.take()
        == "+OK\r\n$1\r\nv\r\n-ERR Protocol error: invalid multibulk "
           "length\r\n");
  CHECK_FALSE(c.open());
}

TEST_CASE("commands may come in any pieces") {
  const std::string text = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$4\r\na\r\nb\r\n"
                           "PING\r\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";
  for (std::size_t piece = 1; piece <= text.size(); ++piece) {
    gateway_world w;
    gateway_client c{w};
    for (std::size_t at = 0; at < text.size(); at += piece)
      c.line().send(std::string_view{text}.substr(at, piece));
    w.run();
    CHECK(c.take() == "+OK\r\n+PONG\r\n$4\r\na\r\nb\r\n");
  }
}

TEST_CASE("errors of replicas become the words that clients know") {
  gateway_world w;
  gateway_client c{w};
  const auto answer = [&](errc e) {
    w.refusals[member_id{1}] = e;
    return c("SET k v");
  };
  CHECK_THAT(answer(errc::try_again), contains("-TRYAGAIN "));
  CHECK_THAT(answer(errc::memory_limit), contains("-OOM "));
  CHECK_THAT(answer(errc::disk_full), contains("-MISCONF "));
  CHECK_THAT(answer(errc::io_error), contains("-MISCONF "));
  CHECK_THAT(answer(errc::not_ready), contains("-LOADING "));
  w.refusals.clear();
  CHECK(c("GET k") == "$-1\r\n");
}

TEST_CASE("MSET says how many keys were written when some were not") {
  gateway_world w{3, 1};
  w.core->on_view(std::make_shared<const torc::cluster_view>(
    torc::test::gateway_config(3, 1)));
  gateway_client c{w};
  w.refusals[member_id{2}] = errc::memory_limit;
  std::string command = "MSET";
  for (std::uint64_t i = 0; i < 30; ++i)
    command.append(numbered(" key", i)).append(" v");
  const auto reply = c(command);
  CHECK_THAT(reply, contains("-OOM "));
  CHECK_THAT(reply, contains(" of 30 keys were written)"));
}

TEST_CASE("no replica, no answer but that") {
  gateway_world w{3, 1};
  w.core->on_view(std::make_shared<const torc::cluster_view>(
    torc::test::gateway_config(3, 1)));
  w.core->on_peer_down(member_id{2});
  w.core->on_peer_down(member_id{3});
  gateway_client c{w};
  int down = 0;
  int fine = 0;
  for (std::uint64_t i = 0; i < 60; ++i) {
    const auto reply = c(numbered("SET key", i).append(" v"));
    down += reply.starts_with("-CLUSTERDOWN ") ? 1 : 0;
    fine += reply == "+OK\r\n" ? 1 : 0;
  }
  CHECK(down > 0);
  CHECK(fine > 0);
  CHECK(down + fine == 60);
  CHECK_THAT(c("DBSIZE"), contains("-CLUSTERDOWN "));
}

TEST_CASE("answers for a connection that is gone are dropped") {
  gateway_world w;
  auto c = std::make_unique<gateway_client>(w);
  w.held = true;
  c->send("SET k v");
  c->send("MGET a b");
  w.run();
  c.reset();
  gateway_client d{w}; // takes its place in the table
  w.held = false;
  w.run();
  CHECK(d.take().empty());
  CHECK(d("GET k") == "$1\r\nv\r\n");
}

TEST_CASE("before a config is known the node says that it is loading") {
  torc::test::gateway_world w;
  torc::gateway::core_options o;
  o.self = member_id{1};
  o.wall = [&w] { return w.now; };
  o.shared = w.shared;
  torc::gateway::core fresh{std::move(o), w};
  auto door = std::make_shared<torc::gateway::door>(fresh);
  torc::gateway::line_session line{door, "127.0.0.1:1"};
  const auto ask = [&](std::string_view command) {
    line.send(std::string{command} + "\r\n");
    return line.take();
  };
  CHECK(ask("PING") == "+PONG\r\n");
  CHECK_THAT(ask("GET k"), contains("-LOADING "));
  CHECK_THAT(ask("SELECT 0"), contains("-LOADING "));
  CHECK_THAT(ask("CLUSTER SLOTS"), contains("-LOADING "));
  CHECK_THAT(ask("TORC.ADMIN STATUS"), contains("-LOADING "));
  CHECK_THAT(ask("INFO"), contains("epoch:0"));
  line.close();
  door->shut();
}

TEST_CASE("hostile bytes in any pieces leave nothing behind") {
  const std::string pieces[] = {
    "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$3\r\nabc\r\n",
    "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n",
    "MGET a b c\r\n",
    "*0\r\n",
    "\r\n",
    "SCAN 0 COUNT 5\r\n",
    "CLIENT REPLY SKIP\r\n",
    "HELLO 3\r\n",
    "SELECT 0\r\n",
    "*1\r\n$4\r\nKEYS\r\n",
    "DEL \"k\" 'q'\r\n",
    "*-1\r\n",
    "TORC.SET k v PX 5\r\n",
    "WAIT 1 0\r\n",
    "CLUSTER SHARDS\r\n",
  };
  std::uint64_t state = 42;
  const auto draw = [&state](std::uint64_t below) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    return (state >> 33) % below;
  };
  gateway_world w{3, 2};
  for (int round = 0; round < 400; ++round) {
    std::string text;
    for (auto n = draw(8) + 1; n > 0; --n)
      text += pieces[draw(std::size(pieces))];
    for (auto n = draw(4); n > 0; --n)
      text[draw(text.size())] = static_cast<char>(draw(256));
    gateway_client c{w};
    for (std::size_t at = 0; at < text.size();) {
      const auto n = draw(40) + 1;
      c.line().send(std::string_view{text}.substr(at, n));
      at += n;
      if (draw(3) == 0)
        w.run();
    }
    w.run();
    const auto reply = c.take();
    CHECK((c.open() || reply.find("-ERR Protocol error") != std::string::npos));
    REQUIRE(w.core->routes().under_way() == 0);
  }
  CHECK(w.core->session_count() == 0);
}

TEST_CASE("WAIT without a limit leaves nothing behind when its client goes") {
  gateway_world w{3};
  {
    gateway_client c{w};
    CHECK(c("SET k v") == "+OK\r\n");
    w.held = true;
    CHECK(c("WAIT 2 0").empty());
    CHECK(w.core->routes().under_way() == 1);
    w.pass(10'000); // asked again and again
    CHECK(c.take().empty());
    CHECK(w.core->routes().under_way() == 1);
    CHECK(w.sent.size() >= 3);
    w.held = false;
    w.run();
    CHECK(c.take() == ":2\r\n");
    CHECK(c("SET k v") == "+OK\r\n");
    w.held = true;
    CHECK(c("WAIT 2 0").empty());
    CHECK(w.core->routes().under_way() == 1);
  }
  w.pass(10'000);
  CHECK(w.core->session_count() == 0);
  CHECK(w.core->routes().under_way() == 0);
}

TEST_CASE("WAIT says how many other replicas have the writes") {
  gateway_world w{3};
  gateway_client c{w};
  CHECK(c("WAIT 1 100") == ":2\r\n"); // nothing was written
  CHECK(c("SET k v") == "+OK\r\n");
  w.replicas_with_writes = 1;
  CHECK(c("WAIT 2 100") == ":1\r\n");
  w.replicas_with_writes = 2;
  CHECK(c("WAIT 2 100") == ":2\r\n");
  CHECK(c("WAIT 1 -1") == "-ERR timeout is negative\r\n");
  // Who coordinated cannot be told from the others, and one of them is gone.
  CHECK(c("SET k v") == "+OK\r\n");
  w.core->on_peer_down(torc::member_id{3});
  CHECK(c("WAIT 1 100") == ":0\r\n");
}

TEST_CASE("a gateway serves once it has a config and its node's shards") {
  gateway_world w{1, 0};
  gateway_client c{w};
  CHECK_FALSE(w.shared->serving());
  CHECK_THAT(c("GET k"), contains("CLUSTERDOWN"));
  w.core->on_peer_up(torc::member_id{1}, 1);
  CHECK(w.shared->serving());
  CHECK(c("GET k") == "$-1\r\n");
}
