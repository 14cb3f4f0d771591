#include "actors/storage_node/shard.hpp"

#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::storage {
namespace {

constexpr std::size_t parked_max = 65536;
constexpr std::size_t commit_waiting_max = 262144;

op_reply reply_to(const op& o) {
  op_reply r;
  r.id = o.id;
  r.level = o.level;
  return r;
}

} // namespace

shard::shard(storage_node_options options, shard_effects effects)
  : options_(std::move(options)), effects_(std::move(effects)),
    clock_(options_.ceiling, options_.max_skew_ms),
    store_(std::move(options_.memory), options_.disk),
    peers_(options_.ceiling.value), slots_(options_.shard, options_.shards),
    batch_(std::make_shared<write_batch>()), seq_(1) {
  now_ = options_.wall();
  on_view(options_.view);
  extend_ceiling();
}

void shard::on_operations(const caf::strong_actor_ptr& from, op_batch batch) {
  now_ = options_.wall();
  if (!well_formed(batch) || batch.version != wire_version)
    return; // from a damaged or foreign sender: nothing in it can be trusted
  const auto latest = hlc_from_ms(now_ + options_.max_skew_ms);
  if (batch.clock <= latest)
    clock_.observe(batch.clock);
  extend_ceiling();
  const bool late =
    batch.not_after.value != 0 && hlc_from_ms(now_) > batch.not_after;
  std::string_view bytes = batch.bytes;
  for (const auto& o : batch.ops) {
    const auto key = bytes.substr(0, o.key_bytes);
    const auto value = bytes.substr(o.key_bytes, o.value_bytes);
    bytes.remove_prefix(std::size_t{o.key_bytes} + o.value_bytes);
    if (late && is_write(o.kind))
      refuse(o, from, errc::timeout, "the write came too late to be done");
    else
      execute(o, key, value, from);
  }
  request_flush();
}

void shard::execute(const op& o, std::string_view key, std::string_view value,
                    const caf::strong_actor_ptr& from) {
  const auto* ks = view_->keyspace(o.inc);
  if (ks == nullptr)
    return refuse(o, from, errc::stale_config, "unknown keyspace incarnation");
  if (fresh_.contains(o.inc) && o.kind != op_kind::wait)
    return refuse(o, from, errc::not_ready,
                  "this replica is still fetching the keyspace");
  switch (o.kind) {
  case op_kind::scan: return scan_page(o, ks, from);
  case op_kind::count: return count_keys(o, ks, value, from);
  case op_kind::random_key: return random_key(o, ks, value, from);
  case op_kind::wait:
    wait_ops_.push_back({o, from, batch_->empty() ? seq_ - 1 : seq_, 0});
    return check_waiters(now_);
  default: return execute_on_key(o, ks, key, value, from);
  }
}

result<void> shard::may_write(const op& o, keyspace_ref ks) const {
  if (o.kind == op_kind::put
      && (o.value_bytes > limits::value_bytes_max
          || o.key_bytes > limits::key_bytes_max))
    return {errc::invalid_argument, "key or value too large"};
  if (ks->engine == engine_kind::rocksdb) {
    if (broken_)
      return *broken_;
    if (replies_.waiting() > commit_waiting_max)
      return {errc::try_again, "the commit queue is full"};
  } else if (o.kind == op_kind::put && options_.memory_bytes_max != 0
             && store_.memory().size().bytes + o.value_bytes
                  > options_.memory_bytes_max) {
    return {errc::memory_limit, "memory_bytes_max is reached"};
  }
  return {};
}

void shard::execute_on_key(const op& o, keyspace_ref ks,
                           std::string_view user_key, std::string_view value,
                           const caf::strong_actor_ptr& from) {
  if (!slots_.owns(o.slot) || !is_replica(options_.self, ks, o.slot))
    return refuse(o, from, errc::no_replica, "not a replica of this slot");
  if (o.level == consistency::strong)
    return refuse(o, from, errc::unsupported, "the strong level is not served");
  if (is_write(o.kind)) {
    if (const auto allowed = may_write(o, ks); !allowed) {
      options_.counters->writes_refused.add();
      return refuse(o, from, allowed.error().code, allowed.error().message);
    }
  }
  stored_key_.clear();
  append_stored_key(stored_key_, o.inc, o.slot, user_key, element_kind::string);
  if (!clock_waiting_.empty() || waiting_.contains(stored_key_))
    return park(o, stored_key_, user_key, value, from);
  switch (store_.get(ks->engine, stored_key_, read_)) {
  case read_status::found:
    return decide(o, ks, stored_key_, value, read_.view(), from);
  case read_status::absent: return decide(o, ks, stored_key_, value, {}, from);
  case read_status::would_block:
    return park(o, stored_key_, user_key, value, from);
  case read_status::failed:
    return refuse(o, from, read_.error().code, read_.error().message);
  }
}

void shard::park(const op& o, std::string_view stored_key, std::string_view key,
                 std::string_view value, const caf::strong_actor_ptr& from) {
  parked_op p{o, std::string{key}, std::string{value}, from};
  if (!clock_waiting_.empty() && !waiting_.contains(stored_key)) {
    if (parked_count_ >= parked_max)
      return refuse(o, from, errc::try_again, "too many operations wait");
    ++parked_count_;
    clock_waiting_.push_back(std::move(p));
    return;
  }
  if (!park_for_load(stored_key, std::move(p)))
    refuse(o, from, errc::try_again, "too many operations wait for the disk");
}

bool shard::park_for_load(std::string_view stored_key, parked p) {
  if (parked_count_ >= parked_max)
    return false;
  auto it = waiting_.find(stored_key);
  if (it == waiting_.end()) {
    it = waiting_.emplace(std::string{stored_key}, key_waiters{}).first;
    it->second.load_id = ++next_id_;
    loads_.emplace(it->second.load_id, std::string{stored_key});
    options_.counters->loads.add();
    effects_.load(
      {options_.shard, it->second.load_id, std::string{stored_key}});
  }
  it->second.queue.push_back(std::move(p));
  ++parked_count_;
  return true;
}

void shard::on_loaded(local::load_result r) {
  now_ = options_.wall();
  const auto it = loads_.find(r.id);
  if (it == loads_.end())
    return;
  const auto key = std::move(it->second);
  loads_.erase(it);
  resume_waiters(key, r);
  peers_.advance_acks(durable_seq_);
  request_flush();
}

void shard::resume_waiters(const std::string& stored_key,
                           local::load_result& r) {
  const auto it = waiting_.find(stored_key);
  if (it == waiting_.end())
    return;
  auto queue = std::move(it->second.queue);
  waiting_.erase(it);
  parked_count_ -= queue.size();
  const auto* ks = view_->keyspace(stored_incarnation(stored_key));
  for (auto& p : queue) {
    // What an earlier waiter wrote lies in the overlay; else the loaded bytes
    // are still the newest.
    std::string_view current = r.value;
    if (store_.dirty_seq(stored_key) != 0) {
      store_.get(engine_kind::rocksdb, stored_key, read_);
      current = read_.view();
    }
    if (auto* o = std::get_if<parked_op>(&p)) {
      if (ks == nullptr)
        refuse(o->what, o->from, errc::stale_config, "the keyspace is gone");
      else if (r.status == read_status::failed)
        refuse(o->what, o->from, r.failure->code, r.failure->message);
      else if (!clock_waiting_.empty()) {
        ++parked_count_;
        clock_waiting_.push_back(std::move(*o));
      } else
        decide(o->what, ks, stored_key, o->value, current, o->from);
    } else if (auto* push = std::get_if<parked_push>(&p)) {
      if (ks != nullptr && r.status != read_status::failed)
        merge_push(ks, stored_key, current, push->entry, push->floor);
      if (auto* s = peers_.stream_for(push->from, push->slot))
        for (auto& b : s->arriving_batches)
          if (s->in_stream == push->stream && b.batch == push->batch) {
            --b.parked;
            b.seq = std::max(b.seq, batch_->empty() ? seq_ - 1 : seq_);
          }
    } else if (std::holds_alternative<parked_sweep>(p)) {
      if (ks != nullptr && r.status != read_status::failed)
        sweep_key(ks, stored_key, current);
    } else if (const auto* again = std::get_if<parked_resend>(&p)) {
      send_hint(again->to, stored_key, current);
    }
  }
}

void shard::resume_clock_waiters() {
  auto queue = std::move(clock_waiting_);
  clock_waiting_.clear();
  parked_count_ -= queue.size();
  for (auto& p : queue)
    execute(p.what, p.key, p.value, p.from);
}

void shard::decide(const op& o, keyspace_ref ks, std::string_view stored_key,
                   std::string_view value, std::string_view current,
                   const caf::strong_actor_ptr& from) {
  torc::tag stamp;
  if (is_write(o.kind)) {
    if (!current.empty())
      if (const auto view = view_entry(current); view)
        clock_.observe(view->head.tag.h);
    const auto h = clock_.now(now_);
    if (!h) {
      if (parked_count_ >= parked_max)
        return refuse(o, from, errc::try_again, "too many operations wait");
      const auto parsed = parse_stored_key(stored_key);
      ++parked_count_;
      clock_waiting_.push_back({o, parsed ? parsed->user_key : std::string{},
                                std::string{value}, from});
      return extend_ceiling();
    }
    stamp = own_tag(*h);
  }
  entry_.clear();
  const key_request request{o.kind, o.flags, o.deadline, value};
  const auto answer =
    apply_operation(request, current, stamp, now_, hlc_time{}, entry_);
  if (!answer) {
    options_.counters->corrupt_entries.add();
    return refuse(o, from, answer.error().code, answer.error().message);
  }
  if (!answer->changed)
    return answer_key(o, *answer, 0, store_.dirty_seq(stored_key) != 0, from);
  // The old value lies in the engine: answer with a copy made before storing.
  std::string old_value;
  auto kept = *answer;
  if ((o.flags & op_flag::return_value) != 0) {
    old_value.assign(answer->value);
    kept.value = old_value;
  }
  const auto seq = store(ks, stored_key, current, entry_, stamp.h);
  if (!seq)
    return refuse(o, from, seq.error().code, seq.error().message);
  (o.level == consistency::weak ? options_.counters->writes_weak
                                : options_.counters->writes_eventual)
    .add();
  answer_key(o, kept, *seq, true, from);
}

void shard::answer_key(const op& o, const key_answer& a,
                       std::uint64_t commit_seq, bool dirty,
                       const caf::strong_actor_ptr& from) {
  auto r = reply_to(o);
  r.tag = a.head.tag;
  r.type = a.head.type;
  r.expires_at = a.head.expires_at;
  if (a.found)
    r.flags |= reply_flag::found;
  if (a.changed) {
    r.flags |= reply_flag::changed;
  } else if (o.kind == op_kind::head) {
    r.number = a.value.size();
  }
  std::string_view payload;
  if (o.kind == op_kind::read || (o.flags & op_flag::return_value) != 0)
    payload = a.value;
  if (!is_write(o.kind)) {
    options_.counters->reads.add();
    // What is read but not durable here yet is only the weak level.
    if (dirty)
      r.flags |= reply_flag::not_synced;
  }
  if (commit_seq == 0 || o.level == consistency::weak)
    replies_.now(from, r, payload);
  else
    replies_.after(commit_seq, from, r, payload);
}

void shard::refuse(const op& o, const caf::strong_actor_ptr& from, errc code,
                   std::string_view text) {
  auto r = reply_to(o);
  r.status = code;
  replies_.now(from, r, text);
}

torc::tag shard::own_tag(hlc_time h) const {
  return {h, actor_id{options_.self.value}};
}

bool shard::is_replica(member_id m, keyspace_ref ks, slot_id s) const {
  for (const auto r : view_->replicas(ks->group, s))
    if (r == m)
      return true;
  return false;
}

} // namespace torc::storage
