#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "torc/core/types.hpp"

namespace torc {

/// Kinds of items in a batch between two members' shards. On the wire: do not
/// change.
enum class peer_item_kind : std::uint8_t {
  push = 1,     ///< A replica's whole record of a key.
  pull = 2,     ///< Send me what you hold of my slots, from a position on.
  pull_end = 3, ///< End of one page of an answer to a pull.
};

/// One item, decoded in place.
struct peer_item {
  peer_item_kind kind = peer_item_kind::push;
  // push
  hlc_time floor;         ///< The sender's floor of the slot (label).
  std::string_view key;   ///< push: valid stored key. Others: position.
  std::string_view entry; ///< push: stored entry.
  // pull, pull_end
  incarnation inc;
  std::uint16_t shards = 0; ///< pull: how many shards the asking member has.
  std::uint16_t shard = 0;  ///< pull: which of them asks.
  bool fresh = false; ///< pull_end: the sender has no data of its own yet.
};

void append_push(std::string& out, hlc_time floor, std::string_view key,
                 std::string_view entry);
void append_pull(std::string& out, incarnation inc, std::string_view from,
                 std::uint16_t shard, std::uint16_t shards);
/// `next` empty: the pull is complete.
void append_pull_end(std::string& out, incarnation inc, std::string_view next,
                     bool fresh);

/// Walks the items of a batch from another process: never reads outside it.
class peer_item_reader {
public:
  explicit peer_item_reader(std::string_view items) noexcept : rest_(items) {}

  /// The next item; false at the end, and when the bytes are damaged: then
  /// `damaged` is true and nothing after this point can be used.
  bool next(peer_item& out) noexcept;

  bool damaged() const noexcept { return damaged_; }

private:
  std::string_view rest_;
  bool damaged_ = false;
};

} // namespace torc
