// What a node does while it runs, and how it ends.
#include "torc/node.hpp"

#include <thread>
#include <utility>

#include <caf/all.hpp>
#include <fmt/format.h>

#include "actors/node/founders.hpp"
#include "actors/node/node_state.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/log.hpp"
#include "torc/version.hpp"

namespace torc {
namespace {

constexpr auto ready_poll = std::chrono::milliseconds(10);

/// Of all shards.
keyspace_figures figures_of(const node_counters& c, std::uint32_t db) {
  keyspace_figures out;
  out.db = db;
  long double deadlines = 0;
  for (const auto& s : c.shards) {
    const auto& k = s->keyspaces.at(db);
    const auto n = k.expiring_keys.get();
    out.keys += k.live_keys.get();
    out.expiring_keys += n;
    deadlines += static_cast<long double>(k.deadline_ms.get())
                 * static_cast<long double>(n);
  }
  if (out.expiring_keys != 0)
    out.mean_deadline_ms = static_cast<unix_ms>(
      deadlines / static_cast<long double>(out.expiring_keys));
  return out;
}

engine_load load_of(const disk_counters& c) {
  engine_load out;
  out.block_cache_bytes = c.block_cache_bytes.get();
  out.block_cache_bytes_max = c.block_cache_bytes_max.get();
  out.memtable_bytes = c.memtable_bytes.get();
  out.pending_compaction_bytes = c.pending_compaction_bytes.get();
  out.running_compactions = c.running_compactions.get();
  out.running_flushes = c.running_flushes.get();
  out.delayed_write_bytes_per_s = c.delayed_write_bytes_per_s.get();
  return out;
}

} // namespace

/// In the ring manager.
void node::state::on_view(const std::shared_ptr<const cluster_view>& v) {
  if (auto done = data.set_cluster(v->config().id); !done)
    log::error("node", "{}; it is tried again at the next start",
               done.error().message);
  auto now = members_of(v->config());
  bool changed = false;
  {
    const std::lock_guard lock{mutex};
    changed = linked && *now != *members;
    members = std::move(now);
  }
  if (changed)
    links.refresh();
}

void node::state::on_failure(std::string what) {
  log::error("node", "{}; this node cannot go on", what);
  const std::lock_guard lock{mutex};
  if (failure.empty())
    failure = std::move(what);
}

std::string node::state::first_failure() const {
  const std::lock_guard lock{mutex};
  return failure;
}

hello node::state::greeting() const {
  hello h;
  if (const auto v = actors->view())
    h.cluster = v->config().id;
  h.member = options.self_id();
  h.shards = actors->shards();
  h.wall = system_wall();
  h.founders_digest = digest;
  return h;
}

std::string node::state::unready() const {
  if (stopping)
    return "it is stopping";
  if (!actors || !actors->roles())
    return fmt::format("it has not met the first founder '{}' yet, which tells "
                       "it the cluster's config",
                       options.founders.front().name);
  if (const auto* door = resp_started.load();
      door == nullptr || !door->serving())
    return "its RESP door does not know yet who has which keys";
  std::uint64_t fetching = 0;
  for (const auto& s : actors->counters().shards)
    fetching += s->fresh_keyspaces.get();
  if (fetching != 0)
    return "it is still fetching keyspaces of the memory engine";
  return {};
}

node_figures node::state::figures() const {
  node_figures f;
  if (const auto v = actors->view())
    f.cluster_id = to_string(v->config().id);
  f.version = version;
  f.started_ms = started_ms;
  f.unready = unready();
  f.ready = f.unready.empty();
  f.loops = options.loops;
  const auto& c = actors->counters();
  for (const auto& s : c.shards) {
    f.keys += s->live_keys.get();
    f.bytes += s->live_bytes.get();
    f.expiring_keys += s->expiring_keys.get();
    f.expired_keys += s->expired_keys.get();
    f.dead_keys += s->dead_keys.get();
    f.dead_bytes += s->dead_bytes.get();
    f.memory_bytes += s->memory_bytes.get();
    f.hints += s->hints.get();
    f.entry_cache_hits += s->cache_hits.get();
    f.entry_cache_misses += s->cache_misses.get();
    f.entry_cache_bytes += s->cache_bytes.get();
  }
  if (const auto v = actors->view())
    for (const auto& ks : v->config().keyspaces)
      f.keyspaces.push_back(figures_of(c, ks.db));
  f.disk = load_of(*c.disk);
  f.memory_bytes_max = options.memory_bytes_max;
  f.syncs = c.commits->syncs.get();
  f.commits = c.commits->batches.get();
  f.commit_failures = c.commits->failures.get();
  if (c.commits->broken.get() != 0)
    f.disk_failure = "the disk refuses writes; the log says why";
  return f;
}

void node::state::stop() {
  if (stopping.exchange(true))
    return;
  if (http)
    http->stop();
  if (resp)
    resp->stop();
  {
    const std::lock_guard lock{mutex};
    linked = false;
  }
  links.stop();
  if (relay) {
    caf::anon_send_exit(relay, caf::exit_reason::user_shutdown);
    relay = nullptr;
  }
  if (actors)
    actors->stop();
  for (const auto& l : loops)
    l->stop();
  if (data.disk())
    if (auto done = data.disk()->sync(); !done)
      log::error("node", "the disk was not synced: {}", done.error().message);
}

// -----------------------------------------------------------------------------

node::node(std::unique_ptr<state> s) : state_(std::move(s)) {}

node::~node() {
  if (state_)
    state_->stop();
}

result<std::unique_ptr<node>> node::start(node_options options,
                                          caf::actor_system* system,
                                          std::function<bool()> interrupted) {
  options.complete();
  if (options.cluster_secret.empty())
    if (auto ok = load_secret(options); !ok)
      return ok.error();
  if (auto ok = options.validate(); !ok)
    return ok.error();
  const auto digest = digest_of_founders(founders_of(options));
  auto data = data_directory::open(options, digest);
  if (!data)
    return std::move(data).error();
  auto s = std::make_unique<state>(std::move(options), *std::move(data));
  s->digest = digest;
  s->system = system;
  if (auto started = s->start(interrupted); !started) {
    s->stop();
    return started.error();
  }
  return std::unique_ptr<node>{new node(std::move(s))};
}

void node::stop() {
  state_->stop();
}

const node_options& node::options() const noexcept {
  return state_->options;
}

member_id node::self() const noexcept {
  return state_->options.self_id();
}

socket_address node::door_address() const {
  return {state_->options.door_listen.host, state_->links.port()};
}

socket_address node::resp_address() const {
  return state_->resp->address();
}

socket_address node::http_address() const {
  return state_->http->address();
}

caf::actor_system& node::system() noexcept {
  return *state_->system;
}

node_actors& node::actors() noexcept {
  return *state_->actors;
}

std::shared_ptr<const cluster_view> node::view() const {
  return state_->actors->view();
}

std::string node::failure() const {
  return state_->first_failure();
}

std::string node::unready() const {
  return state_->unready();
}

bool node::wait_ready(std::chrono::milliseconds timeout) const {
  const auto end = std::chrono::steady_clock::now() + timeout;
  while (!unready().empty()) {
    if (std::chrono::steady_clock::now() >= end)
      return false;
    std::this_thread::sleep_for(ready_poll);
  }
  return true;
}

} // namespace torc
