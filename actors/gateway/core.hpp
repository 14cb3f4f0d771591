#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "actors/gateway/session.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/core/command.hpp"
#include "torc/core/resp_writer.hpp"
#include "torc/gateway.hpp"
#include "torc/messages/operations.hpp"

namespace torc::gateway {

class core;

/// One command of one session, ready to run.
struct request {
  session& s;
  std::uint64_t slot; ///< Of the reply ring.
  const command_info& info;
  const std::vector<std::string_view>& argv;
};

/// How the answer of an operation becomes a reply.
enum class shape : std::uint8_t {
  ok,          ///< +OK
  bulk,        ///< The value, or null.
  integer_found,   ///< 1 if there was a visible version.
  integer_changed, ///< 1 if a version was written.
  callback,    ///< A function decides.
};

/// What the gateway asks of the actor around it.
struct effects {
  /// Operations for one shard of one member (itself included).
  std::function<void(member_id, std::uint16_t shard, op_batch)> send;
  /// A change of the cluster's config; the answer comes to `done`.
  std::function<void(config_change_fn, std::function<void(const error*)> done)>
    change;
  std::function<void()> request_flush; ///< Asked once until `on_flush`.
};

/// An operation's answer, seen in place.
struct answer {
  const op_reply& reply;
  std::string_view payload;
  member_id member;
  hlc_time clock;
};

using answer_fn = std::function<void(const answer&)>;

/// The RESP door of one loop: commands in, operations out, replies in order.
/// Knows no actor and no socket. One thread.
class core {
public:
  core(gateway_options options, effects fx);

  // -- sessions ---------------------------------------------------------------------
  std::shared_ptr<session> open(std::string address, std::string local_address);
  void close(session& s);
  /// Bytes were added to `s.inbox`: runs the commands that are whole.
  void on_input(session& s);
  std::size_t session_count() const noexcept { return sessions_.size(); }

  // -- from the node -------------------------------------------------------------------
  void on_view(std::shared_ptr<const cluster_view> view);
  void on_peer_up(member_id m, std::uint16_t shards);
  void on_peer_down(member_id m);
  void on_answers(const op_reply_batch& batch);
  void on_flush();
  void on_tick();

  // -- for the commands (commands_*.cpp) --------------------------------------------------
  const gateway_options& options() const noexcept { return options_; }
  const cluster_view& view() const noexcept { return *view_; }
  std::shared_ptr<const cluster_view> shared_view() const { return view_; }
  unix_ms now() const noexcept { return now_; }
  bool reachable(member_id m) const;

  resp_writer reply(const request& r) { return writer(r.s, r.slot); }
  resp_writer writer(session& s, std::uint64_t slot) {
    return resp_writer{s.ring.text(slot), s.protocol};
  }
  /// Ends the reply. `slot` as in the request.
  void finish(session& s, std::uint64_t slot);
  void finish(const request& r) { finish(r.s, r.slot); }
  void fail(const request& r, std::string_view text);

  const keyspace_info* keyspace_of(const session& s) const;
  /// Starts an operation whose answer makes the whole reply.
  void start(const request& r, op o, std::string_view key,
             std::string_view value, shape how);
  /// Starts an operation whose answer goes to `fn`; the session may be gone by
  /// then: hold it by id (`find`).
  void start(session& s, op o, std::string_view key, std::string_view value,
             answer_fn fn);
  /// The same for a given coordinator, for pages, counts and WAIT.
  void start_at(session* s, member_id to, std::uint16_t shard, op o,
                std::string_view key, std::string_view value, answer_fn fn);
  op make_op(const session& s, op_kind kind, std::string_view key) const;

  session* find(std::uint64_t id);
  std::map<std::uint64_t, std::shared_ptr<session>>& sessions() {
    return sessions_;
  }
  /// Later commands of the session wait until `release`.
  void hold(session& s) { s.barrier = true; }
  void release(session& s);

  /// The member that runs an eventual operation on a slot: this node if it is a
  /// replica, else the first live one of the list; nobody: 0.
  member_id route(std::uint16_t group, slot_id s,
                  member_id except = {}) const;
  std::uint16_t shards_of(member_id m) const;

  void change(config_change_fn change, std::function<void(const error*)> done) {
    fx_.change(std::move(change), std::move(done));
  }
  std::uint64_t random() noexcept;
  slow_log& slowlog() noexcept { return *options_.slowlog; }
  gateway_counters& counters() noexcept { return *options_.counters; }

private:
  struct pending {
    std::uint64_t session = 0;
    std::uint64_t slot = 0;
    shape how = shape::ok;
    bool used = false;
    bool write = false;
    bool remote = false;
    std::uint8_t tries = 0;
    std::uint32_t generation = 0;
    member_id to;
    unix_ms give_up_ms = 0;
    answer_fn fn;
  };

  /// Refused for now and sent again a little later.
  struct retry {
    unix_ms at_ms;
    std::uint32_t index;
    op what;
    std::string key;
    std::string value;
  };

  struct peer {
    bool up = false;
    std::uint16_t shards = 0;
    std::size_t under_way = 0;
  };

  void run(session& s, const std::vector<std::string_view>& argv);
  bool admit(const request& r);
  std::uint32_t acquire();
  void release_pending(std::uint32_t index);
  void dispatch(std::uint32_t index, member_id to, std::uint16_t shard, op o,
                std::string_view key, std::string_view value);
  void deliver(std::uint32_t index, const answer& a);
  void reply_shaped(session& s, const pending& p, const answer& a);
  bool try_again(std::uint32_t index, const answer& a);
  void fail_pending(std::uint32_t index, errc code, std::string_view text);
  void note_write(session& s, const op& o, member_id to);

  gateway_options options_;
  effects fx_;
  std::shared_ptr<const cluster_view> view_;
  std::map<std::uint64_t, std::shared_ptr<session>> sessions_;
  std::uint64_t next_session_ = 0;
  std::vector<session*> woken_;

  std::vector<pending> pending_;
  std::vector<std::uint32_t> free_;
  std::size_t under_way_ = 0;
  std::deque<retry> retries_;
  std::deque<std::pair<unix_ms, std::uint64_t>> deadlines_; ///< Remote ones.

  std::map<member_id, peer> peers_;
  std::map<std::pair<member_id, std::uint16_t>, op_batch> outbox_;
  unix_ms now_ = 0;
  hlc_time clock_;
  std::uint64_t random_;
  bool flush_asked_ = false;
};

/// The error line that clients get for a code: first word as Redis's clients
/// know it.
std::string error_line(errc code, std::string_view text);

/// Runs one command; looked up once per command id.
using handler = void (*)(core&, const request&);
handler handler_of(command_id id);

} // namespace torc::gateway
