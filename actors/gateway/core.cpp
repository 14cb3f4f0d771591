#include "actors/gateway/core.hpp"

#include <algorithm>

#include "torc/core/splitmix.hpp"

namespace torc::gateway {
namespace {

constexpr unix_ms active_step_ms = 100;

router_options routing(const core_options& o) {
  router_options out{o.self, o.view, o.max_skew_ms};
  // The gateways of all loops send over the same links.
  out.bytes_per_peer_max /= o.shared->counters.size();
  return out;
}

} // namespace

core::core(core_options options, effects& fx)
  : options_(std::move(options)), fx_(fx),
    counters_(*options_.shared->counters.at(options_.loop)),
    router_(routing(options_), *this), random_(options_.seed) {
  read_clocks();
}

core::~core() = default;

void core::read_clocks() {
  now_ = options_.wall();
  now_us_ = options_.clock_us ? options_.clock_us() : now_ * 1000;
  router_.set_time(now_);
}

// -- sessions ------------------------------------------------------------------

session& core::open(session_io& io, std::string address,
                    std::string local_address, int descriptor) {
  read_clocks();
  if (free_sessions_.empty()) {
    sessions_.emplace_back();
    free_sessions_.push_back(static_cast<std::uint32_t>(sessions_.size() - 1));
  }
  const auto index = free_sessions_.back();
  free_sessions_.pop_back();
  auto& e = sessions_[index];
  e.s = std::make_unique<session>();
  auto& s = *e.s;
  s.key = std::uint64_t{++e.generation} << 32 | index;
  s.io = &io;
  s.route = router_.open_client(s.key);
  auto& directory = shared().clients;
  s.record =
    std::make_shared<client_record>(directory.next_id(), std::move(address),
                                    std::move(local_address), now_, descriptor);
  s.record->active_ms = now_;
  directory.add(s.record);
  s.authenticated = shared().password().empty();
  if (!s.authenticated)
    s.parser.set_limits(unauthenticated_limits);
  ++open_count_;
  counters_.connections.add();
  counters_.clients.set(open_count_);
  return s;
}

void core::close(session& s) {
  const auto index = static_cast<std::uint32_t>(s.key);
  auto& e = sessions_[index];
  TORC_ASSERT(e.s.get() == &s);
  s.dead = true;
  s.io = nullptr;
  held_bytes_ -= std::exchange(s.held_counted, 0);
  router_.close_client(s.route);
  shared().clients.remove(s.record->id);
  // Whoever calls may still be looking at it.
  graveyard_.push_back(std::move(e.s));
  ++e.generation;
  free_sessions_.push_back(index);
  --open_count_;
  counters_.clients.set(open_count_);
  request_flush();
}

session* core::find(std::uint64_t key) const noexcept {
  const auto index = static_cast<std::uint32_t>(key);
  if (index >= sessions_.size()
      || sessions_[index].generation != static_cast<std::uint32_t>(key >> 32))
    return nullptr;
  auto* s = sessions_[index].s.get();
  return s == nullptr || s->dead ? nullptr : s;
}

void core::on_input(session& s) {
  read_clocks();
  auto& record = *s.record;
  if (now_ >= record.active_ms.load(std::memory_order_relaxed) + active_step_ms)
    record.active_ms.store(now_, std::memory_order_relaxed);
  s.stalled = false;
  if (in_input_)
    return wake(s); // called from within a command of some session
  in_input_ = true;
  while (s.takes_input() && !s.inbox.empty() && parse_one(s)) {
  }
  in_input_ = false;
  record.query_bytes.store(s.inbox.size(), std::memory_order_relaxed);
}

/// Runs the next command; false: there is none that can run now.
bool core::parse_one(session& s) {
  std::size_t consumed = 0;
  switch (s.parser.next(s.inbox.view(), consumed, command_)) {
  case parse_status::incomplete: return false;
  case parse_status::error: {
    const auto slot = s.ring.open();
    s.ring.at(slot).command = nullptr;
    resp_writer{s.ring.text(slot), s.protocol}.error(
      std::string{"ERR "}.append(s.parser.error()));
    s.ring.done(slot);
    s.closing = true;
    counters_.protocol_errors.add();
    return false;
  }
  case parse_status::complete: break;
  }
  if (!command_.argv.empty()) {
    const auto* info = find_command(command_.argv[0]);
    if (info != nullptr && info->has(command_flag::barrier)
        && !s.ring.empty()) {
      s.parser.reset(); // parsed again when all before it is answered
      s.stalled = true;
      return false;
    }
    run(s, command_.argv, info);
  }
  s.inbox.consume(consumed);
  return true;
}

void core::run(session& s, const std::vector<std::string_view>& argv,
               const command_info* info) {
  counters_.commands.add();
  const auto number = s.ring.open();
  auto& slot = s.ring.at(number);
  slot.command = info;
  slot.start_us = now_us_;
  if (s.replies != reply_mode::on) {
    slot.silent = true;
    if (s.replies == reply_mode::skip_next)
      s.replies = reply_mode::on;
  }
  if (info == nullptr)
    return fail(s, number,
                s.authenticated ? unknown_command_text(argv)
                                : "NOAUTH Authentication required.");
  const auto* exact = info;
  if (info->has(command_flag::container) && argv.size() > 1)
    exact = find_subcommand(info->id, argv[1]);
  if (exact == nullptr)
    return fail(s, number,
                s.authenticated ? unknown_subcommand_text(*info, argv[1])
                                : "NOAUTH Authentication required.");
  s.record->last_command.store(exact->name.data(), std::memory_order_relaxed);
  const request r{s, number, *exact, argv};
  if (!admit(r))
    return;
  slot.ran = true;
  handler_of(info->id)(*this, r);
}

bool core::admit(const request& r) {
  if (!r.s.authenticated && !r.info.has(command_flag::no_auth))
    fail(r, "NOAUTH Authentication required.");
  else if (!arity_ok(r.info, r.argv.size()))
    fail(r, wrong_arity_text(r.info));
  else
    return true;
  return false;
}

void core::finish(session& s, std::uint64_t slot, std::string_view key) {
  auto& place = s.ring.at(slot);
  count_call(place);
  if (place.ran)
    note_latency(s, place, key);
  s.ring.done(slot);
}

void core::fail(session& s, std::uint64_t slot, std::string_view text) {
  counters_.errors.add();
  writer(s, slot).error(text);
  finish(s, slot);
}

void core::count_call(reply_ring::slot& slot) {
  if (slot.command == nullptr)
    return;
  const auto id = static_cast<std::size_t>(slot.command->id);
  counters_.calls[id].add();
  if (now_us_ > slot.start_us)
    counters_.calls_us[id].add(now_us_ - slot.start_us);
}

void core::release(session& s) {
  s.barrier = false;
  wake(s);
}

void core::wake(session& s) {
  if (s.woken)
    return;
  s.woken = true;
  woken_.push_back(s.key);
  if (!will_wake_)
    request_flush();
}

/// Sessions that got a reply: more of their input may run, output may leave.
void core::wake_all() {
  will_wake_ = false;
  if (in_input_)
    return request_flush(); // its arguments are still in use
  will_wake_ = true;
  for (std::size_t i = 0; i < woken_.size(); ++i) {
    auto* s = find(woken_[i]);
    if (s == nullptr)
      continue;
    s->woken = false;
    if (!s->inbox.empty() && s->takes_input())
      on_input(*s);
    if (s->io != nullptr)
      s->io->on_wake();
  }
  woken_.clear();
  graveyard_.clear();
  will_wake_ = false;
}

// -- events --------------------------------------------------------------------

void core::on_view(std::shared_ptr<const cluster_view> view) {
  read_clocks();
  will_wake_ = true;
  router_.on_view(std::move(view));
  note_serving();
  auto due = std::move(epoch_waiters_);
  epoch_waiters_.clear();
  for (auto& w : due)
    when_config(w.epoch, std::move(w.then), w.give_up_ms);
  wake_all();
}

void core::note_serving() {
  if (view() != nullptr && router_.reachable(options_.self))
    counters_.serving.set(1);
}

void core::when_config(torc::epoch e, std::function<void()> then,
                       unix_ms give_up) {
  constexpr unix_ms patience_ms = 2'000;
  if ((view() != nullptr && view()->epoch() >= e)
      || (give_up != 0 && now_ >= give_up))
    return then();
  epoch_waiters_.push_back(
    {e, give_up == 0 ? now_ + patience_ms : give_up, std::move(then)});
}

void core::on_peer_up(member_id m, std::uint16_t shards) {
  read_clocks();
  will_wake_ = true;
  router_.on_peer_up(m, shards);
  note_serving();
  wake_all();
}

void core::on_peer_down(member_id m) {
  read_clocks();
  will_wake_ = true;
  router_.on_peer_down(m);
  wake_all();
}

void core::on_answers(const op_reply_batch& batch) {
  read_clocks();
  will_wake_ = true;
  router_.on_answers(batch);
  wake_all();
}

void core::on_flush() {
  flush_asked_ = false;
  read_clocks();
  will_wake_ = true;
  router_.on_flush();
  wake_all();
}

void core::on_tick() {
  read_clocks();
  will_wake_ = true;
  router_.on_tick();
  counters_.under_way.set(router_.under_way());
  kill_marked();
  if (!epoch_waiters_.empty()) {
    auto due = std::move(epoch_waiters_);
    epoch_waiters_.clear();
    for (auto& w : due)
      when_config(w.epoch, std::move(w.then), w.give_up_ms);
  }
  wake_all();
}

/// CLIENT KILL on another loop marked them.
void core::kill_marked() {
  const auto kills = shared().clients.kills();
  if (std::exchange(kills_seen_, kills) == kills)
    return;
  for (auto& e : sessions_)
    if (e.s && !e.s->dead
        && e.s->record->kill.load(std::memory_order_relaxed)) {
      e.s->dead = true;
      if (e.s->io != nullptr)
        e.s->io->on_wake();
    }
}

void core::send_operations(member_id to, std::uint16_t shard, op_batch batch) {
  if (to != options_.self)
    counters_.forwarded.add(batch.ops.size());
  fx_.send_operations(to, shard, std::move(batch));
}

void core::request_flush() {
  if (flush_asked_)
    return;
  flush_asked_ = true;
  fx_.request_flush();
}

std::uint64_t core::random() noexcept {
  return splitmix64(random_); // only picks keys and members
}

} // namespace torc::gateway
