#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "torc/core/config.hpp"
#include "torc/core/error.hpp"

/// The register that the cluster's config lives in (protocol 9): a CASPaxos
/// register (Rystsov, "CASPaxos: Replicated State Machines without logs", 2018)
/// on a set of voters, which itself is part of the value.
///
/// Theorem: chosen configs form one chain; each was made from the one before,
/// and no change that was answered as done is missing from it. Rules:
///   V1 a new config is made from one that is *known chosen*, under the quorums
///      of that one: a majority of its voters, and of voters_next if it has any
///   V2 a pending config met while preparing is first proposed again unchanged,
///      under the quorums of its parent; only then do its own voters count
///   V3 old voters answer for ever: they report the chosen successor
///
/// Why it is right: quorums of two neighbours in the chain always meet. If u of
/// epoch e is chosen at ballot c, then every proposal at a higher ballot is u
/// itself or of a later epoch: it was prepared under its parent's quorums,
/// which meet an acceptor that took the parent's chosen successor before it
/// promised. Hence a pending config whose epoch is not above that of a known
/// chosen one is either chosen already or can never be, and is passed over.
namespace torc {

// -- messages -----------------------------------------------------------------

// `ballot` is always the ballot of the attempt that the message is about.

struct register_prepare {
  config_ballot ballot;
  epoch known; ///< The sender has this chosen config; send only later ones.

  friend bool operator==(const register_prepare&,
                         const register_prepare&) = default;
};

struct register_promise {
  config_ballot ballot;
  config_ptr chosen; ///< The latest known chosen; null: not later than asked.
  config_ballot accepted_at;
  config_ptr accepted; ///< The pending proposal, if there is one.
};

struct register_accept {
  config_ballot ballot;
  config_ptr value; ///< Never null.
};

struct register_accepted {
  config_ballot ballot;
};

/// No to a prepare or accept. Only a hint: others may still agree (T22).
struct register_refusal {
  config_ballot ballot;
  config_ballot seen; ///< What was promised to somebody else.
  config_ptr chosen;  ///< Not null if that is why.
};

/// Announces what was chosen.
struct register_chosen {
  config_ptr value; ///< Never null.
};

using register_message =
  std::variant<register_prepare, register_promise, register_accept,
               register_accepted, register_refusal, register_chosen>;

/// Wire form: version byte, kind, fields, checksum (docs/formats.md).
std::string encode_register_message(const register_message& m);

/// `errc::corrupt` says what is wrong.
result<register_message> decode_register_message(std::string_view bytes);

struct register_envelope {
  member_id to; ///< May be the sender itself: delivered like any other.
  register_message message;
};

// -- durable state ------------------------------------------------------------

/// What a member must not forget. `chosen` is also the config that the node
/// works with; a member that only follows has nothing else in it.
struct register_state {
  std::uint64_t drawn = 0; ///< Highest round this member ever proposed with.
  config_ballot promised;  ///< Nothing below is promised or accepted.
  config_ballot accepted_at;
  config_ptr accepted; ///< Pending; its epoch is above that of `chosen`.
  config_ptr chosen;   ///< Latest known chosen; null: none yet.

  epoch chosen_epoch() const noexcept {
    return chosen ? chosen->epoch : epoch{0};
  }
};

/// Version byte, fields, checksum (docs/formats.md); stored in column::meta.
std::string encode_register_state(const register_state& s);

/// `errc::corrupt` says what is wrong. A member whose state is corrupt must not
/// vote any more: it may have forgotten a promise.
result<register_state> decode_register_state(std::string_view bytes);

// -- the register at one member -----------------------------------------------

/// How a change ended.
struct register_outcome {
  /// The config with the change in it; or `errc::timeout`: surely not done;
  /// `errc::unknown_outcome`; or what the change itself answered.
  result<config_ptr> config;
};

/// What the shell has to do, in this order.
struct register_effects {
  /// The encoded state to make durable; empty: nothing new.
  std::string persist;
  /// BEFORE or after the state is durable.
  std::vector<register_envelope> send_now;
  /// AFTER this and every earlier state is durable, else never.
  std::vector<register_envelope> send_after_persist;
  /// A later chosen config than before: work with it AFTER it is durable.
  config_ptr learnt;
  /// How the running change ended.
  std::optional<register_outcome> outcome;
};

/// A change: gives the successor of a config, with its epoch raised by one, or
/// an error that ends the attempt. Called any number of times; pure.
using config_change =
  std::function<result<cluster_config>(const cluster_config&)>;

/// Bounds of one change, in ticks of the shell.
struct register_options {
  std::uint32_t round_trip_ticks = 10; ///< Until an attempt is given up.
  std::uint32_t deadline_ticks = 50;   ///< Until the change is given up.
  std::uint32_t backoff_ticks_max = 8; ///< Between two attempts.
};

/// Voter (acceptor), proposer and learner of one member, as one state machine:
/// event in, effects out. Every member has one; that it is a voter shows only
/// in that others ask it. Not thread-safe. All handlers are O(size of a
/// config).
class config_register {
public:
  /// `durable` is what the last `persist` that became durable said; for a new
  /// member the default; for the founder `chosen` = the first config.
  config_register(member_id self, register_state durable,
                  register_options options = {});

  /// The latest config known to be chosen; null: none yet.
  const config_ptr& chosen() const noexcept { return state_.chosen; }
  const register_state& state() const noexcept { return state_; }

  // -- proposing --------------------------------------------------------------

  /// True while a change runs: one at a time, the shell queues the others.
  bool busy() const noexcept { return phase_ != phase::idle; }

  /// Begins a change. `errc::not_ready` at once if no config is known here.
  /// REQUIRES: !busy().
  register_effects propose(config_change change);

  /// Time passes by one tick. `random` spreads back-offs; any number.
  register_effects on_tick(std::uint32_t random);

  // -- messages from members --------------------------------------------------

  register_effects on_message(member_id from, const register_message& m);

  /// A config that somebody knows to be chosen, heard of outside the register.
  register_effects learn(config_ptr chosen);

private:
  enum class phase : std::uint8_t { idle, preparing, accepting, waiting };

  struct voter_sets {
    std::vector<member_id> now;
    std::vector<member_id> next;

    friend bool operator==(const voter_sets&, const voter_sets&) = default;

    bool contains(member_id m) const noexcept;
    bool is_quorum(const std::vector<member_id>& who) const noexcept;
    std::vector<member_id> all() const;
  };

  struct pending_value {
    config_ballot at;
    config_ptr value;
  };

  static voter_sets sets_of(const cluster_config& c);
  static voter_sets parent_sets_of(const cluster_config& c);

  // As acceptor.
  void on(member_id from, const register_prepare& m, register_effects& out);
  void on(member_id from, const register_accept& m, register_effects& out);
  // As proposer.
  void on(member_id from, const register_promise& m, register_effects& out);
  void on(member_id from, const register_accepted& m, register_effects& out);
  void on(member_id from, const register_refusal& m, register_effects& out);
  // As learner.
  void on(member_id from, const register_chosen& m, register_effects& out);

  void enter(const config_ptr& chosen, register_effects& out);
  void settle(register_effects& out);
  std::uint64_t highest_round() const;
  void begin_attempt(voter_sets sets, register_effects& out);
  void prepared(register_effects& out);
  void propose_own(register_effects& out);
  void send_accept(config_ptr value, register_effects& out);
  void back_off();
  void give_up(register_effects& out);
  void finish(result<config_ptr> how, register_effects& out);
  void persist(register_effects& out) const;
  void send_to_all(const std::vector<member_id>& whom,
                   const register_message& m,
                   std::vector<register_envelope>& out) const;

  member_id self_;
  register_state state_;
  register_options options_;

  // Of the change that runs.
  phase phase_ = phase::idle;
  config_change change_;
  std::uint32_t ticks_left_ = 0;
  std::optional<config_ballot> change_id_; ///< Ballot of its first attempt.
  /// Lowest epoch it was proposed for; 0: no accept with it was ever sent.
  epoch own_since_;

  // Of the attempt that runs.
  std::uint64_t seen_round_ = 0;
  std::uint32_t attempts_ = 0;
  std::uint32_t attempt_ticks_left_ = 0;
  config_ballot ballot_;
  voter_sets sets_;
  std::vector<member_id> agreed_;
  std::vector<member_id> refused_;
  std::vector<pending_value> pending_;
  config_ptr value_;                        ///< What is being accepted.
  std::optional<std::uint32_t> wait_ticks_; ///< Back-off; not drawn yet.
};

} // namespace torc
