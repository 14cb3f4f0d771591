// The RESP door on real sockets: one loop, its gateway, and a shard of the
// test's own.
#include <chrono>
#include <thread>

#include <caf/all.hpp>

#include "support/gateway_world.hpp"
#include "support/tcp_client.hpp"
#include "torc/gateway.hpp"
#include "torc/loop.hpp"
#include "torc/messages/interfaces.hpp"
#include "torc/socket_dealer.hpp"

using namespace std::chrono_literals;
using torc::member_id;
using torc::test::contains;
using torc::test::gateway_world;
using torc::test::tcp_client;

namespace {

torc::storage_node_port::behavior_type
shard(torc::storage_node_port::pointer self, gateway_world* data) {
  return {
    [self, data](const torc::op_batch& b) {
      self->send(caf::actor_cast<torc::gateway_port>(self->current_sender()),
                 data->carry_out({member_id{1}, 0, b}));
    },
    [](const torc::peer_batch&) {},
  };
}

class socket_bench {
public:
  socket_bench() {
    torc::gateway_options o;
    o.self = member_id{1};
    o.wall = [] {
      return static_cast<torc::unix_ms>(
        std::chrono::duration_cast<std::chrono::milliseconds>(
          std::chrono::system_clock::now().time_since_epoch())
          .count());
    };
    o.shared = shared;
    shared->counters.push_back(std::make_shared<torc::gateway_counters>());
    gateway = torc::spawn_gateway(system, &loop, std::move(o));
    storage = system.spawn(shard, &data);
    auto roles = std::make_shared<torc::peer_roles>();
    roles->member = member_id{1};
    roles->shards.push_back(storage);
    caf::anon_send(gateway.actor(),
                   torc::local::view_update{
                     std::make_shared<const torc::cluster_view>(data.config)});
    caf::anon_send(gateway.actor(),
                   torc::local::peer_up{member_id{1}, {}, roles});
    torc::dealer_options d;
    d.name = "RESP";
    d.loops = {&loop.io()};
    d.connections_max = 2'000;
    d.start = [this](boost::asio::ip::tcp::socket s, torc::connection_place p,
                     std::size_t) {
      gateway.accept(std::move(s), std::move(p));
    };
    auto opened = torc::socket_dealer::open(std::move(d));
    REQUIRE(opened);
    dealer = std::move(*opened);
  }
  ~socket_bench() {
    dealer->stop();
    end_gateway();
    caf::anon_send_exit(storage, caf::exit_reason::kill);
    gateway = {};
    storage = nullptr;
  }

  void end_gateway() {
    caf::scoped_actor self{system};
    self->monitor(gateway.actor());
    caf::anon_send_exit(gateway.actor(), caf::exit_reason::user_shutdown);
    self->receive([](const caf::down_msg&) {});
  }

  tcp_client connect() { return tcp_client{dealer->address().port}; }

  caf::actor_system_config config;
  caf::actor_system system{config};
  gateway_world data;
  torc::event_loop loop{system, "test"};
  std::shared_ptr<torc::gateway_shared> shared =
    std::make_shared<torc::gateway_shared>();
  torc::gateway_handle gateway;
  torc::storage_node_port storage;
  std::unique_ptr<torc::socket_dealer> dealer;
};

/// Reads until as many bytes are there.
std::string read(tcp_client& c, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) {
    const auto some = c.receive();
    if (some.empty())
      return all;
    all += some;
  }
  return all;
}

std::string ask(tcp_client& c, std::string_view command,
                std::string_view expected) {
  REQUIRE(c.send(command));
  return read(c, expected.size());
}

} // namespace

TEST_CASE("a client on a socket") {
  socket_bench b;
  auto c = b.connect();
  REQUIRE(c.connected());
  CHECK(ask(c, "PING\r\n", "+PONG\r\n") == "+PONG\r\n");
  CHECK(ask(c, "SET k v\r\nGET k\r\nDEL k\r\nGET k\r\n",
            "+OK\r\n$1\r\nv\r\n:1\r\n$-1\r\n")
        == "+OK\r\n$1\r\nv\r\n:1\r\n$-1\r\n");
  std::string many;
  std::string expected;
  for (int i = 0; i < 5'000; ++i) {
    many += "SET k v\r\n";
    expected += "+OK\r\n";
  }
  CHECK(ask(c, many, expected) == expected);
}

TEST_CASE("values of any allowed size pass in pieces") {
  socket_bench b;
  auto c = b.connect();
  const std::string value(8 * 1024 * 1024, 'x');
  REQUIRE(c.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$8388608\r\n"));
  REQUIRE(c.send(value));
  CHECK(ask(c, "\r\n", "+OK\r\n") == "+OK\r\n");
  const auto expected = "$8388608\r\n" + value + "\r\n";
  CHECK(ask(c, "GET k\r\n", expected) == expected);
}

TEST_CASE("a protocol error is told, then the connection ends") {
  socket_bench b;
  auto c = b.connect();
  REQUIRE(c.send("PING\r\n*x\r\n" + std::string(200'000, 'z')));
  const auto all = c.receive_all();
  CHECK(all == "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n");
  CHECK_FALSE(c.timed_out());
  auto d = b.connect();
  CHECK(ask(d, "PING\r\n", "+PONG\r\n") == "+PONG\r\n");
}

TEST_CASE("a client that closes its side still gets its answers") {
  socket_bench b;
  auto c = b.connect();
  REQUIRE(c.send("SET k v\r\nGET k\r\n"));
  c.shut_down_send();
  CHECK(c.receive_all() == "+OK\r\n$1\r\nv\r\n");
  CHECK_FALSE(c.timed_out());
}

TEST_CASE("QUIT ends the connection after its answer") {
  socket_bench b;
  auto c = b.connect();
  REQUIRE(c.send("SET k v\r\nQUIT\r\nPING\r\n"));
  CHECK(c.receive_all() == "+OK\r\n+OK\r\n");
}

TEST_CASE("idle connections give their memory back and go on") {
  socket_bench b;
  std::vector<tcp_client> clients;
  for (int i = 0; i < 300; ++i)
    clients.push_back(b.connect());
  for (auto& c : clients)
    REQUIRE(ask(c, "PING\r\n", "+PONG\r\n") == "+PONG\r\n");
  CHECK(b.shared->clients.size() == 300);
  std::this_thread::sleep_for(4s); // longer than it takes to count as idle
  for (auto& c : clients)
    REQUIRE(ask(c, "PING\r\n", "+PONG\r\n") == "+PONG\r\n");
}

TEST_CASE("replies that nobody reads are bounded") {
  socket_bench b;
  auto c = b.connect();
  const std::string value(1024 * 1024, 'x');
  REQUIRE(
    c.send("*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1048576\r\n" + value + "\r\n"));
  REQUIRE(read(c, 5) == "+OK\r\n");
  REQUIRE(c.send("GET k\r\n"));
  REQUIRE(read(c, value.size() + 12).size() == value.size() + 12);
  std::string many;
  for (int i = 0; i < 200; ++i)
    many += "GET k\r\n";
  REQUIRE(c.send(many));
  std::this_thread::sleep_for(1500ms);
  const auto records = b.shared->clients.all();
  REQUIRE(records.size() == 1);
  CHECK(records[0]->output_bytes.load() < 8 * 1024 * 1024);
  const auto all = read(c, 200 * (value.size() + 12));
  CHECK(all.size() == 200 * (value.size() + 12));
}

TEST_CASE("CLIENT KILL closes the socket of another connection") {
  socket_bench b;
  auto c = b.connect();
  auto d = b.connect();
  REQUIRE(ask(c, "CLIENT ID\r\n", ":1\r\n") == ":1\r\n");
  REQUIRE(ask(d, "CLIENT KILL ID 1\r\n", ":1\r\n") == ":1\r\n");
  CHECK(c.receive_all().empty());
  CHECK_FALSE(c.timed_out());
}

TEST_CASE("the end of the gateway ends its connections") {
  socket_bench b;
  auto c = b.connect();
  REQUIRE(ask(c, "PING\r\n", "+PONG\r\n") == "+PONG\r\n");
  b.end_gateway();
  CHECK(c.receive_all().empty());
  CHECK_FALSE(c.timed_out());
  auto late = b.connect();
  CHECK(late.receive_all().empty());
  for (int i = 0; i < 500 && b.dealer->open_connections() != 0; ++i)
    std::this_thread::sleep_for(10ms);
  CHECK(b.dealer->open_connections() == 0);
}
