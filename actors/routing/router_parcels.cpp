// The pending table, and what was sent, kept until it is settled.
#include <algorithm>
#include <utility>

#include "torc/router.hpp"

namespace torc {
namespace {

/// A parcel that once grew beyond gives its memory back.
constexpr std::size_t kept_bytes_max = 256 * limits::kib;

std::size_t bytes_of(const op& o) noexcept {
  return std::size_t{o.key_bytes} + o.value_bytes;
}

} // namespace

std::uint32_t router::acquire(client_id c, std::uint64_t token) {
  if (free_pending_.empty()) {
    pending_.emplace_back();
    free_pending_.push_back(static_cast<std::uint32_t>(pending_.size() - 1));
  }
  const auto index = free_pending_.back();
  free_pending_.pop_back();
  ++under_way_;
  auto& p = pending_[index];
  const auto generation = p.generation + 1;
  p = {};
  p.generation = generation;
  p.first_generation = generation;
  p.client = c;
  p.token = token;
  ++clients_[c].under_way;
  return index;
}

void router::release(std::uint32_t index) {
  auto& p = pending_[index];
  auto& cl = clients_[p.client];
  if (p.where == state::sent)
    unsend(index);
  else if (p.where == state::waiting)
    end_wait(index);
  leave_lane(index);
  leave_parcel(p);
  if (--cl.under_way == 0 && !cl.open)
    free_clients_.push_back(p.client);
  p.where = state::free;
  ++p.generation; // late answers are recognised
  free_pending_.push_back(index);
  --under_way_;
}

void router::unsend(std::uint32_t index) {
  auto& p = pending_[index];
  note_unsent(index);
  --p.to->under_way;
  p.to->bytes -= bytes_of(what(p));
  if (std::exchange(p.refused_before, false))
    --p.to->refused_before;
}

std::uint32_t router::open_parcel(peer_state* to, std::uint16_t shard) {
  if (free_parcels_.empty()) {
    parcels_.emplace_back();
    free_parcels_.push_back(static_cast<std::uint32_t>(parcels_.size() - 1));
  }
  const auto i = free_parcels_.back();
  free_parcels_.pop_back();
  auto& x = parcels_[i];
  x.to = to;
  x.shard = shard;
  return i;
}

void router::close_parcel(std::uint32_t parcel) {
  auto& x = parcels_[parcel];
  bytes_ -= x.bytes;
  auto ops = std::move(x.batch.ops);
  auto bytes = std::move(x.batch.bytes);
  auto offsets = std::move(x.offsets);
  x = {};
  if (bytes.capacity() + ops.capacity() * sizeof(op) <= kept_bytes_max) {
    ops.clear();
    bytes.clear();
    offsets.clear();
    x.batch.ops = std::move(ops);
    x.batch.bytes = std::move(bytes);
    x.offsets = std::move(offsets);
  }
  free_parcels_.push_back(parcel);
}

void router::leave_parcel(pending& p) {
  if (p.parcel == none)
    return;
  const auto i = std::exchange(p.parcel, none);
  auto& x = parcels_[i];
  if (--x.open != 0)
    return;
  if (i == parking_)
    parking_ = none;
  else if (x.queued)
    return; // `post` closes it
  close_parcel(i);
}

void router::put_in_parcel(std::uint32_t index, std::uint32_t parcel, op o,
                           std::string_view key, std::string_view value) {
  auto& x = parcels_[parcel];
  auto& p = pending_[index];
  p.parcel = parcel;
  p.place = static_cast<std::uint32_t>(x.batch.ops.size());
  o.id = std::uint64_t{p.generation} << 32 | index;
  x.offsets.push_back(static_cast<std::uint32_t>(x.batch.bytes.size()));
  x.batch.add(o, key, value);
  ++x.open;
  const auto bytes = key.size() + value.size();
  x.bytes += bytes;
  bytes_ += bytes;
}

bool router::admits(const peer_state& to) const noexcept {
  return under_way_ <= options_.under_way_max && bytes_ <= options_.bytes_max
         && (to.id == options_.self
             || (to.under_way < options_.under_way_per_peer_max
                 && to.bytes < options_.bytes_per_peer_max));
}

void router::send(std::uint32_t index, peer_state& to, std::uint16_t shard,
                  op o, std::string_view key, std::string_view value) {
  auto& p = pending_[index];
  p.where = state::sent;
  ++p.generation;
  p.to = &to;
  note_sent(index);
  ++to.under_way;
  to.bytes += key.size() + value.size();
  if (p.refused_before)
    ++to.refused_before;
  auto& box = to.outbox[shard];
  if (box == none) {
    box = open_parcel(&to, shard);
    outgoing_.push_back(box);
    parcels_[box].queued = true;
  }
  auto& x = parcels_[box];
  x.batch.clock = std::max(x.batch.clock, clients_[p.client].clock);
  x.directed = x.directed || p.directed;
  put_in_parcel(index, box, o, key, value);
  if (x.batch.bytes.size() >= limits::peer_batch_bytes)
    box = none; // the next one begins another batch
  ask_flush();
}

void router::park(std::uint32_t index, op o, std::string_view key,
                  std::string_view value) {
  if (parking_ == none)
    parking_ = open_parcel(nullptr, 0);
  put_in_parcel(index, parking_, o, key, value);
  if (parcels_[parking_].bytes >= limits::peer_batch_bytes)
    parking_ = none;
  auto& p = pending_[index];
  p.refusal = errc::try_again;
  p.give_up_ms = now_ + options_.give_up_ms;
  begin_wait(index);
}

void router::begin_wait(std::uint32_t index) {
  auto& p = pending_[index];
  p.where = state::waiting;
  note_waiting(index);
  ++clients_[p.client].waiting;
  waiting_.push_back({index, p.generation});
  ask_flush();
}

void router::end_wait(std::uint32_t index) {
  note_not_waiting(index);
  --clients_[pending_[index].client].waiting;
}

void router::post(std::uint32_t parcel) {
  auto& x = parcels_[parcel];
  auto& box = x.to->outbox[x.shard];
  if (box == parcel)
    box = none;
  x.queued = false;
  if (x.open == 0)
    return close_parcel(parcel);
  x.sent = true;
  x.sent_ms = now_;
  const bool remote = x.to->id != options_.self;
  if (remote)
    x.batch.not_after = hlc_from_ms(now_ + options_.forwarded_write_ms);
  if (x.directed)
    x.check_ms = now_ + 1;
  else if (remote)
    x.check_ms = now_ + options_.forwarded_read_ms;
  x.batch.epoch = view_->epoch();
  events_.send_operations(x.to->id, x.shard, x.batch);
}

void router::ask_flush() {
  if (flush_asked_)
    return;
  flush_asked_ = true;
  events_.request_flush();
}

const op& router::what(const pending& p) const {
  return parcels_[p.parcel].batch.ops[p.place];
}

/// True if `generation` is that of an earlier send of a read that is not
/// settled.
bool router::is_late_read(const pending& p, std::uint32_t generation) const {
  return p.where != state::free && !p.directed && p.parcel != none
         && !is_write(what(p).kind) && generation != p.first_generation
         && generation - p.first_generation
              <= p.generation - p.first_generation;
}

std::string_view router::key_of(const pending& p) const {
  if (p.parcel == none)
    return {};
  const auto& x = parcels_[p.parcel];
  return std::string_view{x.batch.bytes}.substr(x.offsets[p.place],
                                                x.batch.ops[p.place].key_bytes);
}

std::string_view router::value_of(const pending& p) const {
  const auto& x = parcels_[p.parcel];
  const auto& o = x.batch.ops[p.place];
  return std::string_view{x.batch.bytes}.substr(
    x.offsets[p.place] + o.key_bytes, o.value_bytes);
}

} // namespace torc
