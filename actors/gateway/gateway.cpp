// The actor around a gateway's core: messages in, effects out.
#include "torc/gateway.hpp"

#include <chrono>
#include <map>

#include "actors/gateway/door.hpp"
#include "actors/gateway/plain_stream.hpp"
#include "torc/loop.hpp"

#include <caf/typed_event_based_actor.hpp>

namespace torc {
namespace {

constexpr auto tick_every = std::chrono::milliseconds(20);
constexpr int ticks_per_check = 50;

std::uint64_t steady_us() {
  return static_cast<std::uint64_t>(
    std::chrono::duration_cast<std::chrono::microseconds>(
      std::chrono::steady_clock::now().time_since_epoch())
      .count());
}

class gateway_impl : public gateway_actor::base, private gateway::effects {
public:
  gateway_impl(caf::actor_config& cfg, gateway_options options, bool on_a_loop)
    : gateway_actor::base(cfg), self_(options.self),
      ring_manager_(options.ring_manager),
      core_(core_options(options, on_a_loop), *this),
      door_(std::make_shared<gateway::door>(core_, before_calls(on_a_loop))) {}

  const char* name() const override { return "torc.gateway"; }
  const std::shared_ptr<gateway::door>& door() const noexcept { return door_; }

  behavior_type make_behavior() override {
    set_default_handler(caf::drop);
    delayed_send(this, tick_every, tick_atom::value);
    if (ring_manager_)
      send(ring_manager_, local::subscription{cluster_listener{this}});
    return {
      [this](const op_reply_batch& b) { core_.on_answers(b); },
      [this](const local::view_update& u) { core_.on_view(u.view); },
      [this](const local::peer_up& up) { meet(up.member, up.roles->shards); },
      [this](const local::peer_down& d) {
        core_.on_peer_down(d.member);
        shards_.erase(d.member);
      },
      [this](const local::shards_started& s) {
        meet(self_, {s.shards.begin(), s.shards.end()});
      },
      [this](flush_atom) { core_.on_flush(); },
      [this](tick_atom t) {
        core_.on_tick();
        if (++ticks_ % ticks_per_check == 0)
          door_->check(core_.now());
        delayed_send(this, tick_every, t);
      },
    };
  }

  void on_exit() override {
    door_->shut();
    ring_manager_ = nullptr;
    shards_.clear();
  }

private:
  /// On a loop, sockets' handlers have the execution unit that the actor has.
  /// Without one, a call from outside must not use that of its last message.
  std::function<void()> before_calls(bool on_a_loop) {
    if (on_a_loop)
      return {};
    return [this] { context(nullptr); };
  }

  static gateway::core_options core_options(const gateway_options& o,
                                            bool on_a_loop) {
    gateway::core_options c;
    c.self = o.self;
    c.loop = o.loop;
    c.wall = o.wall;
    if (on_a_loop)
      c.clock_us = steady_us;
    c.seed = o.seed;
    c.max_skew_ms = o.max_skew_ms;
    c.shared = o.shared;
    return c;
  }

  void meet(member_id m, std::vector<storage_node_port> shards) {
    const auto count = static_cast<std::uint16_t>(shards.size());
    // Connected anew: what was under way to its old handles is lost.
    if (m != self_ && shards_.contains(m))
      core_.on_peer_down(m);
    shards_[m] = std::move(shards);
    core_.on_peer_up(m, count);
  }

  // -- effects -----------------------------------------------------------------

  void send_operations(member_id to, std::uint16_t shard,
                       op_batch batch) override {
    const auto it = shards_.find(to);
    if (it != shards_.end() && shard < it->second.size())
      send(it->second[shard], std::move(batch));
  }

  void request_flush() override {
    send(gateway_actor{this}, flush_atom::value);
  }

  void change_config(gateway::config_change_fn change,
                     gateway::changed_fn then) override {
    const auto failed = [then](errc code, std::string text) {
      then(
        {nullptr, std::make_shared<const error>(error{code, std::move(text)})});
    };
    if (!ring_manager_)
      return failed(errc::unsupported,
                    "this node does not take changes of the config");
    request(ring_manager_, caf::infinite,
            local::change_request{std::move(change)})
      .then([then](const local::change_result& r) { then(r); },
            [failed](const caf::error&) {
              failed(errc::unknown_outcome,
                     "the ring manager ended: the change may or may not have "
                     "been done");
            });
  }

  member_id self_;
  ring_manager_actor ring_manager_;
  std::map<member_id, std::vector<storage_node_port>> shards_;
  gateway::core core_;
  std::shared_ptr<gateway::door> door_;
  int ticks_ = 0;
};

std::string to_text(const boost::asio::ip::tcp::endpoint& e) {
  return to_string(socket_address{e.address().to_string(), e.port()});
}

} // namespace

gateway_line::gateway_line(std::shared_ptr<gateway::line_session> s)
  : session_(std::move(s)) {}
gateway_line::~gateway_line() = default;
gateway_line::gateway_line(gateway_line&&) noexcept = default;
gateway_line& gateway_line::operator=(gateway_line&&) noexcept = default;

void gateway_line::send(std::string_view bytes) {
  session_->send(bytes);
}

std::string gateway_line::take() {
  return session_->take();
}

bool gateway_line::open() const {
  return session_->open();
}

void gateway_line::close() {
  session_->close();
}

gateway_handle::gateway_handle(gateway_actor a,
                               std::shared_ptr<gateway::door> d)
  : actor_(std::move(a)), door_(std::move(d)) {}

void gateway_handle::accept(boost::asio::ip::tcp::socket socket,
                            connection_place place) const {
  boost::system::error_code e;
  const auto remote = socket.remote_endpoint(e);
  const auto local = socket.local_endpoint(e);
  if (e)
    return; // gone already
  door_->accept(gateway::make_plain_stream(std::move(socket)), std::move(place),
                to_text(remote), to_text(local));
}

gateway_line gateway_handle::open_line(std::string address) const {
  return gateway_line{
    std::make_shared<gateway::line_session>(door_, std::move(address))};
}

gateway_handle spawn_gateway(caf::actor_system& sys, event_loop* loop,
                             gateway_options options) {
  std::shared_ptr<gateway::door> door;
  auto actor = spawn_resident<gateway_impl>(sys, loop, std::move(options),
                                            loop != nullptr);
  door = caf::actor_cast<gateway_impl*>(actor)->door();
  return {std::move(actor), std::move(door)};
}

} // namespace torc
