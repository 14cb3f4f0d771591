#include "actors/ring_manager/config_keeper.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "torc/engine/write_batch.hpp"

namespace torc::ring {
namespace {

/// A change that waited for so long is not begun any more. The one that runs
/// has the register's own deadline.
constexpr std::uint64_t wait_ticks_max = 100;
/// Between two attempts to write to a disk that refuses.
constexpr std::uint64_t retry_ticks = 5;
/// What waits for a slow disk. Beyond, messages are dropped as if they had been
/// lost, both ways: whoever sent them tries again.
constexpr std::size_t waiting_max = 64;

error refused_by_disk() {
  return {errc::try_again, "this node's disk refuses writes; nothing was done"};
}

local::change_result failed(error e) {
  return {nullptr, std::make_shared<const error>(std::move(e))};
}

} // namespace

config_keeper::config_keeper(member_id self, register_state durable,
                             register_options times,
                             std::shared_ptr<ring_manager_counters> counters,
                             keeper_effects effects)
  : self_(self), register_(self, std::move(durable), times),
    counters_(std::move(counters)), effects_(std::move(effects)) {}

// -- changes ------------------------------------------------------------------

void config_keeper::change(config_change what, change_done done) {
  if (!chosen()) {
    done(failed({errc::not_ready, "the cluster's config is not known here yet: "
                                  "no member that has it was met"}));
    return;
  }
  if (broken_) {
    counters_->changes_failed.add();
    done(failed(refused_by_disk()));
    return;
  }
  if (changes_.size() >= changes_waiting_max) {
    counters_->changes_failed.add();
    done(failed({errc::try_again, "too many changes of the cluster's config "
                                  "are waiting; nothing was done"}));
    return;
  }
  changes_.push_back(
    {std::move(what), std::move(done), tick_ + wait_ticks_max});
  counters_->changes_waiting.set(changes_.size());
  begin_next();
}

void config_keeper::begin_next() {
  while (!running_ && !changes_.empty()) {
    running_ = true;
    if (tick_ > changes_.front().give_up_tick)
      finish({error{errc::timeout, "earlier changes of the cluster's config "
                                   "took too long; nothing was done"}});
    else if (broken_)
      finish({refused_by_disk()});
    else
      perform(register_.propose(changes_.front().what));
  }
}

void config_keeper::finish(register_outcome how) {
  TORC_ASSERT(running_ && !changes_.empty());
  auto done = std::move(changes_.front().done);
  changes_.pop_front();
  running_ = false;
  counters_->changes_waiting.set(changes_.size());
  if (how.config) {
    counters_->changes.add();
    done({*how.config, nullptr});
    return;
  }
  const auto unknown = how.config.error().code == errc::unknown_outcome;
  (unknown ? counters_->changes_unknown : counters_->changes_failed).add();
  done(failed(explain(how.config.error())));
}

/// The register knows votes; the one who asked for a change wants to hear of
/// members.
error config_keeper::explain(const error& e) const {
  const auto timed_out = e.code == errc::timeout;
  if ((!timed_out && e.code != errc::unknown_outcome) || !chosen())
    return e;
  if (broken_) // the others were not even asked
    return {e.code, fmt::format("this node's disk refuses writes; {}",
                                timed_out ? "nothing was done"
                                          : "the change may or may not have "
                                            "been done")};
  std::string voters;
  for (const auto v : chosen()->voters) {
    const auto* m = chosen()->member(v);
    voters += fmt::format("{}'{}'", voters.empty() ? "" : ", ",
                          m ? m->name : fmt::to_string(v.value));
  }
  const auto one = chosen()->voters.size() == 1;
  const auto who = one && chosen()->voters.front() == member_id{1}
                     ? fmt::format("the first founder {} that keeps", voters)
                     : fmt::format("{} {} that keep{}",
                                   one ? "member" : "a majority of the members",
                                   voters, one ? "s" : "");
  return timed_out
           ? error{e.code,
                   fmt::format("{} the cluster's config is away or does "
                               "not answer; nothing was done",
                               who)}
           : error{e.code, fmt::format("{} the cluster's config stopped "
                                       "answering; the change may or may not "
                                       "have been done",
                                       who)};
}

// -- events -------------------------------------------------------------------

void config_keeper::on_message(member_id from, const register_message& m) {
  // Nothing could be promised now, and what waits for the disk stays bounded.
  if (!is_full())
    perform(register_.on_message(from, m));
}

void config_keeper::learn(config_ptr chosen) {
  if (!is_full()) // else fetched again later
    perform(register_.learn(std::move(chosen)));
}

void config_keeper::on_tick(std::uint32_t random) {
  ++tick_;
  retry();
  perform(register_.on_tick(random));
}

// -- effects ------------------------------------------------------------------

void config_keeper::perform(register_effects e) {
  deliver(std::move(e.send_now));
  waiting_effects w;
  w.send = std::move(e.send_after_persist);
  w.learnt = std::move(e.learnt);
  w.outcome = std::move(e.outcome);
  const bool news = !e.persist.empty();
  if (news) {
    state_ = std::move(e.persist);
    ++seq_;
  }
  const bool durable = seq_ == durable_;
  if (!durable && is_full())
    w.send.clear(); // stale once the disk is back
  if (!durable && (!w.send.empty() || (news && (w.learnt || w.outcome)))) {
    w.seq = seq_;
    waiting_.push_back(std::move(w));
  } else {
    follow(std::move(w));
  }
  if (!broken_ && !committing_ && seq_ != durable_)
    commit_state();
  drain();
}

void config_keeper::deliver(std::vector<register_envelope> envelopes) {
  for (auto& e : envelopes) {
    if (e.to == self_)
      to_self_.push_back(std::move(e.message));
    else
      effects_.send(e.to, e.message);
  }
}

/// What the register sends to itself is an event like any other, but comes
/// after the one that is being handled.
void config_keeper::drain() {
  if (draining_)
    return;
  draining_ = true;
  while (!to_self_.empty()) {
    const auto m = std::move(to_self_.front());
    to_self_.pop_front();
    perform(register_.on_message(self_, m));
  }
  draining_ = false;
}

void config_keeper::follow(waiting_effects w) {
  deliver(std::move(w.send));
  if (w.learnt) {
    counters_->epoch.set(w.learnt->epoch.value);
    effects_.entered(std::move(w.learnt));
  }
  if (w.outcome) {
    finish(std::move(*w.outcome));
    begin_next();
  }
}

// -- durability ---------------------------------------------------------------

bool config_keeper::is_full() const noexcept {
  return broken_ || waiting_.size() >= waiting_max;
}

/// One at a time: a later state says all that earlier ones said, so it covers
/// whatever came up meanwhile.
void config_keeper::commit_state() {
  committing_ = true;
  local::commit_request r;
  r.seq = seq_;
  r.generation = generation_;
  r.must_sync = true;
  r.writes = std::make_shared<write_batch>();
  r.writes->put(column::meta, register_state_key(), state_);
  effects_.commit(std::move(r));
}

void config_keeper::on_committed(const local::committed& c) {
  generation_ = std::max(generation_, c.generation);
  if (c.failure) {
    // Nothing of it is durable. What waits goes on waiting for a state that
    // gets there.
    broken_ = true;
    committing_ = false;
    retry_tick_ = tick_ + retry_ticks;
    return;
  }
  if (c.resumed) {
    if (broken_)
      retry_tick_ = tick_;
    return;
  }
  broken_ = false;
  committing_ = false;
  durable_ = std::max(durable_, c.seq);
  while (!waiting_.empty() && waiting_.front().seq <= durable_) {
    auto w = std::move(waiting_.front());
    waiting_.pop_front();
    follow(std::move(w));
  }
  if (seq_ != durable_ && !committing_)
    commit_state();
  drain();
}

void config_keeper::retry() {
  if (!broken_ || committing_ || tick_ < retry_tick_)
    return;
  if (seq_ == durable_) {
    broken_ = false;
    return;
  }
  retry_tick_ = tick_ + retry_ticks;
  commit_state();
}

} // namespace torc::ring
