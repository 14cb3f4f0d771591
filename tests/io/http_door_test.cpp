#include "torc/http_door.hpp"

#include <atomic>
#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "support/catch.hpp"
#include "support/io_threads.hpp"
#include "support/prometheus_text.hpp"
#include "support/tcp_client.hpp"

using namespace torc;
using test::io_threads;
using test::tcp_client;

namespace {

struct answer {
  std::string head;
  std::string body;

  unsigned status() const {
    return head.starts_with("HTTP/1.1 ")
             ? static_cast<unsigned>(std::stoul(head.substr(9, 3)))
             : 0;
  }
  bool has(std::string_view line) const {
    return head.find("\r\n" + std::string{line} + "\r\n") != head.npos;
  }
};

/// A door with a client's view of it.
class fixture {
public:
  explicit fixture(http_options o = {}) : threads_(2) {
    o.loops = threads_.all();
    auto opened = http_door::open(
      std::move(o),
      {[this] { return healthy ? "" : std::string{"the disk is gone"}; },
       [this] { return ready ? "" : std::string{"replaying"}; },
       [this]() -> std::string {
         if (broken)
           throw std::runtime_error{"broken"};
         ++renders;
         return "# HELP a A.\n# TYPE a gauge\na 1\n" + std::string(extra, '#');
       }});
    TORC_ASSERT(opened.has_value());
    door = std::move(*opened);
  }

  tcp_client connect() { return tcp_client{door->address().port}; }

  /// Reads one answer; bytes behind it stay in `rest`.
  static answer read(tcp_client& c, std::string& rest, bool head_only = false) {
    std::size_t end;
    while ((end = rest.find("\r\n\r\n")) == rest.npos) {
      const auto some = c.receive();
      if (some.empty())
        return {};
      rest += some;
    }
    answer a{rest.substr(0, end + 4), {}};
    rest.erase(0, end + 4);
    const auto at = a.head.find("Content-Length: ");
    const auto length = head_only ? 0 : std::stoul(a.head.substr(at + 16));
    while (rest.size() < length) {
      const auto some = c.receive();
      if (some.empty())
        return {};
      rest += some;
    }
    a.body = rest.substr(0, length);
    rest.erase(0, length);
    return a;
  }

  answer get(const std::string& path, const std::string& method = "GET") {
    auto c = connect();
    c.send(method + " " + path + " HTTP/1.1\r\nHost: a\r\n\r\n");
    std::string rest;
    return read(c, rest, method == "HEAD");
  }

  double metric(const std::string& key) {
    metrics_page page;
    door->collect(page);
    const auto parsed = test::parse_prometheus(page.text());
    REQUIRE(parsed.error == "");
    return parsed.samples.at(key);
  }

  std::atomic<bool> healthy{true};
  std::atomic<bool> ready{true};
  std::atomic<bool> broken{false};
  std::atomic<int> renders{0};
  std::atomic<std::size_t> extra{0};

private:
  io_threads threads_;

public:
  std::unique_ptr<http_door> door; ///< Goes before its loops.
};

template <class F>
bool eventually(F holds) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds{30};
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds{1});
  }
  return true;
}

} // namespace

TEST_CASE("health and readiness are told with their reasons", "[http]") {
  fixture f;
  CHECK(f.get("/healthz").status() == 200);
  CHECK(f.get("/healthz").body == "ok\n");
  CHECK(f.get("/readyz").status() == 200);
  f.ready = false;
  CHECK(f.get("/healthz").status() == 200);
  CHECK(f.get("/readyz").status() == 503);
  CHECK(f.get("/readyz?verbose").body == "replaying\n");
  f.healthy = false;
  CHECK(f.get("/healthz").status() == 503);
  CHECK(f.get("/healthz").body == "the disk is gone\n");
}

TEST_CASE("metrics are Prometheus text", "[http]") {
  fixture f;
  const auto a = f.get("/metrics");
  CHECK(a.status() == 200);
  CHECK(a.has("Content-Type: text/plain; version=0.0.4; charset=utf-8"));
  CHECK(test::parse_prometheus(a.body).samples.at("a") == 1);
  CHECK(f.renders == 1);
}

TEST_CASE("HEAD answers without the body", "[http]") {
  fixture f;
  const auto a = f.get("/healthz", "HEAD");
  CHECK(a.status() == 200);
  CHECK(a.has("Content-Length: 3"));
  CHECK(a.body.empty());
}

TEST_CASE("other pages, methods and bodies are refused", "[http]") {
  fixture f;
  CHECK(f.get("/").status() == 404);
  CHECK(f.get("/metrics/").status() == 404);
  CHECK(f.get("*", "OPTIONS").status() == 405);
  const auto a = f.get("/metrics", "DELETE");
  CHECK(a.status() == 405);
  CHECK(a.has("Allow: GET, HEAD"));
  CHECK(a.has("Connection: keep-alive"));

  auto c = f.connect();
  c.send("GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
  std::string rest;
  const auto b = fixture::read(c, rest);
  CHECK(b.status() == 413);
  CHECK(b.has("Connection: close"));
  c.shut_down_send();
  CHECK(c.receive_all().empty());
  CHECK_FALSE(c.timed_out());
}

TEST_CASE("a client that sends a long body still reads the refusal", "[http]") {
  fixture f;
  auto c = f.connect();
  c.send("POST /metrics HTTP/1.1\r\nHost: a\r\nContent-Length: 500000\r\n\r\n");
  CHECK(c.send(std::string(500'000, 'x')));
  c.shut_down_send();
  std::string rest;
  CHECK(fixture::read(c, rest).status() == 405);
  CHECK(c.receive_all().empty());
}

TEST_CASE("a connection is kept for further requests", "[http]") {
  fixture f;
  auto c = f.connect();
  std::string rest;
  for (int i = 0; i < 50; ++i) {
    c.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    const auto a = fixture::read(c, rest);
    REQUIRE(a.status() == 200);
    REQUIRE(a.has("Connection: keep-alive"));
  }
  CHECK(rest.empty());
  c.send("GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  CHECK(fixture::read(c, rest).has("Connection: close"));
  CHECK(c.receive_all().empty());
  CHECK_FALSE(c.timed_out());
}

TEST_CASE("requests sent ahead are answered in order", "[http]") {
  fixture f;
  auto c = f.connect();
  std::string all;
  for (int i = 0; i < 2000; ++i)
    all += std::string{"GET "} + (i % 2 == 0 ? "/healthz" : "/nothing")
           + " HTTP/1.1\r\nHost: a\r\n\r\n";
  std::string rest;
  std::atomic<bool> sent{false};
  std::thread sender{[&] { sent = c.send(all); }};
  for (int i = 0; i < 2000; ++i)
    REQUIRE(fixture::read(c, rest).status() == (i % 2 == 0 ? 200u : 404u));
  sender.join();
  CHECK(sent);
  CHECK(rest.empty());
}

TEST_CASE("hostile bytes end their connection and nothing else", "[http]") {
  fixture f;
  const std::vector<std::pair<std::string, unsigned>> cases{
    {"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\nb\r\n", 400},
    {std::string(100, '\0') + "\r\n\r\n", 400},
    {"GET / HTTP/1.1\r\n\r\n", 400},
    {"GET /" + std::string(100'000, 'x'), 431},
    {"GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(20'000, 'x'), 431},
    {"GET / HTTP/3.7\r\nHost: a\r\n\r\n", 505},
  };
  for (const auto& [bytes, status] : cases) {
    auto c = f.connect();
    c.send(bytes);
    c.shut_down_send();
    std::string rest;
    CHECK(fixture::read(c, rest).status() == status);
    CHECK(c.receive_all().empty());
    CHECK_FALSE(c.timed_out());
  }
  CHECK(f.get("/healthz").status() == 200);
  CHECK(f.metric("torc_http_answers_total{status=\"400\"}") == 3);
  CHECK(f.metric("torc_http_answers_total{status=\"431\"}") == 2);
  CHECK(f.metric("torc_http_answers_total{status=\"other\"}") == 1);
}

TEST_CASE("a source that throws costs its answer only", "[http]") {
  fixture f;
  f.broken = true;
  CHECK(f.get("/metrics").status() == 500);
  f.broken = false;
  CHECK(f.get("/metrics").status() == 200);
}

TEST_CASE("a request that never ends gets 408", "[http]") {
  http_options o;
  o.request_timeout = std::chrono::milliseconds{50};
  fixture f{o};
  auto c = f.connect();
  c.send("GET /healthz HTTP/1.1\r\nHost");
  std::string rest;
  CHECK(fixture::read(c, rest).status() == 408);
  CHECK(c.receive_all().empty());
  CHECK_FALSE(c.timed_out());
}

TEST_CASE("an idle connection is closed without a word", "[http]") {
  http_options o;
  o.idle_timeout = std::chrono::milliseconds{500};
  fixture f{o};
  auto silent = f.connect();
  CHECK(silent.receive_all().empty());
  CHECK_FALSE(silent.timed_out());
  auto c = f.connect();
  c.send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
  std::string rest;
  CHECK(fixture::read(c, rest).status() == 200);
  CHECK(c.receive_all().empty());
  CHECK_FALSE(c.timed_out());
}

TEST_CASE("a client that does not read is closed", "[http]") {
  http_options o;
  o.write_timeout = std::chrono::milliseconds{500};
  fixture f{o};
  f.extra = 64 * 1024 * 1024; // more than the kernel takes
  auto c = f.connect();
  c.send("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
  REQUIRE(eventually([&] { return f.renders != 0; }));
  // The place is given back although the client keeps its side open.
  REQUIRE(eventually(
    [&] { return f.metric("torc_connections_open{door=\"http\"}") == 0; }));
  auto other = f.get("/healthz");
  CHECK(other.status() == 200);
}

TEST_CASE("connections above the bound are refused", "[http]") {
  http_options o;
  o.connections_max = 2;
  fixture f{o};
  auto a = f.connect();
  auto b = f.connect();
  std::string rest;
  for (auto* c : {&a, &b}) {
    c->send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(fixture::read(*c, rest).status() == 200);
  }
  auto c = f.connect();
  CHECK(fixture::read(c, rest).status() == 503);
  CHECK(c.receive_all().empty());
}

TEST_CASE("stopping ends all connections", "[http]") {
  fixture f;
  std::vector<tcp_client> clients;
  std::string rest;
  for (int i = 0; i < 6; ++i) {
    clients.push_back(f.connect());
    clients.back().send("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(fixture::read(clients.back(), rest).status() == 200);
  }
  const auto port = f.door->address().port;
  f.door->stop();
  for (auto& c : clients) {
    CHECK(c.receive_all().empty());
    CHECK_FALSE(c.timed_out());
  }
  CHECK_FALSE(tcp_client{port}.connected());
}

TEST_CASE("many clients at once are all served", "[http]") {
  fixture f;
  std::atomic<int> served{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i)
        served += f.get(i % 2 == 0 ? "/metrics" : "/readyz").status() == 200;
    });
  for (auto& t : threads)
    t.join();
  CHECK(served == 200);
  CHECK(f.metric("torc_http_answers_total{status=\"200\"}") == 200);
}
