#pragma once

#include <string>
#include <thread>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <caf/actor_config.hpp>
#include <caf/actor_system.hpp>
#include <caf/execution_unit.hpp>
#include <caf/mailbox_element.hpp>
#include <caf/resumable.hpp>

#include "torc/ready_queue.hpp"

namespace torc {

/// One thread with an Asio `io_context` that is also a CAF execution unit:
/// actors resident on it run on its thread, between its sockets' handlers, so a
/// message between two of them costs no thread switch.
///
/// Order of the end: end all residents and wait for them, then destroy the
/// loop. A message to a resident after that is undefined.
class event_loop : public caf::execution_unit {
public:
  event_loop(caf::actor_system& sys, std::string name);
  ~event_loop() override;

  event_loop(const event_loop&) = delete;
  event_loop& operator=(const event_loop&) = delete;

  boost::asio::io_context& io() noexcept { return io_; }
  const std::string& name() const noexcept { return name_; }

  /// True on the loop's own thread.
  bool inside() const noexcept {
    return std::this_thread::get_id() == thread_.get_id();
  }

  /// Takes over one reference of `r` and resumes it on the loop's thread.
  /// Thread-safe.
  void exec_later(caf::resumable* r) override;

private:
  void drain();

  std::string name_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  ready_queue<caf::resumable> ready_;
  std::vector<caf::resumable*> running_;
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
  void enqueue(caf::strong_actor_ptr sender, caf::message_id id,
               caf::message content, caf::execution_unit*) override {
    enqueue(caf::make_mailbox_element(std::move(sender), id, {},
                                      std::move(content)),
            nullptr);
  }
  /// Anything else would be handed to the scheduler.
  caf::resumable::subtype_t subtype() const override {
    return caf::resumable::io_actor;
  }

private:
  event_loop* loop_;
};

/// Spawns `Actor` on `loop`, or as an ordinary actor if `loop` is null
/// (simulation and tests).
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
