#include "torc/node_actors.hpp"

#include <atomic>
#include <mutex>
#include <utility>

#include <caf/all.hpp>
#include <fmt/format.h>

#include "torc/core/byte_codec.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/core/stored_key.hpp"
#include "torc/log.hpp"
#include "torc/loop.hpp"
#include "torc/synchronizer.hpp"

namespace torc {
namespace {

/// What the committer's last answer is waited for.
constexpr auto drain_timeout = std::chrono::seconds(5);
constexpr int drain_attempts = 3;
/// Actors end with their next message. One that takes longer is in an operation
/// of the disk, and the log says so.
constexpr auto end_warning = std::chrono::seconds(5);

/// Starts of the actors' random sequences; far from each other.
std::uint64_t derived_seed(std::uint64_t seed, std::uint64_t n) {
  return seed ^ (n + 1) * 0x9E3779B97F4A7C15u;
}

/// What the disk holds, or the beginning of a cluster.
result<register_state> initial_state(const node_environment& env) {
  auto stored = load_register_state(*env.disk);
  if (!stored)
    return std::move(stored).error();
  if (*stored)
    return **std::move(stored);
  register_state s;
  if (!env.found)
    return s;
  auto first = found_cluster(*env.found);
  if (!first)
    return std::move(first).error();
  s.chosen = std::make_shared<const cluster_config>(*std::move(first));
  if (auto done = store_register_state(*env.disk, s); !done)
    return done.error();
  log::info("config", "founded cluster {} with {} members",
            to_string(s.chosen->id), s.chosen->members.size());
  return s;
}

} // namespace

result<hlc_time> durable_ceiling(const engine& disk) {
  const auto begin = incarnation_begin(incarnation{0}) + "ceiling";
  hlc_time highest;
  bool damaged = false;
  const auto done =
    disk.snapshot()->scan(column::meta, begin, begin + "\xff\xff\xff",
                          [&](std::string_view, std::string_view value) {
                            byte_reader r{value};
                            highest = std::max(highest, hlc_time{r.u64()});
                            damaged = damaged || !r.done();
                            return true;
                          });
  if (!done)
    return done.error();
  if (damaged)
    return {errc::corrupt, "a stored clock ceiling is damaged"};
  return highest;
}

struct node_actors::state {
  state(caf::actor_system& sys_, node_environment e)
    : sys(sys_), env(std::move(e)),
      shard_count(env.loops.empty()
                    ? env.shards
                    : static_cast<std::uint16_t>(env.loops.size())) {}

  caf::actor_system& sys;
  node_environment env;
  const std::uint16_t shard_count;
  hlc_time ceiling;
  node_counters counters;
  committer_actor committer;
  std::vector<loader_actor> loaders;
  std::shared_ptr<memory_starts> starts =
    std::make_shared<memory_starts>(shard_count);
  ring_manager_actor manager;
  /// For the committer, which asks with each commit.
  std::shared_ptr<std::atomic<sync_policy>> sync =
    std::make_shared<std::atomic<sync_policy>>(sync_policy::always);

  mutable std::mutex mutex; // guards what follows
  std::shared_ptr<const cluster_view> view;
  std::shared_ptr<const local_roles> roles;
  bool stopping = false;

  /// For those who hear of an actor's end, perhaps after this is gone.
  std::shared_ptr<std::atomic<bool>> ending =
    std::make_shared<std::atomic<bool>>(false);

  template <class Handle>
  void watch(const Handle& h, std::string what) const;
  void make_counters();
  void spawn_first(register_state from);
  void on_view(std::shared_ptr<const cluster_view> v);
  local_roles start_roles(const std::shared_ptr<const cluster_view>& v);
  storage_node_options shard_options(std::uint16_t shard,
                                     const cluster_view& v) const;
};

template <class Handle>
void node_actors::state::watch(const Handle& h, std::string what) const {
  if (!env.on_failure)
    return;
  caf::actor_cast<caf::actor>(h)->attach_functor(
    [f = env.on_failure, flag = ending, what = std::move(what)] {
      if (!*flag)
        f("the " + what + " ended by itself");
    });
}

void node_actors::state::make_counters() {
  for (std::uint16_t i = 0; i < shard_count; ++i) {
    counters.shards.push_back(std::make_shared<shard_counters>());
    // Not ready before the shard has looked at what it is to serve.
    counters.shards.back()->fresh_keyspaces.set(1);
  }
  counters.commits = std::make_shared<commit_counters>();
  counters.disk = std::make_shared<disk_counters>();
  counters.comparisons = std::make_shared<sync_counters>();
  counters.ring = std::make_shared<ring_manager_counters>();
}

/// What does not wait for a config.
void node_actors::state::spawn_first(register_state from) {
  committer = spawn_committer(
    sys, env.threaded,
    {env.disk, [s = sync] { return s->load(std::memory_order_relaxed); },
     counters.commits, env.threaded ? counters.disk : nullptr});
  for (std::size_t i = 0; i < std::max<std::size_t>(env.loaders, 1); ++i)
    loaders.push_back(spawn_loader(sys, env.threaded, env.disk));
  ring_manager_options o;
  o.self = env.self;
  o.state = std::move(from);
  o.times = env.register_times;
  o.wall = env.wall;
  o.seed = derived_seed(env.seed, 0);
  o.max_skew_ms = env.max_skew_ms;
  o.committer = committer;
  o.start_roles = [this](const auto& v) { return start_roles(v); };
  o.on_view = [this](auto v) { on_view(std::move(v)); };
  o.on_peer = env.on_peer;
  o.counters = counters.ring;
  manager = spawn_ring_manager(sys, std::move(o));
  watch(manager, "ring manager");
  watch(committer, "committer");
  for (const auto& l : loaders)
    watch(l, "loader");
}

void node_actors::state::on_view(std::shared_ptr<const cluster_view> v) {
  sync->store(v->config().sync, std::memory_order_relaxed);
  {
    const std::lock_guard lock{mutex};
    view = v;
  }
  if (env.on_view)
    env.on_view(std::move(v));
}

local_roles
node_actors::state::start_roles(const std::shared_ptr<const cluster_view>& v) {
  const std::lock_guard lock{mutex};
  if (stopping)
    return {};
  local_roles out;
  synchronizer_options so;
  so.self = env.self;
  so.wall = env.wall;
  so.seed = derived_seed(env.seed, 1);
  so.compare_every_ms = env.compare_every_ms;
  so.view = v;
  so.counters = counters.comparisons;
  out.synchronizer = spawn_synchronizer(sys, std::move(so));
  const std::shared_ptr<const engine_snapshot> start = env.disk->snapshot();
  for (std::uint16_t i = 0; i < shard_count; ++i) {
    auto o = shard_options(i, *v);
    o.start = start;
    o.view = v;
    o.synchronizer = out.synchronizer;
    out.shards.push_back(spawn_storage_node(
      sys, env.loops.empty() ? nullptr : env.loops[i], std::move(o)));
  }
  caf::anon_send(out.synchronizer, local::shards_started{out.shards});
  roles = std::make_shared<const local_roles>(out);
  watch(out.synchronizer, "synchronizer");
  for (const auto& shard : out.shards)
    watch(shard, "storage node");
  return out;
}

storage_node_options
node_actors::state::shard_options(std::uint16_t shard,
                                  const cluster_view& v) const {
  storage_node_options o;
  o.self = env.self;
  o.shard = shard;
  o.shards = shard_count;
  o.memory = env.make_memory();
  o.disk = env.disk;
  o.committer = committer;
  o.loaders = loaders;
  o.ceiling = ceiling;
  o.max_skew_ms = v.config().max_skew_ms;
  o.memory_bytes_max = env.memory_bytes_max / shard_count;
  o.entry_cache_bytes = env.entry_cache_bytes / shard_count;
  o.wall = env.wall;
  o.counters = counters.shards[shard];
  o.starts = starts;
  return o;
}

// -----------------------------------------------------------------------------

node_actors::node_actors(std::unique_ptr<state> s) : state_(std::move(s)) {}

node_actors::~node_actors() {
  stop();
}

result<std::unique_ptr<node_actors>> node_actors::start(caf::actor_system& sys,
                                                        node_environment env) {
  TORC_ASSERT(env.disk && env.make_memory && env.wall);
  TORC_ASSERT(!env.loops.empty() || env.shards > 0);
  auto from = initial_state(env);
  if (!from)
    return std::move(from).error();
  const auto ceiling = durable_ceiling(*env.disk);
  if (!ceiling)
    return ceiling.error();
  auto s = std::make_unique<state>(sys, std::move(env));
  s->ceiling = *ceiling;
  s->make_counters();
  s->spawn_first(*std::move(from));
  return std::unique_ptr<node_actors>{new node_actors(std::move(s))};
}

member_id node_actors::self() const noexcept {
  return state_->env.self;
}

const ring_manager_actor& node_actors::ring_manager() const noexcept {
  return state_->manager;
}

std::shared_ptr<const cluster_view> node_actors::view() const {
  const std::lock_guard lock{state_->mutex};
  return state_->view;
}

std::shared_ptr<const local_roles> node_actors::roles() const {
  const std::lock_guard lock{state_->mutex};
  return state_->roles;
}

std::uint16_t node_actors::shards() const noexcept {
  return state_->shard_count;
}

const node_counters& node_actors::counters() const noexcept {
  return state_->counters;
}

namespace {

/// Ends actors one group after another; waits for each group if told so.
class ender {
public:
  ender(caf::actor_system& sys, bool waits) : sys_(sys), waits_(waits) {}

  template <class Handle>
  void end(const std::vector<Handle>& all, std::string_view what) {
    for (const auto& a : all)
      if (a)
        caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    if (!waits_)
      return;
    caf::scoped_actor self{sys_};
    std::size_t left = 0;
    for (const auto& a : all)
      if (a) {
        self->monitor(a);
        ++left;
      }
    // Until the last one: what they use goes when this returns.
    while (left != 0)
      self->receive([&](const caf::down_msg&) { --left; },
                    caf::after(end_warning) >>
                      [&] {
                        log::warn("node",
                                  "waits for the {} to end: is the disk stuck?",
                                  what);
                      });
  }

  /// Until all that was given to the committer is on the disk.
  void drain(const committer_actor& c) {
    if (!waits_)
      return;
    caf::scoped_actor self{sys_};
    std::uint64_t generation = 0;
    for (int attempt = 0; attempt < drain_attempts; ++attempt) {
      local::commit_request last;
      last.must_sync = true;
      last.generation = generation;
      last.writes = std::make_shared<write_batch>();
      self->send(c, std::move(last));
      bool done = true;
      self->receive(
        [&](const local::committed& answer) {
          // Failures of the past: the committer wants to know that we know.
          done = answer.failure == nullptr;
          generation = answer.generation;
        },
        caf::after(drain_timeout) >>
          [] {
            log::warn("storage", "the disk does not answer: what was not "
                                 "acknowledged may be lost");
          });
      if (done)
        return;
    }
  }

private:
  caf::actor_system& sys_;
  bool waits_;
};

} // namespace

void node_actors::stop() {
  std::shared_ptr<const local_roles> roles;
  {
    const std::lock_guard lock{state_->mutex};
    if (std::exchange(state_->stopping, true))
      return;
    roles = state_->roles;
  }
  *state_->ending = true;
  ender e{state_->sys, state_->env.threaded};
  e.end(std::vector{state_->manager}, "ring manager");
  if (roles) {
    e.end(std::vector{roles->synchronizer}, "synchronizer");
    e.end(roles->shards, "storage nodes");
  }
  e.drain(state_->committer);
  e.end(std::vector{state_->committer}, "committer");
  e.end(state_->loaders, "loaders");
}

} // namespace torc
