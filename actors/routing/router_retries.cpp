// What becomes of operations that were refused or whose coordinator was lost,
// and in which order.
#include <algorithm>

#include "torc/router.hpp"

namespace torc {
namespace {

constexpr unix_ms pause_ms = 10;
/// Of values that reads ask for anew at a time: more would only wait on the way
/// back, and longer than they may.
constexpr std::size_t refused_before_bytes_max = 4 * limits::mib;

/// A write of which a second run changes nothing that its client could see
/// (protocol 7: such a one is at least once).
bool repeatable(const op& o) noexcept {
  return o.kind == op_kind::put
         && (o.flags & (op_flag::return_value | op_flag::keep_deadline)) == 0;
}

std::string_view text_of(errc refusal) noexcept {
  switch (refusal) {
  case errc::unknown_outcome:
    return "the coordinator was lost before it answered: the operation may or "
           "may not have been done";
  case errc::not_ready:
    return "the replicas of the key's slot are not ready yet";
  case errc::timeout: return "no replica answered in time";
  case errc::stale_config:
    return "the replica and this node do not agree on the config yet";
  case errc::try_again: return "too many operations are under way";
  default: return "no ready replica of the key's slot is reachable";
  }
}

} // namespace

/// The operation was done: earlier ones of its client on its slot that were
/// refused can no longer take effect in their order. Of two reads nobody sees
/// which one was first.
void router::fail_overtaken(std::uint32_t index) {
  const auto order = pending_[index].order;
  const auto in = pending_[index].lane; // stays, with this one in it
  const auto first = is_write(what(pending_[index]).kind)
                       ? &lane::first_waiting
                       : &lane::first_waiting_write;
  for (auto i = lanes_[in].*first; i != none && pending_[i].order < order;
       i = lanes_[in].*first)
    fail(i, pending_[i].refusal, text_of(pending_[i].refusal));
}

/// A read that was asked anew was answered: more of them may be under way, as
/// far as they are of such a size.
void router::note_room(peer_state& at, std::size_t bytes) const noexcept {
  at.room_ms = now_;
  const auto most = refused_before_bytes_max / std::max<std::size_t>(bytes, 1);
  at.refused_before_max =
    std::max(refused_before_min, std::min(at.refused_before_max + 1, most));
}

/// Its time is up, and it is not one of many reads that a member has no room
/// for at once, but answers one after the other.
bool router::gives_up(const pending& p) const {
  if (now_ < p.give_up_ms)
    return false;
  return p.refusal != errc::try_again || is_write(what(p).kind)
         || p.to == nullptr || now_ >= p.to->room_ms + options_.give_up_ms;
}

/// A refusal without effect: another replica, a newer config or a little later
/// may do. False: the client has to hear of it.
bool router::try_again(std::uint32_t index, errc refusal) {
  auto& p = pending_[index];
  if (p.directed)
    return false;
  switch (refusal) {
  case errc::not_ready:
  case errc::no_replica:
  case errc::stale_config:
  case errc::timeout: break;
  case errc::try_again:
    // Reads wait for room; writers hear of full queues.
    if (is_write(what(p).kind))
      return false;
    p.to->refused_before_max = refused_before_min;
    break;
  default: return false;
  }
  if (p.give_up_ms == 0)
    p.give_up_ms = now_ + options_.give_up_ms;
  p.refusal = refusal;
  if (gives_up(p))
    return false;
  const auto* ks = view_->keyspace_by_db(p.db);
  if (refusal == errc::not_ready) {
    note_unready(p.to->id, what(p).inc);
    if (ks == nullptr)
      return false;
    const auto other = route(*ks, what(p).slot, p.to->id);
    if (other == p.to->id || !usable(other, ks->inc))
      return false;
  }
  // Who is not ready is passed over, so that comes to an end by itself.
  const bool at_once =
    refusal == errc::not_ready || (p.tries == 0 && refusal != errc::try_again);
  const auto pause = at_once ? 0 : pause_ms;
  ++p.tries;
  wait_until(index, refusal, now_ + pause);
  return true;
}

void router::wait_until(std::uint32_t index, errc refusal, unix_ms not_before) {
  auto& p = pending_[index];
  TORC_ASSERT(p.where == state::sent);
  unsend(index);
  p.refused_by = p.to->id;
  p.refusal = refusal;
  p.not_before_ms = not_before;
  ++p.generation;
  begin_wait(index);
}

/// Its coordinator is gone, or silent for too long.
void router::lose(std::uint32_t index, bool peer_gone) {
  auto& p = pending_[index];
  const auto& x = parcels_[p.parcel];
  if (p.directed) {
    if (peer_gone)
      fail(index, errc::no_replica, "the member asked is not reachable");
    else if (p.give_up_ms != 0 && now_ >= p.give_up_ms)
      fail(index, errc::timeout, "the member asked did not answer in time");
    return;
  }
  const auto& o = what(p);
  if (!is_write(o.kind) || !x.sent) {
    if (!peer_gone && now_ < reads_lost_ms(x))
      return;
    const auto why = peer_gone ? errc::no_replica : errc::timeout;
    if (!try_again(index, why))
      fail(index, why, text_of(why));
    return;
  }
  // Past this no coordinator carries it out any more.
  const auto over = x.sent_ms + options_.forwarded_write_ms + max_skew_ms();
  if (!repeatable(o)) {
    if (peer_gone || now_ >= over)
      fail(index, errc::unknown_outcome, text_of(errc::unknown_outcome));
    return;
  }
  if (!peer_gone && now_ < over)
    return;
  if (p.give_up_ms == 0)
    p.give_up_ms = x.sent_ms + options_.give_up_ms;
  ++p.tries;
  wait_until(index, errc::unknown_outcome, over);
}

void router::lose_parcel(std::uint32_t parcel, bool peer_gone) {
  // By number: what is settled here may close the parcel.
  const auto count = parcels_[parcel].batch.ops.size();
  for (std::size_t i = 0; i < count && parcels_[parcel].open != 0; ++i) {
    const auto id = parcels_[parcel].batch.ops[i].id;
    const auto index = static_cast<std::uint32_t>(id);
    const auto& p = pending_[index];
    if (p.where == state::sent && p.parcel == parcel
        && p.generation == static_cast<std::uint32_t>(id >> 32))
      lose(index, peer_gone);
  }
}

/// When the reads of a parcel are given up. Answers of the same member that
/// come show that these may come too: large values take their time.
unix_ms router::reads_lost_ms(const parcel_state& x) const {
  const auto moved = std::max(x.sent_ms, x.to->answered_ms);
  return std::min(moved + options_.forwarded_read_ms,
                  x.sent_ms + 10 * options_.forwarded_read_ms);
}

/// The cluster's, however this node is set up: the members go by it.
unix_ms router::max_skew_ms() const {
  return view_ ? view_->config().max_skew_ms : options_.max_skew_ms;
}

void router::check_parcels() {
  for (std::uint32_t i = 0; i < parcels_.size(); ++i) {
    auto& x = parcels_[i];
    if (x.open == 0 || !x.sent || x.check_ms == 0 || now_ < x.check_ms)
      continue;
    const auto over = x.sent_ms + options_.forwarded_write_ms + max_skew_ms();
    const auto reads_lost = reads_lost_ms(x);
    x.check_ms = x.directed          ? now_ + 1
                 : now_ < over       ? over
                 : now_ < reads_lost ? reads_lost
                                     : 0;
    if (x.to->id == options_.self
        || now_ >= x.sent_ms + options_.forwarded_read_ms || x.directed)
      lose_parcel(i, false);
  }
}

void router::run_waiting() {
  auto due = std::move(waiting_);
  waiting_.clear();
  for (const auto& w : due) {
    const auto& p = pending_[w.index];
    if (p.where != state::waiting || p.generation != w.generation)
      continue;
    if (!resend(w.index))
      waiting_.push_back(w);
  }
}

/// False: it goes on waiting.
bool router::resend(std::uint32_t index) {
  auto& p = pending_[index];
  const bool for_room =
    p.refusal == errc::try_again && !is_write(what(p).kind) && !p.directed;
  if (for_room && clients_[p.client].open
      && !events_.has_room(clients_[p.client].owner, p.token)) {
    p.give_up_ms = now_ + options_.give_up_ms;
    return false;
  }
  const auto* ks = view_->keyspace_by_db(p.db);
  if (ks == nullptr) {
    fail(index, errc::not_found, "the keyspace is gone");
    return true;
  }
  const bool over = gives_up(p);
  auto o = what(p);
  o.inc = ks->inc; // a flush gave the keyspace a new incarnation
  auto* to = find_peer(route(*ks, o.slot, p.refused_by));
  const bool anew = for_room && p.tries != 0;
  if (anew && to != nullptr && to->refused_before >= to->refused_before_max) {
    p.give_up_ms = now_ + options_.give_up_ms;
    return false;
  }
  if (!over && (now_ < p.not_before_ms || !may_go(index, to)))
    return false;
  if (over || to == nullptr || !admits(*to)) {
    fail(index, p.refusal, text_of(p.refusal));
    return true;
  }
  p.refused_before = anew;
  // Copied from the parcel that it lies in, which another one may follow.
  const auto old = p.parcel;
  ++parcels_[old].open;
  const auto key = key_of(p);
  const auto value = value_of(p);
  leave_parcel(pending_[index]);
  end_wait(index);
  send(index, *to, static_cast<std::uint16_t>(o.slot.value % to->shards), o,
       key, value);
  pending held;
  held.parcel = old;
  leave_parcel(held);
  return true;
}

} // namespace torc
