// What a shard does besides operations: views, walks over what is stored,
// figures, expiry.
#include <algorithm>
#include <bitset>
#include <utility>

#include "actors/storage_node/shard.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::storage {
namespace {

constexpr std::size_t scan_part_entries = 2000;
constexpr std::size_t scan_part_bytes = limits::mib;
constexpr std::size_t slots_per_sweep = 256;
constexpr std::size_t sweep_scans_max = 64;
/// A slot in memory is walked within the turn. One larger than this is swept
/// alone.
constexpr std::int64_t memory_entries_per_sweep = 20'000;
constexpr std::size_t keys_per_sweep = 1000;
/// Between sweeps of a slot: each reads all of it, however little is due.
constexpr unix_ms memory_sweep_pause_ms = 1000;
constexpr unix_ms disk_sweep_pause_ms = 10'000;
constexpr std::uint32_t ticks_per_sweep = 10;
constexpr std::uint32_t ticks_per_figures = 25;
constexpr std::uint32_t ticks_per_repeat = 250;
constexpr std::size_t reclaim_per_tick = 5000;
/// Operations on a keyspace that appears while we run wait as long for it.
constexpr unix_ms patience_ms = 1000;
/// All shards of a node have a config and its former writes committed by then.
constexpr unix_ms erase_again_after_ms = 10'000;

} // namespace

// -- views

void shard::on_view(std::shared_ptr<const cluster_view> view) {
  now_ = options_.wall();
  const bool starting = view_ == nullptr;
  view_ = std::move(view);
  // Every member's clock passes this before it works with the config.
  clock_.observe(view_->config().hlc);
  for (const auto& ks : view_->config().keyspaces)
    if (!spaces_.contains(ks.inc))
      enter_keyspace(ks, starting);
  std::vector<incarnation> gone;
  for (const auto& [inc, where] : spaces_)
    if (view_->keyspace(inc) == nullptr)
      gone.push_back(inc);
  for (const auto inc : gone)
    drop_incarnation(inc);
  if (starting)
    erase_leftovers();
  answer_early_pulls();
  begin_pulls();
  check_all_fresh();
  // Readiness is asked for before the first tick.
  options_.counters->fresh_keyspaces.set(fresh_.size());
  request_flush();
}

/// A keyspace of the config that this life began with may have had data on this
/// disk; one that appears later has none, as an earlier life would have known
/// it. In memory there is none in either case, but others may have some: they
/// may have known the keyspace for long.
void shard::enter_keyspace(const keyspace_info& ks, bool starting) {
  spaces_.emplace(ks.inc, ks.engine);
  const bool memory = ks.engine == engine_kind::memory;
  slots_.open(ks.inc, memory || !starting);
  if (memory)
    fresh_[ks.inc].patient_until_ms = starting ? 0 : now_ + patience_ms;
  else if (starting)
    count_base(ks.inc);
}

void shard::drop_incarnation(incarnation inc) {
  const auto where = spaces_.at(inc);
  spaces_.erase(inc);
  end_fresh(inc); // what waits for it is refused
  slots_.close(inc);
  const auto begin = incarnation_begin(inc);
  const auto end = incarnation_begin(incarnation{inc.value + 1});
  if (where == engine_kind::memory) {
    // Its memory is given back piece by piece, at each tick.
    write_batch batch;
    batch.erase_range(column::data, begin, end);
    (void)store_.memory().apply(batch, durability::buffered);
  } else if (options_.shard == 0) {
    // One range deletion for the whole node, whatever its size.
    if (!broken_) {
      batch_->erase_range(column::data, begin, end);
      request_flush();
    }
    erase_again_soon();
  }
}

/// A shard that works with the former config yet may commit writes of what was
/// dropped after its removal, and a failing disk may lose that.
void shard::erase_again_soon() {
  erase_again_ms_ = now_ + erase_again_after_ms;
}

/// A crash may have come between a config and the removal of what it dropped:
/// all between the incarnations that live goes.
void shard::erase_leftovers() {
  if (options_.shard != 0)
    return;
  std::uint32_t next = 1; // 0 is the node's own
  const auto erase_until = [&](std::uint32_t until) {
    if (next < until)
      batch_->erase_range(column::data, incarnation_begin(incarnation{next}),
                          incarnation_begin(incarnation{until}));
    next = until + 1;
  };
  for (const auto& [inc, where] : spaces_)
    erase_until(inc.value);
  erase_until(view_->config().next_incarnation.value);
}

void shard::on_tick() {
  now_ = options_.wall();
  ++ticks_;
  peers_.resend_stale(now_);
  begin_pulls();
  lose_patience();
  check_waiters();
  store_.memory().reclaim(reclaim_per_tick);
  if (erase_again_ms_ != 0 && now_ >= erase_again_ms_ && !broken_) {
    erase_again_ms_ = 0;
    erase_leftovers();
  }
  if (ticks_ % ticks_per_sweep == 0)
    sweep();
  if (ticks_ % ticks_per_figures == 0) {
    update_figures();
    compare_drained();
  }
  if (ticks_ % ticks_per_repeat == 0)
    repeat_scans();
  request_flush();
}

/// A peer whose hints overflowed, or had no room for all that a comparison
/// found, has room again: another comparison finds the rest.
void shard::compare_drained() {
  for (const auto& p : peers_.all()) {
    bool ask = false;
    if (p->up)
      for (auto& s : p->streams)
        if (s.pushes.size() < limits::hints_max / 4)
          ask = std::exchange(s.comparison_due, false) || ask;
    if (ask)
      effects_.compare_soon(p->id);
  }
}

void shard::update_figures() {
  const auto t = slots_.totals();
  auto& c = *options_.counters;
  const auto set = [](counter& x, std::int64_t n) {
    x.set(n > 0 ? static_cast<std::uint64_t>(n) : 0);
  };
  set(c.live_keys, t.live);
  set(c.live_bytes, t.live_bytes);
  set(c.dead_keys, t.dead);
  set(c.dead_bytes, t.dead_bytes);
  set(c.expiring_keys, t.expiring);
  c.hints.set(peers_.hints());
  const auto oldest = hlc_to_ms(peers_.oldest_hint());
  c.oldest_hint_ms.set(oldest != 0 && now_ > oldest ? now_ - oldest : 0);
  c.parked.set(parked_count_);
  c.commit_bytes.set(commit_bytes_ + batch_->bytes());
  c.disk_broken.set(broken_ ? 1 : 0);
  c.fresh_keyspaces.set(fresh_.size());
  c.memory_bytes.set(store_.memory().size().bytes);
  c.cache_hits.set(store_.cache_hits());
  c.cache_misses.set(store_.cache_misses());
  c.cache_bytes.set(store_.cache_bytes());
  std::bitset<limits::keyspaces_max> known;
  for (const auto& ks : view_->config().keyspaces) {
    const auto f = slots_.totals_of(ks.inc);
    auto& k = c.keyspaces.at(ks.db);
    known.set(ks.db);
    set(k.live_keys, f.live);
    set(k.expiring_keys, f.expiring);
    k.deadline_ms.set(f.mean_deadline());
  }
  for (std::size_t db = 0; db < known.size(); ++db)
    if (!known.test(db) && c.keyspaces[db].live_keys.get() != 0) {
      c.keyspaces[db].live_keys.set(0);
      c.keyspaces[db].expiring_keys.set(0);
    }
}

// -- walks over what is stored

void shard::start_scan(engine_kind where, scan_job job) {
  if (where == engine_kind::memory) {
    const auto walked = store_.memory().snapshot()->scan(
      column::data, job.begin, job.end, job.visit);
    return walked ? job.done() : job.failed(walked.error());
  }
  const auto id = ++next_id_;
  local::scan_request request{
    id, job.begin, job.end, scan_part_entries, scan_part_bytes, job.snapshot};
  scans_.emplace(id, std::move(job));
  effects_.scan(std::move(request));
}

void shard::on_scanned(const local::scan_result& r) {
  now_ = options_.wall();
  const auto it = scans_.find(r.id);
  if (it == scans_.end())
    return;
  auto job = std::move(it->second);
  scans_.erase(it);
  const bool damaged =
    r.failure && r.failure->code == errc::corrupt && job.pass_over;
  if (damaged)
    options_.counters->corrupt_entries.add();
  if (r.failure && !damaged) {
    job.failed(*r.failure);
    if (job.repeat)
      failed_scans_.push_back(std::move(job));
    return request_flush();
  }
  bool more = damaged || !r.next.empty();
  for (const auto& [key, entry] : r.entries)
    if (!job.visit(key, entry)) {
      more = false;
      break;
    }
  if (more && damaged) {
    job.begin =
      job.pass_over(r.entries.empty() ? job.begin : r.entries.back().first);
    more = job.begin < job.end;
  } else if (more) {
    job.begin = r.next;
  }
  if (more) {
    start_scan(engine_kind::rocksdb, std::move(job));
  } else {
    job.done();
  }
  request_flush();
}

void shard::repeat_scans() {
  auto failed = std::move(failed_scans_);
  failed_scans_.clear();
  for (auto& job : failed)
    start_scan(engine_kind::rocksdb, std::move(job));
}

// -- expiry (protocol 13)

/// Goes around all slots of all keyspaces, as far as its budget reaches; the
/// next one goes on from there, so that none starves.
void shard::sweep() {
  if (spaces_.empty())
    return;
  std::size_t budget = slots_per_sweep;
  std::int64_t walked = 0;
  const auto due =
    now_ > options_.max_skew_ms ? now_ - options_.max_skew_ms : 0;
  auto at = spaces_.lower_bound(sweep_at_.first);
  auto from =
    at != spaces_.end() && at->first == sweep_at_.first ? sweep_at_.second : 0;
  // The first keyspace comes once more, for what lies before the place.
  for (std::size_t n = 0; n <= spaces_.size(); ++n, ++at, from = 0) {
    if (at == spaces_.end())
      at = spaces_.begin();
    const auto [inc, where] = *at;
    const auto* ks = view_->keyspace(inc);
    const auto pause = where == engine_kind::memory ? memory_sweep_pause_ms
                                                    : disk_sweep_pause_ms;
    while (ks != nullptr) {
      const auto s = slots_.due_slot(inc, due, now_ - pause, from);
      if (!s)
        break;
      std::int64_t entries = 0;
      if (const auto* f = slots_.find(inc, *s);
          f != nullptr && where == engine_kind::memory)
        entries = f->live + f->dead;
      if (budget == 0 || scans_.size() >= sweep_scans_max
          || (walked > 0 && walked + entries > memory_entries_per_sweep)) {
        sweep_at_ = {inc, s->value};
        return;
      }
      --budget;
      walked += entries;
      sweep_slot(ks, *s);
      from = s->value + 1u;
    }
  }
}

void shard::sweep_slot(keyspace_ref ks, slot_id s) {
  struct found {
    unix_ms next = 0; ///< Earliest deadline of what is not due yet.
    bool whole = true;
    std::vector<std::string> due;
  };
  const auto inc = ks->inc;
  auto f = std::make_shared<found>();
  slots_.begin_sweep(inc, s, now_);
  scan_job job;
  job.begin = slot_begin(inc, s);
  job.end = slot_end(inc, s);
  job.visit = [this, f](std::string_view key, std::string_view entry) {
    const auto view = view_entry(entry);
    if (!view || view->head.tombstone || view->head.expired
        || view->head.expires_at == 0)
      return true;
    const bool due = now_ > view->head.expires_at + options_.max_skew_ms;
    f->whole = !due || f->due.size() < keys_per_sweep;
    if (!due || !f->whole) {
      if (f->next == 0 || view->head.expires_at < f->next)
        f->next = view->head.expires_at;
      return f->whole; // more is due than one sweep marks: the rest comes next
    }
    f->due.emplace_back(key);
    return true;
  };
  job.done = [this, inc, s, f] {
    for (const auto& key : f->due)
      if (!sweep_due(inc, key))
        f->next = 1;
    slots_.end_sweep(inc, s, f->next, f->whole);
  };
  job.failed = [this, inc, s](const error&) {
    slots_.end_sweep(inc, s, 1, true);
  };
  start_scan(ks->engine, std::move(job));
}

/// False: not now; the slot has to be swept again.
bool shard::sweep_due(incarnation inc, std::string_view key) {
  const auto* ks = view_->keyspace(inc);
  if (ks == nullptr)
    return true;
  if ((ks->engine == engine_kind::rocksdb && broken_) || waiting_.contains(key))
    return false;
  switch (store_.get(ks->engine, key, read_)) {
  case read_status::found: sweep_key(ks, key, read_.view()); return true;
  case read_status::would_block: return park_for_load(key, parked_sweep{});
  default: return true;
  }
}

/// Marks the version EXPIRED under its old tag and drops its value; the mark
/// stays until it is collected by proof.
void shard::sweep_key(keyspace_ref ks, std::string_view stored_key,
                      std::string_view current) {
  if (current.empty())
    return;
  const auto marked =
    sweep_entry(current, now_, options_.max_skew_ms, hlc_time{});
  if (marked && *marked && store(ks, stored_key, current, **marked, hlc_time{}))
    options_.counters->expired_keys.add();
}

} // namespace torc::storage
