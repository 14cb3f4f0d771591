#include "actors/engine/memory_column.hpp"

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "torc/core/assert.hpp"

namespace torc {
namespace {

constexpr std::size_t prefix_bytes = 6;

/// Heap bytes of a table beside its arrays: a tree node, its place in the
/// index.
constexpr std::size_t table_fixed_bytes =
  sizeof(memory_column::table_map::value_type) + 4 * sizeof(void*) + 32;

/// A table this many times too large for its entries is made smaller.
constexpr std::size_t slack_max = 8;
constexpr std::size_t small_table = 120;

} // namespace

std::size_t record_hash::operator()(std::string_view key) const noexcept {
  return XXH3_64bits(key.data(), key.size());
}

table_id table_id::of(std::string_view key) noexcept {
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint64_t>(static_cast<unsigned char>(key[i]))
           << (8 * (prefix_bytes - 1 - i));
  };
  if (key.size() >= prefix_bytes) // Stored keys; compiles to two loads.
    return table_id{(byte(0) | byte(1) | byte(2) | byte(3) | byte(4) | byte(5))
                      << 3
                    | prefix_bytes};
  std::uint64_t prefix = 0;
  for (std::size_t i = 0; i < key.size(); ++i)
    prefix |= byte(i);
  return table_id{prefix << 3 | key.size()};
}

cover key_range::of(table_id id) const noexcept {
  // A boundary of at most six bytes lies before all keys of its table.
  if (!end.empty() && id == table_id::of(end))
    return end.size() <= prefix_bytes ? cover::none : cover::part;
  if (id == first() && begin.size() > prefix_bytes)
    return cover::part;
  return cover::whole;
}

memory_column::~memory_column() {
  for (auto& [id, table] : tables_)
    for (auto* r : table.records)
      free_record(r);
}

const memory_record* memory_column::find(std::string_view key) const noexcept {
  const auto t = index_.find(table_id::of(key).value());
  if (t == index_.end())
    return nullptr;
  const auto& records = t->second->second.records;
  const auto r = records.find(key);
  return r == records.end() ? nullptr : *r;
}

void memory_column::prefetch(
  std::span<const std::string_view> keys) const noexcept {
  constexpr std::size_t at_once = 32;
  std::array<const memory_table*, at_once> tables;
  for (; !keys.empty(); keys = keys.subspan(std::min(at_once, keys.size()))) {
    const auto n = std::min(at_once, keys.size());
    for (std::size_t i = 0; i < n; ++i) {
      const auto t = index_.find(table_id::of(keys[i]).value());
      tables[i] = t == index_.end() ? nullptr : &t->second->second;
      if (tables[i] != nullptr)
        __builtin_prefetch(tables[i]);
    }
    // A table's arrays are one block; its first place is near all others while
    // it is small, and most are.
    for (std::size_t i = 0; i < n; ++i)
      if (tables[i] != nullptr && !tables[i]->records.empty())
        __builtin_prefetch(&*tables[i]->records.begin());
    for (std::size_t i = 0; i < n; ++i)
      if (tables[i] != nullptr)
        static_cast<void>(tables[i]->records.find(announced_key{keys[i]}));
  }
}

memory_table& memory_column::table_for(std::string_view key) {
  const auto id = table_id::of(key);
  if (const auto found = index_.find(id.value()); found != index_.end())
    return found->second->second;
  const auto made = tables_.try_emplace(id).first;
  index_.emplace(id.value(), made);
  totals_.bytes += table_fixed_bytes;
  return made->second;
}

void memory_column::insert(memory_table& t, memory_record* r) {
  const auto before = table_bytes(t.records);
  t.records.insert(r);
  const auto bytes = heap_bytes(r);
  t.record_bytes += bytes;
  totals_.bytes += bytes + table_bytes(t.records) - before;
  ++totals_.entries;
}

void memory_column::put(std::string_view key, std::string_view value,
                        undo_set* undo) {
  auto& t = table_for(key);
  const auto found = t.records.find(key);
  if (found != t.records.end()) {
    // The place keeps its key, so its hash does not change.
    replace(t, const_cast<memory_record*&>(*found), value, undo);
    return;
  }
  if (undo != nullptr && !undo->contains(key)) {
    auto* const absent = make_absent_record(key);
    undo->insert(absent);
    totals_.bytes += heap_bytes(absent) + undo_node_bytes;
  }
  insert(t, make_record(key, value));
}

void memory_column::replace(memory_table& t, memory_record*& place,
                            std::string_view value, undo_set* undo) {
  const auto key = key_of(place);
  const bool is_seen = undo != nullptr && !undo->contains(key);
  if (!is_seen && overwrite_in_place(place, value))
    return;
  auto* const old = place;
  auto* const fresh = make_record(key, value);
  place = fresh;
  const auto bytes = heap_bytes(fresh);
  t.record_bytes += bytes;
  t.record_bytes -= heap_bytes(old);
  totals_.bytes += bytes;
  let_go(old, undo);
}

void memory_column::let_go(memory_record* r, undo_set* undo) {
  if (undo != nullptr)
    keep_or_free(r, *undo, totals_);
  else
    free_counted(r, totals_);
}

void memory_column::erase(std::string_view key, undo_set* undo) {
  const auto t = index_.find(table_id::of(key).value());
  if (t == index_.end())
    return;
  const auto at = t->second;
  auto& table = at->second;
  const auto found = table.records.find(key);
  if (found == table.records.end())
    return;
  remove(table, found, undo);
  shrink(table);
  drop_if_empty(at);
}

void memory_column::remove(memory_table& t, record_set::const_iterator at,
                           undo_set* undo) {
  auto* const r = *at;
  t.record_bytes -= heap_bytes(r);
  --totals_.entries;
  t.records.erase(at);
  let_go(r, undo);
}

void memory_column::shrink(memory_table& t) {
  const auto places = t.records.bucket_count();
  if (places <= small_table || t.records.size() > places / slack_max)
    return;
  const auto before = table_bytes(t.records);
  t.records.rehash(0);
  totals_.bytes -= before - table_bytes(t.records);
}

memory_column::table_map::iterator
memory_column::drop_if_empty(table_map::iterator at) {
  if (!at->second.records.empty())
    return std::next(at);
  totals_.bytes -= table_fixed_bytes + table_bytes(at->second.records);
  index_.erase(at->first.value());
  return tables_.erase(at);
}

void memory_column::erase_part(memory_table& t, key_range range,
                               undo_set* undo) {
  std::vector<memory_record*> doomed;
  for (auto* r : t.records)
    if (range.contains(key_of(r)))
      doomed.push_back(r);
  for (auto* r : doomed)
    remove(t, t.records.find(key_of(r)), undo);
  shrink(t);
}

void memory_column::erase_range(key_range range, undo_set* undo,
                                std::list<dropped_table>& dropped) {
  if (range.empty())
    return;
  for (auto at = tables_.lower_bound(range.first());
       at != tables_.end() && range.may_reach(at->first);) {
    const auto how = range.of(at->first);
    if (how == cover::whole && undo == nullptr) {
      auto& table = at->second;
      totals_.entries -= table.records.size();
      totals_.bytes -= table_fixed_bytes;
      dropped.emplace_back(std::move(table));
      index_.erase(at->first.value());
      at = tables_.erase(at);
      continue;
    }
    if (how != cover::none)
      erase_part(at->second, range, undo);
    at = drop_if_empty(at);
  }
}

engine_size memory_column::size(key_range range) const {
  engine_size out;
  if (range.empty())
    return out;
  for (auto at = tables_.lower_bound(range.first());
       at != tables_.end() && range.may_reach(at->first); ++at) {
    const auto& table = at->second;
    const auto how = range.of(at->first);
    if (how == cover::whole) {
      out.entries += table.records.size();
      out.bytes +=
        table.record_bytes + table_fixed_bytes + table_bytes(table.records);
    } else if (how == cover::part) {
      for (const auto* r : table.records)
        if (range.contains(key_of(r))) {
          ++out.entries;
          out.bytes += heap_bytes(r);
        }
    }
  }
  return out;
}

void keep_or_free(memory_record* r, undo_set& undo, engine_size& totals) {
  if (undo.insert(r).second)
    totals.bytes += undo_node_bytes;
  else
    free_counted(r, totals);
}

void free_counted(memory_record* r, engine_size& totals) noexcept {
  totals.bytes -= heap_bytes(r);
  free_record(r);
}

bool free_dropped(std::list<dropped_table>& dropped, std::size_t entries_max,
                  engine_size& totals) {
  while (!dropped.empty()) {
    auto& table = dropped.front();
    for (; table.next != table.records.end(); ++table.next) {
      if (entries_max == 0)
        return true;
      --entries_max;
      free_counted(*table.next, totals);
    }
    totals.bytes -= table_bytes(table.records);
    dropped.pop_front();
  }
  return false;
}

} // namespace torc
