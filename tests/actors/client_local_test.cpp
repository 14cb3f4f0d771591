// The client against a cluster of actors in this process.
#include <caf/all.hpp>

#include "support/catch.hpp"
#include "support/client_program.hpp"
#include "support/scratch_directory.hpp"
#include "torc/local_cluster.hpp"

using namespace torc;

TEST_CASE("a program runs on a local cluster") {
  auto cluster = local_cluster::start();
  REQUIRE(cluster);
  CHECK(cluster->size() == 3);
  test::run_client_program(cluster->client());
}

TEST_CASE("a program runs on a local cluster with two shards per node") {
  local_cluster_options o;
  o.loops = 2;
  o.engine = engine_kind::rocksdb;
  o.sync = sync_policy::os;
  auto cluster = local_cluster::start(o);
  REQUIRE(cluster);
  test::run_client_program(cluster->client(1));
  const auto put = cluster->client().put("k", "v");
  REQUIRE(put);
  CHECK_FALSE(put->info.synced);
}

TEST_CASE("all nodes of a local cluster come to hold what one was given") {
  auto cluster = local_cluster::start();
  REQUIRE(cluster);
  REQUIRE(cluster->client(0).put("k", "v"));
  for (std::size_t i = 0; i < cluster->size(); ++i) {
    auto c = cluster->client(i);
    CHECK(test::eventually([&] {
      const auto r = c.get("k");
      return r && r->value == "v";
    }));
  }
}

TEST_CASE("a local cluster finds its data again, and refuses another size") {
  test::scratch_directory dir;
  local_cluster_options o;
  o.nodes = 2;
  o.engine = engine_kind::rocksdb;
  o.data_dir = dir.path();
  {
    auto cluster = local_cluster::start(o);
    REQUIRE(cluster);
    REQUIRE(cluster->client().put("k", "v"));
    const auto second = local_cluster::start(o);
    REQUIRE_FALSE(second);
    CHECK(second.error().code == errc::locked);
  }
  {
    auto cluster = local_cluster::start(o);
    REQUIRE(cluster);
    CHECK(cluster->client().get("k")->value == "v");
  }
  o.nodes = 3;
  const auto larger = local_cluster::start(o);
  REQUIRE_FALSE(larger);
  CHECK(larger.error().code == errc::invalid_argument);
}

TEST_CASE("keyspaces of a local cluster are apart") {
  auto cluster = local_cluster::start();
  REQUIRE(cluster);
  keyspace_spec spec;
  spec.name = "orders";
  spec.engine = engine_kind::memory;
  REQUIRE(cluster->create_keyspace(spec));
  const auto again = cluster->create_keyspace(spec);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == errc::already_exists);
  auto c = cluster->client();
  REQUIRE(c.keyspace("orders").put("k", "v"));
  CHECK(c.keyspace("orders").get("k")->value == "v");
  CHECK_FALSE(c.get("k")->value);
}

TEST_CASE("actors use the cluster by typed requests") {
  auto cluster = local_cluster::start();
  REQUIRE(cluster);
  caf::scoped_actor self{cluster->system()};
  const auto store = cluster->client_actor();
  client_reply put;
  client_reply got;
  const auto failed = [](const caf::error&) { FAIL("no answer"); };
  self->request(store, caf::infinite, requests::put("k", "v"))
    .receive([&](client_reply& r) { put = std::move(r); }, failed);
  self->request(store, caf::infinite, requests::get("k"))
    .receive([&](client_reply& r) { got = std::move(r); }, failed);
  CHECK(put.changed);
  CHECK(got.value == "v");
  CHECK(got.version == put.version);
}

TEST_CASE("a local cluster that has started serves every key at every node") {
  for (const std::size_t loops : {1u, 2u}) {
    local_cluster_options o;
    o.loops = loops;
    auto cluster = local_cluster::start(o);
    REQUIRE(cluster);
    std::vector<std::pair<std::string, std::string>> entries;
    for (int i = 0; i < 500; ++i)
      entries.emplace_back("k" + std::to_string(i), "v");
    for (std::size_t n = 0; n < cluster->size(); ++n) {
      auto c = cluster->client(n);
      std::size_t refused = 0;
      for (const auto& r : c.mput(entries))
        refused += r ? 0 : 1;
      CHECK(refused == 0);
    }
  }
}

TEST_CASE("a local cluster that is not ready in time says which node is not") {
  local_cluster_options o;
  o.ready_timeout = std::chrono::milliseconds{0};
  const auto cluster = local_cluster::start(o);
  REQUIRE_FALSE(cluster);
  CHECK(cluster.error().code == errc::timeout);
  CHECK(cluster.error().message.starts_with(
    "the cluster is not ready after 0 ms: node n1 "));
}

TEST_CASE("no actor and no thread of a local cluster outlives its stop") {
  local_cluster_options o;
  o.loops = 2;
  auto cluster = local_cluster::start(o);
  REQUIRE(cluster);
  auto& system = cluster->system();
  caf::actor_system_config empty_config;
  caf::actor_system empty{empty_config};
  const auto caf_own = empty.detached_actors();
  CHECK(system.detached_actors() > caf_own); // committers and loaders
  REQUIRE(cluster->client().put("k", "v"));
  cluster->stop();
  CHECK(test::eventually([&] {
    return system.detached_actors() == caf_own
           && system.registry().running() == 0;
  }));
}

TEST_CASE("the end of a local cluster waits for the program's own actors") {
  caf::actor own;
  std::atomic<bool> ended{false};
  {
    auto cluster = local_cluster::start();
    REQUIRE(cluster);
    own = cluster->system().spawn(
      [](caf::event_based_actor*) -> caf::behavior { return {[](int) {}}; });
    own->attach_functor([&] { ended = true; });
    cluster->stop();
    CHECK_FALSE(ended);
    caf::anon_send_exit(own, caf::exit_reason::user_shutdown);
    own = nullptr;
  }
  CHECK(ended);
}

TEST_CASE("what waits when a local cluster stops is answered") {
  auto cluster = local_cluster::start();
  REQUIRE(cluster);
  auto c = cluster->client();
  std::vector<std::future<result<write_reply>>> writes;
  for (int i = 0; i < 2000; ++i)
    writes.push_back(c.async_put("k" + std::to_string(i), "v"));
  cluster->stop();
  std::size_t done = 0;
  for (auto& w : writes) {
    REQUIRE(w.wait_for(std::chrono::seconds{20}) == std::future_status::ready);
    const auto r = w.get();
    done += r ? 1 : 0;
    if (!r)
      CHECK(r.error().code == errc::unknown_outcome);
  }
  CHECK(done <= writes.size());
}

TEST_CASE("a client may outlive even the actor system of its cluster") {
  std::optional<client> c;
  {
    auto cluster = local_cluster::start();
    REQUIRE(cluster);
    c = cluster->client();
    REQUIRE(c->put("k", "v"));
  }
  CHECK(c->get("k").error().code == errc::no_replica);
}

TEST_CASE("a client that outlives its local cluster gets errors") {
  auto cluster = local_cluster::start();
  REQUIRE(cluster);
  auto c = cluster->client();
  REQUIRE(c.put("k", "v"));
  cluster->stop();
  cluster->stop(); // does nothing
  CHECK(c.get("k").error().code == errc::no_replica);
  CHECK(cluster->client(2).get("k").error().code == errc::no_replica);
  keyspace_spec spec;
  spec.name = "late";
  CHECK(cluster->create_keyspace(spec).error().code == errc::no_replica);
}

TEST_CASE("options of a local cluster that cannot work are refused") {
  local_cluster_options o;
  o.nodes = 0;
  CHECK(local_cluster::start(o).error().code == errc::invalid_argument);
  o = {};
  o.loops = 0;
  CHECK(local_cluster::start(o).error().code == errc::invalid_argument);
  o = {};
  o.replicas = 0;
  CHECK(local_cluster::start(o).error().code == errc::invalid_argument);
}
