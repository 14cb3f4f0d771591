#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/error.hpp"
#include "torc/core/hello.hpp"
#include "torc/core/operation.hpp"
#include "torc/core/record.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// One client operation. Its key and value lie in the batch's `bytes`.
struct op {
  std::uint64_t id = 0; ///< Chosen by the sender; comes back in the reply.
  op_kind kind = op_kind::read;
  consistency level = consistency::eventual;
  std::uint16_t flags = 0;
  slot_id slot;
  incarnation inc;
  std::uint32_t key_bytes = 0;
  std::uint32_t value_bytes = 0;
  unix_ms deadline = 0;       ///< put, expire: absolute; wait: when to give up.
  std::uint64_t a = 0;        ///< scan: hash to start at.
  std::uint64_t b = 0;        ///< scan: keys wanted. wait: replicas wanted.
  std::uint16_t end_slot = 0; ///< scan: first slot not to look at.
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, op& x) {
  return f(x.id, x.kind, x.level, x.flags, x.slot, x.inc, x.key_bytes,
           x.value_bytes, x.deadline, x.a, x.b, x.end_slot);
}

/// Operations of one gateway for one shard: one message per loop turn.
struct op_batch {
  std::uint16_t version = wire_version;
  torc::epoch epoch;
  hlc_time clock;     ///< Highest stamp the client has seen (session token).
  hlc_time not_after; ///< Forwarded writes are refused past it; 0: none.
  std::vector<op> ops;
  std::string bytes; ///< key, value of each operation in turn.

  void add(op o, std::string_view key, std::string_view value = {}) {
    o.key_bytes = static_cast<std::uint32_t>(key.size());
    o.value_bytes = static_cast<std::uint32_t>(value.size());
    ops.push_back(o);
    bytes.append(key).append(value);
  }
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, op_batch& x) {
  return f(x.version, x.epoch, x.clock, x.not_after, x.ops, x.bytes);
}

/// Bits of `op_reply::flags`.
namespace reply_flag {
inline constexpr std::uint8_t found = 1;   ///< A visible version was there.
inline constexpr std::uint8_t changed = 2; ///< A version was written.
inline constexpr std::uint8_t not_synced =
  4;                                    ///< Level met, but not yet fsynced.
inline constexpr std::uint8_t done = 8; ///< scan: nothing after this page.
} // namespace reply_flag

/// No error, where a code is carried as a field.
inline constexpr errc no_error{};

/// The answer to one operation. Its payload (value, page of keys, error text)
/// lies in the batch's `bytes`.
struct op_reply {
  std::uint64_t id = 0;
  errc status = no_error;
  consistency level = consistency::eventual; ///< The level that was met.
  std::uint8_t flags = 0;
  value_type type = value_type::string;
  torc::tag tag;            ///< Version read or written.
  unix_ms expires_at = 0;   ///< Deadline of that version.
  std::uint64_t number = 0; ///< Length, count, next position.
  std::uint32_t payload_bytes = 0;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, op_reply& x) {
  return f(x.id, x.status, x.level, x.flags, x.type, x.tag.h, x.tag.actor,
           x.expires_at, x.number, x.payload_bytes);
}

/// Answers of one shard to one gateway.
struct op_reply_batch {
  std::uint16_t version = wire_version;
  torc::epoch epoch;
  hlc_time clock;
  member_id member;
  std::uint16_t shard = 0;
  std::vector<op_reply> replies;
  std::string bytes; ///< Payloads in turn.

  void add(op_reply r, std::string_view payload = {}) {
    r.payload_bytes = static_cast<std::uint32_t>(payload.size());
    replies.push_back(r);
    bytes.append(payload);
  }
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, op_reply_batch& x) {
  return f(x.version, x.epoch, x.clock, x.member, x.shard, x.replies, x.bytes);
}

bool well_formed(const op_reply_batch& batch) noexcept;

} // namespace torc
