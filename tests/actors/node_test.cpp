// A node with real files, threads and sockets: start, stop, restart; whose
// directory it may use; who it works with.
#include <filesystem>
#include <fstream>

#include <fmt/format.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/free_ports.hpp"
#include "support/log_capture.hpp"
#include "support/scratch_directory.hpp"
#include "support/tcp_client.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/messages/admin.hpp"
#include "torc/node.hpp"
#include "torc/node_actors.hpp"

namespace torc {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class settings {
public:
  explicit settings(std::size_t n) {
    const auto ports = test::free_ports(3 * n);
    for (std::size_t i = 1; i <= n; ++i) {
      founder_options f;
      f.name = fmt::format("n{}", i);
      f.door = {"127.0.0.1", ports[3 * i - 3]};
      f.resp = {"127.0.0.1", ports[3 * i - 2]};
      f.http = {"127.0.0.1", ports[3 * i - 1]};
      founders.push_back(f);
    }
  }

  node_options of(std::size_t i) const {
    node_options o;
    o.name = fmt::format("n{}", i);
    o.founders = founders;
    o.data_dir = root / o.name;
    o.cluster_secret = "a secret of many bytes";
    o.loops = 1;
    o.virtual_nodes = 10;
    o.memory_bytes_max = 64 * limits::mib;
    // A busy machine may hold a thread for a while between two hellos.
    o.max_skew_ms = 20'000;
    return o;
  }

  test::scratch_directory root;
  std::vector<founder_options> founders;
};

std::unique_ptr<node> must_start(node_options o) {
  auto n = node::start(std::move(o));
  if (!n)
    FAIL(n.error().message);
  return *std::move(n);
}

error must_fail(node_options o) {
  auto n = node::start(std::move(o));
  REQUIRE_FALSE(n);
  return n.error();
}

std::string http_get(const node& n, const std::string& path) {
  test::tcp_client c{n.http_address().port};
  REQUIRE(c.connected());
  REQUIRE(c.send("GET " + path
                 + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  return c.receive_all();
}

/// The reply to one command, as it came.
std::string resp(const node& n, const std::string& line) {
  test::tcp_client c{n.resp_address().port};
  REQUIRE(c.connected());
  REQUIRE(c.send(line + "\r\nECHO end\r\n"));
  const std::string end = "$3\r\nend\r\n";
  std::string all;
  while (!all.ends_with(end)) {
    const auto some = c.receive();
    if (some.empty())
      return "no answer";
    all += some;
  }
  all.resize(all.size() - end.size());
  return all;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// The value of a sample of a page of metrics; -1: there is none.
double sample(const std::string& page, const std::string& name) {
  const auto at = page.find("\n" + name + " ");
  return at == std::string::npos ? -1
                                 : std::stod(page.substr(at + name.size() + 2));
}

template <class F>
bool eventually(F holds) {
  const auto end = std::chrono::steady_clock::now() + 30s;
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end)
      return false;
    std::this_thread::sleep_for(10ms);
  }
  return true;
}

} // namespace

TEST_CASE("one node serves, stops, and has everything after a restart") {
  const settings s{1};
  {
    const auto n = must_start(s.of(1));
    REQUIRE(n->wait_ready(30s));
    CHECK(n->view()->config().members.size() == 1);
    CHECK(resp(*n, "PING") == "+PONG\r\n");
    CHECK(resp(*n, "SET key value") == "+OK\r\n");
    CHECK(contains(http_get(*n, "/healthz"), "200"));
    CHECK(contains(http_get(*n, "/readyz"), "200"));
    const auto metrics = http_get(*n, "/metrics");
    for (const auto* name :
         {"torc_operations_total", "torc_fsyncs_total", "torc_hints",
          "torc_config_epoch 1", "torc_keys", "torc_loop_turns_total",
          "torc_disk_bytes", "torc_ready 1", "torc_entry_cache_bytes",
          "torc_pending_compaction_bytes{engine=\"rocksdb\"} 0",
          "torc_running_compactions", "torc_running_flushes",
          "torc_delayed_write_bytes_per_second"}) {
      INFO(name);
      CHECK(contains(metrics, name));
    }
    // What the disk says of itself is shown a moment later.
    for (const auto* name : {"torc_memtable_bytes{engine=\"rocksdb\"}",
                             "torc_block_cache_bytes_max{engine=\"rocksdb\"}",
                             "torc_disk_bytes{engine=\"rocksdb\"}"}) {
      INFO(name);
      CHECK(
        eventually([&] { return sample(http_get(*n, "/metrics"), name) > 0; }));
    }
    CHECK(sample(metrics, "torc_block_cache_bytes{engine=\"rocksdb\"}") >= 0);
    CHECK(contains(resp(*n, "GET key"), "value"));
    CHECK(eventually([&] {
      return sample(http_get(*n, "/metrics"), "torc_entry_cache_hits_total")
             > 0;
    }));
    CHECK(sample(http_get(*n, "/metrics"), "torc_entry_cache_misses_total")
          > 0);
    CHECK(eventually([&] {
      return contains(resp(*n, "INFO keyspace"),
                      "db0:keys=1,expires=0,avg_ttl=0");
    }));
    CHECK(contains(resp(*n, "INFO torc"), "pending_compaction_bytes:0"));
    n->stop();
    n->stop();
    CHECK_FALSE(test::tcp_client{s.founders[0].resp.port}.connected());
  }
  const auto n = must_start(s.of(1));
  REQUIRE(n->wait_ready(30s));
  CHECK(resp(*n, "GET key") == "$5\r\nvalue\r\n");
}

TEST_CASE("three nodes in one process meet and replicate") {
  const settings s{3};
  // The followers first: they wait for the one that founds.
  std::vector<std::unique_ptr<node>> nodes;
  nodes.push_back(must_start(s.of(3)));
  nodes.push_back(must_start(s.of(2)));
  CHECK(contains(nodes[0]->unready(), "'n1'"));
  CHECK(contains(http_get(*nodes[0], "/readyz"), "503"));
  nodes.push_back(must_start(s.of(1)));
  for (const auto& n : nodes) {
    INFO(n->options().name << ": " << n->unready());
    REQUIRE(n->wait_ready(30s));
  }
  CHECK(nodes[0]->view()->config() == nodes[2]->view()->config());
  CHECK(resp(*nodes[0], "SET key value") == "+OK\r\n");
  for (const auto& n : nodes)
    CHECK(eventually([&] { return contains(resp(*n, "GET key"), "value"); }));
  // One goes and comes back.
  nodes[1].reset();
  CHECK(resp(*nodes[0], "SET key other") == "+OK\r\n");
  nodes[1] = must_start(s.of(2));
  REQUIRE(nodes[1]->wait_ready(30s));
  CHECK(
    eventually([&] { return contains(resp(*nodes[1], "GET key"), "other"); }));
}

TEST_CASE("a directory is used by one node at a time") {
  const settings s{1};
  const auto n = must_start(s.of(1));
  const auto e = must_fail(s.of(1));
  CHECK(e.code == errc::locked);
  CHECK(contains(e.message, std::to_string(::getpid())));
}

TEST_CASE("a directory of another member is refused") {
  const settings s{2};
  must_start(s.of(1))->stop();
  auto o = s.of(2);
  o.data_dir = s.of(1).data_dir;
  const auto e = must_fail(o);
  CHECK(e.code == errc::refused);
  CHECK(contains(e.message, "'n1'"));
  CHECK(contains(e.message, "'n2'"));
}

TEST_CASE("a changed list of founders is refused") {
  const settings s{2};
  must_start(s.of(1))->stop();
  auto o = s.of(1);
  o.founders[1].zone = "elsewhere";
  const auto e = must_fail(o);
  CHECK(e.code == errc::refused);
  CHECK(contains(e.message, "founders"));
}

TEST_CASE("a damaged or missing identity is refused, with what to do") {
  const settings s{1};
  must_start(s.of(1))->stop();
  const auto path = s.of(1).data_dir + "/identity";
  const auto as_of = GENERATE("flipped", "cut", "empty", "missing");
  if (as_of == std::string{"missing"}) {
    fs::remove(path);
  } else {
    std::string bytes;
    {
      std::ifstream in{path, std::ios::binary};
      bytes.assign(std::istreambuf_iterator<char>{in}, {});
    }
    REQUIRE(bytes.size() > 20);
    if (as_of == std::string{"flipped"})
      bytes[12] = static_cast<char>(bytes[12] ^ 1);
    else
      bytes.erase(as_of == std::string{"cut"} ? bytes.size() - 3 : 0);
    std::ofstream{path, std::ios::binary} << bytes;
  }
  const auto e = must_fail(s.of(1));
  CHECK(e.code == errc::corrupt);
  CHECK(contains(e.message, "identity"));
  CHECK(contains(e.message, "copy"));
}

TEST_CASE("a directory whose database is gone or another's is refused") {
  const settings s{1};
  must_start(s.of(1))->stop();
  const auto db = s.of(1).data_dir + "/db";
  SECTION("gone") {
    fs::remove_all(db);
    const auto e = must_fail(s.of(1));
    CHECK(e.code == errc::corrupt);
    CHECK(contains(e.message, "lost"));
  }
  SECTION("of another cluster") {
    const settings other{1};
    auto o = s.of(1);
    o.data_dir = other.root / "n1";
    must_start(o)->stop();
    fs::remove_all(db);
    fs::rename(o.data_dir + "/db", db);
    const auto e = must_fail(s.of(1));
    CHECK(e.code == errc::refused);
    CHECK(contains(e.message, "belong together"));
  }
}

TEST_CASE("a port that is taken is named") {
  const settings s{1};
  const settings other{1};
  auto o = other.of(1);
  o.founders[0].resp = s.founders[0].resp;
  const auto n = must_start(s.of(1));
  const auto e = must_fail(o);
  CHECK(contains(e.message, std::to_string(s.founders[0].resp.port)));
}

TEST_CASE("differing lists of founders keep members apart") {
  const settings s{2};
  const test::log_capture captured; // outlives the nodes
  const auto first = must_start(s.of(1));
  auto o = s.of(2);
  o.founders[1].zone = "elsewhere";
  const auto second = must_start(o);
  CHECK(eventually(
    [&] { return contains(captured.text(), "different lists of founders"); }));
  CHECK(contains(second->unready(), "'n1'"));
  CHECK(first->actors().counters().ring->peers_up.get() == 0);
  CHECK(second->actors().counters().ring->peers_up.get() == 0);
}

TEST_CASE("who is no founder is refused before anything is made") {
  const settings s{1};
  auto o = s.of(1);
  o.name = "stranger";
  const auto e = must_fail(o);
  CHECK(e.code == errc::invalid_argument);
  CHECK(contains(e.message, "stranger"));
  CHECK_FALSE(fs::exists(o.data_dir));
}

TEST_CASE("an embedded node uses the program's own actor system") {
  struct config : caf::actor_system_config {
    config() { configure_node_system(*this); }
  };
  const settings s{1};
  config cfg;
  caf::actor_system sys{cfg};
  auto n = node::start(s.of(1), &sys);
  REQUIRE(n);
  REQUIRE((*n)->wait_ready(30s));
  CHECK(&(*n)->system() == &sys);
  caf::scoped_actor self{sys};
  std::uint64_t entered = 0;
  self
    ->request((*n)->actors().ring_manager(), 30s,
              local::change_request{[](const cluster_config& c) {
                return set_sync(c, sync_policy::os);
              }})
    .receive(
      [&](const local::change_result& r) {
        REQUIRE(r.config);
        entered = r.config->epoch.value;
      },
      [](const caf::error&) {});
  CHECK(entered == 2);
}

} // namespace torc
