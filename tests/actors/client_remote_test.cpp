// The client against RESP doors: real nodes, real sockets on the loopback.
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <caf/all.hpp>

#include "support/catch.hpp"
#include "support/client_program.hpp"
#include "support/scratch_directory.hpp"
#include "support/scripted_server.hpp"
#include "torc/node.hpp"

using namespace torc;
using namespace std::chrono_literals;

namespace {

/// Ports that nobody listens on now.
std::vector<std::uint16_t> free_ports(std::size_t count) {
  using boost::asio::ip::tcp;
  boost::asio::io_context io;
  std::vector<tcp::acceptor> held;
  std::vector<std::uint16_t> ports;
  for (std::size_t i = 0; i < count; ++i) {
    held.emplace_back(
      io, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0});
    ports.push_back(held.back().local_endpoint().port());
  }
  return ports;
}

/// A few nodes of one cluster in this process, with doors.
class doors {
public:
  explicit doors(std::size_t count, const std::string& password = {}) {
    const auto ports = free_ports(3 * count);
    node_options o;
    o.engine = engine_kind::memory;
    o.cluster_secret = "a secret of these tests";
    o.loops = 1;
    o.password = password;
    o.memory_bytes_max = 64 * limits::mib;
    for (std::size_t i = 0; i < count; ++i) {
      founder_options f;
      f.name = "n" + std::to_string(i + 1);
      f.door = {"127.0.0.1", ports[3 * i]};
      f.resp = {"127.0.0.1", ports[3 * i + 1]};
      f.http = {"127.0.0.1", ports[3 * i + 2]};
      o.founders.push_back(f);
      addresses.push_back("127.0.0.1:" + std::to_string(f.resp.port));
    }
    for (const auto& f : o.founders) {
      auto mine = o;
      mine.name = f.name;
      mine.data_dir = directory_ / f.name;
      mine.complete();
      auto started = node::start(mine);
      REQUIRE(started);
      nodes.push_back(std::move(*started));
    }
    for (const auto& n : nodes)
      REQUIRE(n->wait_ready(30s));
  }

private:
  test::scratch_directory directory_;

public:
  std::vector<std::string> addresses;
  std::vector<std::unique_ptr<node>> nodes;
};

} // namespace

TEST_CASE("the same program runs on a remote cluster") {
  doors cluster{3};
  auto c = client::connect(cluster.addresses);
  REQUIRE(c);
  test::run_client_program(*c);
}

TEST_CASE("when a door is lost the client goes on at another one") {
  doors cluster{3};
  auto c = client::connect(cluster.addresses);
  REQUIRE(c);
  REQUIRE(c->put("k", "v"));
  // The first address answered: its node ends.
  cluster.nodes[0]->stop();
  CHECK(test::eventually([&] {
    const auto r = c->get("k");
    return r && r->value == "v";
  }));
  CHECK(test::eventually([&] { return c->put("k", "w").has_value(); }));
  CHECK(c->get("k")->value == "w");
}

TEST_CASE("actors use a remote cluster by typed requests") {
  doors cluster{1};
  caf::actor_system_config cfg;
  register_messages(cfg);
  caf::actor_system system{cfg};
  const auto spawned = spawn_client(system, cluster.addresses);
  REQUIRE(spawned);
  const auto& store = *spawned;
  client_reply put;
  client_reply got;
  {
    caf::scoped_actor self{system};
    const auto failed = [](const caf::error&) { FAIL("no answer"); };
    self->request(store, caf::infinite, requests::put("k", "v"))
      .receive([&](client_reply& r) { put = std::move(r); }, failed);
    self->request(store, caf::infinite, requests::get("k"))
      .receive([&](client_reply& r) { got = std::move(r); }, failed);
  }
  CHECK(put.changed);
  CHECK(got.value == "v");
  CHECK(got.version == put.version);
  caf::anon_send_exit(store, caf::exit_reason::user_shutdown);
}

TEST_CASE("where no door is there is an error, and soon") {
  const auto port = free_ports(1)[0];
  client_options o;
  o.operation_timeout = 200ms;
  const auto c = client::connect({"127.0.0.1:" + std::to_string(port)}, o);
  REQUIRE_FALSE(c);
  CHECK(c.error().code == errc::no_replica);
  CHECK(client::connect({}).error().code == errc::invalid_argument);
  CHECK(client::connect({"no address at all:x"}).error().code
        == errc::invalid_argument);
}

TEST_CASE("when a door hangs up a write may have been done, a read was not") {
  std::atomic<int> writes{0};
  test::scripted_server server{[&](const auto& command) -> std::string {
    if (command[0] == "HELLO")
      return test::hello_reply();
    writes += command[0] == "TORC.SET" ? 1 : 0;
    return test::scripted_server::hang_up;
  }};
  client_options o;
  o.operation_timeout = 500ms;
  auto c = client::connect({to_string(server.address())}, o);
  REQUIRE(c);
  const auto put = c->put("k", "v");
  REQUIRE_FALSE(put);
  CHECK(put.error().code == errc::unknown_outcome);
  CHECK(writes == 1); // it is the caller who repeats it
  const auto get = c->get("k");
  REQUIRE_FALSE(get);
  CHECK(get.error().code != errc::unknown_outcome);
  CHECK(server.connections() > 3);
}

TEST_CASE("silent doors take no more than an operation's time") {
  std::atomic<bool> greeted{false};
  test::scripted_server first{[&](const auto& command) -> std::string {
    if (command[0] != "HELLO")
      return test::scripted_server::hang_up;
    return greeted.exchange(true) ? std::string{} : test::hello_reply();
  }};
  const auto nothing = [](const auto&) { return std::string{}; };
  test::scripted_server second{nothing};
  test::scripted_server third{nothing};
  client_options o;
  o.connect_timeout = 2'000ms;
  o.operation_timeout = 300ms;
  auto c =
    client::connect({to_string(first.address()), to_string(second.address()),
                     to_string(third.address())},
                    o);
  REQUIRE(c);
  const auto get = c->get("k");
  REQUIRE_FALSE(get);
  CHECK(get.error().code != errc::unknown_outcome);
  // The second one took what time there was.
  CHECK(third.connections() == 0);
}

TEST_CASE("at a silent door few operations wait, and not for long") {
  test::scripted_server server{[](const auto& command) {
    return command[0] == "HELLO" ? test::hello_reply() : std::string{};
  }};
  client_options o;
  o.operation_timeout = 500ms;
  o.operations_max = 2'000;
  auto c = client::connect({to_string(server.address())}, o);
  REQUIRE(c);
  std::vector<std::future<result<write_reply>>> puts;
  for (int i = 0; i < 2'001; ++i)
    puts.push_back(c->async_put("k" + std::to_string(i), "v"));
  CHECK(puts.back().get().error().code == errc::try_again);
  puts.pop_back();
  std::size_t unknown = 0;
  std::size_t not_sent = 0;
  for (auto& p : puts) {
    REQUIRE(p.wait_for(20s) == std::future_status::ready);
    const auto r = p.get();
    REQUIRE_FALSE(r);
    unknown += r.error().code == errc::unknown_outcome ? 1 : 0;
    // While it waited for its turn, or for the connection.
    not_sent +=
      r.error().code == errc::timeout || r.error().code == errc::no_replica ? 1
                                                                            : 0;
  }
  CHECK(unknown > 0);
  CHECK(not_sent > 0);
  CHECK(unknown + not_sent == puts.size());
}

TEST_CASE("a wrong password is refused at once, the right one is taken") {
  doors cluster{1, "right"};
  client_options o;
  for (const auto* wrong : {"", "wrong"}) {
    o.password = wrong;
    const auto c = client::connect(cluster.addresses, o);
    REQUIRE_FALSE(c);
    CHECK(c.error().code == errc::refused);
  }
  o.password = "right";
  auto c = client::connect(cluster.addresses, o);
  REQUIRE(c);
  CHECK(c->put("k", "v"));
}
