// The order of operations: those of one client on one slot, in constant time
// however many there are.
#include <algorithm>
#include <utility>

#include "torc/router.hpp"

namespace torc {

std::uint32_t& router::bucket_of(client_id c, std::uint32_t db,
                                 slot_id s) noexcept {
  const auto x = (std::uint64_t{c} << 32) ^ (std::uint64_t{db} << 14) ^ s.value;
  const auto hash = (x * 0x9E3779B97F4A7C15u) >> 32;
  return lane_buckets_[hash & (lane_buckets_.size() - 1)];
}

void router::grow_buckets() {
  std::vector<std::uint32_t> in_use;
  for (const auto first : lane_buckets_)
    for (auto i = first; i != none; i = lanes_[i].next)
      in_use.push_back(i);
  const auto size = std::max<std::size_t>(64, lane_buckets_.size() * 2);
  lane_buckets_.assign(size, none);
  for (const auto i : in_use) {
    auto& x = lanes_[i];
    auto& bucket = bucket_of(x.client, x.db, x.slot);
    x.next = std::exchange(bucket, i);
  }
}

/// REQUIRES: its client and its db are set, and it was started last.
void router::enter_lane(std::uint32_t index, slot_id s) {
  if (lanes_.size() - free_lanes_.size() >= lane_buckets_.size())
    grow_buckets();
  auto& p = pending_[index];
  auto& bucket = bucket_of(p.client, p.db, s);
  auto i = bucket;
  while (i != none
         && (lanes_[i].client != p.client || lanes_[i].db != p.db
             || lanes_[i].slot != s))
    i = lanes_[i].next;
  if (i == none) {
    if (free_lanes_.empty()) {
      lanes_.emplace_back();
      free_lanes_.push_back(static_cast<std::uint32_t>(lanes_.size() - 1));
    }
    i = free_lanes_.back();
    free_lanes_.pop_back();
    auto& made = lanes_[i];
    made = {};
    made.client = p.client;
    made.db = p.db;
    made.slot = s;
    made.next = std::exchange(bucket, i);
  }
  auto& x = lanes_[i];
  p.lane = i;
  p.order = ++started_;
  p.before = x.last;
  if (x.last != none)
    pending_[x.last].after = index;
  x.last = index;
}

/// REQUIRES: it neither is sent nor waits any more.
void router::leave_lane(std::uint32_t index) {
  auto& p = pending_[index];
  if (p.lane == none)
    return;
  const auto i = std::exchange(p.lane, none);
  auto& x = lanes_[i];
  if (p.before != none)
    pending_[p.before].after = p.after;
  (p.after == none ? x.last : pending_[p.after].before) = p.before;
  if (x.last != none)
    return;
  auto* at = &bucket_of(x.client, x.db, x.slot);
  while (*at != i)
    at = &lanes_[*at].next;
  *at = x.next;
  free_lanes_.push_back(i);
}

void router::note_sent(std::uint32_t index) {
  const auto& p = pending_[index];
  if (p.lane == none)
    return;
  auto& x = lanes_[p.lane];
  TORC_ASSERT(x.sent == 0
              || (x.to == p.to && pending_[x.last_sent].order < p.order));
  ++x.sent;
  x.to = p.to;
  x.last_sent = index;
}

void router::note_unsent(std::uint32_t index) {
  const auto& p = pending_[index];
  if (p.lane == none)
    return;
  auto& x = lanes_[p.lane];
  --x.sent;
  if (x.last_sent != index)
    return;
  auto i = x.sent == 0 ? none : p.before;
  while (i != none && pending_[i].where != state::sent)
    i = pending_[i].before;
  x.last_sent = i;
}

void router::note_waiting(std::uint32_t index) {
  const auto& p = pending_[index];
  auto& x = lanes_[p.lane];
  ++x.waiting;
  const auto note = [&](std::uint32_t& first) {
    if (first == none || p.order < pending_[first].order)
      first = index;
  };
  note(x.first_waiting);
  if (is_write(what(p).kind))
    note(x.first_waiting_write);
}

void router::note_not_waiting(std::uint32_t index) {
  const auto& p = pending_[index];
  auto& x = lanes_[p.lane];
  --x.waiting;
  const auto pass_on = [&](std::uint32_t& first, bool writes_only) {
    if (first != index)
      return;
    first = x.waiting == 0 ? none : p.after;
    while (first != none
           && (pending_[first].where != state::waiting
               || (writes_only && !is_write(what(pending_[first]).kind))))
      first = pending_[first].after;
  };
  pass_on(x.first_waiting, false);
  pass_on(x.first_waiting_write, true);
}

/// True if an operation that was just started keeps the order when it is sent
/// to `to` now.
bool router::may_follow(std::uint32_t index, const peer_state* to) const {
  const auto& x = lanes_[pending_[index].lane];
  return x.waiting == 0 && (x.sent == 0 || x.to == to);
}

/// The same of one that waits. Whether a later one that is sent overtakes it is
/// not known yet.
bool router::may_go(std::uint32_t index, const peer_state* to) const {
  const auto& p = pending_[index];
  const auto& x = lanes_[p.lane];
  return x.first_waiting == index
         && (x.sent == 0
             || (x.to == to && pending_[x.last_sent].order < p.order));
}

} // namespace torc
