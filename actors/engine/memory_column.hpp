#pragma once

#include <concepts>
#include <cstdint>
#include <list>
#include <map>
#include <set>
#include <span>
#include <string_view>

#include "actors/engine/flat_set.hpp"
#include "actors/engine/memory_record.hpp"
#include "torc/engine/engine.hpp"

namespace torc {

/// A key that will be looked for soon. A search for one finds nothing, but
/// tells the processor of each record that it would compare with the key: to
/// compare would be to wait for it.
struct announced_key {
  std::string_view key;
};

struct record_hash {
  using is_transparent = void;
  using is_avalanching = void; ///< Boost need not mix the bits again.

  std::size_t operator()(std::string_view key) const noexcept;
  std::size_t operator()(const memory_record* r) const noexcept {
    return (*this)(key_of(r));
  }
  std::size_t operator()(announced_key a) const noexcept {
    return (*this)(a.key);
  }
};

struct record_equal {
  using is_transparent = void;

  static std::string_view key(std::string_view k) noexcept { return k; }
  static std::string_view key(const memory_record* r) noexcept {
    return key_of(r);
  }
  template <class A, class B>
  bool operator()(const A& a, const B& b) const noexcept {
    return key(a) == key(b);
  }
  template <std::same_as<memory_record*> R>
  bool operator()(announced_key, R const& r) const noexcept {
    prefetch_record(r);
    return false;
  }
};

struct record_order {
  using is_transparent = void;

  template <class A, class B>
  bool operator()(const A& a, const B& b) const noexcept {
    return record_equal::key(a) < record_equal::key(b);
  }
};

using record_set = flat_set<memory_record*, record_hash, record_equal>;

/// What the keys changed since a snapshot were when it was taken. Owns its
/// records; one that is absent says the key had no entry.
using undo_set = std::set<memory_record*, record_order>;

/// Which table a key is in: its first six bytes, and how many of them there
/// are. Never decreases as keys grow in byte order, so that a range of keys is
/// a range of tables; all keys of a table with six bytes share them.
class table_id {
public:
  static table_id of(std::string_view key) noexcept;

  std::uint64_t value() const noexcept { return value_; }
  table_id next() const noexcept { return table_id{value_ + 1}; }
  friend auto operator<=>(table_id, table_id) = default;

private:
  explicit table_id(std::uint64_t v) noexcept : value_(v) {}

  std::uint64_t value_;
};

/// How much of a table a range of keys covers.
enum class cover : std::uint8_t { none, part, whole };

/// A range of keys [begin, end); an empty `end` is the end of all.
struct key_range {
  std::string_view begin;
  std::string_view end;

  bool empty() const noexcept { return !end.empty() && end <= begin; }
  bool contains(std::string_view key) const noexcept {
    return begin <= key && (end.empty() || key < end);
  }
  table_id first() const noexcept { return table_id::of(begin); }
  bool may_reach(table_id id) const noexcept {
    return end.empty() || id <= table_id::of(end);
  }
  /// REQUIRES: first() <= id and may_reach(id).
  cover of(table_id id) const noexcept;
};

struct memory_table {
  record_set records;
  std::uint64_t record_bytes = 0;
};

/// A table taken out whole; its records are freed in pieces from `next` on.
struct dropped_table {
  explicit dropped_table(memory_table&& t)
    : records(std::move(t.records)), next(records.begin()) {}

  record_set records;
  record_set::const_iterator next;
};

/// One column of the memory engine.
///
/// Invariant: `totals` counts every record, table and undone record that is
/// allocated through any column sharing it.
class memory_column {
public:
  using table_map = std::map<table_id, memory_table>;

  explicit memory_column(engine_size& totals) : totals_(totals) {}
  memory_column(const memory_column&) = delete;
  memory_column& operator=(const memory_column&) = delete;
  ~memory_column();

  const memory_record* find(std::string_view key) const noexcept;

  /// Lets the processor fetch what `find` of each key goes through. A lookup
  /// waits for memory three times, one after the other; those of several keys
  /// can wait together.
  void prefetch(std::span<const std::string_view> keys) const noexcept;

  /// `undo` keeps what the newest snapshot sees; null if there is none.
  void put(std::string_view key, std::string_view value, undo_set* undo);
  void erase(std::string_view key, undo_set* undo);
  /// Moves tables covered whole to `dropped`, unless there is a snapshot.
  void erase_range(key_range range, undo_set* undo,
                   std::list<dropped_table>& dropped);

  engine_size size(key_range range) const;
  const table_map& tables() const noexcept { return tables_; }

private:
  memory_table& table_for(std::string_view key);
  void replace(memory_table& t, memory_record*& place, std::string_view value,
               undo_set* undo);
  void let_go(memory_record* r, undo_set* undo);
  void insert(memory_table& t, memory_record* r);
  void erase_part(memory_table& t, key_range range, undo_set* undo);
  void remove(memory_table& t, record_set::const_iterator at, undo_set* undo);
  void shrink(memory_table& t);
  table_map::iterator drop_if_empty(table_map::iterator at);

  engine_size& totals_;
  table_map tables_;
  flat_map<std::uint64_t, table_map::iterator> index_;
};

/// Puts `r`, which is no longer current, where the newest snapshot finds it, or
/// frees it if that snapshot has the key already.
void keep_or_free(memory_record* r, undo_set& undo, engine_size& totals);

/// Frees a record and takes its bytes off `totals`.
void free_counted(memory_record* r, engine_size& totals) noexcept;

/// Frees up to `entries_max` records of `dropped`; true if some are left.
bool free_dropped(std::list<dropped_table>& dropped, std::size_t entries_max,
                  engine_size& totals);

/// Bytes of an `undo_set` node beside its record.
inline constexpr std::size_t undo_node_bytes = 48;

} // namespace torc
