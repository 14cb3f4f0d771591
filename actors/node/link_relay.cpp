#include "actors/node/link_relay.hpp"

#include <utility>

#include <caf/all.hpp>

namespace torc {
namespace {

class link_relay : public link_listener::base {
public:
  using super = link_listener::base;

  link_relay(caf::actor_config& cfg, ring_manager_actor to)
    : super(cfg), to_(std::move(to)) {}

  const char* name() const override { return "torc.link_relay"; }

  behavior_type make_behavior() override {
    set_default_handler(caf::drop);
    return {
      [this](const local::link_up& l) {
        send(to_, local::peer_up{l.member,
                                 caf::actor_cast<ring_manager_port>(l.entry),
                                 nullptr});
      },
      [this](const local::link_down& l) {
        send(to_, local::peer_down{l.member});
      },
      [this](const local::link_failed& l) {
        send(to_, local::peer_unreachable{l.member});
      },
    };
  }

  void on_exit() override { to_ = nullptr; }

private:
  ring_manager_actor to_;
};

} // namespace

link_listener spawn_link_relay(caf::actor_system& sys, ring_manager_actor to) {
  return sys.spawn<link_relay>(std::move(to));
}

} // namespace torc
