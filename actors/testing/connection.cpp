// Links between places: every message is encoded, traced, delayed, and decoded
// where it arrives.
#include "actors/testing/connection.hpp"

#include <algorithm>

#include <caf/all.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/binary_serializer.hpp>

#include "torc/core/assert.hpp"
#include "torc/messages/interfaces.hpp"

namespace torc::testing {
namespace {

/// A message on its way.
struct frame {
  std::vector<char> bytes;
  caf::strong_actor_ptr sender;
  caf::message_id id;
};

} // namespace
} // namespace torc::testing

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<const torc::testing::frame>)

namespace torc::testing {

/// Stands for an actor of another place.
class link_proxy : public caf::monitorable_actor {
public:
  using signatures = caf::none_t;

  link_proxy(caf::actor_config& cfg, std::weak_ptr<connection> way,
             member_id from, member_id to, caf::strong_actor_ptr target)
    : monitorable_actor(cfg), way_(std::move(way)), from_(from), to_(to),
      target_(std::move(target)) {}

  const char* name() const override { return "torc.testing.link"; }

  void enqueue(caf::mailbox_element_ptr x, caf::execution_unit*) override {
    const auto way = way_.lock();
    if (!way || !way->open_ || way->world_.ending)
      return;
    if (x->content().match_elements<std::shared_ptr<const frame>>())
      arrive(*way, *x->content().get_as<std::shared_ptr<const frame>>(0));
    else
      depart(*way, *x);
  }

  void end() { cleanup(caf::sec::remote_lookup_failed, nullptr); }

  void on_cleanup(const caf::error&) override { target_ = nullptr; }

private:
  void depart(connection& way, caf::mailbox_element& x) {
    auto& w = way.world_;
    auto f = std::make_shared<frame>();
    f->sender = std::move(x.sender);
    f->id = x.mid;
    const auto content = x.move_content_to_message();
    caf::binary_serializer sink{w.system, f->bytes};
    // A forgotten registration is no error for CAF: nothing is written.
    if (sink(const_cast<caf::message&>(content)) || f->bytes.empty()) {
      w.failure = "a message between places cannot be encoded, a type in it is "
                  "not registered: "
                  + caf::to_string(content);
      return;
    }
    auto& link = w.link(from_, to_);
    const bool lost = link.cut || w.random.chance(link.faults.drop)
                      || (w.filter && !w.filter(from_, to_, content));
    w.trace_time();
    w.trace_number(from_.value);
    w.trace_number(to_.value * 2u + (lost ? 1 : 0));
    w.trace_bytes(f->bytes.data(), f->bytes.size());
    if (lost)
      return;
    const bool twice = w.random.chance(link.faults.duplicate);
    schedule(w, link, f);
    if (twice)
      schedule(w, link, f);
  }

  void schedule(world::state& w, link_state& link,
                const std::shared_ptr<const frame>& f) {
    const auto& faults = link.faults;
    const auto spread = faults.delay_max > faults.delay_min
                          ? faults.delay_max - faults.delay_min
                          : std::chrono::microseconds{0};
    auto at =
      w.scheduler.clock().now() + faults.delay_min
      + std::chrono::microseconds{static_cast<std::int64_t>(
        w.random.below(static_cast<std::uint64_t>(spread.count()) + 1))};
    if (!faults.reorder)
      at = link.last_arrival = std::max(at, link.last_arrival);
    w.scheduler.clock().schedule_message(
      at, caf::strong_actor_ptr{ctrl()},
      caf::make_mailbox_element(nullptr, caf::make_message_id(), {}, f));
  }

  void arrive(connection& way, const frame& f) {
    auto& w = way.world_;
    if (!target_ || w.link(from_, to_).cut || w.record(target_->id()).killed)
      return;
    caf::message content;
    caf::binary_deserializer source{w.system, f.bytes};
    if (source(content))
      content = caf::message{}; // what CAF's network layer would deliver
    wrap_roles(way, content);
    caf::strong_actor_ptr sender;
    if (f.sender)
      sender = way.proxy(to_, f.sender);
    target_->enqueue(std::move(sender), f.id, std::move(content), nullptr);
  }

  /// Handles in a `peer_roles` belong to the sender: the receiver reaches them
  /// over the link too.
  void wrap_roles(connection& way, caf::message& content) {
    if (!content.match_elements<peer_roles>())
      return;
    const auto wrap = [&](auto& handle) {
      using handle_type = std::decay_t<decltype(handle)>;
      handle = caf::actor_cast<handle_type>(
        way.proxy(to_, caf::actor_cast<caf::strong_actor_ptr>(handle)));
    };
    auto& roles = content.get_mutable_as<peer_roles>(0);
    for (auto& shard : roles.shards)
      wrap(shard);
    wrap(roles.synchronizer);
  }

  std::weak_ptr<connection> way_;
  member_id from_;
  member_id to_;
  caf::strong_actor_ptr target_;
};

connection::connection(world::state& w, member_id a, member_id b)
  : world_(w), a_(a), b_(b) {}

connection::~connection() {
  close();
}

std::shared_ptr<connection> connection::open(world::state& w, member_id a,
                                             member_id b) {
  std::shared_ptr<connection> made{new connection{w, a, b}};
  std::erase_if(w.connections, [](const auto& c) { return c.expired(); });
  w.connections.push_back(made);
  return made;
}

caf::strong_actor_ptr connection::proxy(member_id place,
                                        const caf::strong_actor_ptr& target) {
  TORC_ASSERT(place == a_ || place == b_);
  TORC_ASSERT(target != nullptr);
  auto& known = proxies_[{place, target->id()}];
  if (!known) {
    caf::actor_config cfg;
    const auto other = place == a_ ? b_ : a_;
    known = caf::actor_cast<caf::strong_actor_ptr>(
      caf::make_actor<link_proxy, caf::actor>(
        world_.system.next_actor_id(), world_.system.node(), &world_.system,
        cfg, weak_from_this(), place, other, target));
  }
  return known;
}

void connection::close() {
  if (!open_)
    return;
  open_ = false;
  auto proxies = std::move(proxies_);
  proxies_.clear();
  for (auto& [at, proxy] : proxies)
    static_cast<link_proxy*>(caf::actor_cast<caf::abstract_actor*>(proxy))
      ->end();
}

} // namespace torc::testing
