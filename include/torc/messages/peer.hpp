#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "torc/core/record.hpp"
#include "torc/core/types.hpp"
#include "torc/messages/operations.hpp"

namespace torc {

/// Replica traffic from one shard to a peer's shard: one-way, in order. The
/// items are encoded by core/peer_items.hpp.
///
/// `stream` names this life of the sender's stream; `batch` counts up from 1 in
/// it. `ack` says that every batch of the receiver's stream `ack_stream` up to
/// it arrived here and is durable.
struct peer_batch {
  std::uint16_t version = wire_version;
  member_id sender;
  std::uint16_t sender_shard = 0;
  torc::epoch epoch;
  hlc_time clock;
  std::uint64_t stream = 0;
  std::uint64_t batch = 0; ///< 0: carries no items, only the acknowledgement.
  std::uint64_t ack_stream = 0;
  std::uint64_t ack = 0;
  std::string items;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, peer_batch& x) {
  return f(x.version, x.sender, x.sender_shard, x.epoch, x.clock, x.stream,
           x.batch, x.ack_stream, x.ack, x.items);
}

/// Synchronizer to synchronizer: digests over the slots both hold, one per
/// incarnation; the peer answers with `slot_digests` where it differs.
struct compare_offer {
  member_id sender;
  torc::epoch epoch;
  std::uint64_t round = 0;
  std::vector<incarnation> incarnations;
  std::vector<record_id> digests; ///< As many as incarnations.
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, record_id& x) {
  return f(x.low, x.high);
}

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, compare_offer& x) {
  return f(x.sender, x.epoch, x.round, x.incarnations, x.digests);
}

/// The digest of every common slot of one incarnation at the sender.
struct slot_digests {
  member_id sender;
  torc::epoch epoch;
  std::uint64_t round = 0;
  incarnation inc;
  bool equal = false; ///< The numbers agreed: no list.
  std::vector<slot_id> slots;
  std::vector<record_id> digests; ///< As many as slots.
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, slot_digests& x) {
  return f(x.sender, x.epoch, x.round, x.inc, x.equal, x.slots, x.digests);
}

/// Part of the list of what the sender holds in a differing slot: all stored
/// keys in [first key, `until`), with their fingerprints. `until` is empty in
/// the last part.
struct slot_entries {
  member_id sender;
  torc::epoch epoch;
  std::uint64_t round = 0;
  incarnation inc;
  slot_id slot;
  std::string from;  ///< First stored key this part speaks for.
  std::string until; ///< First stored key it does not speak for; empty: end.
  std::vector<std::string> keys;
  std::vector<record_id> fingerprints; ///< As many as keys.
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, slot_entries& x) {
  return f(x.sender, x.epoch, x.round, x.inc, x.slot, x.from, x.until, x.keys,
           x.fingerprints);
}

/// Keys whose record the sender wants pushed.
struct slot_wants {
  member_id sender;
  torc::epoch epoch;
  incarnation inc;
  slot_id slot;
  std::vector<std::string> keys;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, slot_wants& x) {
  return f(x.sender, x.epoch, x.inc, x.slot, x.keys);
}

/// Ring manager to ring manager: a `register_message` of the configuration
/// register, encoded by core/config_register.hpp.
struct register_letter {
  member_id sender;
  torc::epoch epoch; ///< Of the sender's config.
  std::string bytes;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, register_letter& x) {
  return f(x.sender, x.epoch, x.bytes);
}

/// Heartbeat between ring managers; whoever has the older epoch fetches.
struct config_beat {
  member_id sender;
  torc::epoch epoch;
  hlc_time clock;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, config_beat& x) {
  return f(x.sender, x.epoch, x.clock);
}

/// Asks for the config if the receiver's is newer than `epoch`.
struct config_fetch {
  member_id sender;
  torc::epoch epoch;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, config_fetch& x) {
  return f(x.sender, x.epoch);
}

/// A chosen config, encoded by core/config_codec.hpp.
struct config_value {
  member_id sender;
  torc::epoch epoch;
  std::string bytes;
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, config_value& x) {
  return f(x.sender, x.epoch, x.bytes);
}

// True if the lists that belong together have the same length: check it before
// walking a message that came from another process.
bool well_formed(const compare_offer& m) noexcept;
bool well_formed(const slot_digests& m) noexcept;
bool well_formed(const slot_entries& m) noexcept;

} // namespace torc
