// The actor around the comparisons: messages in, effects out.
#include "torc/synchronizer.hpp"

#include <caf/all.hpp>

#include "actors/synchronizer/comparisons.hpp"

namespace torc {
namespace {

constexpr auto tick_every = std::chrono::milliseconds(250);

class synchronizer : public synchronizer_actor::base {
  using super = synchronizer_actor::base;

public:
  synchronizer(caf::actor_config& cfg, synchronizer_options options)
    : super(cfg), self_(options.self), core_(std::move(options), effects()) {}

  const char* name() const override { return "torc.synchronizer"; }

  behavior_type make_behavior() override {
    set_default_handler(caf::drop);
    delayed_send(this, tick_every, tick_atom::value);
    return {
      [this](const compare_offer& o) { core_.on_offer(o); },
      [this](const slot_digests& d) { core_.on_digests(d); },
      [this](const slot_entries& e) { core_.on_entries(e); },
      [this](const slot_wants& w) { core_.on_wants(w); },
      [this](const local::view_update& u) { core_.on_view(u.view); },
      [this](const local::shards_started& s) {
        shards_ = s.shards;
        core_.on_shards(shards_.size());
      },
      [this](const local::peer_up& up) {
        peers_[up.member] = {up.roles->synchronizer, up.ring_manager};
        core_.on_peer_up(up.member);
      },
      [this](const local::peer_down& d) {
        peers_.erase(d.member);
        core_.on_peer_down(d.member);
      },
      [this](local::digests_answer& a) {
        core_.on_digests_answer(std::move(a));
      },
      [this](local::entries_answer& a) {
        core_.on_entries_answer(std::move(a));
      },
      [this](const local::compare_soon& c) { core_.on_compare_soon(c.peer); },
      [this](const local::no_room& n) { core_.on_no_room(n.peer); },
      [this](tick_atom t) {
        core_.on_tick();
        delayed_send(this, tick_every, t);
      },
    };
  }

  void on_exit() override {
    shards_.clear();
    peers_.clear();
  }

private:
  template <class Message>
  void to_peer(member_id m, Message msg) {
    if (const auto it = peers_.find(m); it != peers_.end())
      send(it->second.synchronizer, std::move(msg));
  }

  const storage_node_actor& shard_of(slot_id s) const {
    return shards_[s.value % shards_.size()];
  }

  sync::effects effects() {
    sync::effects fx;
    fx.ask_digests = [this](local::digests_query q) {
      for (const auto& s : shards_)
        send(s, q);
    };
    fx.ask_entries = [this](local::entries_query q) {
      if (!shards_.empty())
        send(shard_of(q.slot), std::move(q));
    };
    fx.push = [this](slot_id slot, local::push_keys p) {
      if (!shards_.empty())
        send(shard_of(slot), std::move(p));
    };
    fx.compared = [this](local::compared c) {
      for (const auto& s : shards_)
        send(s, c);
    };
    // It answers to this node's ring manager.
    fx.fetch_config = [this](member_id m, epoch ours) {
      if (const auto it = peers_.find(m);
          it != peers_.end() && it->second.ring_manager)
        send(it->second.ring_manager, config_fetch{self_, ours});
    };
    fx.offer = [this](member_id m, compare_offer o) {
      to_peer(m, std::move(o));
    };
    fx.digests = [this](member_id m, slot_digests d) {
      to_peer(m, std::move(d));
    };
    fx.entries = [this](member_id m, slot_entries e) {
      to_peer(m, std::move(e));
    };
    fx.wants = [this](member_id m, slot_wants w) { to_peer(m, std::move(w)); };
    return fx;
  }

  std::vector<storage_node_actor> shards_;
  struct peer {
    synchronizer_port synchronizer;
    ring_manager_port ring_manager;
  };

  const member_id self_;
  std::map<member_id, peer> peers_;
  sync::comparisons core_;
};

} // namespace

synchronizer_actor spawn_synchronizer(caf::actor_system& sys,
                                      synchronizer_options options) {
  return sys.spawn<synchronizer>(std::move(options));
}

} // namespace torc
