#include "actors/storage_node/slot_table.hpp"

#include <algorithm>
#include <utility>

#include "torc/core/assert.hpp"
#include "torc/core/checked_entry.hpp"

namespace torc::storage {
namespace {

void apply(slot_figures& f, const entry_weight& w, std::size_t bytes,
           std::int64_t sign) {
  if (w.live) {
    f.live += sign;
    f.live_bytes += sign * static_cast<std::int64_t>(bytes);
  }
  if (w.dead) {
    f.dead += sign;
    f.dead_bytes += sign * static_cast<std::int64_t>(bytes);
  }
  if (w.expires_at != 0)
    f.expiring += sign;
}

void apply(space_figures& f, const entry_weight& w, std::int64_t sign) {
  f.live += w.live ? sign : 0;
  if (w.expires_at == 0)
    return;
  f.expiring += sign;
  if (sign > 0)
    f.deadlines.add({w.expires_at, 0});
  else
    f.deadlines.subtract({w.expires_at, 0});
}

} // namespace

unix_ms space_figures::mean_deadline() const noexcept {
  if (expiring <= 0)
    return 0;
  // The sum of many deadlines is a number of 128 bits.
  const auto sum = deadlines.value();
  const auto n = static_cast<std::uint64_t>(expiring);
  constexpr long double two_to_64 = 18446744073709551616.0L;
  return static_cast<unix_ms>((static_cast<long double>(sum.high) * two_to_64
                               + static_cast<long double>(sum.low))
                              / static_cast<long double>(n));
}

const slot_table::space* slot_table::space_of(incarnation inc) const noexcept {
  if (last_ != nullptr && last_->inc == inc)
    return last_;
  const auto it = std::find_if(spaces_.begin(), spaces_.end(),
                               [&](const auto& x) { return x->inc == inc; });
  if (it == spaces_.end())
    return nullptr;
  last_ = it->get();
  return last_;
}

slot_table::space* slot_table::space_of(incarnation inc) noexcept {
  return const_cast<space*>(std::as_const(*this).space_of(inc));
}

void slot_table::open(incarnation inc, bool counted) {
  TORC_ASSERT(!knows(inc));
  auto s = std::make_unique<space>();
  s->inc = inc;
  s->slots.resize(static_cast<std::size_t>(slot_count / shards_) + 1);
  s->upkeep.resize(s->slots.size());
  s->counted = counted;
  spaces_.push_back(std::move(s));
}

void slot_table::close(incarnation inc) {
  const auto* s = space_of(inc);
  if (s == nullptr)
    return;
  for (const auto& f : s->slots) {
    totals_.live -= f.live;
    totals_.live_bytes -= f.live_bytes;
    totals_.dead -= f.dead;
    totals_.dead_bytes -= f.dead_bytes;
    totals_.expiring -= f.expiring;
  }
  last_ = nullptr;
  std::erase_if(spaces_, [&](const auto& x) { return x.get() == s; });
}

const slot_figures* slot_table::find(incarnation inc,
                                     slot_id s) const noexcept {
  const auto* x = space_of(inc);
  return x == nullptr || s.value >= slot_count || !owns(s)
           ? nullptr
           : &x->slots[s.value / shards_];
}

slot_figures* slot_table::at(incarnation inc, slot_id s) noexcept {
  return const_cast<slot_figures*>(find(inc, s));
}

void slot_table::prefetch(incarnation inc, slot_id s) const noexcept {
  if (const auto* f = find(inc, s))
    __builtin_prefetch(f, 1);
}

const slot_table::slot_upkeep* slot_table::upkeep_of(incarnation inc,
                                                     slot_id s) const noexcept {
  return find(inc, s) == nullptr ? nullptr
                                 : &space_of(inc)->upkeep[s.value / shards_];
}

slot_table::slot_upkeep* slot_table::upkeep_of(incarnation inc,
                                               slot_id s) noexcept {
  return const_cast<slot_upkeep*>(std::as_const(*this).upkeep_of(inc, s));
}

void slot_table::replace(incarnation inc, slot_id s, std::string_view key,
                         std::string_view old_entry,
                         std::string_view new_entry) {
  auto* f = at(inc, s);
  if (f == nullptr)
    return;
  auto& all = space_of(inc)->totals;
  if (!old_entry.empty()) {
    const auto w = weigh_checked_entry(key, old_entry);
    f->digest.subtract(w.fingerprint);
    apply(*f, w, key.size() + old_entry.size(), -1);
    apply(totals_, w, key.size() + old_entry.size(), -1);
    apply(all, w, -1);
  }
  if (!new_entry.empty())
    count(*f, all, weigh_checked_entry(key, new_entry),
          key.size() + new_entry.size());
}

void slot_table::base(incarnation inc, slot_id s, std::string_view key,
                      std::string_view entry) {
  if (auto* f = at(inc, s); f != nullptr && !entry.empty())
    count(*f, space_of(inc)->totals, weigh_entry(key, entry),
          key.size() + entry.size());
}

void slot_table::count(slot_figures& f, space_figures& all,
                       const entry_weight& w, std::size_t bytes) {
  f.digest.add(w.fingerprint);
  apply(f, w, bytes, 1);
  apply(totals_, w, bytes, 1);
  apply(all, w, 1);
  if (w.expires_at != 0
      && (f.next_deadline == 0 || w.expires_at < f.next_deadline))
    f.next_deadline = w.expires_at;
}

space_figures slot_table::totals_of(incarnation inc) const {
  const auto* s = space_of(inc);
  return s == nullptr ? space_figures{} : s->totals;
}

void slot_table::base_complete(incarnation inc) {
  if (auto* s = space_of(inc); s != nullptr)
    s->counted = true;
}

void slot_table::damage(incarnation inc, slot_id s) {
  if (auto* u = upkeep_of(inc, s))
    u->damaged = true;
}

bool slot_table::damaged(incarnation inc, slot_id s) const noexcept {
  const auto* u = upkeep_of(inc, s);
  return u != nullptr && u->damaged;
}

bool slot_table::counted(incarnation inc) const {
  const auto* s = space_of(inc);
  return s != nullptr && s->counted;
}

bool slot_table::all_counted() const {
  return std::all_of(spaces_.begin(), spaces_.end(),
                     [](const auto& s) { return s->counted; });
}

std::optional<slot_id> slot_table::due_slot(incarnation inc, unix_ms due,
                                            unix_ms last_sweep,
                                            std::uint32_t from) const {
  const auto* x = space_of(inc);
  if (x == nullptr)
    return std::nullopt;
  for (auto s = from + (shards_ + shard_ - from % shards_) % shards_;
       s < slot_count; s += shards_) {
    const auto& f = x->slots[s / shards_];
    if (f.next_deadline != 0 && f.next_deadline < due
        && x->upkeep[s / shards_].swept_ms <= last_sweep)
      return slot_id{static_cast<std::uint16_t>(s)};
  }
  return std::nullopt;
}

void slot_table::begin_sweep(incarnation inc, slot_id s, unix_ms now) {
  if (auto* f = at(inc, s)) {
    f->next_deadline = 0;
    upkeep_of(inc, s)->swept_ms = now;
  }
}

void slot_table::end_sweep(incarnation inc, slot_id s, unix_ms next,
                           bool whole) {
  auto* f = at(inc, s);
  if (f == nullptr)
    return;
  if (next != 0 && (f->next_deadline == 0 || next < f->next_deadline))
    f->next_deadline = next;
  if (!whole)
    upkeep_of(inc, s)->swept_ms = 0;
}

} // namespace torc::storage
