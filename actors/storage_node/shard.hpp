#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "actors/storage_node/key_prefetch.hpp"
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
  peer_streams::sink to_peer;
  std::function<void(local::commit_request)> commit;
  std::function<void(local::load_request)> load;
  std::function<void(local::scan_request)> scan;
  std::function<void(member_id)> compare_soon;
  std::function<void(member_id)> no_room;      ///< For what a comparison found.
  std::function<void(member_id)> fetch_config; ///< That member's is newer.
  /// A memory keyspace is ready; how many records came from peers.
  std::function<void(incarnation, std::uint64_t)> keyspace_ready;
  std::function<void()> request_flush; ///< Asked once until `on_flush`.
};

/// Coordinates and replicates the operations on the slots of one shard
/// (protocol 8). Knows no actor: messages come in as calls, effects go out.
/// One thread.
///
/// Bounds: operations that wait for a load or the clock, writes on their way to
/// the committer, scans and WAITs under way; beyond, `errc::try_again` and
/// nothing was done. Hints per peer; beyond, comparison. Per peer what is sent
/// and not acknowledged.
class shard {
public:
  shard(storage_node_options options, shard_effects effects);

  /// Enters the config that it was made with. Call once, before all else.
  void start();

  // -- from gateways and peers
  void on_operations(const caf::strong_actor_ptr& from, op_batch batch);
  void on_peer_batch(peer_batch batch);

  // -- from this node
  void on_view(std::shared_ptr<const cluster_view> view);
  void on_peer_up(const local::peer_up& up);
  void on_peer_down(member_id m);
  void on_peer_unreachable(member_id m);
  void on_committed(const local::committed& c);
  void on_loaded(local::load_result r);
  void on_scanned(const local::scan_result& r);
  void on_push_keys(const local::push_keys& request);
  void on_compared(const local::compared& c);
  local::digests_answer on_digests_query(const local::digests_query& q);
  void on_entries_query(const local::entries_query& q,
                        std::function<void(local::entries_answer)> answer);
  void on_flush();
  void on_tick();

private:
  using keyspace_ref = const keyspace_info*;

  /// An operation as it is carried out; its parts lie in a batch or in a
  /// `parked_op`.
  struct call {
    const op& what;
    std::string_view key;
    std::string_view value;
    const caf::strong_actor_ptr& from;
    hlc_time not_after; ///< Writes are refused past it; 0: never.
  };

  /// An operation that waits for a load or for the clock.
  struct parked_op {
    op what;
    std::string key;
    std::string value;
    caf::strong_actor_ptr from;
    hlc_time not_after;

    call view() const { return {what, key, value, from, not_after}; }
    std::size_t bytes() const { return key.size() + value.size(); }
  };
  /// Where a received record came from: who has to hear that it is durable.
  struct push_origin {
    member_id member;
    std::uint16_t shard = 0;
    std::uint64_t arrival = 0;
  };
  /// A received record that waits for a load.
  struct parked_push {
    push_origin from;
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
    /// The commit that the key waited for when its load began; 0: none. A load
    /// that may have overtaken it says nothing about what is there after it.
    std::uint64_t dirty_seq = 0;
    std::vector<parked> queue;
  };

  /// A walk over stored entries; on the disk it goes on part by part, by a
  /// loader. The visitor must not change what is stored.
  struct scan_job {
    std::string begin;
    std::string end;
    std::shared_ptr<const engine_snapshot> snapshot; ///< Null: a fresh one.
    scan_visitor visit;                              ///< False: enough.
    std::function<void()> done;
    std::function<void(const error&)> failed;
    /// What cannot be read is passed over: given the last place that could be,
    /// says where to go on. Null: that is a failure.
    std::function<std::string(std::string_view)> pass_over;
    bool repeat = false; ///< After a failure the part is tried again later.
  };

  /// A WAIT that is not satisfied yet.
  struct waiter {
    op what;
    caf::strong_actor_ptr from;
    std::uint64_t commit_seq = 0;  ///< Must be durable first.
    std::uint64_t push_number = 0; ///< Must be acknowledged; 0: not known yet.
  };

  /// A memory keyspace whose records others may have: who still has to answer
  /// our pull.
  struct fresh_state {
    struct source {
      std::string position;
      bool done = false;
      unix_ms asked_ms = 0;
    };
    std::map<std::pair<member_id, std::uint16_t>, source> sources;
    std::uint64_t received = 0;
    /// Until then operations wait instead of being refused: a keyspace that
    /// was just created is ready after a few messages.
    unix_ms patient_until_ms = 0;
    std::vector<parked_op> waiting;
  };

  /// A pull of a keyspace that we do not know yet.
  struct early_pull {
    member_id from;
    std::uint16_t from_shard = 0;
    incarnation inc;
    std::string position;
    std::uint16_t shards = 0;
    std::uint16_t shard = 0;
  };

  // -- shard.cpp: operations
  void refuse_malformed(const caf::strong_actor_ptr& from,
                        const op_batch& batch);
  void refuse_unknown(const op& o, const caf::strong_actor_ptr& from);
  void execute(const call& c);
  void execute_on_key(const call& c, keyspace_ref ks);
  bool decide(const call& c, keyspace_ref ks, std::string_view stored_key,
              std::string_view current, bool dirty);
  bool grows_too_much(const op& o, keyspace_ref ks, std::string_view current,
                      std::string_view next) const;
  void answer_key(const call& c, const key_answer& a, std::uint64_t write_seq,
                  bool dirty);
  void refuse(const op& o, const caf::strong_actor_ptr& from, errc code,
              std::string_view text);
  result<void> may_write(const op& o, keyspace_ref ks) const;
  void wait(const call& c);
  bool settle(waiter& w);
  void check_waiters();
  std::uint64_t replicas_with(const waiter& w);

  // -- shard_parking.cpp: what waits for a load or for the clock
  bool has_room() const;
  static std::size_t bytes_of(const parked& p);
  parked_op park(const call& c);
  void wait_for_clock(const call& c);
  std::deque<parked_op> take_clock_waiters();
  void wait_for_load(const call& c, std::string_view stored_key);
  bool park_for_load(std::string_view stored_key, parked p);
  void begin_load(const std::string& stored_key, key_waiters& w);
  void resume_waiters(const std::string& stored_key,
                      const local::load_result& r);
  void resume_push(keyspace_ref ks, const parked_push& p,
                   std::string_view stored_key, std::string_view current,
                   const local::load_result& r);
  void resume_clock_waiters();

  // -- shard_store.cpp: state changes
  /// REQUIRES: both entries are checked, or the old one is empty.
  result<std::uint64_t> store(keyspace_ref ks, std::string_view stored_key,
                              std::string_view old_entry,
                              std::string_view new_entry, hlc_time own_stamp);
  void queue_push(keyspace_ref ks, std::string_view stored_key,
                  std::string_view entry, hlc_time stamp);
  void queue_hint(peer_stream& s, std::string_view stored_key, hlc_time stamp);
  void release_unsent(std::uint64_t seq);
  void extend_ceiling();
  void send_commit();
  void request_flush();
  void storage_failed(const error& e);
  /// The commit that all writes so far become durable with.
  std::uint64_t last_seq() const noexcept {
    return batch_->empty() ? seq_ - 1 : seq_;
  }

  // -- shard_peers.cpp: replication
  /// What became of a received record.
  struct push_outcome {
    enum { settled, parked, refused } what;
    std::uint64_t seq = 0; ///< settled: the commit that it is durable with.
  };
  void heard_epoch(torc::epoch e, member_id from);
  member_id likely_config_keeper() const;
  bool acceptable(const peer_batch& b, const peer_state* p);
  bool well_formed_items(const peer_batch& b, const peer_state& p) const;
  void receive_items(const peer_batch& b, peer_state& p, peer_stream& s);
  push_outcome receive_push(const push_origin& from, const peer_item& item);
  push_outcome merge_push(keyspace_ref ks, std::string_view stored_key,
                          std::string_view current, std::string_view received,
                          hlc_time floor);
  void note_memory(keyspace_ref ks);
  void leave_out(peer_stream& s) const;
  void leave_to_comparison(peer_stream& s) const;
  bool holds_nothing() const;
  void fill_outboxes();
  bool fill_outbox(peer_state& p, peer_stream& s);
  void send_hint(member_id m, std::string_view key, std::string_view entry,
                 bool readable);
  bool is_replica(member_id m, keyspace_ref ks, slot_id s) const;
  bool has_others(keyspace_ref ks, slot_id s) const;
  /// Whether every member with a right clock would refuse it (protocol 13).
  bool lies_ahead(const entry_view& e) const {
    return e.head.tag.h > hlc_from_ms(now_ + options_.max_skew_ms);
  }

  // -- shard_pulls.cpp: memory keyspaces after a start
  void begin_pulls();
  void answer_pull(member_id from, std::uint16_t from_shard,
                   const peer_item& item);
  void finish_pull(member_id from, std::uint16_t from_shard,
                   const peer_item& item);
  void keep_early_pull(member_id from, std::uint16_t from_shard,
                       const peer_item& item);
  void answer_early_pulls();
  void wait_for_ready(const call& c, fresh_state& f);
  void end_fresh(incarnation inc);
  void lose_patience();
  void check_fresh(incarnation inc);
  void check_all_fresh();

  // -- shard_pages.cpp: pages of keys, counts
  struct page;
  void scan_page(const call& c, keyspace_ref ks);
  void continue_page(const std::shared_ptr<page>& p);
  void collect_slot(const std::shared_ptr<page>& p, std::function<void()> then);
  static bool cut_page(page& p);
  void finish_page(page& p);
  void count_keys(const call& c, keyspace_ref ks);
  void random_key(const call& c, keyspace_ref ks);
  bool has_keys(incarnation inc, std::uint32_t slot) const;

  // -- shard_count.cpp: figures of what lies on the disk
  struct base_count;
  void count_base(incarnation inc);
  void count_slot(const std::shared_ptr<base_count>& c);
  void start_count(const std::shared_ptr<base_count>& c, scan_job job);
  bool counts(const base_count& c) const;
  void finish_count(const base_count& c);

  // -- shard_upkeep.cpp: views, walks, figures, expiry
  void enter_keyspace(const keyspace_info& ks, bool starting);
  void drop_incarnation(incarnation inc);
  void erase_leftovers();
  void erase_again_soon();
  void start_scan(engine_kind where, scan_job job);
  void repeat_scans();
  void compare_drained();
  void update_figures();
  void sweep();
  void sweep_slot(keyspace_ref ks, slot_id s);
  bool sweep_due(incarnation inc, std::string_view key);
  void sweep_key(keyspace_ref ks, std::string_view stored_key,
                 std::string_view current);

  torc::tag own_tag(hlc_time h) const noexcept {
    return {h, actor_id{options_.self.value}};
  }

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
  std::vector<early_pull> early_pulls_;

  // Writes under way to the committer.
  std::shared_ptr<write_batch> batch_;
  bool batch_must_sync_ = false;
  std::uint64_t seq_ = 1; ///< Commit that `batch_` will be.
  std::uint64_t durable_seq_ = 0;
  std::deque<std::pair<std::uint64_t, std::size_t>> commits_; ///< Seq, bytes.
  std::size_t commit_bytes_ = 0; ///< Of `commits_`.
  std::uint64_t generation_ = 0; ///< Storage failures that we know of.
  /// Ceilings under way: the commit that carries each. A slow commit is still
  /// under way when the next ceiling is asked for.
  std::deque<std::pair<std::uint64_t, hlc_time>> ceilings_;
  std::shared_ptr<const error> broken_; ///< Why writes to disk are refused.
  struct unsent {
    std::uint64_t seq;
    hlc_time stamp;
    std::string key;
  };
  std::deque<unsent> unsent_; ///< Writes that may be pushed once durable (D1).
  std::uint64_t push_number_ = 0; ///< Counts writes that were queued for peers.
  unix_ms quiet_until_ms_ = 0;    ///< Nothing goes to peers before it (D5).

  key_map<key_waiters> waiting_;
  std::map<std::uint64_t, std::string> loads_;
  std::map<std::uint64_t, scan_job> scans_;
  std::vector<scan_job> failed_scans_; ///< To be tried again.
  std::deque<parked_op> clock_waiting_;
  /// The keys of these, and how many wait for each.
  key_map<std::uint32_t> clock_keys_;
  std::size_t parked_count_ = 0;
  std::size_t parked_bytes_ = 0; ///< Keys, values and entries of these.
  std::uint64_t next_id_ = 0;
  std::vector<waiter> wait_ops_;
  std::uint64_t count_epoch_ = 0;  ///< Counts of an older one are void.
  std::uint64_t newest_round_ = 0; ///< Of the comparisons that asked us.
  unix_ms fetch_again_ms_ = 0;     ///< No config is asked for before it.
  unix_ms erase_again_ms_ = 0; ///< When leftovers are erased again; 0: never.
  bool over_memory_ = false; ///< It was said that replication passed the bound.

  unix_ms now_ = 0; ///< Wall clock of this turn.
  bool flush_asked_ = false;
  std::uint32_t ticks_ = 0;
  /// Where the next sweep goes on.
  std::pair<incarnation, std::uint32_t> sweep_at_;

  // Scratch, kept to spare allocations.
  read_buffer read_;
  std::string stored_key_;
  key_prefetch prefetch_;
  std::string entry_;
};

} // namespace torc::storage
