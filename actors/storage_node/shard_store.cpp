// State changes of a shard: overlay, commits, clock ceiling, failures.
#include "actors/storage_node/shard.hpp"
#include "torc/core/byte_codec.hpp"
#include "torc/core/limits.hpp"
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

/// Gives the commit that the entry becomes durable with; 0 in memory.
/// `own_stamp`: of a version that this replica made and has to spread; 0: none.
result<std::uint64_t> shard::store(keyspace_ref ks, std::string_view stored_key,
                                   std::string_view old_entry,
                                   std::string_view new_entry,
                                   hlc_time own_stamp) {
  if (ks->engine == engine_kind::rocksdb && broken_)
    return *broken_;
  slots_.replace(ks->inc, stored_slot(stored_key), stored_key, old_entry,
                 new_entry);
  if (ks->engine == engine_kind::memory) {
    if (const auto done = store_.put_memory(stored_key, new_entry); !done) {
      slots_.replace(ks->inc, stored_slot(stored_key), stored_key, new_entry,
                     old_entry);
      return done.error();
    }
    if (own_stamp.value != 0 && has_others(ks, stored_slot(stored_key)))
      queue_push(ks, stored_key, new_entry, own_stamp);
    return std::uint64_t{0};
  }
  batch_->put(column::data, stored_key, new_entry);
  store_.put_dirty(stored_key, new_entry, seq_);
  if (own_stamp.value != 0 && has_others(ks, stored_slot(stored_key)))
    unsent_.push_back({seq_, own_stamp, std::string{stored_key}});
  request_flush();
  return seq_;
}

/// Whether anybody else is to have what is written here.
bool shard::has_others(keyspace_ref ks, slot_id s) const {
  return view_->replicas(ks->group, s).size() > 1;
}

void shard::queue_push(keyspace_ref ks, std::string_view stored_key,
                       std::string_view entry, hlc_time stamp) {
  ++push_number_;
  const auto slot = stored_slot(stored_key);
  for (const auto m : view_->replicas(ks->group, slot)) {
    if (m == options_.self)
      continue;
    auto* p = peers_.find(m);
    auto* s = p == nullptr ? nullptr : p->stream_for(slot);
    if (s == nullptr)
      continue; // never met: the comparison at the first meeting finds it
    const auto size = stored_key.size() + entry.size();
    if (p->up && s->outbox.size() < limits::peer_batch_bytes
        && s->pushes.add_sent(push_number_, stored_key, stamp, size,
                              s->last_batch + 1)) {
      if (s->pushes.in_flight() == 1)
        s->moved_ms = now_;
      append_push(s->outbox, hlc_time{}, stored_key, entry);
      options_.counters->pushes_sent.add();
    } else {
      queue_hint(*s, stored_key, stamp);
    }
  }
  request_flush();
}

void shard::queue_hint(peer_stream& s, std::string_view stored_key,
                       hlc_time stamp) {
  if (peers_.hint(s, push_number_, stored_key, stamp))
    return;
  leave_to_comparison(s);
  options_.counters->hint_overflows.add();
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
  ceilings_.emplace_back(seq_, *wanted);
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
  commits_.emplace_back(seq_, r.writes->bytes());
  commit_bytes_ += r.writes->bytes();
  batch_ = std::make_shared<write_batch>();
  batch_must_sync_ = false;
  ++seq_;
  effects_.commit(std::move(r));
}

void shard::on_committed(const local::committed& c) {
  now_ = options_.wall();
  if (c.failure) {
    if (c.generation > generation_) {
      generation_ = c.generation;
      storage_failed(*c.failure);
    }
    return;
  }
  if (c.generation != generation_)
    return;
  if (c.resumed) {
    if (broken_) {
      broken_.reset();
      erase_again_soon();
      extend_ceiling();
      request_flush();
    }
    return;
  }
  durable_seq_ = c.seq;
  while (!commits_.empty() && commits_.front().first <= c.seq) {
    commit_bytes_ -= commits_.front().second;
    commits_.pop_front();
  }
  for (; !ceilings_.empty() && ceilings_.front().first <= c.seq;
       ceilings_.pop_front())
    clock_.ceiling_durable(ceilings_.front().second);
  release_unsent(c.seq);
  store_.committed(c.seq);
  replies_.committed(c.seq, c.synced);
  peers_.advance_acks(durable_seq_);
  check_waiters();
  if (!clock_waiting_.empty())
    resume_clock_waiters();
  request_flush();
}

/// What became durable may go to the peers, as it is on the disk: a change
/// above it that is not durable yet stays here (D1).
void shard::release_unsent(std::uint64_t seq) {
  for (; !unsent_.empty() && unsent_.front().seq <= seq; unsent_.pop_front()) {
    const auto& u = unsent_.front();
    const auto* ks = view_->keyspace(stored_incarnation(u.key));
    if (ks == nullptr)
      continue;
    if (store_.get_durable(u.key, seq, read_) == read_status::found) {
      queue_push(ks, u.key, read_.view(), u.stamp);
      continue;
    }
    ++push_number_;
    const auto slot = stored_slot(u.key);
    for (const auto m : view_->replicas(ks->group, slot))
      if (auto* p = m == options_.self ? nullptr : peers_.find(m); p != nullptr)
        if (auto* s = p->stream_for(slot); s != nullptr)
          queue_hint(*s, u.key, u.stamp);
  }
}

void shard::storage_failed(const error& e) {
  broken_ = std::make_shared<const error>(e);
  // They may turn up after a crash all the same.
  replies_.failed(errc::unknown_outcome,
                  "the disk failed during the write: " + e.message);
  store_.drop_dirty();
  unsent_.clear();
  batch_ = std::make_shared<write_batch>();
  batch_must_sync_ = false;
  commits_.clear();
  commit_bytes_ = 0;
  ceilings_.clear();
  clock_.ceiling_failed();
  // Received records that are not durable are not acknowledged: sent again.
  peers_.reject_all();
  // The figures counted what is gone now: count again from the disk.
  options_.start.reset();
  ++count_epoch_;
  for (const auto& [inc, where] : spaces_)
    if (where == engine_kind::rocksdb) {
      slots_.close(inc);
      slots_.open(inc, false);
      count_base(inc);
    }
  for (const auto& p : take_clock_waiters())
    if (is_write(p.what.kind))
      refuse(p.what, p.from, e.code, e.message);
    else
      execute(p.view());
  for (const auto& w : wait_ops_)
    if (w.commit_seq > durable_seq_)
      refuse(w.what, w.from, e.code, e.message);
  std::erase_if(wait_ops_,
                [&](const auto& w) { return w.commit_seq > durable_seq_; });
  durable_seq_ = seq_ - 1; // nothing is under way any more
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
  if (now_ >= quiet_until_ms_) {
    fill_outboxes();
    if (peers_.has_mail()) {
      peer_batch header;
      header.sender = options_.self;
      header.sender_shard = options_.shard;
      header.epoch = view_->epoch();
      header.clock = clock_.last();
      peers_.flush(header, effects_.to_peer);
    }
  }
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
