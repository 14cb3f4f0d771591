// Operations of clients: what a coordinating replica does with them.
#include "actors/storage_node/shard.hpp"

#include "torc/core/checked_entry.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"
#include "torc/log.hpp"
#include "torc/messages/checks.hpp"

namespace torc::storage {
namespace {

constexpr std::size_t replies_waiting_max = 262'144;
constexpr std::size_t commit_bytes_max = 64 * limits::mib;
constexpr std::size_t wait_ops_max = 65'536;
/// Who asks may be gone: whoever is there asks again.
constexpr unix_ms wait_ms_max = 5'000;

op_reply reply_to(const op& o) {
  op_reply r;
  r.id = o.id;
  if (o.level <= consistency::strong) // else the reply would make no sense
    r.level = o.level;
  return r;
}

} // namespace

shard::shard(storage_node_options options, shard_effects effects)
  : options_(std::move(options)), effects_(std::move(effects)),
    clock_(options_.ceiling, options_.max_skew_ms),
    store_(std::move(options_.memory), options_.disk,
           options_.entry_cache_bytes),
    peers_(options_.ceiling.value, options_.shards),
    slots_(options_.shard, options_.shards),
    batch_(std::make_shared<write_batch>()) {
  const auto bound = hlc_to_ms(options_.ceiling);
  const auto ahead = options_.max_skew_ms / 2;
  quiet_until_ms_ = bound > ahead ? bound - ahead : 0;
}

void shard::start() {
  now_ = options_.wall();
  on_view(options_.view);
  extend_ceiling();
}

void shard::on_operations(const caf::strong_actor_ptr& from, op_batch batch) {
  now_ = options_.wall();
  if (batch.version != wire_version) {
    // Nobody can be answered: what else it says may mean something else.
    log::warn("storage", "dropped operations of wire version {}; this is {}",
              batch.version, wire_version);
    return options_.counters->batches_unknown.add();
  }
  if (!lengths_add_up(batch))
    return refuse_malformed(from, batch);
  if (batch.epoch > view_->epoch())
    heard_epoch(batch.epoch, likely_config_keeper());
  const bool ahead = batch.clock > clock_.last()
                     && batch.clock > hlc_from_ms(now_ + options_.max_skew_ms);
  if (ahead)
    options_.counters->messages_ahead.add();
  else
    clock_.observe(batch.clock);
  extend_ceiling();
  std::string_view bytes = batch.bytes;
  const std::span<const op> ops = batch.ops;
  for (std::size_t i = 0; i < ops.size(); ++i) {
    if (i % key_prefetch::ahead_max == 0)
      prefetch_.run(*view_, store_.memory(), slots_, ops.subspan(i), bytes);
    const auto& o = ops[i];
    const auto key = bytes.substr(0, o.key_bytes);
    const auto value = bytes.substr(o.key_bytes, o.value_bytes);
    bytes.remove_prefix(std::size_t{o.key_bytes} + o.value_bytes);
    if (ahead)
      refuse(o, from, errc::refused,
             "the sender's clock is ahead by more than max_skew");
    else if (!well_formed(o))
      refuse_unknown(o, from);
    else
      execute({o, key, value, from, batch.not_after});
  }
  request_flush();
}

/// Keys and values cannot be told apart, but whose operations these are can.
void shard::refuse_malformed(const caf::strong_actor_ptr& from,
                             const op_batch& batch) {
  options_.counters->batches_malformed.add();
  log::warn("storage", "refused {} operations: their lengths do not add up",
            batch.ops.size());
  for (const auto& o : batch.ops)
    refuse(o, from, errc::corrupt, "the batch of this operation is damaged");
  request_flush();
}

void shard::refuse_unknown(const op& o, const caf::strong_actor_ptr& from) {
  options_.counters->operations_unknown.add();
  log::warn("storage",
            "refused an operation of kind {}, level {}, slots {} to {}: not "
            "known here",
            static_cast<int>(o.kind), static_cast<int>(o.level), o.slot.value,
            o.end_slot);
  refuse(o, from, errc::unsupported,
         "this node does not know such an operation");
}

void shard::execute(const call& c) {
  const auto& o = c.what;
  if (is_write(o.kind) && c.not_after.value != 0
      && hlc_from_ms(now_) > c.not_after)
    return refuse(o, c.from, errc::timeout, "the write came too late");
  const auto* ks = view_->keyspace(o.inc);
  if (ks == nullptr)
    return refuse(o, c.from, errc::stale_config,
                  view_->dropped(o.inc) ? "the keyspace's incarnation is gone"
                                        : "unknown keyspace incarnation");
  if (o.kind == op_kind::wait)
    return wait(c);
  if (!fresh_.empty())
    if (const auto f = fresh_.find(o.inc); f != fresh_.end())
      return wait_for_ready(c, f->second);
  switch (o.kind) {
  case op_kind::scan: return scan_page(c, ks);
  case op_kind::count: return count_keys(c, ks);
  case op_kind::random_key: return random_key(c, ks);
  case op_kind::read:
  case op_kind::head:
  case op_kind::put:
  case op_kind::remove:
  case op_kind::expire: return execute_on_key(c, ks);
  default:
    return refuse(o, c.from, errc::unsupported, "unknown kind of operation");
  }
}

/// Whether a write may begin at all; `decide` looks at its size.
result<void> shard::may_write(const op& o, keyspace_ref ks) const {
  if (o.kind == op_kind::put
      && (o.value_bytes > limits::value_bytes_max
          || o.key_bytes > limits::key_bytes_max))
    return {errc::invalid_argument, "key or value too large"};
  if (ks->engine != engine_kind::rocksdb)
    return {};
  if (broken_)
    return *broken_;
  if (replies_.waiting() > replies_waiting_max
      || commit_bytes_ + batch_->bytes() > commit_bytes_max)
    return {errc::try_again, "the commit queue is full"};
  return {};
}

void shard::execute_on_key(const call& c, keyspace_ref ks) {
  const auto& o = c.what;
  if (!slots_.owns(o.slot) || !is_replica(options_.self, ks, o.slot))
    return refuse(o, c.from, errc::no_replica, "not a replica of this slot");
  if (o.level == consistency::strong)
    return refuse(o, c.from, errc::unsupported,
                  "the strong level is not served");
  if (is_write(o.kind)) {
    if (const auto allowed = may_write(o, ks); !allowed) {
      options_.counters->writes_refused.add();
      return refuse(o, c.from, allowed.error().code, allowed.error().message);
    }
  }
  // One turn may ask for more than a node has memory for.
  if (replies_.bytes() >= limits::reply_bytes_max
      && (o.kind == op_kind::read || (o.flags & op_flag::return_value) != 0))
    return refuse(o, c.from, errc::try_again,
                  "too many bytes of replies are under way");
  stored_key_.clear();
  append_stored_key(stored_key_, o.inc, o.slot, c.key, element_kind::string);
  // What waits for the clock came first.
  if (!clock_waiting_.empty() && clock_keys_.contains(stored_key_))
    return wait_for_clock(c);
  if (!waiting_.empty() && waiting_.contains(stored_key_))
    return wait_for_load(c, stored_key_);
  std::string_view current;
  switch (store_.get(ks->engine, stored_key_, read_)) {
  case read_status::found: current = read_.view(); break;
  case read_status::absent: break;
  case read_status::would_block: return wait_for_load(c, stored_key_);
  case read_status::failed:
    if (read_.error().code == errc::corrupt)
      options_.counters->corrupt_entries.add();
    return refuse(o, c.from, read_.error().code, read_.error().message);
  }
  if (!decide(c, ks, stored_key_, current, store_.found_dirty_seq() != 0))
    wait_for_clock(c);
}

/// Carries out an operation on the entry that its key has now; `dirty`: which
/// is not durable yet. False: it needs a stamp and the clock has no room;
/// nothing was done.
bool shard::decide(const call& c, keyspace_ref ks, std::string_view stored_key,
                   std::string_view current, bool dirty) {
  const auto& o = c.what;
  entry_view view;
  if (!current.empty()) {
    const auto checked = view_entry(current);
    if (!checked) {
      options_.counters->corrupt_entries.add();
      refuse(o, c.from, checked.error().code, checked.error().message);
      return true;
    }
    view = *checked;
  }
  torc::tag stamp;
  if (is_write(o.kind)) {
    if (!current.empty())
      clock_.observe(view.head.tag.h);
    const auto h = clock_.now(now_);
    if (!h && !broken_)
      return false;
    if (!h) { // the clock's ceiling cannot be moved
      refuse(o, c.from, broken_->code, broken_->message);
      return true;
    }
    stamp = own_tag(*h);
  }
  entry_.clear();
  const key_request request{o.kind, o.flags, o.deadline, c.value};
  auto answer =
    apply_to_checked_entry(request, current, current.empty() ? nullptr : &view,
                           stamp, now_, {}, entry_);
  if (!answer) {
    options_.counters->corrupt_entries.add();
    refuse(o, c.from, answer.error().code, answer.error().message);
    return true;
  }
  if (!answer->changed) {
    answer_key(c, *answer, 0, dirty);
    return true;
  }
  if (grows_too_much(o, ks, current, entry_)) {
    options_.counters->writes_refused.add();
    refuse(o, c.from, errc::memory_limit, "memory_bytes_max is reached");
    return true;
  }
  // The old value lies in the engine: answer with a copy made before storing.
  std::string old_value;
  if ((o.flags & op_flag::return_value) != 0) {
    old_value.assign(answer->value);
    answer->value = old_value;
  } else {
    answer->value = {};
  }
  const auto seq = store(ks, stored_key, current, entry_, stamp.h);
  if (!seq) {
    refuse(o, c.from, seq.error().code, seq.error().message);
    return true;
  }
  (o.level == consistency::weak ? options_.counters->writes_weak
                                : options_.counters->writes_eventual)
    .add();
  answer_key(c, *answer, *seq, true);
  return true;
}

bool shard::grows_too_much(const op& o, keyspace_ref ks,
                           std::string_view current,
                           std::string_view next) const {
  return o.kind == op_kind::put && ks->engine == engine_kind::memory
         && options_.memory_bytes_max != 0 && next.size() > current.size()
         && store_.memory().size().bytes + (next.size() - current.size())
              > options_.memory_bytes_max;
}

/// `write_seq`: the commit that what was written is durable with; 0: memory, or
/// nothing was written. `dirty`: what was read is not durable yet.
void shard::answer_key(const call& c, const key_answer& a,
                       std::uint64_t write_seq, bool dirty) {
  const auto& o = c.what;
  auto r = reply_to(o);
  r.tag = a.head.tag;
  r.type = a.head.type;
  r.expires_at = a.head.expires_at;
  if (a.found)
    r.flags |= reply_flag::found;
  if (a.changed)
    r.flags |= reply_flag::changed;
  else if (o.kind == op_kind::head)
    r.number = a.value.size();
  std::string_view payload;
  if (o.kind == op_kind::read || (o.flags & op_flag::return_value) != 0)
    payload = a.value;
  if (!is_write(o.kind)) {
    options_.counters->reads.add();
    // The crash of this node could take it back: the weak level.
    if (dirty)
      r.level = consistency::weak;
  } else if (!a.changed && dirty) {
    write_seq = last_seq(); // it vouches for what it found
  }
  if (write_seq == 0 || o.level == consistency::weak)
    replies_.now(c.from, r, payload);
  else
    replies_.after(write_seq, c.from, r, payload);
}

void shard::refuse(const op& o, const caf::strong_actor_ptr& from, errc code,
                   std::string_view text) {
  auto r = reply_to(o);
  r.status = code;
  replies_.now(from, r, text);
}

bool shard::is_replica(member_id m, keyspace_ref ks, slot_id s) const {
  for (const auto r : view_->replicas(ks->group, s))
    if (r == m)
      return true;
  return false;
}

// -- WAIT

void shard::wait(const call& c) {
  if (wait_ops_.size() >= wait_ops_max)
    return refuse(c.what, c.from, errc::try_again, "too many WAITs");
  waiter w{c.what, c.from, last_seq(), 0};
  const auto latest = now_ + wait_ms_max;
  if (w.what.deadline == 0 || w.what.deadline > latest)
    w.what.deadline = latest;
  if (!settle(w))
    wait_ops_.push_back(std::move(w));
}

std::uint64_t shard::replicas_with(const waiter& w) {
  const auto* ks = view_->keyspace(w.what.inc);
  std::uint64_t n = 0;
  if (ks == nullptr)
    return n;
  for (const auto m : view_->replicas(ks->group, w.what.slot)) {
    if (m == options_.self)
      continue;
    auto* p = peers_.find(m);
    const auto* s = p == nullptr ? nullptr : p->stream_for(w.what.slot);
    if (s != nullptr && s->pushes.acknowledged(w.push_number))
      ++n;
  }
  return n;
}

/// Answers it if it has what it asked for, or its time is over. False: it waits
/// on.
bool shard::settle(waiter& w) {
  std::uint64_t n = 0;
  if (durable_seq_ >= w.commit_seq) {
    if (w.push_number == 0)
      w.push_number = push_number_;
    n = replicas_with(w);
  }
  if (n < w.what.b && now_ < w.what.deadline)
    return false;
  auto r = reply_to(w.what);
  r.number = n;
  replies_.now(w.from, r);
  request_flush();
  return true;
}

void shard::check_waiters() {
  std::erase_if(wait_ops_, [&](waiter& w) { return settle(w); });
}

} // namespace torc::storage
