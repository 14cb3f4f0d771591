// The join of stored entries (protocol 6, `merge`).
#include <algorithm>

#include "torc/core/entry.hpp"

namespace torc {
namespace {

/// A record of another policy, or none at all.
bool breaks(conflict_policy policy, const record& r) {
  return policy == conflict_policy::lww
         && (r.versions.size() > 1 || !r.ctx.empty());
}

error breaks_lww() {
  return {errc::corrupt, "received entry: more than one version under lww"};
}

result<std::optional<std::string>> merge_slowly(conflict_policy policy,
                                                std::string_view stored,
                                                std::string_view received,
                                                hlc_time floor) {
  auto mine = decode_entry(stored);
  if (!mine)
    return std::move(mine).error();
  auto other = decode_entry(received);
  if (!other)
    return std::move(other).error();
  if (breaks(policy, other->rec))
    return breaks_lww();
  auto joined = join(policy, mine->rec, other->rec);
  if (joined.versions.size() > entry_versions_max
      || joined.ctx.size() > entry_context_max)
    return {errc::unsupported, "the join has more than an entry may"};
  const bool same = joined == mine->rec;
  const bool theirs = joined == other->rec;
  key_state next;
  next.cb = std::max(mine->cb, other->cb);
  next.clean = other->cb > mine->cb ? other->clean && theirs
               : other->cb == mine->cb
                 ? (mine->clean && same) || (other->clean && theirs)
                 : mine->clean && same;
  next.tf = same ? mine->tf : floor;
  next.rec = std::move(joined);
  if (next == *mine)
    return std::optional<std::string>{};
  std::string out;
  encode_entry(out, next);
  return std::optional{std::move(out)};
}

} // namespace

result<std::optional<std::string>> merge_entries(conflict_policy policy,
                                                 std::string_view stored,
                                                 std::string_view received,
                                                 hlc_time floor) {
  if (received.empty())
    return std::optional<std::string>{};
  const auto theirs = view_entry(received);
  if (!theirs)
    return theirs.error();
  if (stored.empty()) {
    if (floor.value == 0 && theirs->simple)
      return std::optional{std::string{received}};
    auto state = decode_entry(received);
    if (!state)
      return std::move(state).error();
    if (breaks(policy, state->rec))
      return breaks_lww();
    state->tf = floor;
    std::string out;
    encode_entry(out, *state);
    return std::optional{std::move(out)};
  }
  const auto mine = view_entry(stored);
  if (!mine)
    return mine.error();
  if (policy != conflict_policy::lww || !mine->simple || !theirs->simple
      || floor.value != 0)
    return merge_slowly(policy, stored, received, floor);
  if (theirs->head.tag > mine->head.tag
      || (theirs->head.tag == mine->head.tag && theirs->head.expired
          && !mine->head.expired))
    return std::optional{std::string{received}};
  return std::optional<std::string>{};
}

} // namespace torc
