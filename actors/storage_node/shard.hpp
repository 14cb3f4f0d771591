#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <variant>

#include "actors/storage_node/key_store.hpp"
#include "actors/storage_node/peer_streams.hpp"
#include "actors/storage_node/reply_outbox.hpp"
#include "actors/storage_node/slot_table.hpp"
#include "torc/core/clock.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/core/operation.hpp"
#include "torc/core/peer_items.hpp"
#include "torc/messages/interfaces.hpp"
#include "torc/storage_node.hpp"

namespace torc::storage {

/// What a shard asks of the actor around it.
struct shard_effects {
  std::function<void(const caf::strong_actor_ptr&, op_reply_batch)> reply;
  std::function<void(const storage_node_port&, peer_batch)> to_peer;
  std::function<void(local::commit_request)> commit;
  std::function<void(local::load_request)> load;
  std::function<void(local::scan_request)> scan;
  std::function<void(member_id)> compare_soon;
  /// A memory keyspace is ready; how many records came from peers.
  std::function<void(incarnation, std::uint64_t)> keyspace_ready;
  std::function<void()> request_flush; ///< Asked once until `on_flush`.
};

/// Coordinates and replicates the operations on the slots of one shard
/// (protocol 8). Knows no actor: messages come in as calls, effects go out.
/// One thread.
class shard {
public:
  shard(storage_node_options options, shard_effects effects);

  // -- from gateways and peers
  // -------------------------------------------------
  void on_operations(const caf::strong_actor_ptr& from, op_batch batch);
  void on_peer_batch(peer_batch batch);

  // -- from this node
  // ----------------------------------------------------------
  void on_view(std::shared_ptr<const cluster_view> view);
  void on_peer_up(const local::peer_up& up);
  void on_peer_down(member_id m);
  void on_peer_unreachable(member_id m);
  void on_committed(const local::committed& c);
  void on_loaded(local::load_result r);
  void on_scanned(local::scan_result r);
  void on_push_keys(const local::push_keys& request);
  void on_compared(const local::compared& c);
  local::digests_answer on_digests_query(const local::digests_query& q);
  void on_entries_query(const local::entries_query& q,
                        std::function<void(local::entries_answer)> answer);
  void on_flush();
  void on_tick();

private:
  /// An operation that waits for a load or for the clock.
  struct parked_op {
    op what;
    std::string key;
    std::string value;
    caf::strong_actor_ptr from;
  };
  /// A received record that waits for a load.
  struct parked_push {
    member_id from;
    slot_id slot;
    std::uint64_t stream;
    std::uint64_t batch;
    hlc_time floor;
    std::string entry;
  };
  /// An expiry check that waits for a load.
  struct parked_sweep {};
  /// A hint whose record is read again before it is pushed.
  struct parked_resend {
    member_id to;
  };
  using parked =
    std::variant<parked_op, parked_push, parked_sweep, parked_resend>;

  struct key_waiters {
    std::uint64_t load_id = 0;
    std::vector<parked> queue;
  };

  /// How a scan of the disk engine goes on with its next part.
  struct scan_job {
    std::string begin;
    std::string end;
    std::size_t entries_max = 0;
    std::shared_ptr<const engine_snapshot> snapshot;
    std::function<bool(const local::scan_result&)> part; ///< False: enough.
    std::function<void()> end_reached;
    std::function<void(const error&)> failed;
  };

  /// A WAIT that is not satisfied yet.
  struct waiter {
    op what;
    caf::strong_actor_ptr from;
    std::uint64_t commit_seq = 0;  ///< Must be durable first.
    std::uint64_t push_number = 0; ///< Must be acknowledged; 0: not known yet.
  };

  /// A memory keyspace after a start: who still has to answer our pull.
  struct fresh_state {
    struct source {
      std::string position;
      bool done = false;
      unix_ms asked_ms = 0;
    };
    std::map<std::pair<member_id, std::uint16_t>, source> sources;
    std::uint64_t received = 0;
    unix_ms since_ms = 0;
  };

  using keyspace_ref = const keyspace_info*;

  // -- shard.cpp: operations
  // -----------------------------------------------------
  void execute(const op& o, std::string_view key, std::string_view value,
               const caf::strong_actor_ptr& from);
  void execute_on_key(const op& o, keyspace_ref ks, std::string_view user_key,
                      std::string_view value,
                      const caf::strong_actor_ptr& from);
  void decide(const op& o, keyspace_ref ks, std::string_view stored_key,
              std::string_view value, std::string_view current,
              const caf::strong_actor_ptr& from);
  void answer_key(const op& o, const key_answer& a, std::uint64_t write_seq,
                  bool dirty, const caf::strong_actor_ptr& from);
  void refuse(const op& o, const caf::strong_actor_ptr& from, errc code,
              std::string_view text);
  void park(const op& o, std::string_view stored_key, std::string_view key,
            std::string_view value, const caf::strong_actor_ptr& from);
  bool park_for_load(std::string_view stored_key, parked p);
  result<void> may_write(const op& o, keyspace_ref ks) const;
  void resume_waiters(const std::string& stored_key, local::load_result& r);
  void resume_clock_waiters();

  // -- shard_store.cpp: state changes
  // ----------------------------------------------
  result<std::uint64_t> store(keyspace_ref ks, std::string_view stored_key,
                              std::string_view old_entry,
                              std::string_view new_entry, hlc_time own_stamp);
  void queue_push(keyspace_ref ks, std::string_view stored_key,
                  std::string_view entry, hlc_time stamp);
  void extend_ceiling();
  void send_commit();
  void request_flush();
  void storage_failed(const error& e);
  torc::tag own_tag(hlc_time h) const;

  // -- shard_peers.cpp: replication
  // ---------------------------------------------------
  enum class push_outcome { settled, parked, refused };
  push_outcome receive_push(member_id from, const peer_item& item,
                            std::uint64_t stream, std::uint64_t batch);
  void merge_push(keyspace_ref ks, std::string_view stored_key,
                  std::string_view current, std::string_view received,
                  hlc_time floor);
  void answer_pull(member_id from, std::uint16_t from_shard,
                   const peer_item& item);
  void finish_pull(member_id from, std::uint16_t from_shard,
                   const peer_item& item);
  void fill_outboxes();
  bool fill_outbox(member_id m, peer_stream& s);
  bool send_hint(member_id m, std::string_view key, std::string_view entry);
  bool is_replica(member_id m, keyspace_ref ks, slot_id s) const;
  void begin_pulls(unix_ms now);
  void check_fresh(incarnation inc);
  void check_waiters(unix_ms now);
  std::uint64_t replicas_with(const waiter& w);

  // -- shard_scans.cpp: pages, counts, base figures, sweeps
  // -----------------------------
  void scan_page(const op& o, keyspace_ref ks,
                 const caf::strong_actor_ptr& from);
  void count_keys(const op& o, keyspace_ref ks, std::string_view slots,
                  const caf::strong_actor_ptr& from);
  void random_key(const op& o, keyspace_ref ks, std::string_view slots,
                  const caf::strong_actor_ptr& from);
  struct page;
  void continue_page(std::shared_ptr<page> p);
  void collect_slot(std::shared_ptr<page> p, slot_id s,
                    std::function<void()> then);
  static bool cut_page(page& p);
  void finish_page(page& p);
  void start_scan(engine_kind where, scan_job job);
  void count_base(incarnation inc);
  void sweep(unix_ms now);
  void sweep_slot(keyspace_ref ks, slot_id s);
  void sweep_key(keyspace_ref ks, std::string_view stored_key,
                 std::string_view current);
  void drop_incarnation(incarnation inc);
  void drop_some();
  void update_figures();

  storage_node_options options_;
  shard_effects effects_;
  std::shared_ptr<const cluster_view> view_;
  hybrid_clock clock_;
  key_store store_;
  reply_outbox replies_;
  peer_streams peers_;
  slot_table slots_;
  std::map<incarnation, engine_kind> spaces_; ///< Incarnations with data here.
  std::map<incarnation, fresh_state> fresh_;

  // Writes under way to the committer.
  std::shared_ptr<write_batch> batch_;
  bool batch_must_sync_ = false;
  std::uint64_t seq_ = 0; ///< Commit that `batch_` will be.
  std::uint64_t durable_seq_ = 0;
  std::uint64_t generation_ = 0;  ///< Grows with every storage failure.
  std::uint64_t ceiling_seq_ = 0; ///< Commit that carries `ceiling_asked_`.
  hlc_time ceiling_asked_;
  std::shared_ptr<const error> broken_; ///< Why writes to disk are refused.
  struct unsent {
    std::uint64_t seq;
    hlc_time stamp;
    std::string key;
  };
  std::deque<unsent> unsent_;     ///< Writes that may be pushed once durable.
  std::uint64_t push_number_ = 0; ///< Counts writes that were queued for peers.

  key_map<key_waiters> waiting_;
  std::map<std::uint64_t, std::string> loads_;
  std::map<std::uint64_t, scan_job> scans_;
  std::deque<parked_op> clock_waiting_;
  std::size_t parked_count_ = 0;
  std::uint64_t next_id_ = 0;
  std::vector<waiter> wait_ops_;

  unix_ms now_ = 0; ///< Wall clock of this turn.
  bool flush_asked_ = false;
  std::uint32_t ticks_ = 0;
  /// Memory keyspaces that are gone, and the first slot not freed yet.
  std::deque<std::pair<incarnation, std::uint32_t>> dropping_;

  // Scratch, kept to spare allocations.
  read_buffer read_;
  std::string stored_key_;
  std::string entry_;
};

} // namespace torc::storage
