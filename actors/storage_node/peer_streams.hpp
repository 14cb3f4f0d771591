#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/push_stream.hpp"
#include "torc/core/types.hpp"
#include "torc/messages/interfaces.hpp"

namespace torc::storage {

/// One direction pair between this shard and one shard of a peer.
struct peer_stream {
  push_stream pushes;
  std::uint64_t stream = 0;     ///< This life of what we send.
  std::uint64_t last_batch = 0; ///< Number of the last batch that left.
  std::string outbox;           ///< Items of the batch of this turn.
  unix_ms oldest_sent_ms = 0;   ///< When what is in flight last moved.

  std::uint64_t in_stream = 0; ///< The peer's stream that we receive.
  std::uint64_t received = 0;  ///< Highest batch without a gap before it.
  std::uint64_t durable = 0;   ///< Highest batch that we may acknowledge.
  bool owes_ack = false;

  /// Batches received that are not durable yet.
  struct arriving {
    std::uint64_t batch;
    std::uint64_t seq;    ///< Commit that makes it durable.
    std::uint32_t parked; ///< Items that still wait for a load.
  };
  std::deque<arriving> arriving_batches;
};

struct peer_state {
  bool up = false;
  bool attempted = false; ///< Connected or refused at least once.
  std::vector<storage_node_port> shards;
  std::vector<peer_stream> streams; ///< One per shard of the peer.
};

/// All that a shard owes its peers, and what it has to acknowledge.
class peer_streams {
public:
  using sink = std::function<void(const storage_node_port&, peer_batch)>;

  explicit peer_streams(std::uint64_t first_stream)
    : next_stream_(first_stream) {}

  void connect(member_id m, std::vector<storage_node_port> shards, unix_ms now);
  void disconnect(member_id m);
  void unreachable(member_id m) { peers_[m].attempted = true; }

  peer_state* find(member_id m);
  std::map<member_id, peer_state>& all() noexcept { return peers_; }

  /// The stream to the shard of `m` that holds `s`; null if never connected.
  peer_stream* stream_for(member_id m, slot_id s);

  /// Adds a batch number to what arrived. False: a batch is missing before it;
  /// its items may be used, but it is not acknowledged.
  bool arrived(peer_stream& s, std::uint64_t stream, std::uint64_t batch);

  /// Items of the newest arrived batch wait for a load, or for commit `seq`.
  void settle(peer_stream& s, std::uint64_t seq, std::uint32_t parked);

  /// Moves the acknowledgements on after a commit or a finished load.
  void advance_acks(std::uint64_t durable_seq);

  /// Takes back what is in flight where nothing moved for `timeout_ms`.
  void resend_stale(unix_ms now, unix_ms timeout_ms);

  /// Hands over one batch per peer shard that has something to say.
  void flush(const peer_batch& header, unix_ms now, const sink& send);

  bool has_mail() const;
  std::uint64_t hints() const;

private:
  void restart(peer_stream& s, unix_ms now);

  std::map<member_id, peer_state> peers_;
  std::uint64_t next_stream_;
};

} // namespace torc::storage
