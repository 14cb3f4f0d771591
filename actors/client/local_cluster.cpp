// Nodes that are actors of one system and know each other by their handles.
#include "torc/local_cluster.hpp"

#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include <caf/all.hpp>
#include <fmt/format.h>

#include "actors/client/home_directory.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/engine/memory_engine.hpp"
#include "torc/engine/rocksdb_engine.hpp"
#include "torc/local_client.hpp"
#include "torc/log.hpp"
#include "torc/loop.hpp"
#include "torc/node_actors.hpp"
#include "torc/wall_clock.hpp"

namespace torc {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t nodes_max = 32;
constexpr auto change_within = 30s;
constexpr auto ready_poll = 2ms;
/// After it the log says that the end waits for actors of the program's own.
constexpr auto end_warning = 5s;

std::string name_of(std::size_t node) {
  return fmt::format("n{}", node + 1);
}

founding founding_of(const local_cluster_options& o) {
  founding f;
  std::random_device chance;
  for (auto& byte : f.id.bytes)
    byte = static_cast<std::uint8_t>(chance());
  for (std::size_t i = 0; i < o.nodes; ++i) {
    member_info m;
    m.id = member_id{static_cast<std::uint32_t>(i + 1)};
    m.name = name_of(i);
    m.door = m.name + ":0"; // nobody dials it
    f.founders.push_back(std::move(m));
  }
  f.default_keyspace.replicas = o.replicas;
  f.default_keyspace.engine = o.engine;
  f.default_keyspace.default_level = o.level;
  f.default_keyspace.default_ttl_ms = static_cast<std::uint64_t>(o.ttl.count());
  f.sync = o.sync;
  return f;
}

result<void> check(const local_cluster_options& o) {
  if (o.nodes < 1 || o.nodes > nodes_max)
    return {errc::invalid_argument,
            fmt::format("nodes must be from 1 to {}", nodes_max)};
  if (o.loops < 1 || o.loops > 64)
    return {errc::invalid_argument, "loops must be from 1 to 64"};
  if (o.ttl.count() < 0 || o.ready_timeout.count() < 0)
    return {errc::invalid_argument, "times must not be negative"};
  // All else is found out by whoever knows it.
  if (const auto c = found_cluster(founding_of(o)); !c)
    return c.error();
  return {};
}

} // namespace

struct local_cluster::state {
  struct system_config : caf::actor_system_config {
    explicit system_config(
      const std::function<void(caf::actor_system_config&)>& configure) {
      // Idle workers wait for work instead of polling for it.
      set("scheduler.policy", caf::atom("sharing"));
      register_messages(*this);
      if (configure)
        configure(*this);
    }
  };

  struct node {
    std::shared_ptr<engine> disk;
    std::vector<std::unique_ptr<event_loop>> loops;
    std::unique_ptr<node_actors> actors;
    torc::client_actor client;
  };

  state(home_directory h, local_cluster_options o)
    : place(std::move(h)), options(std::move(o)), config(options.configure),
      system(config) {}
  ~state();

  result<void> start_node(std::size_t i);
  void introduce();
  result<void> wait_ready();
  std::string unready(const node& n) const;
  result<void> check_size() const;
  void stop();

  home_directory place;
  local_cluster_options options;
  system_config config;
  caf::actor_system system;
  std::vector<node> nodes; ///< Only their clients are left when stopped.
  std::mutex ending;
  bool stopped = false;
};

result<void> local_cluster::state::start_node(std::size_t i) {
  const auto directory = place.path() / name_of(i);
  std::error_code e;
  if (std::filesystem::create_directories(directory, e); e)
    return {errc::io_error, fmt::format("cannot create {}: {}",
                                        directory.string(), e.message())};
  rocksdb_options ro;
  ro.path = (directory / "db").string();
  ro.on_warning = [](std::string_view line) {
    log::warn("rocksdb", "{}", line);
  };
  auto disk = open_rocksdb(ro);
  if (!disk)
    return std::move(disk).error();
  node n;
  n.disk = std::move(*disk);
  node_environment env;
  env.self = member_id{static_cast<std::uint32_t>(i + 1)};
  env.name = name_of(i);
  env.wall = system_wall;
  env.seed = std::random_device{}();
  env.disk = n.disk;
  env.make_memory = [] { return make_memory_engine(); };
  env.memory_bytes_max = options.memory_bytes_max;
  env.threaded = true;
  for (std::size_t l = 0; l < options.loops; ++l) {
    n.loops.push_back(
      std::make_unique<event_loop>(system, fmt::format("{}.{}", env.name, l)));
    env.loops.push_back(n.loops.back().get());
  }
  if (i == 0)
    env.found = founding_of(options);
  auto actors = node_actors::start(system, std::move(env));
  if (!actors)
    return std::move(actors).error();
  n.actors = std::move(*actors);
  local_client_options co;
  co.self = n.actors->self();
  co.ring_manager = n.actors->ring_manager();
  co.wall = system_wall;
  n.client = spawn_local_client(system, n.loops.front().get(), std::move(co));
  nodes.push_back(std::move(n));
  return {};
}

void local_cluster::state::introduce() {
  for (auto& a : nodes)
    for (auto& b : nodes)
      if (&a != &b)
        caf::anon_send(
          a.actors->ring_manager(),
          local::peer_up{b.actors->self(), b.actors->ring_manager(), nullptr});
}

result<void> local_cluster::state::check_size() const {
  const auto known = nodes.front().actors->view();
  if (known && known->config().members.size() != nodes.size())
    return {errc::invalid_argument,
            fmt::format("the cluster in {} has {} nodes, not {}",
                        place.path().string(), known->config().members.size(),
                        nodes.size())};
  return {};
}

/// Why a node cannot serve all keyspaces yet; empty: it can.
std::string local_cluster::state::unready(const node& n) const {
  if (!n.actors->roles())
    return "has no config yet";
  const auto& counters = n.actors->counters();
  if (counters.ring->peers_up.get() + 1 < nodes.size())
    return "has not met all others yet";
  for (const auto& shard : counters.shards)
    if (shard->fresh_keyspaces.get() != 0)
      return "is still fetching keyspaces of the memory engine";
  // And its client has met them, too.
  torc::client probe{make_backend(n.client)};
  if (const auto answer = probe.get("torc:ready"); !answer)
    return "does not serve yet: " + answer.error().message;
  return {};
}

result<void> local_cluster::state::wait_ready() {
  const auto end = std::chrono::steady_clock::now() + options.ready_timeout;
  for (;;) {
    if (const auto fits = check_size(); !fits)
      return fits;
    std::string why;
    for (std::size_t i = 0; i < nodes.size() && why.empty(); ++i)
      if (why = unready(nodes[i]); !why.empty())
        why.insert(0, "node " + name_of(i) + " ");
    if (why.empty())
      return {};
    if (std::chrono::steady_clock::now() >= end)
      return {errc::timeout,
              fmt::format("the cluster is not ready after {} ms: {}",
                          options.ready_timeout.count(), why)};
    std::this_thread::sleep_for(ready_poll);
  }
}

/// In this order, as each step uses what the later ones end: clients; of each
/// node the ring manager, synchronizer, shards, committer and loaders
/// (`node_actors::stop`); when no actor of any node is left, the loops that
/// shards and clients lived on; the disks. The destructor then waits for actors
/// of the program's own, ends the actor system, and gives the directory back.
void local_cluster::state::stop() {
  const std::lock_guard lock{ending};
  if (std::exchange(stopped, true))
    return;
  {
    caf::scoped_actor self{system};
    for (auto& n : nodes)
      if (n.client) {
        caf::anon_send_exit(n.client, caf::exit_reason::user_shutdown);
        self->wait_for(n.client);
      }
  }
  for (auto& n : nodes)
    if (n.actors)
      n.actors->stop();
  for (auto& n : nodes)
    for (auto& l : n.loops)
      l->stop();
  for (auto& n : nodes) {
    n.actors.reset();
    n.loops.clear();
    n.disk.reset();
  }
}

local_cluster::state::~state() {
  stop();
  const auto warn_at = std::chrono::steady_clock::now() + end_warning;
  while (system.registry().running() != 0)
    if (std::chrono::steady_clock::now() < warn_at) {
      std::this_thread::sleep_for(ready_poll);
    } else {
      log::warn("node",
                "the end of a local cluster waits for {} actors of the "
                "program's own: end them first",
                system.registry().running());
      break;
    }
}

// -- local_cluster ------------------------------------------------------------------

local_cluster::local_cluster(std::shared_ptr<state> s) : state_(std::move(s)) {}
local_cluster::local_cluster(local_cluster&&) noexcept = default;

local_cluster& local_cluster::operator=(local_cluster&& other) noexcept {
  if (this != &other) {
    stop();
    state_ = std::move(other.state_);
  }
  return *this;
}

local_cluster::~local_cluster() {
  stop();
}

result<local_cluster> local_cluster::start(local_cluster_options options) {
  if (const auto ok = check(options); !ok)
    return ok.error();
  auto place = home_directory::open(options.data_dir);
  if (!place)
    return std::move(place).error();
  auto s = std::make_shared<state>(std::move(*place), std::move(options));
  for (std::size_t i = 0; i < s->options.nodes; ++i)
    if (const auto started = s->start_node(i); !started)
      return started.error();
  s->introduce();
  if (const auto ready = s->wait_ready(); !ready)
    return ready.error();
  return local_cluster{std::move(s)};
}

torc::client local_cluster::client(std::size_t node) const {
  return torc::client{make_backend(client_actor(node))};
}

torc::client_actor local_cluster::client_actor(std::size_t node) const {
  TORC_ASSERT(state_ && node < state_->nodes.size());
  return state_->nodes[node].client;
}

std::size_t local_cluster::size() const noexcept {
  return state_ ? state_->options.nodes : 0;
}

caf::actor_system& local_cluster::system() noexcept {
  TORC_ASSERT(state_ != nullptr);
  return state_->system;
}

result<void> local_cluster::create_keyspace(keyspace_spec spec) {
  TORC_ASSERT(state_ != nullptr);
  const std::lock_guard alive{state_->ending};
  if (state_->stopped)
    return {errc::no_replica, "the cluster has ended"};
  caf::scoped_actor self{state_->system};
  std::shared_ptr<const error> failure;
  epoch made;
  self
    ->request(state_->nodes.front().actors->ring_manager(), change_within,
              local::change_request{[spec](const auto& c) {
                return torc::create_keyspace(c, spec);
              }})
    .receive(
      [&](const local::change_result& r) {
        failure = r.failure;
        if (r.config)
          made = r.config->epoch;
      },
      [&](const caf::error&) {
        failure = std::make_shared<const error>(
          error{errc::unknown_outcome, "no answer from the ring manager"});
      });
  if (failure)
    return *failure;
  // Known everywhere before the caller uses it.
  const auto end = std::chrono::steady_clock::now() + change_within;
  for (auto& n : state_->nodes)
    while (n.actors->view()->epoch() < made) {
      if (std::chrono::steady_clock::now() > end)
        return {errc::timeout, "a node has not heard of the new keyspace"};
      std::this_thread::sleep_for(ready_poll);
    }
  return {};
}

void local_cluster::stop() {
  if (state_)
    state_->stop();
}

} // namespace torc
