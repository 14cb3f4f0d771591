// The client actor beside a node: requests in, batches of operations to shards.
#include "torc/local_client.hpp"

#include <algorithm>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <unordered_map>

#include <caf/all.hpp>

#include "actors/client/replies.hpp"
#include "actors/client/scan_run.hpp"
#include "torc/core/slot.hpp"
#include "torc/loop.hpp"
#include "torc/router.hpp"

namespace torc {
namespace {

constexpr auto tick_every = std::chrono::milliseconds(20);
/// For how long requests wait until all members were heard of, at the start.
constexpr unix_ms acquaintance_ms = 500;
/// Runs of slots that one page may go through in search of keys.
constexpr int scan_runs_max = 64;
constexpr std::uint32_t scan_count_max = 10'000;

using local_client_actor = client_actor::extend_with<cluster_listener>::extend<
  caf::reacts_to<op_reply_batch>, caf::reacts_to<flush_atom>,
  caf::reacts_to<tick_atom>>;

class local_client : public local_client_actor::base, public router_events {
public:
  using super = local_client_actor::base;

  local_client(caf::actor_config& cfg, local_client_options options)
    : super(cfg), options_(std::move(options)) {}

  const char* name() const override { return "torc.client"; }

  behavior_type make_behavior() override {
    set_default_handler(caf::drop);
    set_down_handler([this](caf::down_msg&) { quit(); });
    monitor(options_.ring_manager);
    send(options_.ring_manager,
         local::subscription{caf::actor_cast<cluster_listener>(this)});
    delayed_send(this, tick_every, tick_atom::value);
    return {
      [this](client_request& r) {
        auto promise = make_response_promise<client_reply>();
        begin(std::move(r), [promise](client_reply reply) mutable {
          promise.deliver(std::move(reply));
        });
        return promise;
      },
      [this](local::client_call& c) {
        begin(std::move(c.request),
              [done = std::move(c.done)](client_reply reply) {
                (*done)(std::move(reply));
              });
      },
      [this](const local::view_update& u) { on_view(u.view); },
      [this](const local::peer_up& up) { on_peer_up(up); },
      [this](const local::peer_down& down) { on_peer_down(down.member); },
      [this](const op_reply_batch& batch) {
        if (router_) {
          router_->set_time(options_.wall());
          router_->on_answers(batch);
        }
      },
      [this](flush_atom) { on_flush(); },
      [this](tick_atom t) {
        on_tick();
        delayed_send(this, tick_every, t);
      },
    };
  }

  void on_exit() override {
    auto left = std::move(requests_);
    requests_.clear();
    for (auto& [token, r] : left)
      r.done(replies::failure(is_write(r.what.kind) ? errc::unknown_outcome
                                                    : errc::no_replica,
                              "the client ended before the answer"));
    auto waiting = std::move(waiting_);
    waiting_.clear();
    for (auto& w : waiting)
      w.done(replies::failure(errc::no_replica, "the client has ended"));
    options_.ring_manager = nullptr;
    peers_.clear();
  }

private:
  using done_fn = std::function<void(client_reply)>;

  struct open_request {
    client_request what;
    done_fn done;
    // scan
    std::shared_ptr<scan_run> run;
    std::vector<std::string> keys;
    int runs_left = scan_runs_max;
  };

  /// Came before the first config.
  struct waiting_request {
    client_request what;
    done_fn done;
    unix_ms give_up_ms;
  };

  // -- the cluster ------------------------------------------------------------

  void on_view(const std::shared_ptr<const cluster_view>& view) {
    if (router_) {
      router_->set_time(options_.wall());
      return router_->on_view(view);
    }
    router_options o;
    o.self = options_.self;
    o.view = view;
    o.max_skew_ms = options_.max_skew_ms;
    o.give_up_ms = options_.give_up_ms;
    o.under_way_max = options_.operations_max;
    router_ = std::make_unique<router>(std::move(o), *this);
    session_ = router_->open_client(0);
    first_view_ms_ = options_.wall();
    router_->set_time(first_view_ms_);
    for (const auto& [m, roles] : peers_)
      router_->on_peer_up(m, static_cast<std::uint16_t>(roles->shards.size()));
    run_waiting();
  }

  void on_peer_up(const local::peer_up& up) {
    if (!up.roles)
      return;
    // Its handles may be new ones: what was sent to the old ones is lost.
    on_peer_down(up.member);
    peers_[up.member] = up.roles;
    if (router_)
      router_->on_peer_up(up.member,
                          static_cast<std::uint16_t>(up.roles->shards.size()));
    run_waiting();
  }

  void on_peer_down(member_id m) {
    if (peers_.erase(m) == 0 || !router_)
      return;
    router_->set_time(options_.wall());
    router_->on_peer_down(m);
  }

  // -- requests ---------------------------------------------------------------

  void begin(client_request r, done_fn answer) {
    if (is_acquainted()) {
      // It may be so since now, by time: what waits came first.
      if (!waiting_.empty())
        run_waiting();
      return start(std::move(r), std::move(answer));
    }
    if (waiting_.size() >= options_.operations_max)
      return answer(
        replies::failure(errc::try_again, "too many operations are under way"));
    const auto give_up = options_.wall() + options_.give_up_ms;
    waiting_.push_back({std::move(r), std::move(answer), give_up});
  }

  /// True once all members are reachable, or there was time for it: what is
  /// asked before would be refused for want of a replica.
  bool is_acquainted() {
    if (!router_ || peers_.empty())
      return false;
    acquainted_ = acquainted_
                  || peers_.size() >= router_->view().config().members.size()
                  || options_.wall() >= first_view_ms_ + acquaintance_ms;
    return acquainted_;
  }

  void run_waiting() {
    if (!is_acquainted())
      return;
    auto waiting = std::move(waiting_);
    waiting_.clear();
    for (auto& w : waiting)
      start(std::move(w.what), std::move(w.done));
  }

  const keyspace_info* keyspace_of(const client_request& r) const {
    return router_->view().keyspace_by_name(
      r.keyspace.empty() ? std::string_view{"default"} : r.keyspace);
  }

  void start(client_request r, done_fn answer) {
    const auto now = options_.wall();
    router_->set_time(now);
    const auto* ks = keyspace_of(r);
    if (ks == nullptr)
      return answer(replies::failure(errc::not_found, "there is no keyspace '"
                                                        + r.keyspace + "'"));
    if (r.kind > op_kind::scan)
      return answer(
        replies::failure(errc::unsupported, "clients have no such operation"));
    if (r.clock <= hlc_from_ms(now + options_.max_skew_ms))
      router_->observe(session_, r.clock);
    const auto token = ++last_token_;
    auto& entry = requests_[token];
    entry.what = std::move(r);
    entry.done = std::move(answer);
    if (entry.what.kind == op_kind::scan)
      return begin_scan(token, *ks);
    op o;
    o.kind = entry.what.kind;
    o.flags = entry.what.flags;
    o.level = entry.what.level_given ? entry.what.level : ks->default_level;
    o.slot = slot_of(entry.what.key);
    o.deadline = entry.what.deadline;
    if (o.kind == op_kind::put && o.deadline == 0 && ks->default_ttl_ms != 0
        && (o.flags & op_flag::keep_deadline) == 0)
      o.deadline = now + ks->default_ttl_ms;
    // The router keeps copies; ours would be the second.
    const auto key = std::move(entry.what.key);
    const auto value = std::move(entry.what.value);
    router_->start(session_, token, *ks, o, key, value);
  }

  // -- scans ------------------------------------------------------------------

  void begin_scan(std::uint64_t token, const keyspace_info& ks) {
    auto& r = requests_.at(token);
    r.what.count = std::clamp<std::uint32_t>(r.what.count, 1, scan_count_max);
    const auto from = unpack_scan_position(r.what.cursor);
    if (from.slot >= slot_count)
      return finish(
        token, replies::failure(errc::invalid_argument, "no such scan cursor"));
    const slot_id first{static_cast<std::uint16_t>(from.slot)};
    const auto to = router_->route(ks, first);
    const auto shards = router_->shards_of(to);
    if (to == member_id{} || shards == 0)
      return finish(token,
                    replies::failure(errc::no_replica,
                                     "no replica of a slot is reachable"));
    auto end = from.slot + 1u;
    while (end < slot_count
           && router_->route(ks, slot_id{static_cast<std::uint16_t>(end)})
                == to)
      ++end;
    r.run = std::make_shared<scan_run>(from, end, r.what.count, shards);
    op o;
    o.kind = op_kind::scan;
    o.inc = ks.inc;
    o.slot = first;
    o.a = from.hash;
    o.b = r.what.count;
    o.end_slot = static_cast<std::uint16_t>(end);
    for (std::uint16_t s = 0; s < shards; ++s)
      router_->start_at(session_, token, to, s, o, {}, {}, options_.give_up_ms);
  }

  void on_page(std::uint64_t token, const routed_answer& a) {
    auto& r = requests_.at(token);
    std::optional<scan_position> cut;
    if ((a.reply.flags & reply_flag::done) == 0)
      cut = unpack_scan_position(a.reply.number);
    if (!r.run->add(a.payload, cut))
      return finish(token,
                    replies::failure(errc::corrupt, "a page is damaged"));
    if (!r.run->complete())
      return;
    const auto next = r.run->take(r.keys);
    r.what.cursor = next.slot >= slot_count ? 0 : pack(next);
    if (r.what.cursor == 0 || !r.keys.empty() || --r.runs_left == 0) {
      client_reply out;
      out.keys = std::move(r.keys);
      out.number = r.what.cursor;
      out.clock = a.clock;
      return finish(token, std::move(out));
    }
    const auto* ks = keyspace_of(r.what);
    if (ks == nullptr)
      return finish(token,
                    replies::failure(errc::not_found, "the keyspace is gone"));
    begin_scan(token, *ks);
  }

  // -- router_events ----------------------------------------------------------

  void send_operations(member_id to, std::uint16_t shard,
                       op_batch batch) override {
    const auto it = peers_.find(to);
    if (it != peers_.end() && shard < it->second->shards.size())
      send(it->second->shards[shard], std::move(batch));
  }

  void request_flush() override {
    send(caf::actor_cast<local_client_actor>(this), flush_atom::value);
  }

  void on_answer(const routed_answer& a) override {
    const auto it = requests_.find(a.token);
    if (it == requests_.end())
      return; // another shard failed the same scan
    if (a.reply.status != no_error) {
      auto failed = replies::failure(a.reply.status, std::string{a.payload});
      failed.clock = a.clock;
      return finish(a.token, std::move(failed));
    }
    const auto kind = it->second.what.kind;
    if (kind == op_kind::scan)
      return on_page(a.token, a);
    const auto has = [&](std::uint8_t flag) {
      return (a.reply.flags & flag) != 0;
    };
    client_reply out;
    out.found = has(reply_flag::found) && kind != op_kind::put;
    out.changed = has(reply_flag::changed);
    out.synced = !has(reply_flag::not_synced);
    out.level = a.reply.level;
    out.version = a.reply.tag;
    out.expires_at = a.reply.expires_at;
    out.clock = a.clock;
    out.number = a.reply.number;
    out.value.assign(a.payload);
    finish(a.token, std::move(out));
  }

  void finish(std::uint64_t token, client_reply reply) {
    const auto it = requests_.find(token);
    const auto answer = std::move(it->second.done);
    requests_.erase(it);
    answer(std::move(reply));
  }

  // -- turns ------------------------------------------------------------------

  void on_flush() {
    if (!router_)
      return;
    router_->set_time(options_.wall());
    router_->on_flush();
  }

  void on_tick() {
    const auto now = options_.wall();
    if (router_) {
      router_->set_time(now);
      router_->on_tick();
    }
    run_waiting();
    while (!waiting_.empty() && waiting_.front().give_up_ms <= now) {
      const auto answer = std::move(waiting_.front().done);
      waiting_.pop_front();
      answer(replies::failure(errc::not_ready, "the node has no config yet"));
    }
  }

  local_client_options options_;
  std::unique_ptr<router> router_; ///< Once there is a view.
  router::client_id session_ = 0;
  std::map<member_id, std::shared_ptr<const peer_roles>> peers_;
  std::unordered_map<std::uint64_t, open_request> requests_; ///< By token.
  std::deque<waiting_request> waiting_;
  unix_ms first_view_ms_ = 0;
  bool acquainted_ = false;
  std::uint64_t last_token_ = 0;
};

} // namespace

client_actor spawn_local_client(caf::actor_system& sys, event_loop* loop,
                                local_client_options options) {
  return spawn_resident<local_client>(sys, loop, std::move(options));
}

} // namespace torc
