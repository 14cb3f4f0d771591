#include "torc/core/record.hpp"

#include <algorithm>

#include <xxhash.h>

#include "torc/core/byte_codec.hpp"
#include "torc/core/limits.hpp"

namespace torc {
namespace {

actor_id context_index(actor_id a) noexcept {
  return (a.value & strong_actor_bit) != 0 ? strong_context_actor : a;
}

hlc_time covered_up_to(const std::vector<context_entry>& ctx, actor_id a) {
  const auto i = context_index(a);
  const auto it = std::lower_bound(
    ctx.begin(), ctx.end(), i,
    [](const context_entry& e, actor_id x) { return e.actor < x; });
  return it != ctx.end() && it->actor == i ? it->h : hlc_time{};
}

std::vector<context_entry> join_contexts(const std::vector<context_entry>& a,
                                         const std::vector<context_entry>& b) {
  std::vector<context_entry> out;
  out.reserve(std::max(a.size(), b.size()));
  auto i = a.begin();
  auto j = b.begin();
  while (i != a.end() || j != b.end()) {
    if (j == b.end() || (i != a.end() && i->actor < j->actor))
      out.push_back(*i++);
    else if (i == a.end() || j->actor < i->actor)
      out.push_back(*j++);
    else {
      out.push_back({i->actor, std::max(i->h, j->h)});
      ++i, ++j;
    }
  }
  return out;
}

/// Keeps ids above the floor, at most decided_ops_max of them: the smallest
/// `born` is evicted and becomes the floor.
void trim(decided_ops& ops) {
  auto forget = [&] {
    std::erase_if(ops.entries,
                  [&](const decided_op& e) { return e.id.born <= ops.floor; });
  };
  forget();
  if (ops.entries.size() <= limits::decided_ops_max)
    return;
  std::vector<hlc_time> born;
  born.reserve(ops.entries.size());
  for (const auto& e : ops.entries)
    born.push_back(e.id.born);
  const auto surplus =
    static_cast<std::ptrdiff_t>(born.size() - limits::decided_ops_max) - 1;
  std::nth_element(born.begin(), born.begin() + surplus, born.end());
  ops.floor = born[static_cast<std::size_t>(surplus)];
  forget();
}

decided_ops join_ops(const decided_ops& a, const decided_ops& b) {
  if (b.empty())
    return a;
  if (a.empty())
    return b;
  decided_ops out;
  out.floor = std::max(a.floor, b.floor);
  std::set_union(a.entries.begin(), a.entries.end(), b.entries.begin(),
                 b.entries.end(), std::back_inserter(out.entries));
  // One id decided both ways cannot happen; APPLIED is the outcome that
  // something may depend on.
  const auto same_id = [](const decided_op& x, const decided_op& y) {
    return x.id == y.id;
  };
  for (auto it = out.entries.begin();
       (it = std::adjacent_find(it, out.entries.end(), same_id))
       != out.entries.end();)
    it = out.entries.erase(it); // false sorts before true
  trim(out);
  return out;
}

std::vector<version> join_lww(std::vector<version> a, std::vector<version> b) {
  if (a.empty() || b.empty())
    return a.empty() ? std::move(b) : std::move(a);
  if (a.front().tag == b.front().tag) {
    a.front().expired = a.front().expired || b.front().expired;
    if (a.front().expired)
      a.front().value.clear();
    return a;
  }
  return a.front().tag < b.front().tag ? std::move(b) : std::move(a);
}

std::vector<version> join_siblings(std::vector<version> a,
                                   const std::vector<context_entry>& ctx_a,
                                   std::vector<version> b,
                                   const std::vector<context_entry>& ctx_b) {
  std::vector<version> out;
  auto i = a.begin();
  auto j = b.begin();
  const auto keep = [&](version& v, const std::vector<context_entry>& other) {
    if (v.tag.h > covered_up_to(other, v.tag.actor))
      out.push_back(std::move(v));
  };
  while (i != a.end() || j != b.end()) {
    if (j == b.end() || (i != a.end() && i->tag < j->tag))
      keep(*i++, ctx_b);
    else if (i == a.end() || j->tag < i->tag)
      keep(*j++, ctx_a);
    else {
      i->expired = i->expired || j->expired;
      if (i->expired)
        i->value.clear();
      out.push_back(std::move(*i));
      ++i, ++j;
    }
  }
  return out;
}

} // namespace

record join(conflict_policy policy, record a, record b) {
  record out;
  out.ops = join_ops(a.ops, b.ops);
  if (policy == conflict_policy::lww) {
    out.versions = join_lww(std::move(a.versions), std::move(b.versions));
    return out;
  }
  out.versions =
    join_siblings(std::move(a.versions), a.ctx, std::move(b.versions), b.ctx);
  out.ctx = join_contexts(a.ctx, b.ctx);
  return out;
}

bool covered_by(conflict_policy policy, const record& a, const record& b) {
  const auto j = join(policy, a, b);
  return j.versions == b.versions && j.ctx == b.ctx;
}

record_id id_of(const record& r) {
  std::string canonical;
  byte_writer w{canonical};
  w.varint(r.versions.size());
  for (const auto& v : r.versions) {
    w.u64(v.tag.h.value);
    w.u32(v.tag.actor.value);
    w.u8(static_cast<std::uint8_t>(static_cast<unsigned>(v.type) << 4
                                   | (v.tombstone ? 1u : 0u)
                                   | (v.expired ? 2u : 0u)));
    w.u64(v.expires_at);
  }
  w.varint(r.ctx.size());
  for (const auto& e : r.ctx) {
    w.u32(e.actor.value);
    w.u64(e.h.value);
  }
  w.varint(r.ops.entries.size());
  for (const auto& e : r.ops.entries) {
    w.u64(e.id.client);
    w.u64(e.id.seq);
    w.u64(e.id.born.value);
    w.u8(e.applied ? 1 : 0);
  }
  w.u64(r.ops.floor.value);
  const auto d = XXH3_128bits(canonical.data(), canonical.size());
  return {d.low64, d.high64};
}

} // namespace torc
