// The one writer of the disk engine: everything that waits goes into one batch
// with one fsync (group commit), and is answered when that is done.
#include <caf/all.hpp>

#include "torc/core/commit_pacer.hpp"
#include "torc/core/limits.hpp"
#include "torc/log.hpp"
#include "torc/storage_node.hpp"

namespace torc {
namespace {

constexpr auto look_every = std::chrono::milliseconds(100);
/// As many are worth an fsync of their own.
constexpr std::size_t batch_bytes_enough = limits::mib;
constexpr std::uint32_t ticks_per_sync = 10;
constexpr std::uint32_t ticks_per_recovery = 5;
constexpr std::uint32_t ticks_per_figures = 10;

/// After a failure nothing is written until the engine says that all it took
/// before is durable; and what the shards decided before they heard of the
/// failure is refused by its generation, as it may build on what is gone.
class committer : public committer_actor::base {
  using super = committer_actor::base;

public:
  committer(caf::actor_config& cfg, committer_options options)
    : super(cfg), options_(std::move(options)) {}

  const char* name() const override { return "torc.committer"; }

  behavior_type make_behavior() override {
    set_default_handler(caf::drop);
    note_figures();
    delayed_send(this, look_every, tick_atom::value);
    return {
      [this](local::commit_request& r) { take(std::move(r)); },
      [this](flush_atom) { on_flush(); },
      [this](tick_atom t) {
        on_tick();
        delayed_send(this, look_every, t);
      },
    };
  }

  void on_exit() override {
    waiting_.clear();
    senders_.clear();
  }

private:
  using reply_port = caf::typed_actor<caf::reacts_to<local::committed>>;

  struct waiting {
    caf::strong_actor_ptr from;
    std::uint64_t seq;
  };

  void take(local::commit_request r) {
    const auto from = current_sender();
    if (!from || !r.writes)
      return;
    if (std::find(senders_.begin(), senders_.end(), from) == senders_.end())
      senders_.push_back(from);
    if (failure_)
      return answer(from, r.seq, false, failure_);
    if (r.generation != generation_) {
      answer(from, r.seq, false,
             std::make_shared<const error>(
               error{errc::io_error, "decided before the disk failed"}));
      return tell_resumed(from);
    }
    must_sync_ =
      must_sync_ || r.must_sync || options_.sync() == sync_policy::always;
    if (waiting_.empty())
      send(self(), flush_atom::value);
    waiting_.push_back({from, r.seq});
    options_.counters->requests.add();
    options_.counters->writes.add(r.writes->count());
    if (batch_.empty())
      std::swap(batch_, *r.writes);
    else
      batch_.append(*r.writes);
    if (pausing_ && is_enough())
      commit();
  }

  /// All that was in the mailbox is taken, or a pause ends.
  void on_flush() {
    if (std::exchange(synced_last_, false))
      pacer_.on_joined(batch_.count());
    if (waiting_.empty())
      return;
    if (pausing_ && clock().now() < pause_end_)
      return; // of a pause that ended early, or before this one
    if (!pausing_ && options_.sync() == sync_policy::always && !is_enough()) {
      const std::chrono::microseconds pause{pacer_.pause_us(batch_.count())};
      if (pause.count() > 0) {
        pausing_ = true;
        pause_end_ = clock().now() + pause;
        return delayed_send(self(), pause, flush_atom::value);
      }
    }
    commit();
  }

  bool is_enough() const {
    return batch_.bytes() >= batch_bytes_enough
           || pacer_.is_enough(batch_.count());
  }

  void commit() {
    pausing_ = false;
    const bool synced = must_sync_;
    const auto writes = batch_.count();
    const auto began = clock().now();
    const auto applied =
      batch_.empty() && synced
        ? options_.disk->sync() // somebody waits for what is there already
        : options_.disk->apply(batch_, synced ? durability::synced
                                              : durability::buffered);
    options_.counters->batches.add();
    options_.counters->bytes.add(batch_.bytes());
    const auto answered = std::move(waiting_);
    waiting_.clear();
    batch_.clear();
    must_sync_ = false;
    if (!applied) {
      fail(applied.error());
      for (const auto& w : answered)
        answer(w.from, w.seq, false, failure_);
      return tell_failed();
    }
    if (synced) {
      options_.counters->syncs.add();
      pacer_.on_committed(writes,
                          std::chrono::duration_cast<std::chrono::microseconds>(
                            clock().now() - began)
                            .count());
      // Behind whatever came while this one was under way.
      synced_last_ = true;
      send(self(), flush_atom::value);
    }
    // A sync covers all that was applied before it.
    unsynced_ = !synced;
    for (const auto& w : answered)
      answer(w.from, w.seq, synced, nullptr);
  }

  committer_actor self() { return caf::actor_cast<committer_actor>(this); }

  void fail(const error& e) {
    failure_ = std::make_shared<const error>(e);
    ++generation_;
    options_.counters->failures.add();
    options_.counters->broken.set(1);
    log::error("storage", "the disk refuses writes: {}", e.message);
  }

  /// Also those that wait for nothing: what they have applied may be in doubt.
  void tell_failed() {
    for (const auto& s : senders_)
      answer(s, 0, false, failure_);
  }

  void answer(const caf::strong_actor_ptr& to, std::uint64_t seq, bool synced,
              std::shared_ptr<const error> failure) {
    local::committed c;
    c.seq = seq;
    c.generation = generation_;
    c.synced = synced;
    c.failure = std::move(failure);
    send(caf::actor_cast<reply_port>(to), std::move(c));
  }

  void tell_resumed(const caf::strong_actor_ptr& to) {
    local::committed c;
    c.generation = generation_;
    c.resumed = true;
    send(caf::actor_cast<reply_port>(to), std::move(c));
  }

  void on_tick() {
    ++ticks_;
    if (ticks_ % ticks_per_figures == 0)
      note_figures();
    if (failure_) {
      if (ticks_ % ticks_per_recovery == 0)
        recover();
    } else if (unsynced_ && ticks_ % ticks_per_sync == 0
               && options_.sync() == sync_policy::interval) {
      sync_interval();
    }
  }

  /// Here, as it may block: who shows them must not.
  void note_figures() {
    if (!options_.figures)
      return;
    auto& f = *options_.figures;
    const auto size = options_.disk->size();
    f.entries.set(size.entries);
    f.bytes.set(size.bytes);
    const auto load = options_.disk->load();
    f.block_cache_bytes.set(load.block_cache_bytes);
    f.block_cache_bytes_max.set(load.block_cache_bytes_max);
    f.memtable_bytes.set(load.memtable_bytes);
    f.pending_compaction_bytes.set(load.pending_compaction_bytes);
    f.running_compactions.set(load.running_compactions);
    f.running_flushes.set(load.running_flushes);
    f.delayed_write_bytes_per_s.set(load.delayed_write_bytes_per_s);
  }

  void sync_interval() {
    if (const auto synced = options_.disk->sync(); !synced) {
      fail(synced.error());
      return tell_failed();
    }
    options_.counters->syncs.add();
    unsynced_ = false;
  }

  void recover() {
    if (!options_.disk->recover())
      return;
    failure_ = nullptr;
    unsynced_ = false;
    options_.counters->broken.set(0);
    log::info("storage", "the disk takes writes again");
    for (const auto& s : senders_)
      tell_resumed(s);
  }

  committer_options options_;
  std::vector<caf::strong_actor_ptr> senders_; ///< Who is told of failures.
  write_batch batch_;
  std::vector<waiting> waiting_; ///< Whose writes are in `batch_`.
  bool must_sync_ = false;
  commit_pacer pacer_;
  bool synced_last_ = false; ///< A sync ended, and its flush is in the mailbox.
  bool pausing_ = false;
  caf::actor_clock::time_point pause_end_; ///< While pausing.
  bool unsynced_ = false; ///< Something was applied since the last sync.
  std::uint32_t ticks_ = 0;
  std::uint64_t generation_ = 0; ///< Failures so far.
  std::shared_ptr<const error> failure_;
};

} // namespace

committer_actor spawn_committer(caf::actor_system& sys, bool threaded,
                                committer_options options) {
  return threaded ? sys.spawn<committer, caf::detached>(std::move(options))
                  : sys.spawn<committer>(std::move(options));
}

} // namespace torc
