// The parts of voter and learner; config_proposer.cpp has the proposer's.
#include "torc/core/config_register.hpp"

#include <algorithm>

#include "actors/core/member_list.hpp"
#include "torc/core/assert.hpp"

namespace torc {
namespace {

bool is_majority(const std::vector<member_id>& who,
                 const std::vector<member_id>& of) {
  const auto n = std::count_if(of.begin(), of.end(),
                               [&](member_id m) { return is_in(who, m); });
  return 2 * static_cast<std::size_t>(n) > of.size();
}

} // namespace

bool config_register::voter_sets::contains(member_id m) const noexcept {
  return is_in(now, m) || is_in(next, m);
}

bool config_register::voter_sets::is_quorum(
  const std::vector<member_id>& who) const noexcept {
  return is_majority(who, now) && (next.empty() || is_majority(who, next));
}

std::vector<member_id> config_register::voter_sets::all() const {
  auto out = now;
  for (const auto m : next)
    if (!is_in(out, m))
      out.push_back(m);
  return out;
}

config_register::voter_sets config_register::sets_of(const cluster_config& c) {
  return {c.voters, c.voters_next};
}

config_register::voter_sets
config_register::parent_sets_of(const cluster_config& c) {
  return {c.parent_voters, c.parent_voters_next};
}

config_register::config_register(member_id self, register_state durable,
                                 register_options options)
  : self_(self), state_(std::move(durable)), options_(options) {
  TORC_ASSERT(options_.round_trip_ticks > 0 && options_.deadline_ticks > 0);
}

register_effects config_register::on_message(member_id from,
                                             const register_message& m) {
  register_effects out;
  std::visit([&](const auto& x) { on(from, x, out); }, m);
  return out;
}

register_effects config_register::learn(config_ptr chosen) {
  return on_message(self_, register_chosen{std::move(chosen)});
}

// -- voter --------------------------------------------------------------------

void config_register::on(member_id from, const register_prepare& m,
                         register_effects& out) {
  if (m.ballot.member != from || m.ballot.round >= config_limits::round_max
      || m.ballot == state_.promised) // a duplicate
    return;
  const auto news =
    state_.chosen_epoch() > m.known ? state_.chosen : config_ptr{};
  if (m.ballot < state_.promised) {
    out.send_now.push_back(
      {from, register_refusal{m.ballot, state_.promised, news}});
    return;
  }
  state_.promised = m.ballot;
  persist(out);
  out.send_after_persist.push_back(
    {from,
     register_promise{m.ballot, news, state_.accepted_at, state_.accepted}});
}

void config_register::on(member_id from, const register_accept& m,
                         register_effects& out) {
  if (m.ballot.member != from || m.ballot.round >= config_limits::round_max
      || !m.value || m.value->parent_voters.empty()
      || (state_.chosen && state_.chosen->id != m.value->id))
    return;
  const bool decided = m.value->epoch <= state_.chosen_epoch();
  if (decided || m.ballot < state_.promised) {
    out.send_now.push_back(
      {from, register_refusal{m.ballot, state_.promised,
                              decided ? state_.chosen : config_ptr{}}});
    return;
  }
  if (m.ballot == state_.accepted_at && *m.value != *state_.accepted)
    return; // one ballot, one value (S1)
  // A duplicate is stored once more, so that its answer too waits until the
  // state is durable.
  state_.promised = m.ballot;
  state_.accepted_at = m.ballot;
  state_.accepted = m.value;
  persist(out);
  out.send_after_persist.push_back({from, register_accepted{m.ballot}});
}

// -- learner ------------------------------------------------------------------

void config_register::on(member_id, const register_chosen& m,
                         register_effects& out) {
  if (!m.value || (state_.chosen && state_.chosen->id != m.value->id))
    return;
  enter(m.value, out);
  settle(out);
}

/// Takes note of a chosen config.
void config_register::enter(const config_ptr& chosen, register_effects& out) {
  if (chosen->epoch <= state_.chosen_epoch())
    return;
  state_.chosen = chosen;
  if (state_.accepted && state_.accepted->epoch <= chosen->epoch) {
    state_.accepted = nullptr; // chosen, or it never can be
    state_.accepted_at = {};
  }
  out.learnt = chosen;
  persist(out);
}

void config_register::persist(register_effects& out) const {
  out.persist = encode_register_state(state_);
}

} // namespace torc
