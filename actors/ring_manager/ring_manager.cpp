// The actor around a member's part of the config register: messages in, effects
// out; heartbeats; who is connected.
//
// Config: whoever hears in a heartbeat of a later epoch fetches the config.
// Members beat to those who keep the register, and these to all, so beats are
// O(members); everybody beats once when a connection comes up.
#include "torc/ring_manager.hpp"

#include <map>
#include <set>

#include <caf/all.hpp>

#include "actors/ring_manager/config_keeper.hpp"
#include "actors/ring_manager/members.hpp"
#include "actors/ring_manager/splitmix.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/core/config_codec.hpp"
#include "torc/log.hpp"

namespace torc {
namespace {

constexpr auto tick_every = std::chrono::milliseconds(100);
constexpr std::uint32_t ticks_per_beat = 10;
constexpr auto roles_timeout = std::chrono::seconds(2);
constexpr std::uint32_t ask_again_ticks = 3;

class ring_manager : public ring_manager_actor::base {
public:
  using super = ring_manager_actor::base;

  ring_manager(caf::actor_config& cfg, ring_manager_options options)
    : super(cfg), options_(std::move(options)), random_(options_.seed),
      skew_(options_.counters),
      keeper_(options_.self, options_.state, options_.times, options_.counters,
              effects()) {}

  const char* name() const override { return "torc.ring_manager"; }

  behavior_type make_behavior() override {
    set_default_handler(caf::drop);
    set_down_handler([this](caf::down_msg& d) { on_listener_down(d); });
    if (options_.state.chosen)
      enter(options_.state.chosen);
    options_.state = {};
    delayed_send(this, tick_every, tick_atom::value);
    return {
      [this](const register_letter& l) { on_letter(l); },
      [this](const config_beat& b) { on_beat(b); },
      [this](const config_fetch& f) { on_fetch(f); },
      [this](const config_value& v) { on_value(v); },
      [this](roles_atom) { return own_roles(); },
      [this](const local::peer_up& up) { on_peer_up(up); },
      [this](const local::peer_down& d) { on_peer_down(d.member); },
      [this](const local::peer_unreachable& u) { to_shards(u); },
      [this](const local::committed& c) { keeper_.on_committed(c); },
      [this](const local::change_request& r) { return on_change(r); },
      [this](const local::subscription& s) { on_subscription(s.who); },
      [this](tick_atom t) {
        on_tick();
        delayed_send(this, tick_every, t);
      },
    };
  }

  void on_exit() override {
    peers_.clear();
    listeners_.clear();
    roles_.reset();
    own_.reset();
    options_ = {};
  }

private:
  ring::keeper_effects effects() {
    ring::keeper_effects e;
    e.send = [this](member_id to, const register_message& m) {
      if (auto i = peers_.find(to); i != peers_.end())
        send(i->second.port, register_letter{options_.self, epoch_now(),
                                             encode_register_message(m)});
    };
    e.commit = [this](local::commit_request r) {
      send(options_.committer, std::move(r));
    };
    e.entered = [this](config_ptr c) { enter(std::move(c)); };
    return e;
  }

  epoch epoch_now() const { return view_ ? view_->epoch() : epoch{0}; }

  unix_ms max_skew_ms() const {
    return view_ ? view_->config().max_skew_ms : options_.max_skew_ms;
  }

  // -- config -----------------------------------------------------------------

  /// `c` is durable here.
  void enter(config_ptr c) {
    view_ = std::make_shared<const cluster_view>(std::move(c));
    options_.counters->epoch.set(view_->epoch().value);
    encoded_.clear();
    log::info("config", "works with config {}: {} members, {} keyspaces",
              view_->epoch().value, view_->config().members.size(),
              view_->config().keyspaces.size());
    if (options_.on_view)
      options_.on_view(view_);
    const local::view_update news{view_};
    for (const auto& l : listeners_)
      send(l, news);
    if (!roles_) {
      start_roles();
      // Whoever asked for them in vain asks again.
      for (const auto& [m, p] : peers_)
        beat(p);
      return;
    }
    for (const auto& s : roles_->shards)
      send(s, news);
    if (roles_->synchronizer)
      send(roles_->synchronizer, news);
    beat();
  }

  void start_roles() {
    roles_ = options_.start_roles ? options_.start_roles(view_) : local_roles{};
    auto own = std::make_shared<peer_roles>();
    own->member = options_.self;
    own->shards.assign(roles_->shards.begin(), roles_->shards.end());
    own->synchronizer = roles_->synchronizer;
    own_ = std::make_shared<const local::peer_up>(local::peer_up{
      options_.self, caf::actor_cast<ring_manager_actor>(this), own});
    for (const auto& l : listeners_)
      send(l, *own_);
    for (const auto& [m, p] : peers_)
      if (p.roles)
        to_roles(local::peer_up{m, p.port, p.roles});
  }

  void on_letter(const register_letter& l) {
    auto m = decode_register_message(l.bytes);
    if (!m || !is_member(l.sender)) {
      options_.counters->refused_letters.add();
      log::warn("config",
                "refused a message of the register from member {}: "
                "{}",
                l.sender.value, m ? "it is no member" : m.error().message);
      return;
    }
    keeper_.on_message(l.sender, *m);
  }

  bool is_member(member_id m) const {
    return m != options_.self && (!view_ || view_->member(m) != nullptr);
  }

  caf::result<local::change_result> on_change(const local::change_request& r) {
    auto promise = make_response_promise<local::change_result>();
    keeper_.change(r.change, [promise](local::change_result how) mutable {
      promise.deliver(std::move(how));
    });
    return promise;
  }

  // -- heartbeats -------------------------------------------------------------

  /// Members beat to the register's voters, and these to all.
  void beat() {
    if (!view_)
      return;
    const auto& voters = view_->config().voters;
    const auto votes = [&](member_id m) {
      return std::find(voters.begin(), voters.end(), m) != voters.end();
    };
    const bool to_all = votes(options_.self);
    for (const auto& [m, p] : peers_)
      if (to_all || votes(m))
        beat(p);
  }

  void beat(const ring::connected_member& p) {
    send(p.port,
         config_beat{options_.self, epoch_now(), hlc_from_ms(options_.wall())});
  }

  void on_beat(const config_beat& b) {
    options_.counters->beats_received.add();
    const auto i = peers_.find(b.sender);
    if (i == peers_.end())
      return;
    const auto theirs = hlc_to_ms(b.clock);
    const auto ours = options_.wall();
    if (skew_.on_beat(i->second, theirs, ours, max_skew_ms()))
      log::warn("config",
                "the clock of member {} is {} ms {} this one; more "
                "than max_skew = {} ms is not allowed: set both clocks (NTP)",
                b.sender.value, theirs > ours ? theirs - ours : ours - theirs,
                theirs > ours ? "ahead of" : "behind", max_skew_ms());
    // It has a config, so it has roles.
    if (b.epoch > epoch{0} && !i->second.roles && !i->second.asking)
      ask_roles(b.sender, i->second);
    const auto known = keeper_.chosen() ? keeper_.chosen()->epoch : epoch{0};
    if (b.epoch > known)
      send(i->second.port, config_fetch{options_.self, known});
    else if (b.epoch < epoch_now() && !told_.contains(b.sender)) {
      // It may beat to us alone, so let it hear of what it has not.
      told_.insert(b.sender);
      beat(i->second);
    }
  }

  void on_fetch(const config_fetch& f) {
    const auto i = peers_.find(f.sender);
    if (i == peers_.end() || !view_ || f.epoch >= view_->epoch())
      return;
    if (encoded_.empty())
      encoded_ = encode_config(view_->config());
    send(i->second.port, config_value{options_.self, view_->epoch(), encoded_});
  }

  void on_value(const config_value& v) {
    if (v.epoch <= (keeper_.chosen() ? keeper_.chosen()->epoch : epoch{0}))
      return;
    auto c = decode_config(v.bytes);
    if (!c || !is_member(v.sender)) {
      options_.counters->refused_letters.add();
      log::warn("config", "refused a config from member {}: {}", v.sender.value,
                c ? "it is no member" : c.error().message);
      return;
    }
    if (c->member(options_.self) == nullptr) {
      options_.counters->refused_letters.add();
      log::error("config",
                 "refused a config from member {}: this node is no "
                 "member in it",
                 v.sender.value);
      return;
    }
    options_.counters->configs_fetched.add();
    keeper_.learn(std::make_shared<const cluster_config>(*std::move(c)));
  }

  // -- who is connected -------------------------------------------------------

  void on_peer_up(const local::peer_up& up) {
    if (up.member == options_.self || !up.ring_manager)
      return;
    on_peer_down(up.member);
    auto& p = peers_[up.member];
    p.port = up.ring_manager;
    p.connection = ++connections_;
    if (options_.on_peer)
      options_.on_peer(up.member, true);
    beat(p);
    if (up.roles)
      set_roles(up.member, p, up.roles);
    else
      ask_roles(up.member, p);
  }

  void on_peer_down(member_id m) {
    const auto i = peers_.find(m);
    if (i == peers_.end())
      return;
    const bool told = i->second.roles != nullptr;
    peers_.erase(i);
    told_.erase(m);
    count_peers();
    if (options_.on_peer)
      options_.on_peer(m, false);
    if (told)
      to_roles(local::peer_down{m});
  }

  void ask_roles(member_id m, ring::connected_member& p) {
    p.asking = true;
    const auto current = [this, m, n = p.connection] {
      const auto i = peers_.find(m);
      return i != peers_.end() && i->second.connection == n ? &i->second
                                                            : nullptr;
    };
    const auto again = [current](std::uint32_t in_ticks) {
      if (auto* x = current()) {
        x->asking = false;
        x->ask_in_ticks = in_ticks;
      }
    };
    request(p.port, roles_timeout, roles_atom::value)
      .then(
        [this, m, current, again](const peer_roles& r) {
          auto* x = current();
          if (x == nullptr)
            return;
          if (ring::usable(r, m))
            set_roles(m, *x, std::make_shared<const peer_roles>(r));
          else
            again(ask_again_ticks);
        },
        // It may not have a config yet, or the answer was lost.
        [again](const caf::error&) { again(ask_again_ticks); });
  }

  void set_roles(member_id m, ring::connected_member& p,
                 std::shared_ptr<const peer_roles> roles) {
    p.asking = false;
    p.roles = std::move(roles);
    count_peers();
    if (roles_)
      to_roles(local::peer_up{m, p.port, p.roles});
  }

  void count_peers() {
    options_.counters->peers_up.set(ring::reachable(peers_));
  }

  caf::result<peer_roles> own_roles() {
    if (!own_ || roles_->shards.empty())
      return caf::make_error(caf::sec::runtime_error, "no config is known yet");
    return *own_->roles;
  }

  template <class Message>
  void to_shards(const Message& m) {
    if (roles_)
      for (const auto& s : roles_->shards)
        send(s, m);
  }

  template <class Message>
  void to_roles(const Message& m) {
    to_shards(m);
    if (roles_ && roles_->synchronizer)
      send(roles_->synchronizer, m);
    for (const auto& l : listeners_)
      send(l, m);
  }

  void on_subscription(const cluster_listener& who) {
    if (!who || !listeners_.insert(who).second)
      return;
    monitor(who);
    if (view_)
      send(who, local::view_update{view_});
    if (own_)
      send(who, *own_);
    for (const auto& [m, p] : peers_)
      if (p.roles)
        send(who, local::peer_up{m, p.port, p.roles});
  }

  void on_listener_down(const caf::down_msg& d) {
    for (auto i = listeners_.begin(); i != listeners_.end(); ++i)
      if (i->address() == d.source) {
        listeners_.erase(i);
        return;
      }
  }

  // -- time -------------------------------------------------------------------

  void on_tick() {
    keeper_.on_tick(random_());
    for (auto& [m, p] : peers_)
      if (!p.roles && !p.asking
          && (p.ask_in_ticks == 0 || --p.ask_in_ticks == 0))
        ask_roles(m, p);
    if (++ticks_ % ticks_per_beat == 0) {
      told_.clear();
      beat();
    }
  }

  ring_manager_options options_;
  ring::splitmix random_;
  ring::skew_watch skew_;
  ring::config_keeper keeper_;

  std::shared_ptr<const cluster_view> view_; ///< Durable; null: none yet.
  std::string encoded_; ///< Its config, once somebody asked for it.
  std::optional<local_roles> roles_;
  std::shared_ptr<const local::peer_up>
    own_; ///< This node as listeners see it.

  ring::connected_members peers_;
  std::uint64_t connections_ = 0;
  std::set<cluster_listener> listeners_;
  /// Who was told of the epoch since the last round of beats.
  std::set<member_id> told_;
  std::uint64_t ticks_ = 0;
};

} // namespace

ring_manager_actor spawn_ring_manager(caf::actor_system& sys,
                                      ring_manager_options options) {
  return sys.spawn<ring_manager>(std::move(options));
}

} // namespace torc
