#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "actors/gateway/session.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/core/resp_writer.hpp"
#include "torc/messages/change.hpp"
#include "torc/router.hpp"
#include "torc/wall_clock.hpp"

namespace torc::gateway {

/// One command of one session, ready to run. Valid while its handler runs.
struct request {
  session& s;
  std::uint64_t slot;       ///< Of the reply ring.
  const command_info& info; ///< Of its subcommand, if it has one.
  const std::vector<std::string_view>& argv;
};

/// Where a reply goes when its command's handler has returned.
struct reply_place {
  std::uint64_t session;
  std::uint64_t slot;
};

using config_change_fn =
  std::function<result<cluster_config>(const cluster_config&)>;
/// The config with the change, or why there is none.
using changed_fn = std::function<void(const local::change_result&)>;

/// What the gateway asks of the actor around it.
class effects {
public:
  virtual void send_operations(member_id to, std::uint16_t shard,
                               op_batch batch) = 0;
  /// Asked once until `on_flush`.
  virtual void request_flush() = 0;
  /// A change of the cluster's config; `done` is called once.
  virtual void change_config(config_change_fn change, changed_fn done) = 0;

protected:
  ~effects() = default;
};

/// What a gateway core is given.
struct core_options {
  member_id self;
  std::uint16_t loop = 0;
  wall_clock wall;
  std::function<std::uint64_t()> clock_us; ///< Steady; any beginning.
  std::uint64_t seed = 0;
  unix_ms max_skew_ms = 500;
  std::shared_ptr<gateway_shared> shared;
  std::shared_ptr<const cluster_view> view; ///< May be null until `on_view`.
};

inline constexpr std::string_view key_too_long =
  "ERR the key is longer than 64 KiB";
inline constexpr std::string_view value_too_long =
  "ERR string exceeds maximum allowed size";

using answer = routed_answer;
using answer_fn = std::function<void(const answer&)>;

/// Takes the answers of several operations that make one reply.
class collector {
public:
  virtual ~collector() = default;
  /// True: that was all; the collector goes.
  virtual bool on_part(std::uint32_t part, const answer& a) = 0;
  /// Of the reply ring: where the reply goes.
  virtual std::uint64_t reply_slot() const noexcept = 0;
};

/// The RESP door of one loop: commands in, operations out, replies in order.
/// Knows no actor and no socket. One thread.
class core final : private router_events {
public:
  core(core_options options, effects& fx);
  ~core();

  // -- sessions ----------------------------------------------------------------
  /// `io` is told of output until `close`.
  session& open(session_io& io, std::string address, std::string local_address,
                int descriptor);
  void close(session& s);
  /// Bytes were added to `s.inbox`: runs the commands that are whole.
  void on_input(session& s);
  /// Counts what is held for a session whose client has taken nothing for
  /// `silent_ms`. False: that is more than it may hold, and the connection has
  /// to end.
  bool count_held(session& s, unix_ms silent_ms) noexcept;
  std::size_t session_count() const noexcept { return open_count_; }
  /// Null: gone.
  session* find(std::uint64_t key) const noexcept;

  // -- from the node -----------------------------------------------------------
  void on_view(std::shared_ptr<const cluster_view> view);
  void on_peer_up(member_id m, std::uint16_t shards);
  void on_peer_down(member_id m);
  void on_answers(const op_reply_batch& batch);
  void on_flush();
  void on_tick();

  // -- for the commands (commands_*.cpp) ---------------------------------------
  const core_options& options() const noexcept { return options_; }
  gateway_shared& shared() const noexcept { return *options_.shared; }
  /// Null until a config is known.
  const std::shared_ptr<const cluster_view>& view() const noexcept {
    return router_.shared_view();
  }
  router& routes() noexcept { return router_; }
  unix_ms now() const noexcept { return now_; }
  gateway_counters& counters() noexcept { return counters_; }
  std::uint64_t random() noexcept;

  resp_writer writer(session& s, std::uint64_t slot) {
    return resp_writer{s.ring.text(slot), s.protocol};
  }
  resp_writer reply(const request& r) { return writer(r.s, r.slot); }
  /// `key` is for SLOWLOG, of a command on one key.
  void finish(session& s, std::uint64_t slot, std::string_view key = {});
  void finish(const request& r) { finish(r.s, r.slot); }
  void fail(session& s, std::uint64_t slot, std::string_view text);
  void fail(const request& r, std::string_view text) {
    fail(r.s, r.slot, text);
  }
  void ok(const request& r) {
    reply(r).simple("OK");
    finish(r);
  }
  void integer(const request& r, std::int64_t x) {
    reply(r).integer(x);
    finish(r);
  }

  /// The session's keyspace; null after failing the request.
  const keyspace_info* keyspace_or_fail(const request& r);
  const keyspace_info* keyspace_of(const session& s) const;
  op make_op(const session& s, const keyspace_info& ks, op_kind kind,
             std::string_view key) const;

  /// Starts an operation whose answer makes the whole reply.
  void start(const request& r, op o, std::string_view key,
             std::string_view value, shape how);
  /// The answer goes to `fn`, which has to look whether the session still is.
  void start(const request& r, op o, std::string_view key,
             std::string_view value, answer_fn fn);
  /// Gives the reply to a request that `write` makes of an answer; an error is
  /// the reply as it is.
  answer_fn replying(const request& r,
                     std::function<void(resp_writer&, const answer&)> write);
  /// For a collector that `add_collector` took.
  void start_part(session& s, std::uint32_t collector, std::uint32_t part, op o,
                  std::string_view key, std::string_view value);
  std::uint32_t add_collector(std::unique_ptr<collector> c);
  /// At one shard of one member; see router.
  void start_at(session& s, member_id to, std::uint16_t shard, op o,
                std::string_view value, unix_ms wait_ms, answer_fn fn);

  /// Later commands of the session wait until `release`.
  void hold(session& s) { s.barrier = true; }
  void release(session& s);
  void wake(session& s);

  /// Makes the change and waits until this node works with it; `write` makes
  /// the reply of the new config. Later commands of the session wait.
  void
  change_config(const request& r, config_change_fn change,
                std::function<void(resp_writer&, const cluster_config&)> write);
  /// Once this node works with a config of at least this epoch, or after some
  /// patience.
  void when_config(torc::epoch e, std::function<void()> then,
                   unix_ms give_up = 0);

private:
  struct epoch_waiter {
    torc::epoch epoch;
    unix_ms give_up_ms;
    std::function<void()> then;
  };
  struct table_entry {
    std::unique_ptr<session> s;
    std::uint32_t generation = 0;
  };

  // router_events
  void send_operations(member_id to, std::uint16_t shard,
                       op_batch batch) override;
  void request_flush() override;
  void on_answer(const routed_answer& a) override;
  bool has_room(std::uint64_t owner, std::uint64_t token) override;

  void read_clocks();
  bool parse_one(session& s);
  void run(session& s, const std::vector<std::string_view>& argv,
           const command_info* info);
  bool admit(const request& r);
  void note_serving();
  void note_write(session& s, const keyspace_info& ks, slot_id slot);
  void reply_shaped(session& s, std::uint64_t slot, const answer& a);
  void count_call(reply_ring::slot& slot);
  void note_latency(session& s, const reply_ring::slot& slot,
                    std::string_view key);
  void wake_all();
  void kill_marked();

  core_options options_;
  effects& fx_;
  gateway_counters& counters_;
  router router_;
  unix_ms now_ = 0;
  std::uint64_t now_us_ = 0;
  std::uint64_t random_;
  request_view command_; ///< Reused: the arguments of the command under way.

  std::vector<table_entry> sessions_;
  std::vector<std::uint32_t> free_sessions_;
  std::vector<std::unique_ptr<session>> graveyard_; ///< Ends with the event.
  std::size_t open_count_ = 0;
  std::size_t held_bytes_ = 0;   ///< Of all sessions.
  std::uint64_t kills_seen_ = 0; ///< Of the directory.
  std::vector<std::uint64_t> woken_;

  std::vector<std::unique_ptr<collector>> collectors_;
  std::vector<std::uint32_t> free_collectors_;
  std::vector<epoch_waiter> epoch_waiters_;
  bool flush_asked_ = false;
  bool in_input_ = false;  ///< A command is running.
  bool will_wake_ = false; ///< `wake_all` ends this event anyway.
};

/// The error line that clients get for a code: first word as Redis's clients
/// know it.
std::string error_line(errc code, std::string_view text);

/// Runs one command; found once per command id.
using handler = void (*)(core&, const request&);
handler handler_of(command_id id) noexcept;

} // namespace torc::gateway
