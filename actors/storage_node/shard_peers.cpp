// Replication of a shard: pushes in both directions, pulls, WAIT.
#include <algorithm>

#include "actors/storage_node/shard.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::storage {
namespace {

constexpr unix_ms resend_after_ms = 1000;
constexpr unix_ms pull_again_after_ms = 500;

} // namespace

void shard::on_peer_up(const local::peer_up& up) {
  now_ = options_.wall();
  auto* known = peers_.find(up.member);
  const bool first = known == nullptr || known->streams.empty();
  peers_.connect(up.member, up.roles->shards, now_);
  bool overflowed = first;
  for (const auto& s : peers_.find(up.member)->streams)
    overflowed = overflowed || s.pushes.overflowed();
  if (overflowed)
    effects_.compare_soon(up.member);
  begin_pulls(now_);
  request_flush();
}

void shard::on_peer_down(member_id m) {
  peers_.disconnect(m);
  for (auto& [inc, f] : fresh_)
    std::erase_if(f.sources, [&](const auto& s) { return s.first.first == m; });
  on_peer_unreachable(m);
}

void shard::on_peer_unreachable(member_id m) {
  peers_.unreachable(m);
  std::vector<incarnation> fresh;
  for (const auto& [inc, f] : fresh_)
    fresh.push_back(inc);
  for (const auto inc : fresh)
    check_fresh(inc);
}

void shard::on_peer_batch(peer_batch b) {
  now_ = options_.wall();
  auto* p = peers_.find(b.sender);
  if (b.version != wire_version || p == nullptr || !p->up
      || b.sender_shard >= p->streams.size()
      || b.clock > hlc_from_ms(now_ + options_.max_skew_ms)
      || b.items.size() > limits::peer_batch_bytes_max)
    return;
  clock_.observe(b.clock);
  extend_ceiling();
  auto& s = p->streams[b.sender_shard];
  if (b.ack_stream == s.stream && b.ack != 0) {
    s.pushes.acknowledge(b.ack);
    s.oldest_sent_ms = now_;
    check_waiters(now_);
  }
  if (b.batch != 0) {
    const bool counts = peers_.arrived(s, b.stream, b.batch);
    peer_item_reader reader{b.items};
    peer_item item;
    std::uint32_t parked_items = 0;
    bool all = true;
    while (reader.next(item)) {
      switch (item.kind) {
      case peer_item_kind::push: {
        const auto o = receive_push(b.sender, item, b.stream, b.batch);
        parked_items += o == push_outcome::parked ? 1 : 0;
        all = all && o != push_outcome::refused;
        break;
      }
      case peer_item_kind::pull:
        answer_pull(b.sender, b.sender_shard, item);
        break;
      case peer_item_kind::pull_end:
        finish_pull(b.sender, b.sender_shard, item);
        break;
      }
    }
    if (counts && all && !reader.damaged()) {
      peers_.settle(s, batch_->empty() ? seq_ - 1 : seq_, parked_items);
    } else if (counts) {
      // Not acknowledged: the sender tries again under a new stream.
      s.arriving_batches.pop_back();
      --s.received;
    }
    peers_.advance_acks(durable_seq_);
  }
  request_flush();
}

shard::push_outcome shard::receive_push(member_id from, const peer_item& item,
                                        std::uint64_t stream,
                                        std::uint64_t batch) {
  const auto inc = stored_incarnation(item.key);
  const auto slot = stored_slot(item.key);
  const auto* ks = view_->keyspace(inc);
  if (ks == nullptr)
    return view_->dropped(inc) ? push_outcome::settled : push_outcome::refused;
  if (!slots_.owns(slot) || !is_replica(options_.self, ks, slot)
      || (ks->engine == engine_kind::rocksdb && broken_))
    return push_outcome::refused;
  options_.counters->pushes_received.add();
  const auto park_it = [&] {
    return park_for_load(item.key,
                         parked_push{from, slot, stream, batch, item.floor,
                                     std::string{item.entry}})
             ? push_outcome::parked
             : push_outcome::refused;
  };
  if (waiting_.contains(item.key))
    return park_it();
  switch (store_.get(ks->engine, item.key, read_)) {
  case read_status::would_block: return park_it();
  case read_status::failed: return push_outcome::refused;
  case read_status::absent:
    merge_push(ks, item.key, {}, item.entry, item.floor);
    return push_outcome::settled;
  case read_status::found:
    merge_push(ks, item.key, read_.view(), item.entry, item.floor);
    return push_outcome::settled;
  }
  return push_outcome::refused;
}

void shard::merge_push(keyspace_ref ks, std::string_view stored_key,
                       std::string_view current, std::string_view received,
                       hlc_time floor) {
  auto merged = merge_entries(ks->policy, current, received, floor);
  if (!merged) {
    options_.counters->corrupt_entries.add();
    return;
  }
  if (!*merged)
    return;
  if (const auto view = view_entry(**merged); view)
    clock_.observe(view->head.tag.h);
  // A record that others hold already is not pushed on.
  (void)store(ks, stored_key, current, **merged, hlc_time{});
  if (auto f = fresh_.find(ks->inc); f != fresh_.end())
    ++f->second.received;
}

void shard::on_push_keys(const local::push_keys& request) {
  now_ = options_.wall();
  for (const auto& key : request.keys)
    if (key.size() > stored_prefix_bytes && slots_.owns(stored_slot(key)))
      if (auto* s = peers_.stream_for(request.peer, stored_slot(key)))
        s->pushes.add(push_number_, key, hlc_time{});
  request_flush();
}

void shard::on_compared(const local::compared& c) {
  if (auto* p = peers_.find(c.peer))
    for (auto& s : p->streams)
      s.pushes.compared();
}

void shard::fill_outboxes() {
  bool more = false;
  for (auto& [m, p] : peers_.all())
    if (p.up)
      for (auto& s : p.streams)
        more = fill_outbox(m, s) || more;
  if (more)
    request_flush();
}

/// True if more could be sent in a next turn.
bool shard::fill_outbox(member_id m, peer_stream& s) {
  while (const auto* item = s.pushes.next()) {
    if (s.outbox.size() >= limits::peer_batch_bytes)
      return true;
    const auto* ks = view_->keyspace(stored_incarnation(item->key));
    if (ks == nullptr || !is_replica(m, ks, stored_slot(item->key))) {
      s.pushes.skip();
      continue;
    }
    if (waiting_.contains(item->key)
        || store_.dirty_seq(item->key) > durable_seq_)
      return false; // goes on after the load or the commit
    switch (store_.get(ks->engine, item->key, read_)) {
    case read_status::found: send_hint(m, item->key, read_.view()); break;
    case read_status::would_block:
      park_for_load(item->key, parked_resend{m});
      return false;
    default: s.pushes.skip();
    }
  }
  return false;
}

/// Sends the record of the hint that is next for `m`.
bool shard::send_hint(member_id m, std::string_view key,
                      std::string_view entry) {
  auto* s = peers_.stream_for(m, stored_slot(key));
  if (s == nullptr || !peers_.find(m)->up)
    return false;
  const auto* item = s->pushes.next();
  if (item == nullptr || item->key != key)
    return false;
  const auto view = view_entry(entry);
  if (!view) {
    if (!entry.empty())
      options_.counters->corrupt_entries.add();
    s->pushes.skip();
    return false;
  }
  // A newer write of our own has an item of its own behind this one.
  if (item->written.value != 0 && view->simple
      && view->head.tag.actor.value == options_.self.value
      && view->head.tag.h > item->written && !s->pushes.overflowed()) {
    s->pushes.skip();
    return true;
  }
  if (s->pushes.in_flight() == 0)
    s->oldest_sent_ms = now_;
  append_push(s->outbox, hlc_time{}, key, entry);
  s->pushes.sent(s->last_batch + 1, key.size() + entry.size());
  options_.counters->pushes_sent.add();
  return true;
}

// -- pulls: a memory keyspace after a start (protocol 10a, last rule)
// ------------

void shard::begin_pulls(unix_ms now) {
  for (auto& [inc, f] : fresh_)
    for (auto& [m, p] : peers_.all()) {
      if (!p.up)
        continue;
      for (std::uint16_t i = 0; i < p.streams.size(); ++i) {
        auto& source = f.sources[{m, i}];
        if (source.done || now < source.asked_ms + pull_again_after_ms)
          continue;
        source.asked_ms = now;
        append_pull(p.streams[i].outbox, inc, source.position, options_.shard,
                    options_.shards);
      }
    }
}

void shard::answer_pull(member_id from, std::uint16_t from_shard,
                        const peer_item& item) {
  const auto* ks = view_->keyspace(item.inc);
  auto* p = peers_.find(from);
  if (ks == nullptr || ks->engine != engine_kind::memory || p == nullptr
      || from_shard >= p->streams.size())
    return; // asked again once we know the keyspace
  auto& out = p->streams[from_shard].outbox;
  std::string position{item.key};
  if (position.size() < stored_prefix_bytes
      || stored_incarnation(position) != item.inc)
    position = incarnation_begin(item.inc);
  std::uint32_t slot = stored_slot(position).value;
  std::size_t bytes = 0;
  std::string next;
  for (; slot < slot_count && next.empty(); ++slot) {
    const slot_id s{static_cast<std::uint16_t>(slot)};
    const auto* figures = slots_.find(item.inc, s);
    if (slot % item.shards != item.shard || figures == nullptr
        || figures->live + figures->dead == 0 || !is_replica(from, ks, s))
      continue;
    const auto begin = std::max(position, slot_begin(item.inc, s));
    const auto done = store_.memory().snapshot()->scan(
      column::data, begin, slot_end(item.inc, s),
      [&](std::string_view key, std::string_view entry) {
        if (bytes >= limits::peer_batch_bytes) {
          next.assign(key);
          return false;
        }
        append_push(out, hlc_time{}, key, entry);
        bytes += key.size() + entry.size();
        return true;
      });
    if (!done)
      return;
  }
  append_pull_end(out, item.inc, next, fresh_.contains(item.inc));
}

void shard::finish_pull(member_id from, std::uint16_t from_shard,
                        const peer_item& item) {
  const auto f = fresh_.find(item.inc);
  if (f == fresh_.end())
    return;
  auto& source = f->second.sources[{from, from_shard}];
  source.position.assign(item.key);
  source.done = item.key.empty();
  source.asked_ms = 0;
  if (source.done)
    check_fresh(item.inc);
  else
    begin_pulls(now_);
}

void shard::check_fresh(incarnation inc) {
  const auto f = fresh_.find(inc);
  if (f == fresh_.end())
    return;
  for (const auto& m : view_->config().members) {
    if (m.id == options_.self)
      continue;
    const auto* p = peers_.find(m.id);
    if (p == nullptr || !p->attempted)
      return;
    if (!p->up)
      continue;
    for (std::uint16_t i = 0; i < p->streams.size(); ++i) {
      const auto source = f->second.sources.find({m.id, i});
      if (source == f->second.sources.end() || !source->second.done)
        return;
    }
  }
  effects_.keyspace_ready(inc, f->second.received);
  fresh_.erase(f);
}

// -- WAIT
// -----------------------------------------------------------------------------

std::uint64_t shard::replicas_with(const waiter& w) {
  const auto* ks = view_->keyspace(w.what.inc);
  std::uint64_t n = 0;
  if (ks == nullptr)
    return n;
  for (const auto m : view_->replicas(ks->group, w.what.slot)) {
    if (m == options_.self)
      continue;
    const auto* s = peers_.stream_for(m, w.what.slot);
    if (s != nullptr && s->pushes.acknowledged(w.push_number))
      ++n;
  }
  return n;
}

void shard::check_waiters(unix_ms now) {
  std::erase_if(wait_ops_, [&](waiter& w) {
    std::uint64_t n = 0;
    if (durable_seq_ >= w.commit_seq) {
      if (w.push_number == 0)
        w.push_number = push_number_;
      n = replicas_with(w);
    }
    if (n < w.what.b && (w.what.deadline == 0 || now < w.what.deadline))
      return false;
    op_reply r;
    r.id = w.what.id;
    r.number = n;
    replies_.now(w.from, r);
    request_flush();
    return true;
  });
}

} // namespace torc::storage
