// How a node comes up: clock, threads, actors, doors, links.
#include <random>
#include <thread>

#include <caf/all.hpp>
#include <fmt/format.h>

#include "actors/node/founders.hpp"
#include "actors/node/link_relay.hpp"
#include "actors/node/node_metrics.hpp"
#include "actors/node/node_state.hpp"
#include "torc/cluster/networking.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/engine/memory_engine.hpp"
#include "torc/log.hpp"

namespace torc {
namespace {

using namespace std::chrono_literals;

/// The ceiling is max_skew / 2 ahead, and stamps of peers may be max_skew
/// ahead. A clock that is further behind was set back: nobody waits that out.
constexpr unix_ms clock_wait_ms_max = 10'000;
constexpr unix_ms clock_wait_told_ms = 1'000;

std::uint64_t random_seed() {
  std::random_device source;
  return std::uint64_t{source()} << 32 | source();
}

/// D5: nothing is sent before the clock has reached the durable ceiling.
result<void> wait_for_clock(const engine& disk, unix_ms max_skew_ms,
                            const std::function<bool()>& interrupted) {
  const auto ceiling = durable_ceiling(disk);
  if (!ceiling)
    return ceiling.error();
  const auto until = hlc_to_ms(*ceiling);
  const auto now = system_wall();
  if (until > now + 2 * max_skew_ms + clock_wait_ms_max)
    return {errc::refused,
            fmt::format("the clock of this machine is {} s behind the last "
                        "stamp that this member issued: set it (NTP), then "
                        "start again",
                        (until - now) / 1000)};
  if (until > now + clock_wait_told_ms)
    log::info("node",
              "waits {} ms until its clock passes the last stamps that "
              "it issued",
              until - now);
  while (system_wall() < until) {
    if (interrupted && interrupted())
      return {errc::timeout,
              "stopped before it began: its clock had not passed "
              "the last stamps that it issued"};
    std::this_thread::sleep_for(1ms);
  }
  return {};
}

} // namespace

void configure_node_system(caf::actor_system_config& cfg) {
  configure_networking(cfg);
  register_messages(cfg);
}

std::vector<event_loop*> node::state::loop_pointers() const {
  std::vector<event_loop*> out;
  for (const auto& l : loops)
    out.push_back(l.get());
  return out;
}

result<void> node::state::start(const std::function<bool()>& interrupted) {
  auto passed = wait_for_clock(*data.disk(), options.max_skew_ms, interrupted);
  if (!passed)
    return passed;
  if (system == nullptr) {
    owned = std::make_unique<own_system>();
    system = &owned->system;
  }
  for (std::uint32_t i = 0; i < options.loops; ++i)
    loops.push_back(
      std::make_unique<event_loop>(*system, fmt::format("torc-loop-{}", i)));
  members = members_of(options);
  node_environment env;
  env.self = options.self_id();
  env.name = options.name;
  env.wall = system_wall;
  env.seed = random_seed();
  env.disk = data.disk();
  env.make_memory = [] { return make_memory_engine(); };
  env.memory_bytes_max = options.memory_bytes_max;
  env.entry_cache_bytes = options.block_cache_bytes;
  env.loops = loop_pointers();
  env.threaded = true;
  env.max_skew_ms = options.max_skew_ms;
  if (!data.has_config() && env.self == member_id{1})
    env.found = founding_of(options);
  env.on_view = [this](const auto& v) { on_view(v); };
  env.on_failure = [this](std::string what) { on_failure(std::move(what)); };
  auto made = node_actors::start(*system, std::move(env));
  if (!made)
    return made.error();
  actors = *std::move(made);
  if (auto done = open_doors(); !done)
    return done;
  return open_links();
}

result<void> node::state::open_doors() {
  resp_door_parts parts;
  parts.self = options.self_id();
  parts.loops = loop_pointers();
  parts.ring_manager = actors->ring_manager();
  parts.wall = system_wall;
  parts.seed = random_seed();
  parts.figures = [this] { return figures(); };
  auto opened = resp_door::open(*system, options, std::move(parts));
  if (!opened)
    return opened.error();
  resp = *std::move(opened);
  resp_started = resp.get();

  const auto& c = actors->counters();
  metrics.add([&c](metrics_page& p) { collect_shards(p, c); });
  metrics.add([&c](metrics_page& p) { collect_commits(p, *c.commits); });
  metrics.add(
    [&c](metrics_page& p) { collect_comparisons(p, *c.comparisons); });
  metrics.add([&c](metrics_page& p) { collect_ring(p, *c.ring); });
  metrics.add([l = loop_pointers()](metrics_page& p) { collect_loops(p, l); });
  metrics.add([&c, name = data.disk()->name()](metrics_page& p) {
    collect_disk(p, name, *c.disk);
  });
  metrics.add([this](metrics_page& p) {
    resp->collect(p);
    if (const auto* h = http_started.load())
      h->collect(p);
  });
  metrics.add([this](metrics_page& p) {
    p.add_gauge("torc_ready", "1 if clients are served.", {},
                unready().empty() ? 1 : 0);
    p.add_gauge("torc_memory_bytes_max", "Bound of the memory engine.", {},
                static_cast<double>(options.memory_bytes_max));
  });
  http_options h;
  h.listen = options.http_listen;
  for (const auto& l : loops)
    h.loops.push_back(&l->io());
  http_sources s;
  s.unhealthy = [this] { return first_failure(); };
  s.unready = [this] { return unready(); };
  s.metrics = [this] { return metrics.render(); };
  auto door = http_door::open(std::move(h), std::move(s));
  if (!door)
    return door.error();
  http = *std::move(door);
  http_started = http.get();
  return {};
}

result<void> node::state::open_links() {
  relay = spawn_link_relay(*system, actors->ring_manager());
  cluster_links_options o;
  o.self = options.self_id();
  o.name = options.name;
  o.listen = options.door_listen;
  o.tls = options.tls;
  o.secret = options.cluster_secret;
  o.members = [this] {
    const std::lock_guard lock{mutex};
    return members;
  };
  o.greeting = [this] { return greeting(); };
  o.config = [this] {
    const auto v = actors->view();
    return v ? v->shared_config() : config_ptr{};
  };
  o.max_skew_ms = options.max_skew_ms;
  o.entry = caf::actor_cast<caf::strong_actor_ptr>(actors->ring_manager());
  o.entry_signatures = system->message_types<ring_manager_port>();
  o.listener = relay;
  auto started = links.start(*system, std::move(o));
  if (!started)
    return started;
  {
    const std::lock_guard lock{mutex};
    linked = true;
  }
  links.refresh(); // a config may have come in between
  return started;
}

} // namespace torc
