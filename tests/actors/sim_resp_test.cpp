// Redis clients in a simulated cluster: sessions of the RESP door under the
// seeded scheduler.
#include "support/sim_cluster.hpp"
#include "torc/resp_value.hpp"

using namespace std::chrono_literals;
using namespace torc::test;
using torc::testing::cluster;
using torc::testing::resp_connection;

namespace {

std::string text(resp_connection& c, const std::vector<std::string>& command) {
  const auto r = c.call(command);
  if (r.is_null())
    return "(none)";
  if (r.type == torc::resp_value::kind::integer)
    return std::to_string(r.integer);
  return r.text;
}

/// Two clients at two nodes, links that lose messages; the hash of it all.
std::uint64_t busy_clients_run(std::uint64_t seed) {
  auto o = seeded(seed);
  o.shards = 2;
  o.links.drop = 0.05;
  cluster c{o};
  auto first = c.connect(one);
  auto second = c.connect(two);
  for (int i = 0; i < 100; ++i) {
    first.send({"SET", "k" + std::to_string(i % 20), std::to_string(i)});
    second.send({"GET", "k" + std::to_string((i + 7) % 20)});
    if (i % 10 == 0)
      c.world().run_for(2ms);
  }
  c.world().run_for(5s);
  const auto written = first.replies();
  CHECK(written.size() == 100);
  for (const auto& r : written)
    CHECK(r.text == "OK");
  CHECK(second.replies().size() == 100);
  return c.world().trace_hash();
}

} // namespace

TEST_CASE(
  "what a Redis client sets at one node, another one gets at the next") {
  cluster c{seeded(301)};
  auto first = c.connect(one);
  auto second = c.connect(two);
  CHECK(text(first, {"PING"}) == "PONG");
  CHECK(text(first, {"SET", "k", "v"}) == "OK");
  REQUIRE(c.converge());
  CHECK(text(second, {"GET", "k"}) == "v");
  CHECK(text(second, {"DEL", "k", "other"}) == "1");
  REQUIRE(c.converge());
  CHECK(text(first, {"GET", "k"}) == "(none)");

  // Slots all over the ring.
  std::vector<std::string> mset{"MSET"};
  std::vector<std::string> mget{"MGET"};
  for (int i = 0; i < 50; ++i) {
    mset.push_back("many:" + std::to_string(i));
    mget.push_back(mset.back());
    mset.push_back(std::to_string(i));
  }
  CHECK(text(first, mset) == "OK");
  REQUIRE(c.converge());
  const auto all = second.call(mget);
  REQUIRE(all.items.size() == 50);
  for (std::size_t i = 0; i < all.items.size(); ++i)
    CHECK(all.items[i].text == std::to_string(i));
  auto third = c.connect(three);
  CHECK(text(third, {"DBSIZE"}) == "50");
}

TEST_CASE("a simulated pipeline is answered in its order") {
  cluster c{seeded(302)};
  auto client = c.connect(one);
  for (int i = 0; i < 200; ++i) {
    client.send({"SET", "same", std::to_string(i)});
    client.send({"GET", "same"});
  }
  c.world().run_for(1s);
  const auto replies = client.replies();
  REQUIRE(replies.size() == 400);
  for (std::size_t i = 0; i < 200; ++i) {
    CHECK(replies[2 * i].text == "OK");
    CHECK(replies[2 * i + 1].text == std::to_string(i));
  }
}

TEST_CASE(
  "the door of a cut-off node goes on, and all converge when it heals") {
  cluster c{seeded(303)};
  auto lonely = c.connect(three);
  auto other = c.connect(one);
  c.isolate(three);
  c.world().run_for(3s); // noticed
  CHECK(text(lonely, {"SET", "a", "from three"}) == "OK");
  CHECK(text(other, {"SET", "b", "from one"}) == "OK");
  CHECK(text(other, {"GET", "a"}) == "(none)");
  c.world().heal();
  REQUIRE(c.settle());
  REQUIRE(c.converge());
  CHECK(text(other, {"GET", "a"}) == "from three");
  CHECK(text(lonely, {"GET", "b"}) == "from one");
  CHECK(text(lonely, {"WAIT", "2", "1000"}) == "2");
}

TEST_CASE("a key expires at every simulated door at its instant") {
  cluster c{seeded(304)};
  auto first = c.connect(one);
  auto second = c.connect(two);
  CHECK(text(first, {"SET", "k", "v", "PX", "5000"}) == "OK");
  REQUIRE(c.converge());
  c.world().run_for(4s);
  CHECK(text(second, {"GET", "k"}) == "v");
  c.world().run_for(1s);
  CHECK(text(first, {"GET", "k"}) == "(none)");
  CHECK(text(second, {"GET", "k"}) == "(none)");
}

TEST_CASE("garbage closes a simulated connection, and no other one") {
  cluster c{seeded(305)};
  auto bad = c.connect(one);
  auto good = c.connect(one);
  bad.send_bytes("*1\r\n$-7\r\n");
  c.world().run_for(10ms);
  const auto last = bad.replies();
  REQUIRE(last.size() == 1);
  CHECK(last[0].text.starts_with("ERR Protocol error"));
  CHECK_FALSE(bad.open());
  CHECK(good.open());
  CHECK(text(good, {"PING"}) == "PONG");
}

TEST_CASE("the connections of a node that crashes are lost") {
  cluster c{seeded(306)};
  auto client = c.connect(two);
  CHECK(text(client, {"SET", "k", "v"}) == "OK");
  REQUIRE(c.converge());
  c.crash(two);
  CHECK_FALSE(client.open());
  CHECK(client.call({"GET", "k"}).is_error());
  c.restart(two);
  REQUIRE(c.settle());
  CHECK_FALSE(client.open());
  auto again = c.connect(two);
  CHECK(text(again, {"GET", "k"}) == "v");
}

TEST_CASE("simulated doors do the same from the same seed") {
  const auto first = busy_clients_run(307);
  CHECK(busy_clients_run(307) == first);
  CHECK(busy_clients_run(308) != first);
}
