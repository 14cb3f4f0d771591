#pragma once

#include <cstdint>
#include <string>
#include <thread>
#include <utility>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/resumable.hpp>

#include "torc/core/metrics.hpp"
#include "torc/ready_queue.hpp"

namespace torc {

/// What a loop counts. Written by its thread.
struct loop_counters {
  counter turns;   ///< Times that actors were run.
  counter resumes; ///< Actors resumed.
  counter yields;  ///< Turns cut off so that sockets get theirs.
};

/// One thread with an Asio `io_context` that is also a CAF execution unit:
/// actors resident on it run on its thread, between its sockets' handlers, so a
/// message between two of them costs no thread switch, no lock and no system
/// call.
///
/// A **turn** runs actors until none is ready, at most `resumes_per_turn` of
/// them with at most `messages_per_resume` messages each; then sockets and
/// timers have theirs. It begins after the handlers of all sockets that were
/// found ready together, so what these sockets caused is in one batch.
///
/// Order of the end: end all residents and wait for them, close what has
/// sockets on the loop, `stop()`. A message to a resident after that is
/// undefined.
class event_loop : public caf::execution_unit {
public:
  static constexpr std::size_t messages_per_resume = 100;
  static constexpr std::size_t resumes_per_turn = 256;

  /// Starts the thread. It takes no signals. `name` is shown by the system's
  /// tools, cut to 15 bytes.
  event_loop(caf::actor_system& sys, std::string name);
  /// Stops, if nobody did.
  ~event_loop() override;

  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  /// Handlers that are ready run, residents that are ready run; sockets' and
  /// timers' handlers that are not ready never do, and go with the loop. Waits
  /// for the thread. Not on the loop's own thread; a second call does nothing.
  void stop();

  boost::asio::io_context& io() noexcept { return io_; }
  const std::string& name() const noexcept { return name_; }
  const loop_counters& counters() const noexcept { return counters_; }

  /// True on the loop's own thread.
  bool inside() const noexcept { return current_ == this; }

  /// Takes over one reference of `r`. A resident is resumed on the loop's
  /// thread; any other actor that a resident sends to goes to CAF's scheduler.
  /// Thread-safe. Neither locks nor allocates on the loop's own thread.
  void exec_later(caf::resumable* r) override;

private:
  void run();
  void turn();
  void resume(caf::resumable* r);
  void end();
  void post_turn();

  static thread_local constinit event_loop* current_;

  std::string name_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
    work_;
  ready_queue<caf::resumable> ready_;
  loop_counters counters_;
  std::thread thread_;
};

/// Makes an event-based actor class live on a loop. `Base` is any such class,
/// typed or not.
template <class Base>
class resident : public Base {
public:
  template <class... Ts>
  explicit resident(caf::actor_config& cfg, event_loop* loop, Ts&&... xs)
    : Base(cfg, std::forward<Ts>(xs)...), loop_(loop) {}

  void enqueue(caf::mailbox_element_ptr x, caf::execution_unit*) override {
    Base::enqueue(std::move(x), loop_);
  }
  void enqueue(caf::strong_actor_ptr from, caf::message_id id,
               caf::message content, caf::execution_unit*) override {
    enqueue(
      caf::make_mailbox_element(std::move(from), id, {}, std::move(content)),
      nullptr);
  }
  /// How `event_loop::exec_later` knows a resident.
  caf::resumable::subtype_t subtype() const override {
    return caf::resumable::io_actor;
  }

private:
  event_loop* loop_;
};

/// Spawns `Actor` on `loop`, or as an ordinary actor if `loop` is null
/// (simulation and tests). Actors that a resident spawns by itself are ordinary
/// ones.
template <class Actor, class... Ts>
auto spawn_resident(caf::actor_system& sys, event_loop* loop, Ts&&... xs)
  -> caf::infer_handle_from_class_t<Actor> {
  if (loop == nullptr)
    return sys.spawn<Actor>(std::forward<Ts>(xs)...);
  caf::actor_config cfg{loop};
  return sys.spawn_impl<resident<Actor>, caf::no_spawn_options>(
    cfg, loop, std::forward<Ts>(xs)...);
}

} // namespace torc
