#include "actors/storage_node/slot_table.hpp"

#include <algorithm>

#include "torc/core/assert.hpp"

namespace torc::storage {
namespace {

void apply(slot_figures& f, const entry_weight& w, std::size_t bytes,
           std::int64_t sign) {
  if (w.live)
    f.live += sign;
  if (w.dead) {
    f.dead += sign;
    f.dead_bytes += sign * static_cast<std::int64_t>(bytes);
  }
  if (w.expires_at != 0)
    f.expiring += sign;
}

} // namespace

void slot_table::open(incarnation inc, bool counted) {
  auto& s = spaces_[inc];
  if (s.slots.empty())
    s.slots.resize(static_cast<std::size_t>(slot_count / shards_) + 1);
  s.counted = counted;
}

void slot_table::close(incarnation inc) {
  const auto it = spaces_.find(inc);
  if (it == spaces_.end())
    return;
  for (const auto& f : it->second.slots) {
    totals_.live -= f.live;
    totals_.dead -= f.dead;
    totals_.dead_bytes -= f.dead_bytes;
    totals_.expiring -= f.expiring;
  }
  spaces_.erase(it);
}

slot_figures* slot_table::at(incarnation inc, slot_id s) {
  const auto it = spaces_.find(inc);
  if (it == spaces_.end() || !owns(s))
    return nullptr;
  return &it->second.slots[s.value / shards_];
}

const slot_figures* slot_table::find(incarnation inc, slot_id s) const {
  return const_cast<slot_table*>(this)->at(inc, s);
}

void slot_table::replace(incarnation inc, slot_id s, std::string_view key,
                         std::string_view old_entry,
                         std::string_view new_entry) {
  auto* f = at(inc, s);
  if (f == nullptr)
    return;
  if (!old_entry.empty()) {
    const auto w = weigh_entry(key, old_entry);
    f->digest.subtract(w.fingerprint);
    apply(*f, w, key.size() + old_entry.size(), -1);
    apply(totals_, w, key.size() + old_entry.size(), -1);
  }
  if (!new_entry.empty()) {
    const auto w = weigh_entry(key, new_entry);
    f->digest.add(w.fingerprint);
    apply(*f, w, key.size() + new_entry.size(), 1);
    apply(totals_, w, key.size() + new_entry.size(), 1);
    if (w.expires_at != 0
        && (f->next_deadline == 0 || w.expires_at < f->next_deadline))
      f->next_deadline = w.expires_at;
  }
}

void slot_table::base_complete(incarnation inc) {
  if (const auto it = spaces_.find(inc); it != spaces_.end())
    it->second.counted = true;
}

bool slot_table::counted(incarnation inc) const {
  const auto it = spaces_.find(inc);
  return it != spaces_.end() && it->second.counted;
}

bool slot_table::all_counted() const {
  return std::all_of(spaces_.begin(), spaces_.end(),
                     [](const auto& s) { return s.second.counted; });
}

std::optional<slot_id> slot_table::due_slot(incarnation inc, unix_ms now,
                                            std::uint16_t from) const {
  const auto it = spaces_.find(inc);
  if (it == spaces_.end())
    return std::nullopt;
  for (std::uint32_t s = from; s < slot_count; ++s) {
    if (s % shards_ != shard_)
      continue;
    const auto& f = it->second.slots[s / shards_];
    if (f.next_deadline != 0 && f.next_deadline < now)
      return slot_id{static_cast<std::uint16_t>(s)};
  }
  return std::nullopt;
}

void slot_table::set_next_deadline(incarnation inc, slot_id s, unix_ms next) {
  if (auto* f = at(inc, s))
    f->next_deadline = next;
}

void slot_table::merge_next_deadline(incarnation inc, slot_id s, unix_ms next) {
  auto* f = at(inc, s);
  if (f != nullptr && next != 0
      && (f->next_deadline == 0 || next < f->next_deadline))
    f->next_deadline = next;
}

std::vector<incarnation> slot_table::incarnations() const {
  std::vector<incarnation> out;
  for (const auto& [inc, s] : spaces_)
    out.push_back(inc);
  return out;
}

slot_figures slot_table::totals() const {
  return totals_;
}

} // namespace torc::storage
