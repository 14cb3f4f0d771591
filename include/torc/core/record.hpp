#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "torc/core/types.hpp"

namespace torc {

/// Identifies a version, orders versions under `lww`, and is the version's dot.
struct tag {
  hlc_time h;
  actor_id actor;

  friend constexpr auto operator<=>(const tag&, const tag&) = default;
};

/// What a value is; on disk and on the wire: do not change.
enum class value_type : std::uint8_t { string = 0 };

/// One version of a key. A tag names its value: two versions of equal tag have
/// equal bytes and may differ only in `expired`.
struct version {
  torc::tag tag;
  unix_ms expires_at = 0; ///< Absolute deadline; 0: none.
  value_type type = value_type::string;
  bool tombstone = false;
  bool expired = false;
  std::string value;

  bool live() const noexcept { return !tombstone && !expired; }
  /// Live and not past its deadline at `now`.
  bool visible(unix_ms now) const noexcept {
    return live() && (expires_at == 0 || now < expires_at);
  }
  friend bool operator==(const version&, const version&) = default;
};

/// Names a strong operation, fixed by the client before the first send.
struct op_id {
  std::uint64_t client = 0;
  std::uint64_t seq = 0;
  hlc_time born;

  friend constexpr auto operator<=>(const op_id&, const op_id&) = default;
};

struct decided_op {
  op_id id;
  bool applied = false; ///< False: NEGATIVE, decided not to apply.

  friend constexpr auto operator<=>(const decided_op&,
                                    const decided_op&) = default;
};

/// The strong operations on a key that are decided. Belongs to the record, not
/// to a version: an overwrite must not erase it (T9).
struct decided_ops {
  std::vector<decided_op> entries; ///< Sorted by id, at most decided_ops_max.
  hlc_time floor;                  ///< Ids born at or before it are forgotten.

  bool empty() const noexcept { return entries.empty() && floor.value == 0; }
  friend bool operator==(const decided_ops&, const decided_ops&) = default;
};

/// How far an actor's versions are covered (causal context). All strong
/// versions share the one entry `strong_context_actor` (T18).
struct context_entry {
  actor_id actor;
  hlc_time h;

  friend constexpr auto operator<=>(const context_entry&,
                                    const context_entry&) = default;
};

inline constexpr actor_id strong_context_actor{strong_actor_bit};

/// What eventual readers see of a key: a lattice under `join`.
///
/// Invariant: `versions` sorted by tag, distinct; under `lww` at most one and
/// `ctx` empty; `ctx` sorted by actor.
struct record {
  std::vector<version> versions;
  std::vector<context_entry> ctx;
  decided_ops ops;

  bool empty() const noexcept {
    return versions.empty() && ctx.empty() && ops.empty();
  }
  friend bool operator==(const record&, const record&) = default;
};

/// Least upper bound: commutative, associative, idempotent (protocol section
/// 2). Moves out of its arguments. O(|a| + |b|).
record join(conflict_policy policy, record a, record b);

/// True iff join(a, b) has the versions and the context of b (decided
/// operations are ignored).
bool covered_by(conflict_policy policy, const record& a, const record& b);

/// XXH3-128 of versions (tag, flags, deadline), context, decided operations;
/// never of value bytes. Equal records have equal ids on every machine.
struct record_id {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  friend constexpr auto operator<=>(const record_id&,
                                    const record_id&) = default;
};

record_id id_of(const record& r);

/// The version readers of an `lww` record see, or null.
inline const version* visible_version(const record& r, unix_ms now) noexcept {
  return !r.versions.empty() && r.versions.back().visible(now)
           ? &r.versions.back()
           : nullptr;
}

} // namespace torc
