// WAIT: how many other replicas have this connection's writes.
#include <algorithm>
#include <limits>
#include <map>
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
  for (const auto& w : s.written) {
    const auto* ks = c.view()->keyspace(w.inc);
    if (ks == nullptr)
      continue; // flushed or dropped since
    for (std::uint32_t i = 0; i < slot_count; ++i) {
      if (!w.slots->test(i))
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

} // namespace

void run_wait(core& c, const request& r) {
  const auto wanted = parse_integer(r.argv[1]);
  const auto timeout = parse_integer(r.argv[2]);
  if (!wanted || !timeout)
    return c.fail(r, not_an_integer);
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
  struct progress {
    std::size_t left;
    std::int64_t fewest;
  };
  auto p = std::make_shared<progress>(
    progress{questions->size(), std::numeric_limits<std::int64_t>::max()});
  const reply_place place{s.key, r.slot};
  constexpr unix_ms grace_ms = 1'000;
  const auto wait_ms = static_cast<unix_ms>(*timeout);
  c.hold(s);
  for (const auto& q : *questions) {
    op o;
    o.kind = op_kind::wait;
    o.inc = q.inc;
    o.slot = q.slot;
    o.b = static_cast<std::uint64_t>(std::max<std::int64_t>(*wanted, 0));
    o.deadline = wait_ms == 0 ? 0 : c.now() + wait_ms;
    c.start_at(
      s, q.member, q.shard, o, {}, wait_ms == 0 ? 0 : wait_ms + grace_ms,
      [&c, place, p, most = o.b](const answer& a) {
        p->fewest =
          std::min(p->fewest, a.reply.status == no_error
                                ? static_cast<std::int64_t>(a.reply.number)
                                : 0);
        auto* waiting = c.find(place.session);
        if (--p->left != 0 || waiting == nullptr)
          return;
        waiting->written_met =
          p->fewest > 0 && static_cast<std::uint64_t>(p->fewest) >= most;
        c.writer(*waiting, place.slot).integer(p->fewest);
        c.finish(*waiting, place.slot);
        c.release(*waiting);
      });
  }
}

} // namespace torc::gateway
