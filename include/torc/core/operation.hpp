#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "torc/core/entry.hpp"
#include "torc/core/error.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// What a client operation does at its coordinator. On the wire: do not change.
enum class op_kind : std::uint8_t {
  read = 0,       ///< Value and metadata.
  head = 1,       ///< Metadata and the value's length.
  put = 2,        ///< A new version with the value given.
  remove = 3,     ///< A tombstone, if there is a visible version.
  expire = 4,     ///< The visible value under a new deadline (0: none).
  scan = 5,       ///< One page of keys in (slot, hash) order.
  count = 6,      ///< Live keys in a set of slots.
  random_key = 7, ///< One live key of a set of slots.
  wait = 8,       ///< How many other replicas have a write.
};

inline constexpr std::uint8_t op_kind_count = 9;

/// Modifiers of an operation, or-ed.
namespace op_flag {
inline constexpr std::uint16_t keep_deadline = 1;  ///< put: the old deadline.
inline constexpr std::uint16_t return_value = 2;   ///< Answer the value before.
inline constexpr std::uint16_t if_no_deadline = 4; ///< expire NX
inline constexpr std::uint16_t if_deadline = 8;    ///< expire XX
inline constexpr std::uint16_t if_later = 16;      ///< expire GT
inline constexpr std::uint16_t if_earlier = 32;    ///< expire LT
} // namespace op_flag

/// True for the kinds that may make a new version.
constexpr bool is_write(op_kind k) noexcept {
  return k == op_kind::put || k == op_kind::remove || k == op_kind::expire;
}

/// An operation on one key, without the key.
struct key_request {
  op_kind kind = op_kind::read;
  std::uint16_t flags = 0;
  unix_ms deadline = 0;
  std::string_view value;
};

/// What came of it.
struct key_answer {
  bool found = false;     ///< A visible version was there before.
  bool changed = false;   ///< `entry` was filled with what to store.
  version_head head;      ///< The version written, else the one found.
  std::string_view value; ///< Value before; into the stored entry.
};

/// Carries out an eventual operation on what the coordinating replica holds
/// (protocol 8, `eventual_write` and `eventual_read`, policy lww). Pure.
///
/// `stored` is the key's entry or empty; `stamp` is above every stamp seen and
/// above the stored tag; `entry` receives the new stored entry if anything
/// changed. `errc::corrupt` if the stored entry fails its checks.
/// REQUIRES: kind is read, head, put, remove or expire.
result<key_answer> apply_operation(const key_request& request,
                                   std::string_view stored, torc::tag stamp,
                                   unix_ms now, hlc_time floor,
                                   std::string& entry);

/// Marks an expired version EXPIRED under its old tag and drops its value
/// (protocol 13, sweep), once `now` is past its deadline by more than
/// `max_skew_ms`. Nothing if there is nothing to mark.
result<std::optional<std::string>> sweep_entry(std::string_view stored,
                                               unix_ms now, unix_ms max_skew_ms,
                                               hlc_time floor);

/// What an entry counts for in the figures of its slot.
struct entry_weight {
  bool live = false;      ///< Neither tombstone nor marked expired.
  bool dead = false;      ///< A mark that waits for collection by proof.
  unix_ms expires_at = 0; ///< Deadline of a live version; 0: none.
  record_id fingerprint;  ///< See entry_fingerprint.
};

/// Weighs an entry; all zero for an empty or corrupt one.
entry_weight weigh_entry(std::string_view stored_key, std::string_view entry);

} // namespace torc
