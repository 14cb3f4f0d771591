#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "torc/core/types.hpp"

namespace torc {

/// What an element under a user key is. On disk and on the wire: do not change.
enum class element_kind : std::uint8_t { string = 0 };

/// Bytes of the incarnation and the slot that every stored key begins with.
inline constexpr std::size_t stored_prefix_bytes = 6;

/// Appends the stored form of a user key to `out`:
/// incarnation u32 BE, slot u16 BE, key with 00 -> 00 FF, 00 00, kind, element.
/// Byte order of stored keys = order by (incarnation, slot, key, kind,
/// element).
void append_stored_key(std::string& out, incarnation inc, slot_id slot,
                       std::string_view user_key, element_kind kind,
                       std::string_view element = {});

/// The parts of a stored key.
struct stored_key {
  incarnation inc;
  slot_id slot;
  std::string user_key;
  element_kind kind = element_kind::string;
  std::string_view element; ///< Into the parsed bytes.
};

/// Nothing if `bytes` is not what `append_stored_key` makes.
std::optional<stored_key> parse_stored_key(std::string_view bytes);

/// Whether a stored key can be that of some client's key: it parses, the user
/// key is not too long and belongs to the slot, and a string has no element.
/// O(bytes).
bool valid_stored_key(std::string_view bytes);

/// The first six bytes, without looking at the rest.
/// REQUIRES: bytes.size() >= stored_prefix_bytes.
incarnation stored_incarnation(std::string_view bytes) noexcept;
slot_id stored_slot(std::string_view bytes) noexcept;

/// First stored key of a slot, and the first after it. The last slot ends where
/// one more would begin: a slot is all that begins with the same six bytes.
std::string slot_begin(incarnation inc, slot_id slot);
std::string slot_end(incarnation inc, slot_id slot);

/// First stored key of an incarnation; its end is the next one's begin.
std::string incarnation_begin(incarnation inc);

} // namespace torc
