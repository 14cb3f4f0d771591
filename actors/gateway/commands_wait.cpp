// WAIT: how many other replicas have this connection's writes.
#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <tuple>

#include "actors/gateway/commands.hpp"

namespace torc::gateway {
namespace {

/// One question to a shard: it speaks for all slots that it holds with the same
/// replicas.
struct wait_question {
  member_id member;
  std::uint16_t shard;
  slot_id slot;
  incarnation inc;
};

/// Nothing if a coordinator of some write cannot be asked any more: then
/// nobody knows who has it.
std::optional<std::vector<wait_question>> questions_of(core& c, session& s) {
  const auto moved =
    s.written_moved || s.written_routes != c.routes().generation();
  std::map<
    std::tuple<std::uint32_t, member_id, std::uint16_t, const member_id*>,
    wait_question>
    found;
  for (auto& w : s.written) {
    const auto* ks = c.view()->keyspace(w.inc);
    if (ks == nullptr)
      continue; // flushed or dropped since
    const auto& slots = w.slots.slots();
    for (std::uint32_t i = 0; i < slot_count; ++i) {
      if (!slots.test(i))
        continue;
      const slot_id slot{static_cast<std::uint16_t>(i)};
      const auto replicas = c.view()->replicas(ks->group, slot);
      const auto ask = [&](member_id m) {
        const auto shards = c.routes().shards_of(m);
        if (shards == 0 || !c.routes().reachable(m))
          return false;
        const auto shard = static_cast<std::uint16_t>(i % shards);
        found.try_emplace({ks->db, m, shard, replicas.data()},
                          wait_question{m, shard, slot, ks->inc});
        return true;
      };
      if (!moved) {
        if (!ask(c.routes().route(*ks, slot)))
          return std::nullopt;
      } else if (!std::all_of(replicas.begin(), replicas.end(), ask)) {
        // Whoever coordinated is one of them: ask all.
        return std::nullopt;
      }
    }
  }
  std::vector<wait_question> out;
  for (const auto& [key, q] : found)
    out.push_back(q);
  return out;
}

/// Other members that could have the writes, were there any.
std::int64_t reachable_others(core& c, const keyspace_info& ks) {
  std::int64_t n = 0;
  for (const auto& m : c.view()->config().members)
    if (m.id != c.options().self && c.routes().reachable(m.id))
      ++n;
  return std::min<std::int64_t>(n, ks.replicas - 1);
}

/// Asks the shards again and again until enough replicas have the writes, time
/// is up or the session ends. Each question is a short one: a shard keeps it no
/// longer than that, whatever becomes of the session.
class wait_command : public std::enable_shared_from_this<wait_command> {
public:
  wait_command(core& c, reply_place place, std::int64_t wanted, unix_ms timeout)
    : core_(c), place_(place),
      wanted_(static_cast<std::uint64_t>(std::max<std::int64_t>(wanted, 0))),
      deadline_(timeout == 0 ? 0 : c.now() + timeout) {}

  void ask(session& s, const std::vector<wait_question>& questions) {
    left_ = questions.size();
    fewest_ = std::numeric_limits<std::int64_t>::max();
    asked_ms_ = core_.now();
    const auto wait_ms = deadline_ == 0
                           ? question_ms
                           : std::min(question_ms, deadline_ - asked_ms_);
    for (const auto& q : questions) {
      op o;
      o.kind = op_kind::wait;
      o.inc = q.inc;
      o.slot = q.slot;
      o.b = wanted_;
      o.deadline = asked_ms_ + wait_ms;
      core_.start_at(
        s, q.member, q.shard, o, {}, wait_ms + grace_ms,
        [self = shared_from_this()](const answer& a) { self->take(a); });
    }
  }

private:
  static constexpr unix_ms question_ms = 2'000;
  static constexpr unix_ms grace_ms = 1'000;

  void take(const answer& a) {
    const bool answered = a.reply.status == no_error;
    // A shard that is slow is asked again.
    failed_ = failed_ || (!answered && a.reply.status != errc::timeout);
    fewest_ = std::min(
      fewest_, answered ? static_cast<std::int64_t>(a.reply.number) : 0);
    auto* s = core_.find(place_.session);
    if (--left_ != 0 || s == nullptr)
      return;
    const bool met =
      fewest_ > 0 && static_cast<std::uint64_t>(fewest_) >= wanted_;
    if (met || failed_ || !ran_its_time())
      return finish(*s, met);
    const auto questions = questions_of(core_, *s);
    if (!questions)
      fewest_ = 0;
    if (!questions || questions->empty())
      return finish(*s, false);
    ask(*s, *questions);
  }

  /// True if the shards would have waited longer had they been asked to. Their
  /// clocks may be a little ahead of ours.
  bool ran_its_time() const {
    return core_.now() >= asked_ms_ + question_ms / 2
           && (deadline_ == 0 || core_.now() < deadline_);
  }

  void finish(session& s, bool met) {
    s.written_met = met;
    core_.writer(s, place_.slot).integer(fewest_);
    core_.finish(s, place_.slot);
    core_.release(s);
  }

  core& core_;
  reply_place place_;
  std::uint64_t wanted_;
  unix_ms deadline_; ///< 0: none.
  unix_ms asked_ms_ = 0;
  std::size_t left_ = 0;
  std::int64_t fewest_ = 0;
  bool failed_ = false; ///< Some shard will not say.
};

} // namespace

void run_wait(core& c, const request& r) {
  const auto wanted = parse_integer(r.argv[1]);
  const auto timeout = parse_integer(r.argv[2]);
  if (!wanted)
    return c.fail(r, not_an_integer);
  if (!timeout)
    return c.fail(r, "ERR timeout is not an integer or out of range");
  if (*timeout < 0)
    return c.fail(r, "ERR timeout is negative");
  const auto* ks = c.keyspace_or_fail(r);
  if (ks == nullptr)
    return;
  auto& s = r.s;
  if (s.written_overflow)
    return c.fail(r,
                  "ERR this connection wrote to too many keyspaces for WAIT");
  if (s.written.empty())
    return c.integer(r, reachable_others(c, *ks));
  const auto questions = questions_of(c, s);
  if (!questions)
    return c.integer(r, 0);
  if (questions->empty())
    return c.integer(r, reachable_others(c, *ks));
  c.hold(s);
  std::make_shared<wait_command>(c, reply_place{s.key, r.slot}, *wanted,
                                 static_cast<unix_ms>(*timeout))
    ->ask(s, *questions);
}

} // namespace torc::gateway
