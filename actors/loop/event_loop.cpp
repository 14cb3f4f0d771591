#include "torc/loop.hpp"

#include <boost/asio/post.hpp>
#include <pthread.h>

namespace torc {
namespace {

/// Messages of one actor per turn; then others get theirs.
constexpr std::size_t messages_per_turn = 100;

} // namespace

event_loop::event_loop(caf::actor_system& sys, std::string name)
  : caf::execution_unit(&sys), name_(std::move(name)),
    work_(io_.get_executor()), thread_([this] {
      ::pthread_setname_np(::pthread_self(), name_.substr(0, 15).c_str());
      io_.run();
    }) {}

event_loop::~event_loop() {
  work_.reset();
  io_.stop();
  thread_.join();
}

void event_loop::exec_later(caf::resumable* r) {
  if (ready_.push(r))
    boost::asio::post(io_, [this] { drain(); });
}

void event_loop::drain() {
  running_.clear();
  ready_.take(running_);
  for (auto* r : running_) {
    switch (r->resume(this, messages_per_turn)) {
      case caf::resumable::resume_later: exec_later(r); break;
      case caf::resumable::shutdown_execution_unit: break;
      default: caf::intrusive_ptr_release(r); // done or awaiting a message
    }
  }
}

} // namespace torc
