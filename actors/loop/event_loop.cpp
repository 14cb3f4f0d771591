#include "torc/loop.hpp"

#include <csignal>

#include <boost/asio/post.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>
#include <pthread.h>

#include "torc/core/assert.hpp"

namespace torc {
namespace {

/// Turns that an ending loop grants actors which somebody forgot to end.
constexpr int last_turns = 64;

/// Signals are for the main thread; a new thread inherits the mask.
class signals_blocked {
public:
  signals_blocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~signals_blocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
  sigset_t before_{};
};

} // namespace

thread_local constinit event_loop* event_loop::current_ = nullptr;

event_loop::event_loop(caf::actor_system& sys, std::string name)
  : caf::execution_unit(&sys), name_(std::move(name)),
    work_(io_.get_executor()) {
  const signals_blocked guard;
  thread_ = std::thread{[this] { run(); }};
}

event_loop::~event_loop() {
  stop();
}

void event_loop::stop() {
  TORC_ASSERT(!inside());
  if (!thread_.joinable())
    return;
  // Behind the handlers that are ready by now.
  boost::asio::post(io_, [this] { io_.stop(); });
  thread_.join();
}

void event_loop::run() {
  current_ = this;
  ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
  io_.run();
  end();
  current_ = nullptr;
}

void event_loop::exec_later(caf::resumable* r) {
  if (r->subtype() != caf::resumable::io_actor) {
    system().scheduler().enqueue(r);
    return;
  }
  if (inside() ? ready_.push_own(r) : ready_.push(r))
    post_turn();
}

void event_loop::post_turn() {
  boost::asio::post(io_, [this] { turn(); });
}

void event_loop::turn() {
  counters_.turns.add();
  ready_.wake();
  ready_.collect();
  std::size_t resumed = 0;
  for (; resumed < resumes_per_turn; ++resumed) {
    auto* r = ready_.pop();
    if (r == nullptr)
      break;
    resume(r);
  }
  counters_.resumes.add(resumed);
  if (ready_.rest()) {
    counters_.yields.add();
    post_turn();
  }
}

void event_loop::resume(caf::resumable* r) {
  switch (r->resume(this, messages_per_resume)) {
  case caf::resumable::resume_later: ready_.push_own(r); break;
  case caf::resumable::shutdown_execution_unit: break;
  case caf::resumable::done:
  case caf::resumable::awaiting_message: caf::intrusive_ptr_release(r); break;
  }
}

/// Ended residents are let go here; a live one gets its last messages.
void event_loop::end() {
  for (int i = 0; i < last_turns; ++i)
    turn();
  while (auto* r = ready_.pop())
    caf::intrusive_ptr_release(r);
}

} // namespace torc
