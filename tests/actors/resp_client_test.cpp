#include "support/scripted_server.hpp"

#include <mutex>

#include "torc/resp_client.hpp"

using namespace torc;
using namespace torc::test;

namespace {

using argv = scripted_server::argv;
using request_kind = resp_client::request_kind;

/// A port of the loopback where nobody listens.
socket_address closed_door() {
  scripted_server gone{[](const argv&) { return std::string{}; }};
  return gone.address();
}

resp_client client_of(std::vector<socket_address> doors,
                      std::uint64_t request_ms = 5'000) {
  resp_client_options o;
  o.addresses = std::move(doors);
  o.request_ms = request_ms;
  return resp_client{std::move(o)};
}

/// Answers HELLO; the rest is the test's.
scripted_server::script behind_hello(scripted_server::script rest) {
  return [rest = std::move(rest)](const argv& c) {
    return c[0] == "HELLO" ? hello_reply() : rest(c);
  };
}

} // namespace

TEST_CASE("a connection greets and selects its keyspace", "[resp_client]") {
  std::mutex mutex;
  std::vector<argv> seen;
  scripted_server server{[&](const argv& c) {
    std::lock_guard lock{mutex};
    seen.push_back(c);
    if (c[0] == "HELLO")
      return hello_reply();
    if (c[0] == "TORC.ADMIN")
      return std::string{"%2\r\n+name\r\n+logs\r\n+db\r\n:7\r\n"};
    return std::string{"+OK\r\n"};
  }};
  resp_client_options o;
  o.addresses = {server.address()};
  o.password = "secret";
  o.keyspace = "logs";
  o.level = "weak";
  o.client_name = "test";
  resp_client client{std::move(o)};
  REQUIRE(client.call({"GET", "k"}));
  std::lock_guard lock{mutex};
  CHECK(seen
        == std::vector<argv>{
          {"HELLO", "3", "AUTH", "default", "secret", "SETNAME", "test"},
          {"CLIENT", "CONSISTENCY", "weak"},
          {"TORC.ADMIN", "KEYSPACE", "SHOW", "logs"},
          {"SELECT", "7"},
          {"GET", "k"}});
}

TEST_CASE("a keyspace may be a number, and must exist", "[resp_client]") {
  scripted_server server{behind_hello([](const argv& c) {
    if (c[0] == "TORC.ADMIN")
      return std::string{"-NOTFOUND there is no such keyspace\r\n"};
    if (c[0] == "SELECT")
      return std::string{c[1] == "3" ? "+OK\r\n"
                                     : "-ERR DB index is out of range\r\n"};
    return std::string{"+PONG\r\n"};
  })};
  auto with = [&](const char* keyspace) {
    resp_client_options o;
    o.addresses = {server.address()};
    o.keyspace = keyspace;
    auto reply = resp_client{std::move(o)}.call({"PING"});
    return reply ? "ok" : std::string{to_string(reply.error().code)};
  };
  CHECK(with("3") == "ok");
  CHECK(with("9") == "not_found");
  CHECK(with("nosuch") == "not_found");
}

TEST_CASE("the next door is asked when one is closed", "[resp_client]") {
  scripted_server server{
    behind_hello([](const argv&) { return std::string{"+PONG\r\n"}; })};
  auto client = client_of({closed_door(), server.address()});
  auto reply = client.call({"PING"});
  REQUIRE(reply);
  CHECK(reply->text == "PONG");
  CHECK(client.door() == server.address());
}

TEST_CASE("no door at all is said with every reason", "[resp_client]") {
  auto first = closed_door();
  auto second = closed_door();
  auto client = client_of({first, second}, 200);
  auto reply = client.call({"PING"});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == errc::no_replica);
  CHECK(reply.error().message.find(to_string(first)) != std::string::npos);
  CHECK(reply.error().message.find(to_string(second)) != std::string::npos);
}

TEST_CASE("a wrong password ends the search", "[resp_client]") {
  scripted_server server{
    [](const argv&) { return std::string{"-WRONGPASS invalid\r\n"}; }};
  auto client = client_of({server.address(), server.address()});
  auto reply = client.call({"PING"});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == errc::refused);
  CHECK(server.connections() == 1);
}

TEST_CASE("what speaks another protocol is no door", "[resp_client]") {
  scripted_server web{
    [](const argv&) { return std::string{"HTTP/1.1 400 Bad\r\n\r\n"}; }};
  auto client = client_of({web.address()}, 200);
  auto reply = client.call({"PING"});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == errc::no_replica);
}

TEST_CASE("what was not done is tried again, elsewhere if that helps",
          "[resp_client]") {
  std::atomic<int> refusals{0};
  scripted_server loading{behind_hello([&](const argv&) {
    ++refusals;
    return std::string{"-LOADING not ready\r\n"};
  })};
  std::atomic<int> tries{0};
  scripted_server busy{behind_hello([&](const argv&) {
    return std::string{++tries < 3 ? "-TRYAGAIN full\r\n" : "+OK\r\n"};
  })};
  auto client = client_of({loading.address(), busy.address()});
  REQUIRE(client.call({"SET", "k", "v"}, request_kind::write));
  CHECK(refusals == 1);
  CHECK(tries == 3);
  CHECK(busy.connections() == 1);
}

TEST_CASE("a lost write is unknown, a lost read is asked again",
          "[resp_client]") {
  std::atomic<int> writes{0};
  scripted_server dying{behind_hello([&](const argv& c) {
    writes += c[0] == "SET";
    return std::string{scripted_server::hang_up};
  })};
  scripted_server live{
    behind_hello([](const argv&) { return std::string{"$1\r\nv\r\n"}; })};
  auto client = client_of({dying.address(), live.address()});
  auto written = client.call({"SET", "k", "v"}, request_kind::write);
  REQUIRE_FALSE(written);
  CHECK(written.error().code == errc::unknown_outcome);
  CHECK(writes == 1);
  auto reader = client_of({dying.address(), live.address()});
  auto read = reader.call({"GET", "k"});
  REQUIRE(read);
  CHECK(read->text == "v");
}

TEST_CASE("a door that is silent costs its time only", "[resp_client]") {
  scripted_server silent{
    behind_hello([](const argv&) { return std::string{}; })};
  auto client = client_of({silent.address()}, 150);
  auto begin = std::chrono::steady_clock::now();
  auto reply = client.call({"SET", "k", "v"}, request_kind::write);
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == errc::unknown_outcome);
  CHECK(std::chrono::steady_clock::now() - begin
        >= std::chrono::milliseconds{140});
}

TEST_CASE("doors that do not greet take no more than the call's time",
          "[resp_client]") {
  const auto nothing = [](const argv&) { return std::string{}; };
  scripted_server first{nothing};
  scripted_server second{nothing};
  auto client = client_of({first.address(), second.address()}, 200);
  const auto reply = client.call({"PING"});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == errc::no_replica);
  CHECK(reply.error().message.find(to_string(first.address()))
        != std::string::npos);
  CHECK(second.connections() == 0);
  // The next call begins behind the one that failed.
  const auto again = client.call({"PING"});
  REQUIRE_FALSE(again);
  CHECK(again.error().message.find(to_string(second.address()))
        != std::string::npos);
}

TEST_CASE("an error reply is an error with its words", "[resp_client]") {
  scripted_server server{behind_hello(
    [](const argv&) { return std::string{"-ERR syntax error\r\n"}; })};
  auto client = client_of({server.address()});
  auto reply = client.call({"SET", "k"});
  REQUIRE_FALSE(reply);
  CHECK(reply.error().code == errc::invalid_argument);
  CHECK(reply.error().message == "ERR syntax error");
  CHECK(client.is_connected());
}

TEST_CASE("pipelined replies come in order, pushes aside", "[resp_client]") {
  scripted_server server{behind_hello([](const argv& c) {
    return ">1\r\n+noise\r\n$" + std::to_string(c[1].size()) + "\r\n" + c[1]
           + "\r\n";
  })};
  auto client = client_of({server.address()});
  REQUIRE(client.connect());
  constexpr int count = 5'000;
  for (int i = 0; i < count; ++i)
    client.queue({"ECHO", std::to_string(i)});
  CHECK(client.pending() == count);
  for (int i = 0; i < count; ++i) {
    auto reply = client.next_reply();
    REQUIRE(reply);
    REQUIRE(reply->text == std::to_string(i));
  }
  CHECK(client.pending() == 0);
  resp_value none;
  auto taken = client.take_reply(none);
  REQUIRE(taken);
  CHECK_FALSE(*taken);
}
