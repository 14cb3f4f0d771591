#include "actors/cluster/link.hpp"

#include <utility>

#include <fmt/format.h>

namespace torc {
namespace {

/// Of failures that repeat, one in so many is logged again.
constexpr std::uint64_t log_every = 20;

/// A knock ends a wait, but not sooner: two members that let each other in and
/// then fail would else wake each other up without end.
constexpr std::chrono::milliseconds pause_min{50};

} // namespace

link::link(caf::actor_config& cfg, link_options options)
  : link_actor::base(cfg), options_(std::move(options)),
    name_(fmt::format("member {}", options_.peer.value)) {}

link::behavior_type link::make_behavior() {
  set_default_handler(caf::drop);
  set_down_handler([this](caf::down_msg& down) { on_down(down); });
  wait(options_.first_wait);
  return {
    [this](dial_atom, std::uint64_t attempt) {
      if (phase_ == phase::waiting && attempt == attempt_)
        dial();
    },
    [this](const local::link_dialled& answer) { on_dialled(answer); },
    [this](const local::link_came_in& peer) { on_came_in(peer); },
    [this](const local::introduced& peer) {
      on_entry(peer.entry, peer.signatures);
    },
    [this](left_atom) {
      if (phase_ == phase::up)
        lose("it is no member any more");
      options_.through->cut(options_.peer);
      quit();
    },
  };
}

void link::on_exit() {
  entry_ = nullptr;
  options_ = {};
}

void link::wait(milliseconds duration) {
  phase_ = phase::waiting;
  since_ = clock().now();
  delayed_send(this, duration, dial_atom::value, ++attempt_);
}

// -- the dialer's way ---------------------------------------------------------

void link::dial() {
  auto peer = options_.find();
  if (!peer) {
    fail("it is no member");
    return;
  }
  name_ = fmt::format("member {} '{}' at {}", peer->id.value, peer->name,
                      to_string(peer->door));
  if (!only_knocks() && options_.through->cut(options_.peer)) {
    // What is left of the last connection would be refused beside a new one.
    wait(options_.wait.next(random_()));
    return;
  }
  phase_ = phase::dialling;
  options_.through->dial(
    std::move(*peer), [self = caf::actor_cast<link_actor>(this),
                       attempt = attempt_](result<door::dialled> outcome) {
      caf::anon_send(
        self, local::link_dialled{attempt,
                                  std::make_shared<const result<door::dialled>>(
                                    std::move(outcome))});
    });
}

void link::on_dialled(const local::link_dialled& answer) {
  if (phase_ != phase::dialling || answer.attempt != attempt_)
    return;
  const auto& outcome = *answer.outcome;
  if (!outcome)
    fail(outcome.error().message);
  else if (!outcome->scribe)
    wait(options_.wait.next(random_())); // the peer knows, and dials
  else
    shake(*outcome);
}

void link::shake(const door::dialled& connection) {
  phase_ = phase::shaking;
  greeting_ = connection.greeting;
  request(options_.network, options_.handshake_timeout,
          caf::connect_atom::value, connection.scribe, std::uint16_t{0})
    .then([this](const caf::node_id&, const caf::strong_actor_ptr& introducer,
                 const std::set<std::string>&) { introduce(introducer); },
          [this](const caf::error& e) {
            fail(fmt::format("admitted, then: {}", system().render(e)));
          });
}

void link::introduce(const caf::strong_actor_ptr& introducer) {
  if (!introducer) {
    fail("it publishes nothing");
    return;
  }
  request(caf::actor_cast<introducer_port>(introducer),
          options_.handshake_timeout, introduce_atom::value,
          options_.self.value, options_.entry, options_.entry_signatures)
    .then(
      [this](const caf::strong_actor_ptr& entry,
             const std::set<std::string>& published) {
        on_entry(entry, published);
      },
      [this](const caf::error& e) {
        fail(
          fmt::format("connected, but not introduced: {}", system().render(e)));
      });
}

// -- both ways ----------------------------------------------------------------

void link::on_came_in(const local::link_came_in& peer) {
  greeting_ = peer.greeting;
  if (only_knocks()) {
    // It has a connection and will introduce itself.
    if (phase_ == phase::waiting || phase_ == phase::dialling)
      wait(options_.handshake_timeout);
    return;
  }
  const auto since = clock().now() - since_;
  if (phase_ == phase::waiting) {
    wait(since >= pause_min ? milliseconds{0} : pause_min);
  } else if (phase_ == phase::up && since > 2 * options_.handshake_timeout) {
    // A knock from before the connection would have ended long ago.
    lose("it knocked, so it has lost the connection");
    dial();
  }
}

void link::on_entry(const caf::strong_actor_ptr& entry,
                    const std::set<std::string>& published) {
  if (phase_ == phase::up)
    lose("it connected anew");
  if (!entry || !greeting_) {
    fail("it publishes nothing");
    return;
  }
  if (!system().assignable(published, options_.entry_signatures)) {
    fail("it publishes another interface: is it another version?");
    return;
  }
  phase_ = phase::up;
  since_ = clock().now();
  options_.wait.reset();
  last_failure_.clear();
  entry_ = entry;
  monitor(entry_);
  options_.log(log_level::info, fmt::format("connected with {}", name_));
  send(options_.listener, local::link_up{options_.peer, greeting_, entry});
}

void link::on_down(const caf::down_msg& down) {
  if (phase_ != phase::up || down.source != entry_)
    return;
  lose(system().render(down.reason));
  wait(options_.wait.next(random_()));
}

void link::fail(const std::string& why) {
  // The same reason again and again is logged now and then only.
  repeats_ = why == last_failure_ ? repeats_ + 1 : 0;
  last_failure_ = why;
  if (repeats_ % log_every == 0)
    options_.log(log_level::warn,
                 fmt::format("cannot connect with {}: {}", name_, why));
  send(options_.listener, local::link_failed{options_.peer, why});
  wait(options_.wait.next(random_()));
}

void link::lose(const std::string& why) {
  entry_ = nullptr;
  options_.log(log_level::warn, fmt::format("lost {}: {}", name_, why));
  send(options_.listener, local::link_down{options_.peer, why});
}

} // namespace torc
