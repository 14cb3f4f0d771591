#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "torc/core/error.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/record.hpp"

namespace torc {

/// Versions of an entry at most: those of all replicas of a key that never met.
inline constexpr std::size_t entry_versions_max =
  limits::siblings_max * limits::replicas_max;
/// Actors in the context of an entry at most. Ids of members are not given
/// again, so that in the end there are more than members at a time.
inline constexpr std::size_t entry_context_max = 64 * limits::kib;
static_assert(entry_context_max > limits::members_max);

/// Ballot of a strong proposal, compared lexicographically (protocol 2).
struct ballot {
  epoch q;
  hlc_time h;
  member_id n;
  std::uint32_t s = 0;

  bool none() const noexcept { return *this == ballot{}; }
  friend constexpr auto operator<=>(const ballot&, const ballot&) = default;
};

/// What a replica keeps per key in its `data` entry: the record, and what is
/// known of the last chosen proposal (protocol 3).
struct key_state {
  record rec;
  ballot cb;          ///< Highest ballot known chosen and joined into rec.
  bool clean = false; ///< rec is exactly the record chosen at cb.
  hlc_time tf;        ///< Value of the slot's floor when rec last changed.

  bool empty() const noexcept { return rec.empty() && cb.none(); }
  friend bool operator==(const key_state&, const key_state&) = default;
};

/// The fixed part of a version without its value.
struct version_head {
  torc::tag tag;
  unix_ms expires_at = 0;
  value_type type = value_type::string;
  bool tombstone = false;
  bool expired = false;

  bool visible(unix_ms now) const noexcept {
    return !tombstone && !expired && (expires_at == 0 || now < expires_at);
  }
};

/// A `data` entry seen in place, for the common case of one version and nothing
/// else: no allocation, no copy. Of several versions it shows the one of the
/// largest tag; of none, a tombstone with tag 0.
struct entry_view {
  version_head head;
  std::string_view value; ///< Into the parsed bytes.
  bool simple = false;    ///< False: decode the whole with `decode_entry`.
};

/// Checks version byte, form and checksum. O(bytes). `errc::corrupt` if any
/// check fails: then nothing of the entry may be used.
result<entry_view> view_entry(std::string_view bytes);

/// Decodes a whole entry. Same errors.
result<key_state> decode_entry(std::string_view bytes);

/// Appends the stored form of `state` to `out` (grammar in docs/formats.md).
/// REQUIRES: no more versions, actors and operations than an entry may have.
void encode_entry(std::string& out, const key_state& state);

/// The same for one version and nothing else.
void encode_simple_entry(std::string& out, const version_head& head,
                         std::string_view value);

/// Identifies what a replica has of a key, for digests: covers the record id
/// and cb. O(1) for a simple entry.
record_id entry_fingerprint(std::string_view stored_key,
                            std::string_view entry_bytes);

/// Joins a received entry into a stored one (protocol 6, `merge`); either may
/// be empty. `floor` is the slot's. Nothing if the stored one already covers
/// it. `errc::corrupt` names the side that fails its checks: under `lww` also a
/// received entry of several versions or with a context. `errc::unsupported`:
/// both are right, but the join would have more than an entry may.
result<std::optional<std::string>> merge_entries(conflict_policy policy,
                                                 std::string_view stored,
                                                 std::string_view received,
                                                 hlc_time floor);

} // namespace torc
