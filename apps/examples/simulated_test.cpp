// How to test an actor of your own against a cluster that loses messages and
// nodes: everything runs in one thread, from one seed, in simulated time.
#include <cstdio>

#include <caf/all.hpp>

#include "torc/testing.hpp"

using namespace std::chrono_literals;
using torc::member_id;

// -- the actor under test -------------------------------------------------------

using visit = caf::atom_constant<caf::atom("visit")>;

/// Keeps the number of visits in the store, and visits that it could not write.
using visit_counter = caf::typed_actor<caf::reacts_to<visit>>;

struct counter_state {
  int visits = 0;
  int unsaved = 0;
};

visit_counter::behavior_type
count_visits(visit_counter::stateful_pointer<counter_state> self,
             torc::client_actor store, counter_state* seen) {
  return {[=](visit) {
    auto& s = self->state;
    ++s.visits;
    ++s.unsaved;
    *seen = s;
    self
      ->request(store, 10s,
                torc::requests::put("visits", std::to_string(s.visits)))
      .then(
        [=, written = s.unsaved](const torc::client_reply& r) {
          if (r.status == torc::no_error)
            self->state.unsaved -= written;
          *seen = self->state;
        },
        [](const caf::error&) {
          // Stays unsaved: the next visit writes the number that counts.
        });
  }};
}

// -- its test -------------------------------------------------------------------

/// Returns what went wrong; empty: nothing.
std::string run(std::uint64_t seed) {
  torc::testing::cluster_options options;
  options.seed = seed;
  options.links.drop = 0.2;
  torc::testing::cluster cluster{options};
  auto& world = cluster.world();

  counter_state seen;
  const auto actor = world.at(member_id{1}, [&] {
    return world.system().spawn(count_visits,
                                cluster.client_actor(member_id{1}), &seen);
  });
  world.after(2s, [&] { cluster.isolate(member_id{1}); });
  world.after(4s, [&] { cluster.crash(member_id{2}); });
  world.after(6s, [&] { cluster.restart(member_id{2}); });
  world.after(8s, [&] { world.heal(); });
  for (int i = 0; i < 100; ++i)
    world.after(i * 100ms, [&] { caf::anon_send(actor, visit::value); });
  world.run_for(20s);

  if (seen.visits != 100)
    return "visits were lost";
  if (!cluster.converge())
    return "the replicas do not agree";
  const auto stored = cluster.client(member_id{2}).get("visits");
  if (!stored || stored->value != "100")
    return "the store does not know the last number";
  return {};
}

int main() {
  for (std::uint64_t seed = 1; seed <= 10; ++seed)
    if (const auto wrong = run(seed); !wrong.empty()) {
      std::printf("seed %llu: %s\n", static_cast<unsigned long long>(seed),
                  wrong.c_str());
      return 1;
    }
  std::puts("10 seeds, no fault found");
  return 0;
}
