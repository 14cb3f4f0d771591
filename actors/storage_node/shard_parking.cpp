// Operations and records that wait: for a load from the disk, or for the clock.
//
// Order: operations on one key take effect in the order of their arrival. While
// anything waits for the clock, every operation does; else what waits for a
// load waits in the queue of its key. So those in a key's queue came before all
// that wait for the clock.
#include "actors/storage_node/shard.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::storage {
namespace {

constexpr std::size_t parked_max = 65'536;

} // namespace

void shard::wait_for_clock(const call& c) {
  if (parked_count_ >= parked_max)
    return refuse(c.what, c.from, errc::try_again, "too many operations wait");
  ++parked_count_;
  clock_waiting_.push_back(
    {c.what, std::string{c.key}, std::string{c.value}, c.from, c.not_after});
  extend_ceiling();
}

void shard::wait_for_load(const call& c, std::string_view stored_key) {
  if (!park_for_load(stored_key,
                     parked_op{c.what, std::string{c.key}, std::string{c.value},
                               c.from, c.not_after}))
    refuse(c.what, c.from, errc::try_again,
           "too many operations wait for the disk");
}

bool shard::park_for_load(std::string_view stored_key, parked p) {
  if (parked_count_ >= parked_max)
    return false;
  auto it = waiting_.find(stored_key);
  if (it == waiting_.end()) {
    it = waiting_.emplace(std::string{stored_key}, key_waiters{}).first;
    begin_load(it->first, it->second);
  }
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
  if (const auto w = waiting_.find(key);
      w != waiting_.end() && w->second.dirty_seq != 0
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
  parked_count_ += without_stamp.size();
  clock_waiting_.insert(clock_waiting_.begin(),
                        std::make_move_iterator(without_stamp.begin()),
                        std::make_move_iterator(without_stamp.end()));
  if (!without_stamp.empty())
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
  auto queue = std::move(clock_waiting_);
  clock_waiting_.clear();
  parked_count_ -= queue.size();
  for (const auto& p : queue)
    execute(p.view());
}

} // namespace torc::storage
