#include "actors/cluster/link.hpp"

#include <utility>

#include <fmt/format.h>

namespace torc {
namespace {

/// Of failures that repeat, one in so many is logged again.
constexpr std::uint64_t log_every = 20;

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
    [this](seen_atom) { on_seen(); },
    [this](left_atom) {
      if (phase_ == phase::up)
        lose("it is no member any more");
      quit();
    },
  };
}

void link::wait(std::chrono::milliseconds duration) {
  phase_ = phase::waiting;
  waits_since_ = clock().now();
  delayed_send(this, duration, dial_atom::value, ++attempt_);
}

void link::dial() {
  auto peer = options_.find();
  if (!peer) {
    fail("it is no member");
    return;
  }
  phase_ = phase::dialling;
  name_ = fmt::format("member {} '{}' at {}", peer->id.value, peer->name,
                      to_string(peer->door));
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
  if (!outcome) {
    fail(outcome.error().message);
    return;
  }
  phase_ = phase::shaking;
  request(options_.network, options_.handshake_timeout,
          caf::connect_atom::value, outcome->scribe, std::uint16_t{0})
    .then(
      [this, greeting = outcome->greeting](
        const caf::node_id&, const caf::strong_actor_ptr& entry,
        const std::set<std::string>& published) {
        on_entry(greeting, entry, published);
      },
      [this](const caf::error& e) {
        fail(fmt::format("admitted, then: {}", system().render(e)));
      });
}

void link::on_entry(const std::shared_ptr<const hello>& greeting,
                    const caf::strong_actor_ptr& entry,
                    const std::set<std::string>& published) {
  if (!entry) {
    fail("it publishes nothing yet");
    return;
  }
  if (!system().assignable(published, options_.entry_signatures)) {
    fail("it publishes another interface: is it another version?");
    return;
  }
  phase_ = phase::up;
  options_.wait.reset();
  last_failure_.clear();
  entry_ = caf::actor_cast<caf::actor_addr>(entry);
  monitor(entry_);
  options_.log(log_level::info, fmt::format("connected to {}", name_));
  send(options_.listener, local::link_up{options_.peer, greeting, entry});
}

void link::on_seen() {
  // Two members that each let the other in, but then fail, would wake each
  // other up without end.
  const auto pause = std::chrono::milliseconds{100};
  if (phase_ == phase::waiting && clock().now() - waits_since_ >= pause) {
    ++attempt_;
    dial();
  }
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
                 fmt::format("cannot connect to {}: {}", name_, why));
  send(options_.listener, local::link_failed{options_.peer, why});
  wait(options_.wait.next(random_()));
}

void link::lose(const std::string& why) {
  entry_ = nullptr;
  options_.log(log_level::warn, fmt::format("lost {}: {}", name_, why));
  send(options_.listener, local::link_down{options_.peer, why});
}

} // namespace torc
