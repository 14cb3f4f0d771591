// Operations and records that wait: for a load from the disk, or for the clock.
//
// Order: operations on one key take effect in the order of their arrival. While
// anything of a key waits for the clock, every operation on it does; else what
// waits for a load waits in the queue of the key. So those in a key's queue
// came before all of that key that wait for the clock.
#include "actors/storage_node/shard.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::storage {
namespace {

constexpr std::size_t parked_max = 65'536;
constexpr std::size_t parked_bytes_max = 64 * limits::mib;

std::string key_of(const op& o, std::string_view key) {
  std::string out;
  append_stored_key(out, o.inc, o.slot, key, element_kind::string);
  return out;
}

} // namespace

/// One may pass the bound, else one larger than it could never wait.
bool shard::has_room() const {
  return parked_count_ < parked_max && parked_bytes_ < parked_bytes_max;
}

shard::parked_op shard::park(const call& c) {
  parked_op p{c.what, std::string{c.key}, std::string{c.value}, c.from,
              c.not_after};
  ++parked_count_;
  parked_bytes_ += p.bytes();
  return p;
}

void shard::wait_for_clock(const call& c) {
  if (!has_room())
    return refuse(c.what, c.from, errc::try_again, "too many operations wait");
  clock_waiting_.push_back(park(c));
  ++clock_keys_[key_of(c.what, c.key)];
  extend_ceiling();
}

std::deque<shard::parked_op> shard::take_clock_waiters() {
  auto waiting = std::move(clock_waiting_);
  clock_waiting_.clear();
  clock_keys_.clear();
  parked_count_ -= waiting.size();
  for (const auto& p : waiting)
    parked_bytes_ -= p.bytes();
  return waiting;
}

void shard::wait_for_load(const call& c, std::string_view stored_key) {
  if (!park_for_load(stored_key,
                     parked_op{c.what, std::string{c.key}, std::string{c.value},
                               c.from, c.not_after}))
    refuse(c.what, c.from, errc::try_again,
           "too many operations wait for the disk");
}

std::size_t shard::bytes_of(const parked& p) {
  if (const auto* o = std::get_if<parked_op>(&p))
    return o->bytes();
  const auto* push = std::get_if<parked_push>(&p);
  return push == nullptr ? 0 : push->entry.size();
}

bool shard::park_for_load(std::string_view stored_key, parked p) {
  if (!has_room())
    return false;
  auto it = waiting_.find(stored_key);
  if (it == waiting_.end()) {
    it = waiting_.emplace(std::string{stored_key}, key_waiters{}).first;
    begin_load(it->first, it->second);
  }
  parked_bytes_ += bytes_of(p);
  it->second.queue.push_back(std::move(p));
  ++parked_count_;
  return true;
}

void shard::begin_load(const std::string& stored_key, key_waiters& w) {
  w.dirty_seq = store_.dirty_seq(stored_key);
  const auto id = ++next_id_;
  loads_.emplace(id, stored_key);
  options_.counters->loads.add();
  effects_.load({options_.shard, id, stored_key});
}

void shard::on_loaded(local::load_result r) {
  now_ = options_.wall();
  const auto it = loads_.find(r.id);
  if (it == loads_.end())
    return;
  const auto key = std::move(it->second);
  loads_.erase(it);
  if (const auto w = waiting_.find(key); w != waiting_.end()
                                         && w->second.dirty_seq != 0
                                         && w->second.dirty_seq <= durable_seq_)
    return begin_load(w->first, w->second);
  if (r.status == read_status::failed && r.failure->code == errc::corrupt)
    options_.counters->corrupt_entries.add();
  if (r.status == read_status::found)
    store_.loaded(key, r.value);
  resume_waiters(key, r);
  peers_.advance_acks(durable_seq_);
  request_flush();
}

void shard::resume_waiters(const std::string& stored_key,
                           const local::load_result& r) {
  const auto it = waiting_.find(stored_key);
  if (it == waiting_.end())
    return;
  auto queue = std::move(it->second.queue);
  waiting_.erase(it);
  parked_count_ -= queue.size();
  for (const auto& p : queue)
    parked_bytes_ -= bytes_of(p);
  const auto* ks = view_->keyspace(stored_incarnation(stored_key));
  const bool failed = r.status == read_status::failed;
  std::deque<parked_op> without_stamp;
  for (auto& p : queue) {
    // What an earlier waiter wrote lies in the overlay; else the loaded bytes
    // are still the newest.
    std::string_view current = r.value;
    const auto dirty_seq = store_.dirty_seq(stored_key);
    if (dirty_seq != 0) {
      store_.get(engine_kind::rocksdb, stored_key, read_);
      current = read_.view();
    }
    if (auto* o = std::get_if<parked_op>(&p)) {
      const auto c = o->view();
      if (ks == nullptr)
        refuse(o->what, o->from, errc::stale_config, "the keyspace is gone");
      else if (failed && dirty_seq == 0)
        refuse(o->what, o->from, r.failure->code, r.failure->message);
      else if (is_write(o->what.kind) && o->not_after.value != 0
               && hlc_from_ms(now_) > o->not_after)
        refuse(o->what, o->from, errc::timeout, "the write came too late");
      else if (!without_stamp.empty()
               || !decide(c, ks, stored_key, current, dirty_seq != 0))
        without_stamp.push_back(std::move(*o));
    } else if (const auto* push = std::get_if<parked_push>(&p)) {
      resume_push(ks, *push, stored_key, current, r);
    } else if (std::holds_alternative<parked_sweep>(p)) {
      if (ks != nullptr && !failed)
        sweep_key(ks, stored_key, current);
    } else if (const auto* again = std::get_if<parked_resend>(&p)) {
      // Not what an earlier waiter wrote: that is not durable yet (D1).
      send_hint(again->to, stored_key, r.value, !failed);
    }
  }
  if (without_stamp.empty())
    return;
  parked_count_ += without_stamp.size();
  for (const auto& o : without_stamp)
    parked_bytes_ += o.bytes();
  clock_keys_[stored_key] += static_cast<std::uint32_t>(without_stamp.size());
  clock_waiting_.insert(clock_waiting_.begin(),
                        std::make_move_iterator(without_stamp.begin()),
                        std::make_move_iterator(without_stamp.end()));
  extend_ceiling();
}

void shard::resume_push(keyspace_ref ks, const parked_push& p,
                        std::string_view stored_key, std::string_view current,
                        const local::load_result& r) {
  auto* peer = peers_.find(p.from.member);
  if (peer == nullptr || p.from.shard >= peer->streams.size())
    return;
  auto& s = peer->streams[p.from.shard];
  push_outcome outcome{push_outcome::settled, 0};
  if (r.status == read_status::failed && r.failure->code != errc::corrupt)
    outcome.what = push_outcome::refused;
  else if (ks != nullptr)
    outcome = merge_push(ks, stored_key, current, p.entry, p.floor);
  if (outcome.what == push_outcome::refused)
    peer_streams::reject(s, p.from.arrival);
  else
    peer_streams::unpark(s, p.from.arrival, outcome.seq);
}

void shard::resume_clock_waiters() {
  for (const auto& p : take_clock_waiters())
    execute(p.view());
}

} // namespace torc::storage
