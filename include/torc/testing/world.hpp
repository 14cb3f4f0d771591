#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

#include <caf/actor_cast.hpp>
#include <caf/actor_control_block.hpp>
#include <caf/fwd.hpp>

#include "torc/core/types.hpp"

namespace torc::testing {

/// Source of all chance in a simulation (splitmix64): the same numbers from the
/// same seed on every machine and with every compiler.
class random_source {
public:
  explicit random_source(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept;
  /// Below `n`; 0 if `n` is 0.
  std::uint64_t below(std::uint64_t n) noexcept {
    return n == 0 ? 0 : next() % n;
  }
  bool chance(double p) noexcept {
    return static_cast<double>(next() >> 11) * 0x1.0p-53 < p;
  }

private:
  std::uint64_t state_;
};

/// What a link does to messages, one by one.
struct link_faults {
  double drop = 0;
  double duplicate = 0;
  std::chrono::microseconds delay_min{200};
  std::chrono::microseconds delay_max{400};
  bool reorder = false; ///< Else messages arrive in the order sent.
};

/// A whole distributed system in one thread: actors of one `caf::actor_system`
/// run one message at a time, the next one chosen by a seed; time is what the
/// world says it is; and actors belong to **places**, the processes of the
/// system, between which messages are encoded, delayed, lost, repeated and
/// decoded. A place is named by a member id; 0 is the test itself, outside of
/// all faults.
///
/// The same seed and the same program give the same run, whatever the machine:
/// `trace_hash` tells. That holds as long as no actor looks at a real clock,
/// a real source of chance, or the order of pointers, and none is detached.
///
/// Not thread-safe: one thread owns a world.
class world {
public:
  using duration = std::chrono::nanoseconds;
  using configure_fn = std::function<void(caf::actor_system_config&)>;
  /// False: the message is lost.
  using filter_fn = std::function<bool(member_id from, member_id to,
                                       const caf::message& content)>;

  /// `configure` registers the messages of your own actors.
  explicit world(std::uint64_t seed, const configure_fn& configure = {});
  /// Kills all actors that are left.
  ~world();

  world(const world&) = delete;
  world& operator=(const world&) = delete;

  caf::actor_system& system() noexcept;
  random_source& random() noexcept;

  // -- time -------------------------------------------------------------------

  /// Since the beginning of the world.
  duration elapsed() const noexcept;
  /// Calls `what` between two messages once `delay` has passed.
  void after(duration delay, std::function<void()> what);
  void run_for(duration time);
  /// Runs until `done`, which is asked after every message; false if it was not
  /// so within `timeout`.
  bool run_until(const std::function<bool()>& done, duration timeout);
  /// Messages handled so far.
  std::uint64_t steps() const noexcept;

  // -- places -----------------------------------------------------------------

  /// Runs `spawn`; the actors that it spawns, and whatever they spawn later,
  /// belong to `place`.
  template <class F>
  auto at(member_id place, F&& spawn) {
    const place_scope scope{*this, place};
    return std::forward<F>(spawn)();
  }

  /// An actor of another place as `place` sees it: messages to it, and answers
  /// to their senders, go over the links. REQUIRES: `handle` is not null.
  ///
  /// Handles inside messages are taken as they are: hand out those that you
  /// made with this function.
  template <class Handle>
  Handle as_seen_from(member_id place, const Handle& handle) {
    return caf::actor_cast<Handle>(
      proxy(place, caf::actor_cast<caf::strong_actor_ptr>(handle)));
  }

  /// The process of `place` is killed: its actors handle no further message,
  /// not even to clean up. New ones may be spawned there.
  void kill(member_id place);

  /// Ends everything as the destructor does, but keeps the actor system.
  void shut_down();

  // -- links ------------------------------------------------------------------

  /// On all links, or on those of one pair.
  void set_faults(const link_faults& faults);
  void set_faults(member_id a, member_id b, const link_faults& faults);
  /// Nothing from `from` reaches `to`, what is under way included.
  void cut_one_way(member_id from, member_id to);
  void cut(member_id a, member_id b);
  void heal(member_id a, member_id b);
  /// Heals all links and ends their faults.
  void heal();
  bool is_cut(member_id from, member_id to) const;
  /// Sees every message on every link; loses those that it returns false for.
  void set_filter(filter_fn filter);

  // -- trace ------------------------------------------------------------------

  /// Adds a text of your own to the trace.
  void trace(std::string_view text);
  /// Over every message that was handled, every message on a link with its
  /// bytes and its fate, and the times of all that.
  std::uint64_t trace_hash() const noexcept;

  struct state;
  state& internals() noexcept { return *state_; }

private:
  class place_scope {
  public:
    place_scope(world& w, member_id place);
    ~place_scope();

  private:
    world& world_;
    member_id place_;
  };

  caf::strong_actor_ptr proxy(member_id place,
                              const caf::strong_actor_ptr& target);

  std::unique_ptr<state> state_;
};

} // namespace torc::testing
