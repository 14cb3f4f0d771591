// Replication of a shard: records pushed in both directions.
#include <algorithm>

#include "actors/storage_node/shard.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"
#include "torc/log.hpp"

namespace torc::storage {
namespace {

constexpr unix_ms fetch_again_after_ms = 500;

} // namespace

void shard::on_peer_up(const local::peer_up& up) {
  now_ = options_.wall();
  const auto* known = peers_.find(up.member);
  const bool anew =
    known == nullptr || known->streams.size() != up.roles->shards.size();
  bool compare = known == nullptr || known->streams.empty();
  peers_.connect(up.member, up.roles->shards, now_);
  for (auto& s : peers_.find(up.member)->streams) {
    // Nothing was kept for it: only a comparison tells what it lacks.
    if (anew && !holds_nothing())
      leave_to_comparison(s);
    compare = compare || s.pushes.overflowed();
    s.comparison_due = false;
  }
  if (compare)
    effects_.compare_soon(up.member);
  begin_pulls();
  request_flush();
}

void shard::on_peer_down(member_id m) {
  now_ = options_.wall();
  peers_.disconnect(m);
  for (auto& [inc, f] : fresh_)
    std::erase_if(f.sources, [&](const auto& s) { return s.first.first == m; });
}

void shard::on_peer_unreachable(member_id m) {
  peers_.unreachable(m);
  check_all_fresh();
}

// -- what comes in

void shard::on_peer_batch(peer_batch b) {
  now_ = options_.wall();
  auto* p = peers_.find(b.sender);
  if (view_->member(b.sender) != nullptr && (p == nullptr || !p->up))
    peers_.missed(b.sender); // we hear of the link later than it does
  if (b.version == wire_version && p != nullptr && p->up)
    heard_epoch(b.epoch, b.sender);
  if (!acceptable(b, p))
    return;
  clock_.observe(b.clock);
  extend_ceiling();
  auto& s = p->streams[b.sender_shard];
  if (b.ack_stream == s.stream && b.ack <= s.last_batch
      && peers_.acknowledged(s, b.ack, now_))
    check_waiters();
  else if (b.batch == 0 && (b.ack_stream == s.stream || b.ack_stream == 0))
    peer_streams::resend_soon(s, now_);
  if (b.batch != 0)
    receive_items(b, *p, s);
  request_flush();
}

/// A later config than ours is at work (protocol 4): it is asked for at once
/// instead of at the next heartbeat. What came with it need not wait: records
/// join under any config, and what only the later one allows is refused and
/// comes again.
void shard::heard_epoch(torc::epoch e, member_id from) {
  if (e <= view_->epoch() || now_ < fetch_again_ms_ || from == member_id{})
    return;
  fetch_again_ms_ = now_ + fetch_again_after_ms;
  effects_.fetch_config(from);
}

/// Whom to ask for a config that some gateway works with: a connected voter,
/// else anybody who is connected.
member_id shard::likely_config_keeper() const {
  member_id anybody;
  const auto& voters = view_->config().voters;
  for (const auto& p : peers_.all()) {
    if (!p->up)
      continue;
    if (std::find(voters.begin(), voters.end(), p->id) != voters.end())
      return p->id;
    anybody = p->id;
  }
  return anybody;
}

bool shard::acceptable(const peer_batch& b, const peer_state* p) {
  if (b.version != wire_version || p == nullptr || !p->up
      || view_->member(b.sender) == nullptr) {
    options_.counters->batches_unknown.add();
    return false;
  }
  if (b.clock > hlc_from_ms(now_ + options_.max_skew_ms)) {
    options_.counters->messages_ahead.add();
    return false;
  }
  if (b.sender_shard >= p->streams.size() || !well_formed_items(b, *p)) {
    options_.counters->batches_malformed.add();
    return false;
  }
  return true;
}

/// Looks at all items before any of them does something.
bool shard::well_formed_items(const peer_batch& b, const peer_state& p) const {
  if (b.items.size() > limits::peer_batch_bytes_max
      || (b.batch == 0) != b.items.empty())
    return false;
  peer_item_reader reader{b.items};
  peer_item item;
  while (reader.next(item))
    if (item.kind == peer_item_kind::push
        && stored_slot(item.key).value % p.streams.size() != b.sender_shard)
      return false;
  return !reader.damaged();
}

void shard::receive_items(const peer_batch& b, peer_state& p, peer_stream& s) {
  push_origin from{b.sender, b.sender_shard,
                   peers_.arrived(s, b.stream, b.batch)};
  std::uint64_t seq = 0;
  std::uint32_t parked_items = 0;
  bool all = true;
  peer_item_reader reader{b.items};
  peer_item item;
  while (reader.next(item)) {
    switch (item.kind) {
    case peer_item_kind::push: {
      const auto o = receive_push(from, item);
      seq = std::max(seq, o.seq);
      parked_items += o.what == push_outcome::parked ? 1 : 0;
      all = all && o.what != push_outcome::refused;
      break;
    }
    case peer_item_kind::pull: answer_pull(p.id, b.sender_shard, item); break;
    case peer_item_kind::pull_end:
      // A page of which something was refused is asked for again.
      if (all)
        finish_pull(p.id, b.sender_shard, item);
      break;
    }
  }
  if (all)
    peer_streams::settle(s, from.arrival, seq, parked_items);
  else
    peer_streams::reject(s, from.arrival);
  peer_streams::advance_ack(s, durable_seq_);
}

shard::push_outcome shard::receive_push(const push_origin& from,
                                        const peer_item& item) {
  constexpr push_outcome settled{push_outcome::settled, 0};
  constexpr push_outcome refused{push_outcome::refused, 0};
  const auto inc = stored_incarnation(item.key);
  const auto slot = stored_slot(item.key);
  const auto* ks = view_->keyspace(inc);
  if (ks == nullptr) // unknown: comes again when we have the config
    return view_->dropped(inc) ? settled : refused;
  if (!slots_.owns(slot) || !is_replica(options_.self, ks, slot)
      || (ks->engine == engine_kind::rocksdb && broken_))
    return refused;
  const auto view = view_entry(item.entry);
  if (!view) {
    options_.counters->corrupt_entries.add();
    return refused;
  }
  if (lies_ahead(*view)) {
    options_.counters->messages_ahead.add();
    return refused;
  }
  options_.counters->pushes_received.add();
  const auto park_it = [&]() -> push_outcome {
    if (!park_for_load(item.key,
                       parked_push{from, item.floor, std::string{item.entry}}))
      return refused;
    return {push_outcome::parked, 0};
  };
  if (!waiting_.empty() && waiting_.contains(item.key))
    return park_it();
  switch (store_.get(ks->engine, item.key, read_)) {
  case read_status::would_block: return park_it();
  case read_status::failed:
    if (read_.error().code != errc::corrupt)
      return refused;
    options_.counters->corrupt_entries.add();
    return merge_push(ks, item.key, {}, item.entry, item.floor);
  case read_status::absent:
    return merge_push(ks, item.key, {}, item.entry, item.floor);
  case read_status::found:
    return merge_push(ks, item.key, read_.view(), item.entry, item.floor);
  }
  return refused;
}

/// Joins a received record into the one that is here (protocol 6). If that
/// fails its checks it is lost anyway, and the peer's takes its place.
shard::push_outcome shard::merge_push(keyspace_ref ks,
                                      std::string_view stored_key,
                                      std::string_view current,
                                      std::string_view received,
                                      hlc_time floor) {
  auto merged = merge_entries(ks->policy, current, received, floor);
  if (!merged) {
    if (merged.error().code != errc::corrupt)
      return {push_outcome::refused, 0};
    options_.counters->corrupt_entries.add();
    current = {};
    merged = merge_entries(ks->policy, current, received, floor);
    if (!merged)
      return {push_outcome::refused, 0};
  }
  if (!*merged) // known, but perhaps not durable yet
    return {push_outcome::settled, store_.dirty_seq(stored_key)};
  if (const auto view = view_entry(**merged); view)
    clock_.observe(view->head.tag.h);
  // A record that others hold already is not pushed on.
  const auto seq = store(ks, stored_key, current, **merged, hlc_time{});
  if (!seq)
    return {push_outcome::refused, 0};
  note_memory(ks);
  if (!fresh_.empty())
    if (auto f = fresh_.find(ks->inc); f != fresh_.end())
      ++f->second.received;
  return {push_outcome::settled, *seq};
}

/// What others acknowledged is taken whatever room there is: else replicas
/// would never be equal again.
void shard::note_memory(keyspace_ref ks) {
  if (over_memory_ || ks->engine != engine_kind::memory
      || options_.memory_bytes_max == 0
      || store_.memory().size().bytes <= options_.memory_bytes_max)
    return;
  over_memory_ = true;
  log::warn(
    "storage",
    "shard {} holds more than its {} bytes of memory_bytes_max: records "
    "from its peers are not refused",
    options_.shard, options_.memory_bytes_max);
}

// -- what goes out

void shard::on_push_keys(const local::push_keys& request) {
  now_ = options_.wall();
  auto* p = peers_.find(request.peer);
  if (p == nullptr)
    return;
  bool room = true;
  for (const auto& key : request.keys)
    if (key.size() > stored_prefix_bytes && slots_.owns(stored_slot(key)))
      if (auto* s = p->stream_for(stored_slot(key)); s != nullptr) {
        // Half of the room stays for writes; another comparison finds these.
        if (s->pushes.size() < limits::hints_max / 2)
          queue_hint(*s, key, hlc_time{});
        else {
          leave_out(*s);
          room = false;
        }
      }
  if (!room)
    effects_.no_room(request.peer);
  request_flush();
}

/// What a comparison found has no room: another one finds it again.
void shard::leave_out(peer_stream& s) const {
  s.comparison_due = true;
  s.overflow_round = newest_round_;
}

/// Something that the peer may lack is not among its hints.
void shard::leave_to_comparison(peer_stream& s) const {
  s.pushes.overflow();
  leave_out(s);
}

bool shard::holds_nothing() const {
  const auto& t = slots_.totals();
  return slots_.all_counted() && fresh_.empty() && t.live == 0 && t.dead == 0;
}

void shard::on_compared(const local::compared& c) {
  now_ = options_.wall();
  if (auto* p = peers_.find(c.peer))
    for (auto& s : p->streams)
      if (s.overflow_round < c.round) {
        s.pushes.compared();
        s.comparison_due = false;
      }
  check_waiters();
}

void shard::fill_outboxes() {
  bool more = false;
  for (const auto& p : peers_.all())
    if (p->up)
      for (auto& s : p->streams)
        more = fill_outbox(*p, s) || more;
  if (more)
    request_flush();
}

/// Sends hints while the window is open. True if more could be sent in a next
/// turn.
bool shard::fill_outbox(peer_state& p, peer_stream& s) {
  while (const auto* item = s.pushes.next()) {
    if (s.outbox.size() >= limits::peer_batch_bytes)
      return true;
    const auto* ks = view_->keyspace(stored_incarnation(item->key));
    if (ks == nullptr || !is_replica(p.id, ks, stored_slot(item->key))) {
      peers_.skip(s);
      continue;
    }
    if (!waiting_.empty() && waiting_.contains(item->key))
      return false; // goes on after the load
    switch (store_.get_settled(ks->engine, item->key, read_)) {
    case read_status::found:
      send_hint(p.id, item->key, read_.view(), true);
      break;
    case read_status::would_block:
      park_for_load(item->key, parked_resend{p.id});
      return false;
    case read_status::failed: send_hint(p.id, item->key, {}, false); break;
    case read_status::absent: peers_.skip(s);
    }
  }
  return false;
}

/// Sends the record of the hint that is next for `m`, if it is of this key.
/// Nothing is there: nothing is sent. What cannot be read, fails its checks or
/// would be refused as its time has not come is left to comparison.
void shard::send_hint(member_id m, std::string_view key, std::string_view entry,
                      bool readable) {
  auto* p = peers_.find(m);
  auto* s = p == nullptr || !p->up ? nullptr : p->stream_for(stored_slot(key));
  const auto* item = s == nullptr ? nullptr : s->pushes.next();
  if (item == nullptr || item->key != key)
    return;
  if (readable && entry.empty())
    return peers_.skip(*s);
  const auto view = view_entry(entry);
  if (!readable || !view)
    options_.counters->corrupt_entries.add();
  if (!readable || !view || lies_ahead(*view)) {
    leave_to_comparison(*s);
    return peers_.skip(*s);
  }
  append_push(s->outbox, hlc_time{}, key, entry);
  options_.counters->pushes_sent.add();
  peers_.sent(*s, key.size() + entry.size(), now_); // `key` may lie in the hint
}

} // namespace torc::storage
