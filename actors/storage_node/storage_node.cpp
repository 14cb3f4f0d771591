// The actor around a shard: messages in, effects out.
#include "torc/storage_node.hpp"

#include <algorithm>
#include <map>
#include <optional>

#include "actors/storage_node/shard.hpp"
#include "torc/core/assert.hpp"
#include "torc/log.hpp"
#include "torc/loop.hpp"

#include <caf/send.hpp>
#include <caf/typed_event_based_actor.hpp>

namespace torc {

std::optional<std::uint64_t> memory_starts::ready(incarnation inc,
                                                  std::uint64_t received) {
  const std::lock_guard lock{mutex_};
  auto& p = under_way_[inc];
  p.received += received;
  if (++p.shards < shards_)
    return std::nullopt;
  const auto all = p.received;
  under_way_.erase(inc);
  return all;
}

namespace {

constexpr auto tick_every = std::chrono::milliseconds(20);

class storage_node : public storage_node_actor::base {
  using super = storage_node_actor::base;

public:
  storage_node(caf::actor_config& cfg, storage_node_options options)
    : super(cfg), self_(options.self), epoch_(options.view->epoch()),
      committer_(options.committer), loaders_(std::move(options.loaders)),
      synchronizer_(options.synchronizer), starts_(options.starts) {
    TORC_ASSERT(!loaders_.empty());
    shard_.emplace(std::move(options), effects());
  }

  const char* name() const override { return "torc.storage_node"; }

  behavior_type make_behavior() override {
    set_default_handler(caf::drop);
    delayed_send(this, tick_every, tick_atom::value);
    shard_->start();
    return {
      [this](op_batch& b) {
        shard_->on_operations(current_sender(), std::move(b));
      },
      [this](peer_batch& b) { shard_->on_peer_batch(std::move(b)); },
      [this](const local::view_update& u) {
        epoch_ = u.view->epoch();
        shard_->on_view(u.view);
      },
      [this](const local::peer_up& up) {
        managers_[up.member] = up.ring_manager;
        shard_->on_peer_up(up);
      },
      [this](const local::peer_down& d) {
        managers_.erase(d.member);
        shard_->on_peer_down(d.member);
      },
      [this](const local::peer_unreachable& u) {
        shard_->on_peer_unreachable(u.member);
      },
      [this](const local::committed& c) { shard_->on_committed(c); },
      [this](local::load_result& r) { shard_->on_loaded(std::move(r)); },
      [this](const local::scan_result& r) { shard_->on_scanned(r); },
      [this](const local::digests_query& q) {
        if (synchronizer_)
          send(synchronizer_, shard_->on_digests_query(q));
      },
      [this](const local::entries_query& q) {
        shard_->on_entries_query(q, [this](local::entries_answer a) {
          if (synchronizer_)
            send(synchronizer_, std::move(a));
        });
      },
      [this](const local::push_keys& r) { shard_->on_push_keys(r); },
      [this](const local::compared& c) { shard_->on_compared(c); },
      [this](flush_atom) { shard_->on_flush(); },
      [this](tick_atom t) {
        shard_->on_tick();
        delayed_send(this, tick_every, t);
      },
    };
  }

  void on_exit() override {
    shard_->on_flush(); // what was answered under `weak` is not lost by a stop
    // Shards hold each other's handles, and the committer's: none would go.
    shard_.reset();
    committer_ = nullptr;
    loaders_.clear();
    synchronizer_ = nullptr;
    managers_.clear();
  }

private:
  storage::shard_effects effects() {
    storage::shard_effects e;
    e.reply = [this](const caf::strong_actor_ptr& to, op_reply_batch b) {
      if (to)
        send(caf::actor_cast<gateway_port>(to), std::move(b));
    };
    e.to_peer = [this](member_id, std::uint16_t, const storage_node_port& to,
                       peer_batch b) { send(to, std::move(b)); };
    e.commit = [this](local::commit_request r) {
      send(committer_, std::move(r));
    };
    // A client that waits for a key does not wait behind a walk.
    e.load = [this](local::load_request r) {
      const auto readers = std::max<std::size_t>(loaders_.size() - 1, 1);
      send(loaders_[next_loader_++ % readers], std::move(r));
    };
    e.scan = [this](local::scan_request r) {
      send(loaders_.back(), std::move(r));
    };
    e.compare_soon = [this](member_id m) {
      if (synchronizer_)
        send(synchronizer_, local::compare_soon{m});
    };
    e.no_room = [this](member_id m) {
      if (synchronizer_)
        send(synchronizer_, local::no_room{m});
    };
    // It answers to this node's ring manager.
    e.fetch_config = [this](member_id m) {
      if (const auto it = managers_.find(m);
          it != managers_.end() && it->second)
        send(it->second, config_fetch{self_, epoch_});
    };
    e.keyspace_ready = [this](incarnation inc, std::uint64_t received) {
      const auto all =
        starts_ ? starts_->ready(inc, received) : std::optional{received};
      if (!all)
        return;
      if (*all == 0)
        log::info("storage",
                  "memory keyspace {} starts empty: no reachable "
                  "replica has data",
                  inc.value);
      else
        log::info("storage",
                  "memory keyspace {} is ready with {} records from "
                  "its replicas",
                  inc.value, *all);
    };
    e.request_flush = [this] {
      send(caf::actor_cast<storage_node_actor>(this), flush_atom::value);
    };
    return e;
  }

  member_id self_;
  torc::epoch epoch_;
  std::map<member_id, ring_manager_port> managers_; ///< Of connected members.
  committer_actor committer_;
  std::vector<loader_actor> loaders_;
  synchronizer_actor synchronizer_;
  std::shared_ptr<memory_starts> starts_;
  std::size_t next_loader_ = 0;
  std::optional<storage::shard> shard_; ///< Until the end.
};

} // namespace

storage_node_actor spawn_storage_node(caf::actor_system& sys, event_loop* loop,
                                      storage_node_options options) {
  return spawn_resident<storage_node>(sys, loop, std::move(options));
}

} // namespace torc
