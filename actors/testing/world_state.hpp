#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <caf/actor_addr.hpp>
#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include "torc/testing/world.hpp"

namespace torc::testing {

class connection;

/// Everything that a client asks is answered in less simulated time.
constexpr world::duration answer_within = std::chrono::minutes{2};

/// One direction between two places.
struct link_state {
  link_faults faults;
  bool cut = false;
  caf::actor_clock::time_point last_arrival;
};

struct world_config : caf::actor_system_config {
  explicit world_config(const world::configure_fn& configure);
};

struct world::state {
  /// What is known of an actor, by its id.
  struct actor_record {
    caf::actor_addr who; ///< Once it ran.
    member_id place;
    bool killed = false;
  };

  state(std::uint64_t seed, const configure_fn& configure);

  // -- running ----------------------------------------------------------------
  /// Handles one message of an actor that is ready; false: none is.
  bool step();
  void run(const std::function<bool()>* done, duration time);
  /// Actors spawned since the last call belong to `place`.
  void claim(member_id place);
  actor_record& record(caf::actor_id id);
  void kill_all();

  // -- links ------------------------------------------------------------------
  link_state& link(member_id from, member_id to);
  std::shared_ptr<connection> permanent(member_id a, member_id b);

  // -- trace ------------------------------------------------------------------
  void trace_bytes(const void* data, std::size_t size) noexcept;
  void trace_number(std::uint64_t n) noexcept { trace_bytes(&n, sizeof n); }
  void trace_time() noexcept;

  world_config config;
  caf::actor_system system;
  caf::scheduler::test_coordinator& scheduler;
  random_source random;
  caf::actor_clock::time_point origin;        ///< When the world began.
  std::uint64_t hash = 14695981039346656037u; ///< FNV-1a.
  std::uint64_t steps = 0;
  bool ending = false;
  std::string failure; ///< A fault of the test itself; ends the run.

  std::vector<actor_record> actors;
  caf::actor_id claimed = 0;              ///< Ids up to it have a place.
  std::vector<caf::resumable*> graveyard; ///< Jobs of killed actors.

  link_faults faults; ///< Of links that are not there yet.
  std::map<std::pair<member_id, member_id>, link_state> links;
  std::map<std::pair<member_id, member_id>, std::shared_ptr<connection>>
    permanents;
  std::vector<std::weak_ptr<connection>> connections;
  filter_fn filter;
  caf::strong_actor_ptr alarm; ///< Runs what `after` was given.
};

} // namespace torc::testing
