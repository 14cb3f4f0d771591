// Whole-keyspace work of a shard: views, pages of keys, counts, figures,
// sweeps.
#include <algorithm>

#include "actors/storage_node/shard.hpp"
#include "torc/core/byte_codec.hpp"
#include "torc/core/scan_position.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::storage {
namespace {

constexpr std::size_t scan_part_entries = 2000;
constexpr std::size_t scan_part_bytes = limits::mib;
constexpr std::size_t slots_per_sweep = 32;
constexpr std::uint32_t ticks_per_sweep = 50;

bool in_bitmap(std::string_view bits, std::uint32_t slot) noexcept {
  const auto byte = slot / 8;
  return byte < bits.size()
         && (static_cast<unsigned char>(bits[byte]) >> (slot % 8) & 1) != 0;
}

} // namespace

// -- views
// ------------------------------------------------------------------------------

void shard::on_view(std::shared_ptr<const cluster_view> view) {
  const bool starting = view_ == nullptr;
  view_ = std::move(view);
  for (const auto& ks : view_->config().keyspaces) {
    if (spaces_.contains(ks.inc))
      continue;
    spaces_.emplace(ks.inc, ks.engine);
    if (ks.engine == engine_kind::memory) {
      slots_.open(ks.inc, true);
      fresh_[ks.inc].since_ms = now_;
    } else {
      // What is created while we run has no data here yet.
      slots_.open(ks.inc, !starting);
      if (starting)
        count_base(ks.inc);
    }
  }
  std::vector<incarnation> gone;
  for (const auto& [inc, where] : spaces_)
    if (view_->keyspace(inc) == nullptr)
      gone.push_back(inc);
  for (const auto inc : gone)
    drop_incarnation(inc);
  begin_pulls(now_);
  std::vector<incarnation> fresh;
  for (const auto& [inc, f] : fresh_)
    fresh.push_back(inc);
  for (const auto inc : fresh)
    check_fresh(inc);
  request_flush();
}

void shard::drop_incarnation(incarnation inc) {
  const auto where = spaces_.at(inc);
  spaces_.erase(inc);
  fresh_.erase(inc);
  slots_.close(inc);
  if (where == engine_kind::memory) {
    dropping_.emplace_back(inc, 0);
  } else if (options_.shard == 0) {
    // One range deletion for the whole node, whatever its size.
    batch_->erase_range(column::data, incarnation_begin(inc),
                        incarnation_begin(incarnation{inc.value + 1}));
    request_flush();
  }
}

/// Frees dropped memory keyspaces slot by slot, so that no turn is long.
void shard::drop_some() {
  constexpr std::uint32_t slots_per_turn = 256;
  if (dropping_.empty())
    return;
  auto& [inc, from] = dropping_.front();
  write_batch batch;
  for (std::uint32_t n = 0; n < slots_per_turn && from < slot_count;
       ++n, ++from)
    if (const slot_id s{static_cast<std::uint16_t>(from)}; slots_.owns(s))
      batch.erase_range(column::data, slot_begin(inc, s), slot_end(inc, s));
  (void)store_.memory().apply(batch, durability::buffered);
  if (from >= slot_count)
    dropping_.pop_front();
}

void shard::on_tick() {
  now_ = options_.wall();
  ++ticks_;
  peers_.resend_stale(now_, 1000);
  begin_pulls(now_);
  check_waiters(now_);
  drop_some();
  if (ticks_ % ticks_per_sweep == 0) {
    sweep(now_);
    update_figures();
  }
  request_flush();
}

void shard::update_figures() {
  const auto t = slots_.totals();
  auto& c = *options_.counters;
  const auto set = [](counter& x, std::int64_t n) {
    x.set(n > 0 ? static_cast<std::uint64_t>(n) : 0);
  };
  set(c.live_keys, t.live);
  set(c.dead_keys, t.dead);
  set(c.dead_bytes, t.dead_bytes);
  set(c.expiring_keys, t.expiring);
  c.hints.set(peers_.hints());
  c.parked.set(parked_count_);
  c.memory_bytes.set(store_.memory().size().bytes);
}

// -- scans
// ---------------------------------------------------------------------------------

void shard::start_scan(engine_kind where, scan_job job) {
  if (where == engine_kind::memory) {
    local::scan_result r;
    const auto done = store_.memory().snapshot()->scan(
      column::data, job.begin, job.end,
      [&](std::string_view key, std::string_view entry) {
        r.entries.emplace_back(std::string{key}, std::string{entry});
        return r.entries.size() < job.entries_max || job.entries_max == 0;
      });
    if (!done)
      return job.failed(done.error());
    (void)job.part(r);
    return job.end_reached();
  }
  const auto id = ++next_id_;
  local::scan_request request{
    id, job.begin, job.end, scan_part_entries, scan_part_bytes, job.snapshot};
  scans_.emplace(id, std::move(job));
  effects_.scan(std::move(request));
}

void shard::on_scanned(local::scan_result r) {
  now_ = options_.wall();
  const auto it = scans_.find(r.id);
  if (it == scans_.end())
    return;
  auto job = std::move(it->second);
  scans_.erase(it);
  if (r.failure) {
    job.failed(*r.failure);
  } else if (!job.part(r) || r.next.empty()) {
    job.end_reached();
  } else {
    job.begin = r.next;
    start_scan(engine_kind::rocksdb, std::move(job));
  }
  request_flush();
}

/// Keys of one slot in hash order, from a position on, for SCAN and RANDOMKEY.
struct shard::page {
  op what;
  caf::strong_actor_ptr from;
  engine_kind where = engine_kind::memory;
  std::uint32_t slot = 0;
  std::uint64_t hash = 0;
  std::vector<std::pair<std::uint64_t, std::string>> keys; ///< Of this slot.
  std::string payload;
  std::uint64_t count = 0;
};

void shard::scan_page(const op& o, keyspace_ref ks,
                      const caf::strong_actor_ptr& from) {
  auto p = std::make_shared<page>();
  p->what = o;
  p->from = from;
  p->where = ks->engine;
  p->slot = o.slot.value;
  p->hash = o.a;
  continue_page(std::move(p));
}

void shard::continue_page(std::shared_ptr<page> p) {
  const auto inc = p->what.inc;
  const auto end = std::min<std::uint32_t>(p->what.end_slot, slot_count);
  for (;; ++p->slot, p->hash = 0) {
    if (p->slot >= end || p->count >= p->what.b)
      return finish_page(*p);
    const slot_id s{static_cast<std::uint16_t>(p->slot)};
    const auto* f = slots_.find(inc, s);
    if (f == nullptr || (slots_.counted(inc) && f->live == 0))
      continue;
    p->keys.clear();
    if (p->where == engine_kind::rocksdb)
      break;
    bool whole = true;
    collect_slot(p, s, [p, &whole] { whole = cut_page(*p); });
    if (!whole)
      return finish_page(*p);
  }
  collect_slot(p, slot_id{static_cast<std::uint16_t>(p->slot)}, [this, p] {
    if (!cut_page(*p))
      return finish_page(*p);
    ++p->slot;
    p->hash = 0;
    continue_page(p);
  });
}

void shard::collect_slot(std::shared_ptr<page> p, slot_id s,
                         std::function<void()> then) {
  scan_job job;
  job.begin = slot_begin(p->what.inc, s);
  job.end = slot_end(p->what.inc, s);
  job.part = [this, p](const local::scan_result& r) {
    for (const auto& [key, entry] : r.entries) {
      const auto view = view_entry(entry);
      if (!view || !view->head.visible(now_))
        continue;
      if (auto parsed = parse_stored_key(key))
        if (const auto h = scan_hash(parsed->user_key); h >= p->hash)
          p->keys.emplace_back(h, std::move(parsed->user_key));
    }
    return true;
  };
  job.end_reached = std::move(then);
  job.failed = [this, p](const error& e) {
    refuse(p->what, p->from, e.code, e.message);
  };
  start_scan(p->where, std::move(job));
}

/// Moves the slot's keys to the page; false if the page is full before the
/// slot's end, which then stays the position.
bool shard::cut_page(page& p) {
  std::sort(p.keys.begin(), p.keys.end());
  byte_writer w{p.payload};
  for (std::size_t i = 0; i < p.keys.size(); ++i) {
    const auto& [hash, key] = p.keys[i];
    // Keys of one hash stay together: a cursor cannot point between them.
    if (p.count >= p.what.b && (i == 0 || p.keys[i - 1].first != hash)) {
      p.hash = hash;
      return false;
    }
    w.u64(pack({p.slot, hash}));
    w.bytes(key);
    ++p.count;
  }
  return true;
}

void shard::finish_page(page& p) {
  op_reply r;
  r.id = p.what.id;
  if (p.slot >= std::min<std::uint32_t>(p.what.end_slot, slot_count))
    r.flags |= reply_flag::done;
  r.number = pack({p.slot, p.hash});
  replies_.now(p.from, r, p.payload);
  request_flush();
}

void shard::count_keys(const op& o, keyspace_ref ks, std::string_view slots,
                       const caf::strong_actor_ptr& from) {
  if (!slots_.counted(ks->inc))
    return refuse(o, from, errc::try_again,
                  "still counting the keys on the disk after the start");
  std::int64_t n = 0;
  for (std::uint32_t s = options_.shard; s < slot_count; s += options_.shards)
    if (in_bitmap(slots, s))
      if (const auto* f =
            slots_.find(ks->inc, slot_id{static_cast<std::uint16_t>(s)}))
        n += f->live;
  op_reply r;
  r.id = o.id;
  r.number = n > 0 ? static_cast<std::uint64_t>(n) : 0;
  replies_.now(from, r);
}

void shard::random_key(const op& o, keyspace_ref ks, std::string_view slots,
                       const caf::strong_actor_ptr& from) {
  auto p = std::make_shared<page>();
  p->what = o;
  p->from = from;
  p->where = ks->engine;
  const std::string bitmap{slots};
  // The first slot with keys at or after a random one, then a random key of it.
  const auto start = static_cast<std::uint32_t>(o.a % slot_count);
  for (std::uint32_t i = 0; i < slot_count; ++i) {
    const auto s = (start + i) % slot_count;
    const auto* f = slots_.find(o.inc, slot_id{static_cast<std::uint16_t>(s)});
    if (f == nullptr || !in_bitmap(bitmap, s)
        || (slots_.counted(ks->inc) && f->live == 0))
      continue;
    p->slot = s;
    return collect_slot(p, slot_id{static_cast<std::uint16_t>(s)}, [this, p] {
      op_reply r;
      r.id = p->what.id;
      if (p->keys.empty()) {
        replies_.now(p->from, r);
      } else {
        r.flags |= reply_flag::found;
        r.number = p->keys.size();
        replies_.now(p->from, r, p->keys[p->what.b % p->keys.size()].second);
      }
      request_flush();
    });
  }
  op_reply r;
  r.id = o.id;
  replies_.now(from, r);
}

// -- figures of what lay on the disk at the start
// -----------------------------------------

void shard::count_base(incarnation inc) {
  scan_job job;
  job.begin = incarnation_begin(inc);
  job.end = incarnation_begin(incarnation{inc.value + 1});
  job.snapshot = options_.start;
  if (!job.snapshot)
    job.snapshot = store_.disk()->snapshot();
  job.part = [this, inc](const local::scan_result& r) {
    for (const auto& [key, entry] : r.entries)
      if (key.size() > stored_prefix_bytes)
        slots_.base(inc, stored_slot(key), key, entry);
    return slots_.knows(inc);
  };
  job.end_reached = [this, inc] {
    slots_.base_complete(inc);
    if (slots_.all_counted())
      options_.start.reset();
    update_figures();
  };
  job.failed = [this](const error&) {
    options_.counters->corrupt_entries.add();
  };
  start_scan(engine_kind::rocksdb, std::move(job));
}

// -- expiry
// ------------------------------------------------------------------------------------

void shard::sweep(unix_ms now) {
  std::size_t budget = slots_per_sweep;
  const auto due = now > options_.max_skew_ms ? now - options_.max_skew_ms : 0;
  for (const auto inc : slots_.incarnations()) {
    const auto* ks = view_->keyspace(inc);
    std::uint16_t from = 0;
    while (ks != nullptr && budget > 0) {
      const auto s = slots_.due_slot(inc, due, from);
      if (!s)
        break;
      --budget;
      sweep_slot(ks, *s);
      from = static_cast<std::uint16_t>(s->value + 1);
    }
  }
}

void shard::sweep_slot(keyspace_ref ks, slot_id s) {
  const auto inc = ks->inc;
  auto next = std::make_shared<unix_ms>(0);
  slots_.set_next_deadline(inc, s, 0);
  scan_job job;
  job.begin = slot_begin(inc, s);
  job.end = slot_end(inc, s);
  job.part = [this, inc, next](const local::scan_result& r) {
    const auto* space = view_->keyspace(inc);
    for (const auto& [key, entry] : r.entries) {
      const auto view = view_entry(entry);
      if (!view || view->head.tombstone || view->head.expired
          || view->head.expires_at == 0 || space == nullptr)
        continue;
      if (now_ <= view->head.expires_at + options_.max_skew_ms) {
        if (*next == 0 || view->head.expires_at < *next)
          *next = view->head.expires_at;
        continue;
      }
      if (waiting_.contains(key)) {
        *next = view->head.expires_at; // busy: looked at again
        continue;
      }
      switch (store_.get(space->engine, key, read_)) {
      case read_status::found: sweep_key(space, key, read_.view()); break;
      case read_status::would_block:
        if (!park_for_load(key, parked_sweep{}))
          *next = view->head.expires_at;
        break;
      default: break;
      }
    }
    return true;
  };
  job.end_reached = [this, inc, s, next] {
    slots_.merge_next_deadline(inc, s, *next);
  };
  job.failed = [this, inc, s](const error&) {
    slots_.merge_next_deadline(inc, s, now_);
  };
  start_scan(ks->engine, std::move(job));
}

void shard::sweep_key(keyspace_ref ks, std::string_view stored_key,
                      std::string_view current) {
  if (current.empty())
    return;
  const auto marked =
    sweep_entry(current, now_, options_.max_skew_ms, hlc_time{});
  if (!marked || !*marked)
    return;
  if (store(ks, stored_key, current, **marked, hlc_time{}))
    options_.counters->expired_keys.add();
}

// -- comparison
// ----------------------------------------------------------------------------------

local::digests_answer shard::on_digests_query(const local::digests_query& q) {
  local::digests_answer a;
  a.shard = options_.shard;
  a.round = q.round;
  a.known = broken_ == nullptr;
  for (const auto inc : q.incarnations) {
    auto& list = a.digests.emplace_back();
    if (!slots_.counted(inc) || fresh_.contains(inc)) {
      a.known = false;
      continue;
    }
    for (std::uint32_t s = options_.shard; s < slot_count;
         s += options_.shards) {
      const slot_id slot{static_cast<std::uint16_t>(s)};
      const auto d = slots_.find(inc, slot)->digest.value();
      if (d != record_id{})
        list.emplace_back(slot, d);
    }
  }
  return a;
}

void shard::on_entries_query(
  const local::entries_query& q,
  std::function<void(local::entries_answer)> answer) {
  const auto* ks = view_->keyspace(q.inc);
  if (ks == nullptr || !slots_.owns(q.slot))
    return;
  auto out = std::make_shared<local::entries_answer>();
  out->round = q.round;
  out->inc = q.inc;
  out->slot = q.slot;
  out->from = q.from.empty() ? slot_begin(q.inc, q.slot) : q.from;
  scan_job job;
  job.begin = out->from;
  job.end = q.until.empty() ? slot_end(q.inc, q.slot) : q.until;
  job.entries_max = 0;
  job.part = [out](const local::scan_result& r) {
    std::size_t bytes = 0;
    for (const auto& [key, entry] : r.entries) {
      if (bytes > limits::peer_batch_bytes) {
        out->next = key;
        return false;
      }
      bytes += key.size() + 16;
      out->keys.push_back(key);
      out->fingerprints.push_back(entry_fingerprint(key, entry));
    }
    out->next = r.next;
    return false; // one part makes one message
  };
  job.end_reached = [out, answer] { answer(std::move(*out)); };
  job.failed = [](const error&) {};
  start_scan(ks->engine, std::move(job));
}

} // namespace torc::storage
