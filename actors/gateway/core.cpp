#include "actors/gateway/core.hpp"

#include <algorithm>

#include "torc/core/limits.hpp"
#include "torc/core/slot.hpp"

namespace torc::gateway {
namespace {

constexpr unix_ms operation_ms_max = 2'000;
constexpr unix_ms forwarded_write_ms = 300;
constexpr unix_ms retry_pause_ms = 10;
constexpr std::size_t under_way_max = 200'000;
constexpr std::size_t under_way_per_peer_max = 50'000;
constexpr std::size_t retries_max = 10'000;
constexpr std::size_t written_slots_max = 256;

bool may_be_tried_again(errc e) noexcept {
  return e == errc::not_ready || e == errc::no_replica
         || e == errc::stale_config || e == errc::timeout;
}

} // namespace

core::core(gateway_options options, effects fx)
  : options_(std::move(options)), fx_(std::move(fx)), view_(options_.view),
    random_(options_.seed | 1) {
  now_ = options_.wall();
  peers_[options_.self] = {true, 0, 0};
}

// -- sessions ----------------------------------------------------------------------

std::shared_ptr<session> core::open(std::string address,
                                    std::string local_address) {
  now_ = options_.wall();
  auto s = std::make_shared<session>();
  // Ids are unique over the loops of the node: CLIENT KILL ID names one.
  s->id = ++next_session_ << 8 | options_.loop;
  s->address = std::move(address);
  s->local_address = std::move(local_address);
  s->created_ms = s->active_ms = now_;
  s->authenticated = options_.password.empty();
  sessions_.emplace(s->id, s);
  options_.counters->connections.add();
  options_.counters->clients.set(sessions_.size());
  return s;
}

void core::close(session& s) {
  s.dead = true;
  sessions_.erase(s.id);
  options_.counters->clients.set(sessions_.size());
}

session* core::find(std::uint64_t id) {
  const auto it = sessions_.find(id);
  return it == sessions_.end() || it->second->dead ? nullptr
                                                   : it->second.get();
}

void core::on_input(session& s) {
  now_ = options_.wall();
  s.active_ms = now_;
  while (!s.closing && !s.dead && !s.barrier && !s.ring.full()) {
    const auto input = std::string_view{s.inbox}.substr(s.parsed);
    if (input.empty())
      break;
    std::size_t consumed = 0;
    request_view command;
    const auto status = s.parser.next(input, consumed, command);
    if (status == parse_status::incomplete)
      break;
    if (status == parse_status::error) {
      const auto slot = s.ring.open();
      writer(s, slot).error(std::string{"ERR "}.append(s.parser.error()));
      s.ring.done(slot);
      s.closing = true;
      options_.counters->protocol_errors.add();
      break;
    }
    if (!command.argv.empty()) {
      const auto* info = find_command(command.argv[0]);
      if (info != nullptr && info->barrier && !s.ring.empty()) {
        s.parser.reset();
        break; // parsed again when all before it is answered
      }
      run(s, command.argv, info);
    }
    s.parsed += consumed;
  }
  if (s.parsed == s.inbox.size()) {
    s.inbox.clear();
    s.parsed = 0;
  } else if (s.parsed > 65536) {
    s.inbox.erase(0, s.parsed);
    s.parsed = 0;
  }
}

void core::run(session& s, const std::vector<std::string_view>& argv,
               const command_info* info) {
  options_.counters->commands.add();
  if (s.replies == reply_mode::skip_next)
    s.replies = reply_mode::skip_this;
  const auto slot = s.ring.open();
  if (info == nullptr) {
    writer(s, slot).error(unknown_command_text(argv));
    options_.counters->errors.add();
    return finish(s, slot);
  }
  const request r{s, slot, *info, argv};
  s.last_command = info->name.data();
  if (admit(r))
    handler_of(info->id)(*this, r);
}

bool core::admit(const request& r) {
  if (!arity_ok(r.info, r.argv.size())) {
    fail(r, wrong_arity_text(r.info));
    return false;
  }
  if (!r.s.authenticated && !r.info.no_auth) {
    fail(r, "NOAUTH Authentication required.");
    return false;
  }
  if (r.info.needs_strong) {
    fail(r, std::string{"ERR '"}
              .append(r.argv[0])
              .append("' is an atomic read-modify-write: it needs the strong "
                      "level, which this version does not serve yet"));
    return false;
  }
  return true;
}

void core::finish(session& s, std::uint64_t slot) {
  if (s.replies == reply_mode::off || s.replies == reply_mode::skip_this) {
    // CLIENT REPLY: the command ran, its answer is not wanted.
    s.ring.text(slot).resize(slot == s.ring.head() ? s.ring.output_mark() : 0);
    if (s.replies == reply_mode::skip_this)
      s.replies = reply_mode::on;
  }
  s.ring.done(slot);
}

void core::fail(const request& r, std::string_view text) {
  options_.counters->errors.add();
  reply(r).error(text);
  finish(r);
}

void core::release(session& s) {
  s.barrier = false;
  woken_.push_back(s.id);
  request_flush();
}

void core::request_flush() {
  if (flush_asked_)
    return;
  flush_asked_ = true;
  fx_.request_flush();
}

const keyspace_info* core::keyspace_of(const session& s) const {
  return view_->keyspace_by_db(s.db);
}

op core::make_op(const session& s, op_kind kind, std::string_view key) const {
  op o;
  o.kind = kind;
  const auto* ks = keyspace_of(s);
  o.inc = ks != nullptr ? ks->inc : incarnation{};
  o.slot = slot_of(key);
  o.level = s.level_chosen || ks == nullptr ? s.level : ks->default_level;
  return o;
}

// -- routing ----------------------------------------------------------------------------

bool core::reachable(member_id m) const {
  const auto it = peers_.find(m);
  return it != peers_.end() && it->second.up;
}

member_id core::route(std::uint16_t group, slot_id s, member_id except) const {
  const auto replicas = view_->replicas(group, s);
  for (const auto m : replicas)
    if (m == options_.self && m != except)
      return m;
  for (const auto m : replicas)
    if (m != except && reachable(m))
      return m;
  return {};
}

std::uint16_t core::shards_of(member_id m) const {
  const auto it = peers_.find(m);
  return it == peers_.end() ? std::uint16_t{0} : it->second.shards;
}

void core::on_view(std::shared_ptr<const cluster_view> view) {
  view_ = std::move(view);
}

void core::on_peer_up(member_id m, std::uint16_t shards) {
  auto& p = peers_[m];
  p.up = true;
  p.shards = shards;
}

void core::on_peer_down(member_id m) {
  now_ = options_.wall();
  peers_[m].up = false;
  for (std::uint32_t i = 0; i < pending_.size(); ++i)
    if (pending_[i].used && pending_[i].remote && pending_[i].to == m)
      lost(i);
  wake_all();
}

/// The coordinator of an operation is gone before it answered.
void core::lost(std::uint32_t index) {
  auto& p = pending_[index];
  if (p.write || !p.copy)
    return fail_pending(index, errc::unknown_outcome,
                        "the coordinator was lost before it answered: the "
                        "operation may or may not have been applied");
  auto copy = std::move(p.copy);
  resend_later(index, std::move(*copy));
}

// -- operations --------------------------------------------------------------------------

std::uint32_t core::acquire() {
  if (free_.empty()) {
    pending_.emplace_back();
    free_.push_back(static_cast<std::uint32_t>(pending_.size() - 1));
  }
  const auto i = free_.back();
  free_.pop_back();
  ++under_way_;
  auto& p = pending_[i];
  p.used = true;
  p.write = p.remote = false;
  p.tries = 0;
  p.give_up_ms = 0;
  return i;
}

void core::release_pending(std::uint32_t index) {
  auto& p = pending_[index];
  if (p.remote)
    --peers_[p.to].under_way;
  p.used = false;
  p.fn = nullptr;
  p.copy.reset();
  ++p.generation; // late answers to this use are recognised
  free_.push_back(index);
  --under_way_;
}

void core::start(const request& r, op o, std::string_view key,
                 std::string_view value, shape how) {
  const auto* ks = keyspace_of(r.s);
  if (ks == nullptr)
    return fail(r, "ERR the keyspace of this connection is gone: SELECT another");
  const auto index = acquire();
  auto& p = pending_[index];
  p.session = r.s.id;
  p.slot = r.slot;
  p.how = how;
  dispatch(index, route(ks->group, o.slot), o, key, value);
}

void core::start(session& s, op o, std::string_view key,
                 std::string_view value, answer_fn fn) {
  const auto* ks = keyspace_of(s);
  const auto index = acquire();
  auto& p = pending_[index];
  p.session = s.id;
  p.how = shape::callback;
  p.fn = std::move(fn);
  dispatch(index, ks == nullptr ? member_id{} : route(ks->group, o.slot), o,
           key, value);
}

void core::start_at(session& s, member_id to, std::uint16_t shard, op o,
                    std::string_view key, std::string_view value,
                    answer_fn fn) {
  const auto index = acquire();
  auto& p = pending_[index];
  p.session = s.id;
  p.how = shape::callback;
  p.fn = std::move(fn);
  send(index, to, shard, o, key, value);
}

void core::dispatch(std::uint32_t index, member_id to, op o,
                    std::string_view key, std::string_view value) {
  const auto shards = shards_of(to);
  if (to == member_id{} || shards == 0)
    return fail_pending(index, errc::no_replica,
                        "no ready replica of the key's slot is reachable");
  send(index, to, static_cast<std::uint16_t>(o.slot.value % shards), o, key,
       value);
}

void core::send(std::uint32_t index, member_id to, std::uint16_t shard, op o,
                std::string_view key, std::string_view value) {
  auto& p = pending_[index];
  p.to = to;
  p.write = is_write(o.kind);
  p.start_us = options_.clock_us();
  auto& peer = peers_[to];
  const bool remote = to != options_.self;
  if (under_way_ > under_way_max
      || (remote && peer.under_way >= under_way_per_peer_max))
    return fail_pending(index, errc::try_again,
                        "too many operations are under way");
  if (remote) {
    p.remote = true;
    ++peer.under_way;
    p.copy = std::make_unique<kept_op>(
      kept_op{o, std::string{key}, std::string{value}});
    const auto wait = p.write ? forwarded_write_ms + options_.max_skew_ms
                              : operation_ms_max;
    deadlines_.emplace(now_ + wait, p.generation, index);
  }
  o.id = std::uint64_t{p.generation} << 32 | index;
  auto& batch = outbox_[{to, shard}];
  if (p.write && remote)
    batch.not_after = hlc_from_ms(now_ + forwarded_write_ms);
  if (auto* s = find(p.session)) {
    batch.clock = std::max(batch.clock, s->token);
    if (p.write)
      note_write(*s, o, to);
  }
  batch.add(o, key, value);
  request_flush();
}

void core::note_write(session& s, const op& o, member_id to) {
  if (s.written.size() < written_slots_max || s.written.contains({o.inc, o.slot}))
    s.written[{o.inc, o.slot}] = to;
  else
    s.written_overflow = true;
}

void core::on_answers(const op_reply_batch& batch) {
  if (!well_formed(batch) || batch.version != wire_version)
    return;
  now_ = options_.wall();
  now_us_ = options_.clock_us();
  clock_ = std::max(clock_, batch.clock);
  std::string_view bytes = batch.bytes;
  for (const auto& r : batch.replies) {
    const auto payload = bytes.substr(0, r.payload_bytes);
    bytes.remove_prefix(r.payload_bytes);
    const auto index = static_cast<std::uint32_t>(r.id);
    if (index >= pending_.size() || !pending_[index].used
        || pending_[index].generation != static_cast<std::uint32_t>(r.id >> 32)
        || pending_[index].to != batch.member)
      continue;
    deliver(index, {r, payload, batch.member, batch.clock});
  }
  wake_all();
}

void core::deliver(std::uint32_t index, const answer& a) {
  auto& p = pending_[index];
  if (may_be_tried_again(a.reply.status) && try_again(index, a))
    return;
  const auto took_us = now_us_ - p.start_us;
  options_.counters->latency.record(took_us);
  auto* s = find(p.session);
  if (s != nullptr) {
    s->token = std::max(s->token, a.clock);
    woken_.push_back(s->id);
  }
  if (p.how == shape::callback) {
    auto fn = std::move(p.fn);
    release_pending(index);
    return fn(a);
  }
  if (s != nullptr) {
    reply_shaped(*s, p, a);
    if (options_.slowlog->is_slow(took_us))
      options_.slowlog->add({0, now_, took_us, {s->last_command}, s->address,
                             s->name});
  }
  release_pending(index);
}

void core::reply_shaped(session& s, const pending& p, const answer& a) {
  auto w = writer(s, p.slot);
  const bool found = (a.reply.flags & reply_flag::found) != 0;
  if (a.reply.status != no_error) {
    options_.counters->errors.add();
    w.error(error_line(a.reply.status, a.payload));
  } else {
    switch (p.how) {
      case shape::ok: w.simple("OK"); break;
      case shape::bulk:
        (found ? options_.counters->hits : options_.counters->misses).add();
        if (found)
          w.bulk(a.payload);
        else
          w.null();
        break;
      case shape::integer_found: w.integer(found ? 1 : 0); break;
      case shape::integer_changed:
        w.integer((a.reply.flags & reply_flag::changed) != 0 ? 1 : 0);
        break;
      case shape::callback: break;
    }
  }
  finish(s, p.slot);
}

/// Refused without effect: another replica, a newer config or a little later
/// may do. False: the time for that is over.
bool core::try_again(std::uint32_t index, const answer& a) {
  auto& p = pending_[index];
  auto echo = parse_echo(a.payload);
  if (!echo || retries_.size() >= retries_max)
    return false;
  return resend_later(index, {echo->what, std::string{echo->key},
                              std::string{echo->value}});
}

bool core::resend_later(std::uint32_t index, kept_op again) {
  auto& p = pending_[index];
  if (p.give_up_ms == 0)
    p.give_up_ms = now_ + operation_ms_max;
  if (now_ >= p.give_up_ms)
    return false;
  if (p.remote) {
    --peers_[p.to].under_way;
    p.remote = false;
  }
  p.copy.reset();
  ++p.generation;
  const auto pause = p.tries++ == 0 ? 0 : retry_pause_ms;
  retries_.push_back({now_ + pause, index, p.to, std::move(again)});
  request_flush();
  return true;
}

void core::fail_pending(std::uint32_t index, errc code, std::string_view text) {
  op_reply r;
  r.status = code;
  auto& p = pending_[index];
  p.give_up_ms = now_; // no further tries
  deliver(index, {r, text, options_.self, clock_});
}

// -- turns ---------------------------------------------------------------------------------

void core::on_flush() {
  flush_asked_ = false;
  run_retries();
  auto out = std::move(outbox_);
  outbox_.clear();
  for (auto& [to, batch] : out) {
    batch.epoch = view_->epoch();
    fx_.send(to.first, to.second, std::move(batch));
  }
  wake_all();
}

void core::run_retries() {
  if (retries_.empty())
    return;
  now_ = options_.wall();
  auto due = std::move(retries_);
  retries_.clear();
  for (auto& r : due) {
    if (r.at_ms > now_) {
      retries_.push_back(std::move(r));
      continue;
    }
    auto* s = find(pending_[r.index].session);
    const auto* ks = s == nullptr ? nullptr : keyspace_of(*s);
    if (ks == nullptr) {
      fail_pending(r.index, errc::not_found, "the keyspace is gone");
      continue;
    }
    auto o = r.again.what;
    o.inc = ks->inc; // a flush gave the keyspace a new incarnation
    auto to = route(ks->group, o.slot, r.refused_by);
    if (to == member_id{})
      to = route(ks->group, o.slot);
    dispatch(r.index, to, o, r.again.key, r.again.value);
  }
}

void core::on_tick() {
  now_ = options_.wall();
  now_us_ = options_.clock_us();
  while (!deadlines_.empty() && deadlines_.top().at_ms <= now_) {
    const auto d = deadlines_.top();
    deadlines_.pop();
    auto& p = pending_[d.index];
    if (p.used && p.generation == d.generation && p.remote)
      lost(d.index);
  }
  if (!retries_.empty())
    request_flush();
  wake_all();
}

/// Sessions that got a reply: more of their input may run, output may leave.
void core::wake_all() {
  while (!woken_.empty()) {
    auto ids = std::move(woken_);
    woken_.clear();
    std::sort(ids.begin(), ids.end());
    ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
    for (const auto id : ids)
      if (auto* s = find(id)) {
        if (s->parsed < s->inbox.size())
          on_input(*s);
        if (s->wake)
          s->wake();
      }
  }
}

std::uint64_t core::random() noexcept {
  // splitmix64: only picks keys and connections, nothing secret.
  auto z = random_ += 0x9E3779B97F4A7C15u;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

std::string error_line(errc code, std::string_view text) {
  std::string_view word = "ERR";
  switch (code) {
    case errc::try_again: word = "TRYAGAIN"; break;
    case errc::no_replica:
    case errc::stale_config: word = "CLUSTERDOWN"; break;
    case errc::not_ready: word = "LOADING"; break;
    case errc::disk_full:
    case errc::io_error: word = "MISCONF"; break;
    case errc::memory_limit:
      return "OOM command not allowed when used memory > 'maxmemory'.";
    case errc::unknown_outcome: word = "UNKNOWN"; break;
    case errc::timeout: word = "TIMEOUT"; break;
    case errc::not_found: word = "NOTFOUND"; break;
    case errc::already_exists: word = "EXISTS"; break;
    default: break;
  }
  return std::string{word}.append(" ").append(text);
}

} // namespace torc::gateway
