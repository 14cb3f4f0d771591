// Operations of commands: how they are started, and where their answers go.
#include <algorithm>

#include "actors/gateway/core.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/slot.hpp"

namespace torc::gateway {
namespace {

/// Of a token: a collector and a part of it, not a slot of the reply ring.
constexpr std::uint64_t collector_bit = std::uint64_t{1} << 63;

} // namespace

const keyspace_info* core::keyspace_of(const session& s) const {
  const auto& v = router_.shared_view();
  return v == nullptr ? nullptr : v->keyspace_by_db(s.db);
}

const keyspace_info* core::keyspace_or_fail(const request& r) {
  const auto* ks = keyspace_of(r.s);
  if (ks == nullptr)
    fail(r, view() == nullptr
              ? "LOADING this node does not know the cluster's config yet"
              : "ERR the keyspace of this connection is gone: SELECT another");
  return ks;
}

op core::make_op(const session& s, const keyspace_info& ks, op_kind kind,
                 std::string_view key) const {
  op o;
  o.kind = kind;
  o.inc = ks.inc;
  o.slot = slot_of(key);
  o.level = s.level_chosen ? s.level : ks.default_level;
  return o;
}

void core::start(const request& r, op o, std::string_view key,
                 std::string_view value, shape how) {
  const auto* ks = keyspace_of(r.s);
  TORC_ASSERT(ks != nullptr);
  if (key.size() > limits::key_bytes_max)
    return fail(r, key_too_long);
  if (value.size() > limits::value_bytes_max)
    return fail(r, value_too_long);
  r.s.ring.at(r.slot).how = how;
  if (is_write(o.kind))
    note_write(r.s, *ks, o.slot);
  router_.start(r.s.route, r.slot, *ks, o, key, value);
}

void core::start_part(session& s, std::uint32_t collector, std::uint32_t part,
                      op o, std::string_view key, std::string_view value) {
  const auto* ks = keyspace_of(s);
  TORC_ASSERT(ks != nullptr);
  if (is_write(o.kind))
    note_write(s, *ks, o.slot);
  router_.start(s.route, collector_bit | std::uint64_t{collector} << 32 | part,
                *ks, o, key, value);
}

namespace {

class one_answer : public collector {
public:
  one_answer(std::uint64_t slot, answer_fn fn)
    : slot_(slot), fn_(std::move(fn)) {}
  bool on_part(std::uint32_t, const answer& a) override {
    fn_(a);
    return true;
  }
  std::uint64_t reply_slot() const noexcept override { return slot_; }

private:
  std::uint64_t slot_;
  answer_fn fn_;
};

} // namespace

void core::start(const request& r, op o, std::string_view key,
                 std::string_view value, answer_fn fn) {
  if (key.size() > limits::key_bytes_max)
    return fail(r, key_too_long);
  const auto c =
    add_collector(std::make_unique<one_answer>(r.slot, std::move(fn)));
  start_part(r.s, c, 0, o, key, value);
}

void core::start_at(session& s, member_id to, std::uint16_t shard, op o,
                    std::string_view value, unix_ms wait_ms, answer_fn fn) {
  const auto c =
    add_collector(std::make_unique<one_answer>(s.ring.oldest(), std::move(fn)));
  router_.start_at(s.route, collector_bit | std::uint64_t{c} << 32, to, shard,
                   o, {}, value, wait_ms);
}

answer_fn
core::replying(const request& r,
               std::function<void(resp_writer&, const answer&)> write) {
  return [this, place = reply_place{r.s.key, r.slot},
          write = std::move(write)](const answer& a) {
    auto* s = find(place.session);
    if (s == nullptr)
      return;
    auto w = writer(*s, place.slot);
    if (a.reply.status != no_error) {
      counters_.errors.add();
      w.error(error_line(a.reply.status, a.payload));
    } else {
      write(w, a);
    }
    finish(*s, place.slot, a.key);
  };
}

std::uint32_t core::add_collector(std::unique_ptr<collector> c) {
  if (free_collectors_.empty()) {
    collectors_.emplace_back();
    free_collectors_.push_back(
      static_cast<std::uint32_t>(collectors_.size() - 1));
  }
  const auto index = free_collectors_.back();
  free_collectors_.pop_back();
  collectors_[index] = std::move(c);
  return index;
}

/// What WAIT has to ask about.
void core::note_write(session& s, const keyspace_info& ks, slot_id slot) {
  constexpr std::size_t keyspaces_max = 8;
  if (s.written_met) {
    s.written.clear();
    s.written_met = s.written_moved = s.written_overflow = false;
  }
  if (s.written.empty())
    s.written_routes = router_.generation();
  else if (s.written_routes != router_.generation())
    s.written_moved = true;
  for (auto& w : s.written)
    if (w.inc == ks.inc) {
      w.slots.add(slot);
      return;
    }
  if (s.written.size() >= keyspaces_max) {
    s.written_overflow = true;
    return;
  }
  s.written.push_back({ks.inc, ks.db, {}});
  s.written.back().slots.add(slot);
}

void core::change_config(
  const request& r, config_change_fn change,
  std::function<void(resp_writer&, const cluster_config&)> write) {
  hold(r.s);
  const reply_place place{r.s.key, r.slot};
  auto done = [this, place,
               write = std::move(write)](const local::change_result& changed) {
    auto* s = find(place.session);
    if (s == nullptr)
      return;
    if (changed.failure) {
      fail(*s, place.slot,
           error_line(changed.failure->code, changed.failure->message));
      return release(*s);
    }
    const auto config = changed.config;
    when_config(config->epoch, [this, place, config, write] {
      auto* waiting = find(place.session);
      if (waiting == nullptr)
        return;
      auto w = writer(*waiting, place.slot);
      write(w, *config);
      finish(*waiting, place.slot);
      release(*waiting);
    });
  };
  fx_.change_config(std::move(change), std::move(done));
}

/// A shard refuses reads when the replies of a turn are large. Where they go
/// there has to be room again, so that a client which does not read holds no
/// more; the oldest reply may always become whole.
bool core::has_room(std::uint64_t owner, std::uint64_t token) {
  constexpr std::size_t room_bytes = 16 * limits::mib;
  const auto* s = find(owner);
  if (s == nullptr || s->held_bytes() < room_bytes)
    return true;
  const bool collected = (token & collector_bit) != 0;
  const auto slot =
    collected ? collectors_[(token & ~collector_bit) >> 32]->reply_slot()
              : token;
  return slot == s->ring.oldest() && s->ring.output().size() < room_bytes;
}

bool core::count_held(session& s, unix_ms silent_ms) noexcept {
  constexpr std::size_t one_bytes_max = 256 * limits::mib;
  constexpr std::size_t all_bytes_max = 512 * limits::mib;
  constexpr std::size_t all_bytes_hard_max = 768 * limits::mib;
  constexpr std::size_t share_bytes_min = 64 * limits::kib;
  constexpr unix_ms patience_ms = 500;
  const auto bytes = s.held_bytes();
  held_bytes_ += bytes;
  held_bytes_ -= std::exchange(s.held_counted, bytes);
  if (held_bytes_ <= all_bytes_max)
    return bytes <= one_bytes_max;
  // Those go that hold more than an equal share; as long as there is some room
  // left, not those that read.
  if (silent_ms < patience_ms && held_bytes_ <= all_bytes_hard_max)
    return bytes <= one_bytes_max;
  return bytes
         <= std::max(share_bytes_min,
                     all_bytes_max / std::max<std::size_t>(open_count_, 1));
}

void core::on_answer(const routed_answer& a) {
  if ((a.token & collector_bit) != 0) {
    const auto index =
      static_cast<std::uint32_t>((a.token & ~collector_bit) >> 32);
    // The collector may start more operations, which may move the table.
    auto* c = collectors_[index].get();
    if (c->on_part(static_cast<std::uint32_t>(a.token), a)) {
      collectors_[index].reset();
      free_collectors_.push_back(index);
    }
    if (auto* s = find(a.owner))
      wake(*s);
    return;
  }
  auto* s = find(a.owner);
  if (s == nullptr)
    return;
  reply_shaped(*s, a.token, a);
  wake(*s);
}

} // namespace torc::gateway
