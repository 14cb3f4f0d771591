// The one writer of the disk engine: everything that waits goes into one batch
// with one fsync (group commit), and is answered when that is done.
#include <caf/all.hpp>

#include "torc/storage_node.hpp"

namespace torc {
namespace {

constexpr auto tick_every = std::chrono::milliseconds(100);
constexpr std::uint32_t ticks_per_sync = 10;
constexpr std::uint32_t ticks_per_recovery = 5;

class committer : public committer_actor::base {
  using super = committer_actor::base;

public:
  committer(caf::actor_config& cfg, committer_options options)
    : super(cfg), options_(std::move(options)) {}

  const char* name() const override { return "torc.committer"; }

  behavior_type make_behavior() override {
    set_default_handler(caf::drop);
    delayed_send(this, tick_every, tick_atom::value);
    return {
      [this](local::commit_request& r) { take(std::move(r)); },
      [this](flush_atom) { commit(); },
      [this](tick_atom t) {
        on_tick();
        delayed_send(this, tick_every, t);
      },
    };
  }

  void on_exit() override {
    waiting_.clear();
    shards_.clear();
  }

private:
  using reply_port = caf::typed_actor<caf::reacts_to<local::committed>>;

  struct waiting {
    caf::strong_actor_ptr from;
    std::uint16_t shard;
    std::uint64_t seq;
    std::uint64_t generation;
  };

  void take(local::commit_request r) {
    shards_[current_sender()] = r.generation;
    // Decided on what a failure took back: the shard knows by now or will.
    if (failure_ || r.generation < generation_of(current_sender())) {
      answer({current_sender(), r.shard, r.seq, r.generation}, false);
      return;
    }
    must_sync_ =
      must_sync_ || r.must_sync || options_.sync() == sync_policy::always;
    if (waiting_.empty())
      send(caf::actor_cast<committer_actor>(this), flush_atom::value);
    waiting_.push_back({current_sender(), r.shard, r.seq, r.generation});
    options_.counters->requests.add(r.writes->count());
    if (batch_.empty())
      std::swap(batch_, *r.writes);
    else
      batch_.append(*r.writes);
  }

  std::uint64_t generation_of(const caf::strong_actor_ptr& s) {
    const auto it = lowest_.find(s);
    return it == lowest_.end() ? 0 : it->second;
  }

  void commit() {
    if (waiting_.empty())
      return;
    const bool synced = must_sync_;
    const auto applied = options_.disk->apply(
      batch_, synced ? durability::synced : durability::buffered);
    options_.counters->batches.add();
    options_.counters->bytes.add(batch_.bytes());
    if (synced)
      options_.counters->syncs.add();
    unsynced_ = !synced;
    if (!applied)
      fail(applied.error());
    for (const auto& w : waiting_)
      answer(w, synced);
    waiting_.clear();
    batch_.clear();
    must_sync_ = false;
  }

  void fail(const error& e) {
    failure_ = std::make_shared<const error>(e);
    options_.counters->failures.add();
    // What a shard sends before it has heard of this is refused by its number.
    for (const auto& [s, generation] : shards_)
      lowest_[s] = generation + 1;
  }

  void answer(const waiting& w, bool synced) {
    local::committed c;
    c.seq = w.seq;
    c.generation = w.generation;
    c.synced = synced;
    if (failure_)
      c.failure = failure_;
    else if (w.generation < generation_of(w.from))
      c.failure = std::make_shared<const error>(
        error{errc::io_error, "decided before the disk failed"});
    send(caf::actor_cast<reply_port>(w.from), std::move(c));
  }

  void on_tick() {
    ++ticks_;
    if (failure_) {
      if (ticks_ % ticks_per_recovery == 0)
        recover();
      return;
    }
    if (unsynced_ && ticks_ % ticks_per_sync == 0
        && options_.sync() == sync_policy::interval) {
      options_.counters->syncs.add();
      unsynced_ = false;
      if (const auto applied = options_.disk->sync(); !applied) {
        fail(applied.error());
        tell_all(failure_);
      }
    }
  }

  void recover() {
    if (!options_.disk->recover())
      return;
    failure_.reset();
    tell_all(nullptr);
  }

  /// A failure or the end of one, outside of any request.
  void tell_all(std::shared_ptr<const error> failure) {
    for (const auto& [s, generation] : shards_) {
      local::committed c;
      c.generation = failure ? generation : generation_of(s);
      c.resumed = failure == nullptr;
      c.failure = failure;
      send(caf::actor_cast<reply_port>(s), std::move(c));
    }
  }

  committer_options options_;
  write_batch batch_;
  std::vector<waiting> waiting_;
  bool must_sync_ = false;
  bool unsynced_ = false;
  std::uint32_t ticks_ = 0;
  std::shared_ptr<const error> failure_;
  std::map<caf::strong_actor_ptr, std::uint64_t> shards_; ///< And generation.
  std::map<caf::strong_actor_ptr, std::uint64_t> lowest_; ///< Accepted.
};

} // namespace

committer_actor spawn_committer(caf::actor_system& sys, bool threaded,
                                committer_options options) {
  return threaded ? sys.spawn<committer, caf::detached>(std::move(options))
                  : sys.spawn<committer>(std::move(options));
}

} // namespace torc
