#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string_view>
#include <vector>

#include "torc/core/cluster_view.hpp"
#include "torc/core/limits.hpp"
#include "torc/messages/operations.hpp"

namespace torc {

/// What a router is given.
struct router_options {
  member_id self; ///< The member that it runs in; none: it is outside of all.
  std::shared_ptr<const cluster_view> view;
  unix_ms max_skew_ms = 500; ///< Until a config says another.
  /// How long an operation that was refused, or whose coordinator was lost, is
  /// tried elsewhere before its client hears of it.
  unix_ms give_up_ms = 2'000;
  /// For how long a forwarded write may be carried out (protocol 7).
  unix_ms forwarded_write_ms = 300;
  /// A forwarded read goes to another replica when its member has answered
  /// nothing for so long, or not this one for ten times as long. The first
  /// answer to come counts.
  unix_ms forwarded_read_ms = 500;
  /// Above these bounds operations are answered `errc::try_again`.
  std::size_t under_way_max = 200'000;
  std::size_t under_way_per_peer_max = 50'000;
  std::size_t bytes_max = 256 * limits::mib;
  /// All routers of a node together stay below the bytes unsent at which a
  /// link closes its connection.
  std::size_t bytes_per_peer_max = 32 * limits::mib;
};

/// The one answer to an operation.
struct routed_answer {
  std::uint64_t owner; ///< As given to `open_client`.
  std::uint64_t token; ///< As given to `start`.
  const op_reply& reply;
  std::string_view payload;
  std::string_view key; ///< Of the operation.
  member_id member;     ///< Who answered; none: the router itself.
  hlc_time clock;
};

/// What a router asks of the actor around it.
class router_events {
public:
  /// Operations for one shard of one member, itself included.
  virtual void send_operations(member_id to, std::uint16_t shard,
                               op_batch batch) = 0;
  /// Asked once until the next `on_flush`.
  virtual void request_flush() = 0;
  /// Comes exactly once per operation; also from within `start`.
  virtual void on_answer(const routed_answer& answer) = 0;
  /// Whether the client has room for the value of a read that a replica refused
  /// for want of room. False: the read waits, for as long as that takes.
  virtual bool has_room(std::uint64_t owner, std::uint64_t token) {
    static_cast<void>(owner);
    static_cast<void>(token);
    return true;
  }

protected:
  ~router_events() = default;
};

/// Carries operations to a replica that can do them, and brings back one answer
/// to each.
///
/// Operations of one turn for one shard of one member leave as one batch. What
/// is refused without effect goes to another replica or a little later; what a
/// lost coordinator may have done is sent again only as protocol 7 allows, else
/// it is answered `errc::unknown_outcome`.
///
/// Order: operations of one client on one slot take effect in the order of
/// their starts, but for reads with no write between them. One that was
/// overtaken while it was refused is not tried again.
///
/// Knows no actor, no socket and no clock. One thread. `start` and an answer
/// are O(1), and allocate nothing unless more is under way than ever before.
class router {
public:
  using client_id = std::uint32_t;

  router(router_options options, router_events& events);

  // -- clients ----------------------------------------------------------------
  /// One source of operations: a connection, an actor. `owner` comes back with
  /// its answers.
  client_id open_client(std::uint64_t owner);
  /// Answers to what is under way still come.
  void close_client(client_id c);
  /// Highest clock that the client has seen: its writes are tagged above it.
  hlc_time clock_of(client_id c) const { return clients_[c].clock; }
  void observe(client_id c, hlc_time h);

  // -- operations -------------------------------------------------------------
  /// On a key: at this node if it holds the key's slot, else at the first
  /// replica of the slot's list that is reachable. Sets the operation's id and
  /// incarnation. None: `errc::no_replica` at once.
  void start(client_id c, std::uint64_t token, const keyspace_info& ks, op o,
             std::string_view key, std::string_view value = {});
  /// At one shard of one member and nowhere else, for pages, counts and WAIT.
  /// No answer within `wait_ms`: `errc::timeout`; 0: waits for ever.
  void start_at(client_id c, std::uint64_t token, member_id to,
                std::uint16_t shard, op o, std::string_view key,
                std::string_view value, unix_ms wait_ms);

  // -- events -----------------------------------------------------------------
  /// What the wall clock shows; call it before the events of a turn.
  void set_time(unix_ms now) noexcept { now_ = now; }
  void on_view(std::shared_ptr<const cluster_view> view);
  void on_peer_up(member_id m, std::uint16_t shards);
  void on_peer_down(member_id m);
  void on_answers(const op_reply_batch& batch);
  void on_flush();
  /// At least every 50 ms.
  void on_tick();

  // -- what it knows ----------------------------------------------------------
  const cluster_view& view() const noexcept { return *view_; }
  const std::shared_ptr<const cluster_view>& shared_view() const noexcept {
    return view_;
  }
  bool reachable(member_id m) const noexcept;
  /// 0: not known.
  std::uint16_t shards_of(member_id m) const noexcept;
  /// Who would coordinate now; nobody: 0. `except` only if nobody else can.
  member_id route(const keyspace_info& ks, slot_id s,
                  member_id except = {}) const noexcept;
  /// Grows whenever routes may have changed.
  std::uint64_t generation() const noexcept { return generation_; }
  std::size_t under_way() const noexcept { return under_way_; }

private:
  static constexpr std::uint32_t none = ~std::uint32_t{0};
  /// Reads that a member refused for want of room are asked of it anew so many
  /// at a time, and more while it answers them (`note_room`).
  static constexpr std::size_t refused_before_min = 4;

  struct peer_state {
    member_id id;
    bool up = false;
    std::uint16_t shards = 0;
    std::size_t under_way = 0;
    std::size_t bytes = 0;          ///< Of these, keys and values.
    unix_ms answered_ms = 0;        ///< When something came from it last.
    std::size_t refused_before = 0; ///< Of these, reads refused for room.
    std::size_t refused_before_max = refused_before_min;
    unix_ms room_ms = 0;               ///< When one of these was answered last.
    std::vector<std::uint32_t> outbox; ///< Per shard: a parcel, or none.
  };

  /// Operations that were sent, or wait. Kept until each of them is settled,
  /// so that any can be sent again.
  struct parcel_state {
    op_batch batch;
    std::vector<std::uint32_t> offsets; ///< Of each operation's key.
    peer_state* to = nullptr;           ///< Null: these wait.
    std::uint16_t shard = 0;
    bool queued = false; ///< In `outgoing_`.
    bool sent = false;
    bool directed = false;  ///< Has operations with times of their own.
    std::uint32_t open = 0; ///< Operations not settled.
    unix_ms sent_ms = 0;
    unix_ms check_ms = 0;  ///< When to look at it next; 0: never.
    std::size_t bytes = 0; ///< Counted in `bytes_`.
  };

  enum class state : std::uint8_t { free, sent, waiting };

  ///   free -> sent <-> waiting -> free
  struct pending {
    state where = state::free;
    bool directed = false;       ///< For this coordinator only.
    bool refused_before = false; ///< A read, for want of room.
    std::uint8_t tries = 0;
    std::uint32_t generation = 0; ///< Grows with every use and every send.
    std::uint32_t first_generation = 0; ///< Of this use.
    client_id client = 0;
    std::uint32_t lane = none;   ///< directed: none.
    std::uint32_t before = none; ///< In the lane.
    std::uint32_t after = none;
    std::uint32_t parcel = none;
    std::uint32_t place = 0; ///< In the parcel.
    std::uint32_t db = 0;
    std::uint64_t token = 0;
    std::uint64_t order = 0; ///< Of its start.
    peer_state* to = nullptr;
    member_id refused_by;
    errc refusal{}; ///< Why it waits.
    unix_ms not_before_ms = 0;
    unix_ms give_up_ms = 0; ///< directed: when to time out; 0: never.
  };

  struct client {
    std::uint64_t owner = 0;
    hlc_time clock;
    std::uint32_t under_way = 0;
    std::uint32_t waiting = 0; ///< Of these.
    bool open = false;
  };

  /// Operations of one client on one slot of a keyspace that are not settled,
  /// in the order of their starts. There is one as long as it has some.
  ///
  /// Invariant: those that are sent are all at one member. For one is sent only
  /// when none before it waits and none is sent that comes after it or is at
  /// another member.
  struct lane {
    client_id client = 0;
    std::uint32_t db = 0;
    slot_id slot;
    std::uint32_t next = none; ///< In its bucket.
    std::uint32_t last = none; ///< Of its operations.
    std::uint32_t first_waiting = none;
    std::uint32_t first_waiting_write = none;
    std::uint32_t last_sent = none;
    std::uint32_t waiting = 0;
    std::uint32_t sent = 0;
    peer_state* to = nullptr; ///< Where those are that are sent.
  };

  /// A member that is still fetching a keyspace.
  struct unready {
    member_id member;
    incarnation inc;
    unix_ms until_ms;
  };

  struct waiter {
    std::uint32_t index;
    std::uint32_t generation;
  };

  peer_state* find_peer(member_id m) const noexcept;
  peer_state& peer_of(member_id m);
  bool usable(member_id m, incarnation inc) const noexcept;
  void note_unready(member_id m, incarnation inc);

  // -- router_parcels.cpp: the pending table and what was sent ----------------
  std::uint32_t acquire(client_id c, std::uint64_t token);
  void release(std::uint32_t index);
  std::uint32_t open_parcel(peer_state* to, std::uint16_t shard);
  void close_parcel(std::uint32_t parcel);
  void leave_parcel(pending& p);
  void put_in_parcel(std::uint32_t index, std::uint32_t parcel, op o,
                     std::string_view key, std::string_view value);
  void send(std::uint32_t index, peer_state& to, std::uint16_t shard, op o,
            std::string_view key, std::string_view value);
  void unsend(std::uint32_t index);
  void park(std::uint32_t index, op o, std::string_view key,
            std::string_view value);
  void begin_wait(std::uint32_t index);
  void end_wait(std::uint32_t index);
  void post(std::uint32_t parcel);
  void ask_flush();
  const op& what(const pending& p) const;
  bool is_late_read(const pending& p, std::uint32_t generation) const;
  std::string_view key_of(const pending& p) const;
  std::string_view value_of(const pending& p) const;
  bool admits(const peer_state& to) const noexcept;

  // -- router_lanes.cpp: which operations keep their order --------------------
  std::uint32_t& bucket_of(client_id c, std::uint32_t db, slot_id s) noexcept;
  void grow_buckets();
  void enter_lane(std::uint32_t index, slot_id s);
  void leave_lane(std::uint32_t index);
  void note_sent(std::uint32_t index);
  void note_unsent(std::uint32_t index);
  void note_waiting(std::uint32_t index);
  void note_not_waiting(std::uint32_t index);
  bool may_follow(std::uint32_t index, const peer_state* to) const;
  bool may_go(std::uint32_t index, const peer_state* to) const;

  // -- router_retries.cpp: refusals, losses, order ----------------------------
  void fail_overtaken(std::uint32_t index);
  void note_room(peer_state& at, std::size_t bytes) const noexcept;
  bool gives_up(const pending& p) const;
  bool try_again(std::uint32_t index, errc refusal);
  void wait_until(std::uint32_t index, errc refusal, unix_ms not_before);
  void lose(std::uint32_t index, bool peer_gone);
  void lose_parcel(std::uint32_t parcel, bool peer_gone);
  unix_ms reads_lost_ms(const parcel_state& x) const;
  void check_parcels();
  void run_waiting();
  unix_ms max_skew_ms() const;
  bool resend(std::uint32_t index);

  void settle(std::uint32_t index, const op_reply& r, std::string_view payload,
              member_id member, hlc_time clock);
  void fail(std::uint32_t index, errc code, std::string_view text);

  router_options options_;
  router_events& events_;
  std::shared_ptr<const cluster_view> view_;
  unix_ms now_ = 0;
  std::uint64_t generation_ = 1;

  std::vector<std::unique_ptr<peer_state>> peers_; ///< By id; never removed.
  std::vector<unready> unready_;

  std::vector<client> clients_;
  std::vector<client_id> free_clients_;
  std::vector<pending> pending_;
  std::vector<std::uint32_t> free_pending_;
  std::vector<lane> lanes_;
  std::vector<std::uint32_t> free_lanes_;
  std::vector<std::uint32_t> lane_buckets_; ///< A power of two, or none.
  std::uint64_t started_ = 0;
  std::deque<parcel_state> parcels_;
  std::vector<std::uint32_t> free_parcels_;
  std::vector<std::uint32_t> outgoing_; ///< Parcels of this turn.
  std::vector<waiter> waiting_;
  std::uint32_t parking_ = none; ///< Parcel that waiting ones go to.
  std::size_t under_way_ = 0;
  std::size_t bytes_ = 0;
  bool flush_asked_ = false;
};

} // namespace torc
