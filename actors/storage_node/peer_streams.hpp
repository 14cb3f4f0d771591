#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <boost/unordered/unordered_flat_set.hpp>

#include "actors/storage_node/key_store.hpp"
#include "torc/core/push_stream.hpp"
#include "torc/core/types.hpp"
#include "torc/messages/interfaces.hpp"

namespace torc::storage {

/// One direction pair between this shard and one shard of a peer.
struct peer_stream {
  // -- what we send
  push_stream pushes;
  /// Keys that were added as hints and have not left yet, as they lie in
  /// `pushes`: such a key needs no second hint, as what leaves is the record as
  /// it then is.
  boost::unordered_flat_set<std::string_view> hinted;
  std::uint64_t stream = 0;     ///< This life of what we send.
  std::uint64_t last_batch = 0; ///< Number of the last batch that left.
  std::uint64_t acked = 0;      ///< Highest acknowledgement of this life.
  std::string outbox;           ///< Items of the batch of this turn.
  unix_ms moved_ms = 0;         ///< When what is in flight last moved.
  unix_ms resend_ms = 0;        ///< When the peer asked for it; 0: never.
  unix_ms resend_wait_ms = 0;   ///< How long it waited the last time.
  unix_ms stale_ms = 0; ///< A life ends if nothing moved for it; 0: the least.
  std::uint64_t overflow_round = 0; ///< Newest comparison at the last overflow.
  /// Something was left to a comparison since one was asked for.
  bool comparison_due = false;

  // -- what we receive
  std::uint64_t in_stream = 0; ///< The peer's stream that we receive.
  std::uint64_t received = 0;  ///< Highest batch without a gap before it.
  std::uint64_t durable = 0;   ///< Highest batch that we may acknowledge.
  bool owes_ack = false;
  bool asks_again = false; ///< Something cannot be acknowledged as it came.

  /// A batch received that is not durable yet.
  struct arrival {
    std::uint64_t id;
    std::uint64_t batch;
    std::uint64_t seq;    ///< Commit that makes it durable.
    std::uint32_t parked; ///< Items that still wait for a load.
  };
  std::deque<arrival> arrivals;
};

struct peer_state {
  member_id id;
  bool up = false;
  bool missed = false;    ///< It sent something before we knew of its link.
  bool attempted = false; ///< Connected, or refused since the last link.
  std::vector<storage_node_port> shards;
  std::vector<peer_stream> streams; ///< One per shard of the peer.

  /// The stream to the shard that holds `s`; null if never connected.
  peer_stream* stream_for(slot_id s) noexcept {
    return streams.empty() ? nullptr : &streams[s.value % streams.size()];
  }
};

/// All that a shard owes its peers, and what it has to acknowledge.
///
/// A stream has lives: each begins when the link does, or when nothing was
/// acknowledged for too long, and numbers its batches from 1. Each life without
/// progress lasts twice as long as the one before, so that what a slow link
/// takes long for is acknowledged in the end. The receiver
/// acknowledges a batch when it and all before it are durable; a batch after a
/// gap is used but not acknowledged, so it comes again in the next life. A
/// batch without items whose acknowledgement is no news (it is of the stream of
/// now, or of none as nothing of it came) says that the next life had better
/// begin soon; the more often without progress, the later.
class peer_streams {
public:
  using sink = std::function<void(member_id, std::uint16_t shard,
                                  const storage_node_port&, peer_batch)>;

  /// `shards`: of this member.
  peer_streams(std::uint64_t first_stream, std::uint16_t shards)
    : next_stream_(first_stream), shards_(shards) {}

  void connect(member_id m, std::vector<storage_node_port> shards, unix_ms now);
  void disconnect(member_id m);
  void unreachable(member_id m) { state_of(m).attempted = true; }
  /// A batch of a member came before we heard that it is connected.
  void missed(member_id m) { state_of(m).missed = true; }

  /// Null if never heard of. O(log peers).
  peer_state* find(member_id m) noexcept;
  const std::vector<std::unique_ptr<peer_state>>& all() const noexcept {
    return peers_;
  }

  // -- sending
  /// Remembers a key for a peer. False: the hints are full, and comparison has
  /// to find it.
  bool hint(peer_stream& s, std::uint64_t write, std::string_view key,
            hlc_time written);
  /// The item that `pushes.next()` gave leaves in the batch of this turn.
  void sent(peer_stream& s, std::size_t bytes, unix_ms now);
  /// That item is dropped: there is nothing to send.
  void skip(peer_stream& s);
  /// The peer has all batches of our stream up to `batch`. False: no news.
  static bool acknowledged(peer_stream& s, std::uint64_t batch, unix_ms now);
  /// The peer cannot acknowledge what it got.
  static void resend_soon(peer_stream& s, unix_ms now);
  /// Begins a new life where nothing moved for too long, or that was asked for.
  void resend_stale(unix_ms now);

  // -- receiving
  /// Notes a batch. Gives the id of its arrival, or 0 if it is not to be
  /// acknowledged: known already, late, or after a gap.
  std::uint64_t arrived(peer_stream& s, std::uint64_t stream,
                        std::uint64_t batch);
  /// Its items are durable with commit `seq` but for `parked` ones.
  static void settle(peer_stream& s, std::uint64_t arrival, std::uint64_t seq,
                     std::uint32_t parked);
  /// One parked item of it is durable with commit `seq`.
  static void unpark(peer_stream& s, std::uint64_t arrival, std::uint64_t seq);
  /// Something of it could not be done: it and what follows is not
  /// acknowledged, and comes again.
  static void reject(peer_stream& s, std::uint64_t arrival);
  /// Nothing that is not durable will be.
  void reject_all();
  /// Moves the acknowledgements on after a commit or a finished load.
  void advance_acks(std::uint64_t durable_seq);
  static void advance_ack(peer_stream& s, std::uint64_t durable_seq);

  /// Hands over one batch per peer shard that has something to say.
  void flush(const peer_batch& header, const sink& send);

  bool has_mail() const;
  std::uint64_t hints() const;
  /// Stamp of the oldest write that a peer has not acknowledged; 0: none.
  hlc_time oldest_hint() const;

private:
  peer_state& state_of(member_id m);
  void restart(peer_stream& s, unix_ms now);

  std::vector<std::unique_ptr<peer_state>> peers_; ///< By member.
  std::uint64_t next_stream_;
  std::uint16_t shards_;
  std::uint64_t next_arrival_ = 0;
};

} // namespace torc::storage
