// The part of config_register that proposes.
//
//   idle -> preparing -> accepting -> idle
//              ^  |          |
//              |  v          v
//              waiting <-----+
//
// From accepting also straight to preparing: when what was chosen is not the
// own change. From everywhere to idle at the deadline.
#include <algorithm>

#include <fmt/format.h>

#include "actors/core/member_list.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/config_register.hpp"

namespace torc {
namespace {

/// Quorums of neighbours in the chain must meet: voters change from V to
/// (V, X) and from there to X, or back to V.
bool may_follow(const cluster_config& c, const cluster_config& next) {
  if (next.voters == c.voters)
    return c.voters_next.empty() || next.voters_next.empty()
           || next.voters_next == c.voters_next;
  return !c.voters_next.empty() && next.voters == c.voters_next
         && next.voters_next.empty();
}

result<void> check_successor(const cluster_config& c,
                             const cluster_config& next) {
  if (next.epoch.value != c.epoch.value + 1 || next.id != c.id)
    return {errc::invalid_argument,
            "a change of the config must make its successor"};
  if (!may_follow(c, next))
    return {errc::invalid_argument,
            "voters change in two steps, through both sets at once"};
  return check_config(next);
}

} // namespace

register_effects config_register::propose(config_change change) {
  TORC_ASSERT(!busy() && change);
  register_effects out;
  if (!state_.chosen) {
    out.outcome = {{errc::not_ready, "this member has no config yet"}};
    return out;
  }
  change_ = std::move(change);
  change_id_.reset();
  own_since_ = epoch{0};
  attempts_ = 0;
  ticks_left_ = options_.deadline_ticks;
  begin_attempt(sets_of(*state_.chosen), out);
  return out;
}

register_effects config_register::on_tick(std::uint32_t random) {
  register_effects out;
  if (phase_ == phase::idle)
    return out;
  if (--ticks_left_ == 0) {
    give_up(out);
    return out;
  }
  if (phase_ != phase::waiting) {
    if (--attempt_ticks_left_ == 0)
      back_off();
    return out;
  }
  if (!wait_ticks_) {
    // Doubles with each attempt, and differs between members.
    const auto most = std::min<std::uint64_t>(
      options_.backoff_ticks_max,
      (std::uint64_t{1} << std::min(attempts_, 31u)) - 1);
    wait_ticks_ = static_cast<std::uint32_t>(random % (most + 1));
  }
  if (*wait_ticks_ == 0)
    begin_attempt(sets_of(*state_.chosen), out);
  else
    --*wait_ticks_;
  return out;
}

/// Of all that this member has heard of.
std::uint64_t config_register::highest_round() const {
  auto round = std::max({state_.drawn, seen_round_, state_.promised.round});
  if (!state_.chosen->changes.empty())
    round = std::max(round, state_.chosen->changes.front().round);
  return round;
}

/// A fresh ballot, under the quorums `sets`.
void config_register::begin_attempt(voter_sets sets, register_effects& out) {
  phase_ = phase::preparing;
  ++attempts_;
  attempt_ticks_left_ = options_.round_trip_ticks;
  sets_ = std::move(sets);
  agreed_.clear();
  refused_.clear();
  pending_.clear();
  value_ = nullptr;
  state_.drawn = highest_round() + 1;
  ballot_ = {state_.drawn, self_};
  if (!change_id_)
    change_id_ = ballot_;
  // Durable first: no ballot is ever issued twice (S18).
  persist(out);
  send_to_all(sets_.all(), register_prepare{ballot_, state_.chosen_epoch()},
              out.send_after_persist);
}

void config_register::on(member_id from, const register_promise& m,
                         register_effects& out) {
  if (m.chosen)
    on(from, register_chosen{m.chosen}, out);
  if (phase_ != phase::preparing || m.ballot != ballot_ || !sets_.contains(from)
      || is_in(agreed_, from))
    return;
  agreed_.push_back(from);
  if (m.accepted && !m.accepted->parent_voters.empty())
    pending_.push_back({m.accepted_at, m.accepted});
  if (sets_.is_quorum(agreed_))
    prepared(out);
}

/// A quorum has promised: what may and must be proposed now?
void config_register::prepared(register_effects& out) {
  const pending_value* pending = nullptr;
  for (const auto& p : pending_)
    if (p.value->epoch > state_.chosen_epoch()
        && (pending == nullptr || p.at > pending->at))
      pending = &p;
  if (pending != nullptr) { // V2
    const auto value = pending->value;
    if (auto sets = parent_sets_of(*value); sets != sets_)
      begin_attempt(std::move(sets), out);
    else
      send_accept(value, out);
    return;
  }
  if (auto sets = sets_of(*state_.chosen); sets != sets_)
    begin_attempt(std::move(sets), out); // V1
  else
    propose_own(out);
}

void config_register::propose_own(register_effects& out) {
  const auto& parent = *state_.chosen;
  auto next = change_(parent);
  if (!next)
    return finish(std::move(next).error(), out);
  if (auto ok = check_successor(parent, *next); !ok)
    return finish(std::move(ok).error(), out);
  next->parent_voters = parent.voters;
  next->parent_voters_next = parent.voters_next;
  next->changes = parent.changes;
  next->changes.insert(next->changes.begin(), *change_id_);
  if (next->changes.size() > config_limits::changes_max)
    next->changes.pop_back();
  own_since_ = next->epoch;
  send_accept(std::make_shared<const cluster_config>(*std::move(next)), out);
}

void config_register::send_accept(config_ptr value, register_effects& out) {
  phase_ = phase::accepting;
  attempt_ticks_left_ = options_.round_trip_ticks;
  agreed_.clear();
  refused_.clear();
  pending_.clear();
  value_ = std::move(value);
  send_to_all(sets_.all(), register_accept{ballot_, value_}, out.send_now);
}

void config_register::on(member_id from, const register_accepted& m,
                         register_effects& out) {
  if (phase_ != phase::accepting || m.ballot != ballot_ || !sets_.contains(from)
      || is_in(agreed_, from))
    return;
  agreed_.push_back(from);
  if (!sets_.is_quorum(agreed_))
    return;
  const auto chosen = value_;
  auto whom = sets_.all();
  for (const auto m_id : sets_of(*chosen).all())
    if (!is_in(whom, m_id))
      whom.push_back(m_id);
  std::erase(whom, self_);
  send_to_all(whom, register_chosen{chosen}, out.send_now);
  enter(chosen, out);
  settle(out);
}

void config_register::on(member_id from, const register_refusal& m,
                         register_effects& out) {
  if (m.seen.round < config_limits::round_max)
    seen_round_ = std::max(seen_round_, m.seen.round);
  if (m.chosen)
    on(from, register_chosen{m.chosen}, out);
  if ((phase_ != phase::preparing && phase_ != phase::accepting)
      || m.ballot != ballot_ || is_in(refused_, from))
    return;
  refused_.push_back(from);
  auto possible = sets_.all();
  std::erase_if(possible, [&](member_id x) { return is_in(refused_, x); });
  if (!sets_.is_quorum(possible)) // one refusal is only a hint (T22)
    back_off();
}

/// Looks what the latest chosen config means for the change that runs.
void config_register::settle(register_effects& out) {
  if (phase_ == phase::idle)
    return;
  const auto& c = *state_.chosen;
  if (own_since_.value != 0 && c.epoch >= own_since_) {
    const auto begin = c.changes.begin();
    const auto end = c.changes.end();
    if (std::find(begin, end, *change_id_) != end)
      return finish(state_.chosen, out);
    if (c.epoch.value - own_since_.value >= c.changes.size())
      return finish({errc::unknown_outcome,
                     "so much has changed since that the config no longer says "
                     "whether this change is in it"},
                    out);
    own_since_ = epoch{0}; // another change took its place
  }
  if (phase_ == phase::accepting && value_->epoch <= c.epoch)
    begin_attempt(sets_of(c), out);
}

void config_register::back_off() {
  phase_ = phase::waiting;
  wait_ticks_.reset();
}

void config_register::give_up(register_effects& out) {
  if (own_since_.value != 0)
    return finish({errc::unknown_outcome,
                   "the voters did not say in time whether they made the "
                   "change: it may or may not come"},
                  out);
  std::string silent;
  for (const auto m : sets_.all())
    if (!is_in(agreed_, m) && !is_in(refused_, m)) {
      const auto* info = state_.chosen->member(m);
      silent += fmt::format("{}{}", silent.empty() ? "" : ", ",
                            info ? info->name : std::to_string(m.value));
    }
  finish({errc::timeout,
          silent.empty()
            ? std::string{"other changes of the config came first for too long"}
            : fmt::format("the config cannot be changed while too few of its "
                          "voters answer; missing: {}",
                          silent)},
         out);
}

void config_register::finish(result<config_ptr> how, register_effects& out) {
  phase_ = phase::idle;
  change_ = nullptr;
  value_ = nullptr;
  pending_.clear();
  out.outcome = register_outcome{std::move(how)};
}

void config_register::send_to_all(const std::vector<member_id>& whom,
                                  const register_message& m,
                                  std::vector<register_envelope>& out) const {
  for (const auto to : whom)
    out.push_back({to, m});
}

} // namespace torc
