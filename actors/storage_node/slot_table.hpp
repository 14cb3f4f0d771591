#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "torc/core/operation.hpp"
#include "torc/core/types.hpp"

namespace torc::storage {

/// Sum of fingerprints mod 2^128: order does not matter, and a change takes the
/// old one out and puts the new one in.
struct digest_sum {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  void add(const record_id& x) noexcept {
    low += x.low;
    high += x.high + (low < x.low ? 1 : 0);
  }
  void subtract(const record_id& x) noexcept {
    high -= x.high + (low < x.low ? 1 : 0);
    low -= x.low;
  }
  record_id value() const noexcept { return {low, high}; }
};

/// Figures of one incarnation at this replica.
struct space_figures {
  std::int64_t live = 0;
  std::int64_t expiring = 0;
  digest_sum deadlines; ///< Sum of those of expiring keys, in milliseconds.

  /// Their mean; 0 without any.
  unix_ms mean_deadline() const noexcept;
};

/// Figures of one slot of one incarnation at this replica: one cache line,
/// since each write waits for it.
struct alignas(64) slot_figures {
  digest_sum digest;
  std::int64_t live = 0;
  std::int64_t dead = 0;
  std::int64_t dead_bytes = 0;
  std::int64_t live_bytes = 0;
  std::int64_t expiring = 0;
  unix_ms next_deadline = 0; ///< No live version ends before it; 0: none ends.
};
static_assert(sizeof(slot_figures) == 64);

/// The figures of all slots of a shard, kept by taking the old entry's weight
/// out and the new one's in. What lay in the engine at the start is added by
/// `base` while a scan of the start's snapshot goes on, so the order of scan
/// and writes does not matter.
class slot_table {
public:
  slot_table(std::uint16_t shard, std::uint16_t shards)
    : shard_(shard), shards_(shards) {}

  bool owns(slot_id s) const noexcept { return s.value % shards_ == shard_; }

  /// Begins to keep figures for an incarnation. `counted`: it starts empty.
  void open(incarnation inc, bool counted);
  void close(incarnation inc);
  bool knows(incarnation inc) const noexcept {
    return space_of(inc) != nullptr;
  }

  /// Replaces one entry's weight; either side may be empty.
  /// REQUIRES: what is not empty is checked (core/checked_entry.hpp).
  void replace(incarnation inc, slot_id s, std::string_view key,
               std::string_view old_entry, std::string_view new_entry);

  /// Adds an entry of the start's snapshot. One that fails its checks counts
  /// for nothing.
  void base(incarnation inc, slot_id s, std::string_view key,
            std::string_view entry);
  void base_complete(incarnation inc);
  /// Some entries of the start's snapshot could not be read.
  void damage(incarnation inc, slot_id s);
  bool damaged(incarnation inc, slot_id s) const noexcept;

  /// True once the figures are whole.
  bool counted(incarnation inc) const;
  bool all_counted() const;

  const slot_figures* find(incarnation inc, slot_id s) const noexcept;
  /// Tells the processor that the slot's figures will be changed soon.
  void prefetch(incarnation inc, slot_id s) const noexcept;

  /// The first slot from `from` on whose earliest deadline lies before `due`,
  /// and whose last sweep does not lie after `last_sweep`.
  std::optional<slot_id> due_slot(incarnation inc, unix_ms due,
                                  unix_ms last_sweep, std::uint32_t from) const;
  /// A sweep of `s` begins at `now`, and found `next` as its earliest deadline;
  /// writes in between may have brought an earlier one. `whole`: it marked all
  /// that was due; else the next sweep need not wait.
  void begin_sweep(incarnation inc, slot_id s, unix_ms now);
  void end_sweep(incarnation inc, slot_id s, unix_ms next, bool whole);

  const slot_figures& totals() const noexcept { return totals_; }
  /// All zero if the incarnation is not known.
  space_figures totals_of(incarnation inc) const;

private:
  /// What is seldom looked at.
  struct slot_upkeep {
    unix_ms swept_ms = 0; ///< When its last sweep began.
    bool damaged = false; ///< Not all of it could be read at the start.
  };

  struct space {
    incarnation inc;
    std::vector<slot_figures> slots;
    std::vector<slot_upkeep> upkeep; ///< As many.
    space_figures totals;
    bool counted = false;
  };

  const space* space_of(incarnation inc) const noexcept;
  space* space_of(incarnation inc) noexcept;
  slot_figures* at(incarnation inc, slot_id s) noexcept;
  const slot_upkeep* upkeep_of(incarnation inc, slot_id s) const noexcept;
  slot_upkeep* upkeep_of(incarnation inc, slot_id s) noexcept;
  void count(slot_figures& f, space_figures& all, const entry_weight& w,
             std::size_t bytes);

  std::uint16_t shard_;
  std::uint16_t shards_;
  std::vector<std::unique_ptr<space>> spaces_;
  mutable const space* last_ = nullptr; ///< Found last: nearly always the next.
  slot_figures totals_;
};

} // namespace torc::storage
