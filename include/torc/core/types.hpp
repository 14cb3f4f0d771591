#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace torc {

/// An integer that means one thing only: a member id cannot be passed where an
/// epoch is wanted. `Tag` is never defined.
template <class Tag, class Rep>
struct strong_value {
  using rep = Rep;

  Rep value{};

  constexpr strong_value() noexcept = default;
  constexpr explicit strong_value(Rep raw) noexcept : value(raw) {}

  friend constexpr auto operator<=>(strong_value, strong_value) = default;
};

template <class Inspector, class Tag, class Rep>
typename Inspector::result_type inspect(Inspector& f,
                                        strong_value<Tag, Rep>& x) {
  return f(x.value);
}

/// Identifies a member of a cluster: 1 <= id < 2^31, assigned once, bound to a
/// data directory, never reused. 0 means "nobody".
using member_id = strong_value<struct member_id_tag, std::uint32_t>;

/// Number of a cluster configuration; grows by one with every change.
using epoch = strong_value<struct epoch_tag, std::uint64_t>;

/// Under which a keyspace's data is stored; a flushed, dropped or restored
/// keyspace gets a new one. 0 is reserved for the node's own entries.
using incarnation = strong_value<struct incarnation_tag, std::uint32_t>;

/// One of `slot_count` partitions of the key space.
using slot_id = strong_value<struct slot_id_tag, std::uint16_t>;

/// Hybrid logical clock stamp: 48 bits of Unix milliseconds, 16 of counter.
using hlc_time = strong_value<struct hlc_time_tag, std::uint64_t>;

/// Who drew a tag: a member id for eventual writes, `strong_actor_bit | id`
/// for strong ones.
using actor_id = strong_value<struct actor_id_tag, std::uint32_t>;

inline constexpr std::uint32_t strong_actor_bit = 0x8000'0000u;

/// Milliseconds since the Unix epoch, as a deadline or a reading of the wall
/// clock. 0 means "none" where a deadline is optional.
using unix_ms = std::uint64_t;

inline constexpr std::uint16_t slot_count = 16384;

/// How many bits of an `hlc_time` count events within a millisecond.
inline constexpr unsigned hlc_counter_bits = 16;

constexpr hlc_time hlc_from_ms(unix_ms ms) noexcept {
  return hlc_time{ms << hlc_counter_bits};
}

constexpr unix_ms hlc_to_ms(hlc_time h) noexcept {
  return h.value >> hlc_counter_bits;
}

/// What a client asks of one operation; what the reply says was met.
enum class consistency : std::uint8_t { weak = 0, eventual = 1, strong = 2 };

/// What becomes of concurrent versions of a key. Fixed per keyspace.
enum class conflict_policy : std::uint8_t { lww = 0, siblings = 1, merge = 2 };

/// Where a keyspace's entries live. Fixed per keyspace.
enum class engine_kind : std::uint8_t { memory = 0, rocksdb = 1 };

/// Which levels a keyspace's writes may have. Fixed per keyspace.
enum class keyspace_mode : std::uint8_t { mixed = 0, strong = 1 };

/// When eventual and weak writes reach the disk (cluster-wide).
enum class sync_policy : std::uint8_t { always = 0, interval = 1, os = 2 };

} // namespace torc

template <class Tag, class Rep>
struct std::hash<torc::strong_value<Tag, Rep>> {
  std::size_t operator()(torc::strong_value<Tag, Rep> x) const noexcept {
    return std::hash<Rep>{}(x.value);
  }
};
