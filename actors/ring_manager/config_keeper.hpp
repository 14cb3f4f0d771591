#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "torc/core/config_register.hpp"
#include "torc/messages/admin.hpp"
#include "torc/ring_manager.hpp"

namespace torc::ring {

/// What the keeper asks of the actor around it.
struct keeper_effects {
  /// A message of the register for another member.
  std::function<void(member_id, const register_message&)> send;
  std::function<void(local::commit_request)> commit;
  /// A later config is durable here: work with it.
  std::function<void(config_ptr)> entered;
};

/// One member's part of the config register, with its durable state and the
/// changes that wait for their turn. Carries out `register_effects`: nothing
/// that must follow a `persist` happens before it is durable. Knows no actor.
class config_keeper {
public:
  using change_done = std::function<void(local::change_result)>;

  config_keeper(member_id self, register_state durable, register_options times,
                std::shared_ptr<ring_manager_counters> counters,
                keeper_effects effects);

  /// The config that is known, durable or not; null: none.
  const config_ptr& chosen() const noexcept { return register_.chosen(); }

  /// Queues a change; `done` is called exactly once, perhaps at once.
  void change(config_change what, change_done done);

  void on_message(member_id from, const register_message& m);
  void on_committed(const local::committed& c);
  void on_tick(std::uint32_t random);
  /// A config that a member says is chosen.
  void learn(config_ptr chosen);

private:
  struct waiting_change {
    config_change what;
    change_done done;
    std::uint64_t give_up_tick;
  };

  /// What follows when a commit is durable.
  struct waiting_effects {
    std::uint64_t seq;
    std::vector<register_envelope> send;
    config_ptr learnt;
    std::optional<register_outcome> outcome;
  };

  void perform(register_effects e);
  void deliver(std::vector<register_envelope> envelopes);
  void drain();
  bool is_full() const noexcept;
  void commit_state();
  void retry();
  void follow(waiting_effects w);
  void finish(register_outcome how);
  void begin_next();
  error explain(const error& e) const;

  member_id self_;
  config_register register_;
  std::shared_ptr<ring_manager_counters> counters_;
  keeper_effects effects_;

  std::deque<waiting_change> changes_; ///< The first one runs if any does.
  bool running_ = false;

  std::deque<register_message> to_self_;
  bool draining_ = false;

  // The way to the disk.
  std::string state_;         ///< Last state to persist, encoded.
  std::uint64_t seq_ = 0;     ///< Of that state.
  std::uint64_t durable_ = 0; ///< Of the last state that is durable.
  std::uint64_t generation_ = 0;
  bool committing_ = false; ///< The answer to a commit is not here yet.
  bool broken_ =
    false; ///< The last commit failed: no promises until one gets through.
  std::uint64_t retry_tick_ = 0;
  std::deque<waiting_effects> waiting_;

  std::uint64_t tick_ = 0;
};

} // namespace torc::ring
