// State changes of a shard: overlay, commits, clock ceiling, failures.
#include "actors/storage_node/shard.hpp"
#include "torc/core/byte_codec.hpp"
#include "torc/core/stored_key.hpp"

namespace torc {

std::string ceiling_key(std::uint16_t shard) {
  // Incarnation 0 belongs to the node itself.
  auto key = incarnation_begin(incarnation{0});
  key.append("ceiling");
  byte_writer{key}.u16(shard);
  return key;
}

namespace storage {

result<std::uint64_t> shard::store(keyspace_ref ks, std::string_view stored_key,
                                   std::string_view old_entry,
                                   std::string_view new_entry,
                                   hlc_time own_stamp) {
  slots_.replace(ks->inc, stored_slot(stored_key), stored_key, old_entry,
                 new_entry);
  if (ks->engine == engine_kind::memory) {
    if (const auto done = store_.put_memory(stored_key, new_entry); !done) {
      slots_.replace(ks->inc, stored_slot(stored_key), stored_key, new_entry,
                     old_entry);
      return done.error();
    }
    if (own_stamp.value != 0)
      queue_push(ks, stored_key, new_entry, own_stamp);
    return std::uint64_t{0};
  }
  batch_->put(column::data, stored_key, new_entry);
  store_.put_dirty(stored_key, new_entry, seq_);
  if (own_stamp.value != 0)
    unsent_.push_back({seq_, own_stamp, std::string{stored_key}});
  request_flush();
  return seq_;
}

void shard::queue_push(keyspace_ref ks, std::string_view stored_key,
                       std::string_view entry, hlc_time stamp) {
  ++push_number_;
  for (const auto m : view_->replicas(ks->group, stored_slot(stored_key))) {
    if (m == options_.self)
      continue;
    auto* s = peers_.stream_for(m, stored_slot(stored_key));
    if (s == nullptr)
      continue; // never met: the comparison at the first meeting finds it
    const auto size = stored_key.size() + entry.size();
    const bool up = peers_.find(m)->up;
    if (up && s->outbox.size() < limits::peer_batch_bytes
        && s->pushes.add_sent(push_number_, stored_key, stamp, size,
                              s->last_batch + 1)) {
      if (s->pushes.in_flight() == 1)
        s->oldest_sent_ms = now_;
      append_push(s->outbox, hlc_time{}, stored_key, entry);
      options_.counters->pushes_sent.add();
    } else {
      const bool before = s->pushes.overflowed();
      s->pushes.add(push_number_, stored_key, stamp);
      if (!before && s->pushes.overflowed())
        options_.counters->hint_overflows.add();
    }
  }
  request_flush();
}

void shard::extend_ceiling() {
  if (broken_)
    return;
  const auto wanted = clock_.wanted_ceiling(now_);
  if (!wanted)
    return;
  std::string value;
  byte_writer{value}.u64(wanted->value);
  batch_->put(column::meta, ceiling_key(options_.shard), value);
  batch_must_sync_ = true;
  ceiling_asked_ = *wanted;
  ceiling_seq_ = seq_;
  request_flush();
}

void shard::send_commit() {
  if (batch_->empty() || broken_)
    return;
  local::commit_request r;
  r.shard = options_.shard;
  r.seq = seq_;
  r.generation = generation_;
  r.must_sync = batch_must_sync_;
  r.writes = std::move(batch_);
  batch_ = std::make_shared<write_batch>();
  batch_must_sync_ = false;
  ++seq_;
  effects_.commit(std::move(r));
}

void shard::on_committed(const local::committed& c) {
  now_ = options_.wall();
  if (c.failure) {
    if (c.generation == generation_)
      storage_failed(*c.failure);
    return;
  }
  if (c.resumed) {
    if (broken_ && c.generation == generation_) {
      broken_.reset();
      clock_.ceiling_failed();
      extend_ceiling();
    }
    request_flush();
    return;
  }
  if (c.generation != generation_)
    return;
  durable_seq_ = c.seq;
  if (ceiling_seq_ != 0 && ceiling_seq_ <= c.seq) {
    ceiling_seq_ = 0;
    clock_.ceiling_durable(ceiling_asked_);
  }
  while (!unsent_.empty() && unsent_.front().seq <= c.seq) {
    auto u = std::move(unsent_.front());
    unsent_.pop_front();
    const auto* ks = view_->keyspace(stored_incarnation(u.key));
    // A later change that is not durable yet will be pushed on its own (D1).
    if (ks == nullptr || store_.dirty_seq(u.key) > c.seq)
      continue;
    if (store_.get(ks->engine, u.key, read_) == read_status::found)
      queue_push(ks, u.key, read_.view(), u.stamp);
  }
  store_.committed(c.seq);
  replies_.committed(c.seq, c.synced);
  peers_.advance_acks(durable_seq_);
  check_waiters(now_);
  if (!clock_waiting_.empty())
    resume_clock_waiters();
  request_flush();
}

void shard::storage_failed(const error& e) {
  broken_ = std::make_shared<const error>(e);
  ++generation_;
  replies_.failed(e.code, e.message);
  store_.drop_dirty();
  unsent_.clear();
  batch_ = std::make_shared<write_batch>();
  batch_must_sync_ = false;
  ceiling_seq_ = 0;
  clock_.ceiling_failed();
  // Received records that are not durable are not acknowledged: sent again.
  for (auto& [m, p] : peers_.all())
    for (auto& s : p.streams) {
      s.arriving_batches.clear();
      s.received = s.durable;
    }
  // The figures counted what is gone now: count again from the disk.
  for (const auto& [inc, where] : spaces_)
    if (where == engine_kind::rocksdb) {
      slots_.close(inc);
      slots_.open(inc, false);
      options_.start.reset();
      count_base(inc);
    }
  auto waiting = std::move(clock_waiting_);
  clock_waiting_.clear();
  parked_count_ -= waiting.size();
  for (const auto& p : waiting)
    refuse(p.what, p.from, e.code, e.message);
  request_flush();
}

void shard::request_flush() {
  if (flush_asked_)
    return;
  flush_asked_ = true;
  effects_.request_flush();
}

void shard::on_flush() {
  flush_asked_ = false;
  now_ = options_.wall();
  send_commit();
  fill_outboxes();
  peer_batch header;
  header.sender = options_.self;
  header.sender_shard = options_.shard;
  header.epoch = view_->epoch();
  header.clock = clock_.last();
  if (peers_.has_mail())
    peers_.flush(header, now_, effects_.to_peer);
  replies_.flush([&](const caf::strong_actor_ptr& to, op_reply_batch b) {
    b.epoch = view_->epoch();
    b.clock = clock_.last();
    b.member = options_.self;
    b.shard = options_.shard;
    effects_.reply(to, std::move(b));
  });
}

} // namespace storage
} // namespace torc
