#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <fmt/format.h>

#include "support/catch.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/engine/memory_engine.hpp"
#include "torc/engine/sim_engine.hpp"
#include "torc/node_actors.hpp"

namespace torc::test {

/// Members of one cluster, all their actors in one deterministic scheduler, and
/// connections between them that the test makes and breaks.
class ring_world {
public:
  explicit ring_world(std::size_t n) : sys_(config_) {
    for (std::size_t i = 0; i < n; ++i)
      disks_.push_back(std::make_shared<sim_engine>());
    nodes_.resize(n);
    skew_.resize(n);
  }

  ~ring_world() {
    for (auto& n : nodes_)
      if (n)
        n->stop();
    for (const auto& a : others_)
      caf::anon_send_exit(a, caf::exit_reason::kill);
    scheduler().run();
    scheduler().clock().cancel_all();
    scheduler().run();
  }

  ring_world(const ring_world&) = delete;
  ring_world& operator=(const ring_world&) = delete;

  caf::actor_system& system() { return sys_; }
  sim_engine& disk(std::size_t i) { return *disks_.at(i - 1); }
  node_actors& node(std::size_t i) { return *nodes_.at(i - 1); }
  const ring_manager_counters& counters(std::size_t i) {
    return *node(i).counters().ring;
  }
  void set_skew(std::size_t i, std::int64_t ahead_ms) {
    skew_.at(i - 1) = ahead_ms;
  }

  static std::string name(std::size_t i) { return fmt::format("n{}", i); }

  founding first_config() const {
    founding f;
    f.id.bytes.fill(7);
    for (std::size_t i = 1; i <= disks_.size(); ++i) {
      member_info m;
      m.name = name(i);
      m.door = name(i) + ":1";
      f.founders.push_back(m);
    }
    f.virtual_nodes = 10;
    return f;
  }

  void start(std::size_t i) {
    node_environment env;
    env.self = member_id{static_cast<std::uint32_t>(i)};
    env.name = name(i);
    env.wall = [this, i] {
      return static_cast<unix_ms>(static_cast<std::int64_t>(wall_ms())
                                  + skew_[i - 1]);
    };
    env.seed = i;
    env.disk = disks_.at(i - 1);
    env.make_memory = [] { return make_memory_engine(); };
    if (i == 1)
      env.found = first_config();
    auto made = node_actors::start(sys_, std::move(env));
    REQUIRE(made);
    nodes_.at(i - 1) = *std::move(made);
    scheduler().run();
  }

  /// The process ends; of its disk only what was synced stays.
  void crash(std::size_t i) {
    for (std::size_t j = 1; j <= nodes_.size(); ++j)
      if (j != i && nodes_[j - 1])
        tell_down(j, i);
    node(i).stop();
    scheduler().run();
    nodes_[i - 1].reset();
    disk(i).crash(0);
  }

  void connect(std::size_t a, std::size_t b) {
    tell_up(a, b);
    tell_up(b, a);
    scheduler().run();
  }
  void disconnect(std::size_t a, std::size_t b) {
    tell_down(a, b);
    tell_down(b, a);
    scheduler().run();
  }
  void start_all() {
    for (std::size_t i = 1; i <= nodes_.size(); ++i)
      start(i);
    for (std::size_t i = 1; i <= nodes_.size(); ++i)
      for (std::size_t j = i + 1; j <= nodes_.size(); ++j)
        connect(i, j);
    run_for(std::chrono::seconds(2));
  }

  void run_for(std::chrono::milliseconds d) {
    auto& clock = scheduler().clock();
    const auto end = clock.current_time + d;
    for (;;) {
      scheduler().run();
      const auto& timeouts = clock.schedule();
      if (timeouts.empty() || timeouts.begin()->first > end)
        break;
      scheduler().trigger_timeout();
    }
    clock.current_time = end;
  }

  std::uint64_t epoch_of(std::size_t i) {
    const auto v = node(i).view();
    return v ? v->epoch().value : 0;
  }
  const cluster_config& config_of(std::size_t i) {
    return node(i).view()->config();
  }

  using change_fn =
    std::function<result<cluster_config>(const cluster_config&)>;

  /// Asks a member for a change; the answer is there once the world ran.
  std::shared_ptr<std::optional<local::change_result>> ask(std::size_t i,
                                                           change_fn f) {
    auto out = std::make_shared<std::optional<local::change_result>>();
    const auto to = node(i).ring_manager();
    others_.push_back(sys_.spawn([out, to, f](caf::event_based_actor* self) {
      self->request(to, caf::infinite, local::change_request{f})
        .then([out](const local::change_result& r) { *out = r; },
              [](const caf::error&) {});
    }));
    scheduler().run();
    return out;
  }

  /// The same, and waits for the answer.
  local::change_result change(std::size_t i, change_fn f) {
    const auto out = ask(i, std::move(f));
    run_for(std::chrono::seconds(10));
    REQUIRE(*out);
    return **out;
  }

  void own(caf::actor a) { others_.push_back(std::move(a)); }

  caf::scheduler::test_coordinator& scheduler() {
    return dynamic_cast<caf::scheduler::test_coordinator&>(sys_.scheduler());
  }

private:
  struct config : caf::actor_system_config {
    config() {
      register_messages(*this);
      set("scheduler.policy", caf::atom("testing"));
    }
  };

  unix_ms wall_ms() {
    const auto now = scheduler().clock().current_time.time_since_epoch();
    return 1'700'000'000'000
           + static_cast<unix_ms>(
             std::chrono::duration_cast<std::chrono::milliseconds>(now)
               .count());
  }
  void tell_up(std::size_t whom, std::size_t of) {
    caf::anon_send(node(whom).ring_manager(),
                   local::peer_up{member_id{static_cast<std::uint32_t>(of)},
                                  node(of).ring_manager(), nullptr});
  }
  void tell_down(std::size_t whom, std::size_t of) {
    caf::anon_send(node(whom).ring_manager(),
                   local::peer_down{member_id{static_cast<std::uint32_t>(of)}});
  }

  config config_;
  caf::actor_system sys_;
  std::vector<std::shared_ptr<sim_engine>> disks_;
  std::vector<std::unique_ptr<node_actors>> nodes_;
  std::vector<std::int64_t> skew_;
  std::vector<caf::actor> others_;
};

} // namespace torc::test
