#include "torc/router.hpp"

#include <algorithm>

namespace torc {
namespace {

/// For how long a member that is still fetching a keyspace is passed over.
constexpr unix_ms unready_ms = 100;

} // namespace

router::router(router_options options, router_events& events)
  : options_(std::move(options)), events_(events),
    view_(std::move(options_.view)) {}

// -- clients ------------------------------------------------------------------

router::client_id router::open_client(std::uint64_t owner) {
  if (free_clients_.empty()) {
    clients_.emplace_back();
    free_clients_.push_back(static_cast<client_id>(clients_.size() - 1));
  }
  const auto c = free_clients_.back();
  free_clients_.pop_back();
  clients_[c] = {};
  clients_[c].owner = owner;
  clients_[c].open = true;
  return c;
}

void router::close_client(client_id c) {
  auto& x = clients_[c];
  TORC_ASSERT(x.open);
  x.open = false;
  if (x.under_way == 0)
    free_clients_.push_back(c);
}

void router::observe(client_id c, hlc_time h) {
  clients_[c].clock = std::max(clients_[c].clock, h);
}

// -- peers and routes ---------------------------------------------------------

router::peer_state* router::find_peer(member_id m) const noexcept {
  const auto it =
    std::lower_bound(peers_.begin(), peers_.end(), m,
                     [](const auto& p, member_id id) { return p->id < id; });
  return it == peers_.end() || (*it)->id != m ? nullptr : it->get();
}

router::peer_state& router::peer_of(member_id m) {
  if (auto* p = find_peer(m))
    return *p;
  const auto it =
    std::lower_bound(peers_.begin(), peers_.end(), m,
                     [](const auto& p, member_id id) { return p->id < id; });
  auto made = std::make_unique<peer_state>();
  made->id = m;
  return **peers_.insert(it, std::move(made));
}

bool router::reachable(member_id m) const noexcept {
  const auto* p = find_peer(m);
  return p != nullptr && p->up;
}

std::uint16_t router::shards_of(member_id m) const noexcept {
  const auto* p = find_peer(m);
  return p == nullptr ? std::uint16_t{0} : p->shards;
}

bool router::usable(member_id m, incarnation inc) const noexcept {
  if (!reachable(m))
    return false;
  for (const auto& u : unready_)
    if (u.member == m && u.inc == inc)
      return false;
  return true;
}

void router::note_unready(member_id m, incarnation inc) {
  for (auto& u : unready_)
    if (u.member == m && u.inc == inc) {
      u.until_ms = now_ + unready_ms;
      return;
    }
  unready_.push_back({m, inc, now_ + unready_ms});
  ++generation_;
}

member_id router::route(const keyspace_info& ks, slot_id s,
                        member_id except) const noexcept {
  const auto replicas = view_->replicas(ks.group, s);
  for (const auto m : replicas)
    if (m == options_.self && m != except && usable(m, ks.inc))
      return m;
  for (const auto m : replicas)
    if (m != except && usable(m, ks.inc))
      return m;
  for (const auto m : replicas)
    if (reachable(m))
      return m;
  return {};
}

void router::on_view(std::shared_ptr<const cluster_view> view) {
  view_ = std::move(view);
  ++generation_;
  if (!waiting_.empty())
    ask_flush();
}

void router::on_peer_up(member_id m, std::uint16_t shards) {
  auto& p = peer_of(m);
  if (p.up && p.shards == shards)
    return;
  if (p.up)
    on_peer_down(m);
  p.up = shards != 0;
  p.shards = shards;
  p.outbox.assign(shards, none);
  ++generation_;
  if (!waiting_.empty())
    ask_flush();
}

void router::on_peer_down(member_id m) {
  auto* p = find_peer(m);
  if (p == nullptr || !p->up)
    return;
  p->up = false;
  ++generation_;
  std::fill(p->outbox.begin(), p->outbox.end(), none);
  std::erase_if(outgoing_, [&](auto i) {
    auto& x = parcels_[i];
    if (x.to == p)
      x.queued = false;
    return x.to == p;
  });
  // Parcels that are opened meanwhile go elsewhere.
  for (std::uint32_t i = 0; i < parcels_.size(); ++i)
    if (parcels_[i].to == p && parcels_[i].open != 0)
      lose_parcel(i, true);
}

// -- operations ---------------------------------------------------------------

void router::start(client_id c, std::uint64_t token, const keyspace_info& ks,
                   op o, std::string_view key, std::string_view value) {
  const auto index = acquire(c, token);
  pending_[index].db = ks.db;
  enter_lane(index, o.slot);
  o.inc = ks.inc;
  auto* to = find_peer(route(ks, o.slot));
  if (!may_follow(index, to))
    return bytes_ > options_.bytes_max || under_way_ > options_.under_way_max
             ? fail(index, errc::try_again, "too many operations are under way")
             : park(index, o, key, value);
  if (to == nullptr)
    return fail(index, errc::no_replica,
                "no ready replica of the key's slot is reachable");
  if (!admits(*to))
    return fail(index, errc::try_again, "too many operations are under way");
  send(index, *to, static_cast<std::uint16_t>(o.slot.value % to->shards), o,
       key, value);
}

void router::start_at(client_id c, std::uint64_t token, member_id to,
                      std::uint16_t shard, op o, std::string_view key,
                      std::string_view value, unix_ms wait_ms) {
  const auto index = acquire(c, token);
  auto& p = pending_[index];
  p.directed = true;
  p.give_up_ms = wait_ms == 0 ? 0 : now_ + wait_ms;
  auto* known = find_peer(to);
  if (known == nullptr || !known->up || shard >= known->shards)
    return fail(index, errc::no_replica, "the member asked is not reachable");
  if (!admits(*known))
    return fail(index, errc::try_again, "too many operations are under way");
  send(index, *known, shard, o, key, value);
}

void router::on_answers(const op_reply_batch& batch) {
  if (batch.version != wire_version || !well_formed(batch))
    return; // from a foreign sender: nothing in it can be trusted
  if (auto* from = find_peer(batch.member))
    from->answered_ms = now_;
  std::string_view bytes = batch.bytes;
  for (const auto& r : batch.replies) {
    const auto payload = bytes.substr(0, r.payload_bytes);
    bytes.remove_prefix(r.payload_bytes);
    const auto index = static_cast<std::uint32_t>(r.id);
    if (index >= pending_.size())
      continue;
    const auto& p = pending_[index];
    const auto generation = static_cast<std::uint32_t>(r.id >> 32);
    if (p.where != state::sent || p.to->id != batch.member
        || p.generation != generation) {
      // Late: settled or sent again since. What was read is as good as ever.
      if (r.status != no_error || !is_late_read(p, generation))
        continue;
    } else if (r.status != no_error && try_again(index, r.status)) {
      continue;
    }
    settle(index, r, payload, batch.member, batch.clock);
  }
}

void router::on_flush() {
  flush_asked_ = false;
  if (!waiting_.empty())
    run_waiting();
  // What is asked while these leave is for the next turn.
  auto out = std::move(outgoing_);
  outgoing_.clear();
  for (const auto i : out)
    post(i);
  if (outgoing_.empty()) {
    out.clear();
    outgoing_ = std::move(out);
  }
}

void router::on_tick() {
  const auto before = unready_.size();
  std::erase_if(unready_, [&](const auto& u) { return u.until_ms <= now_; });
  if (unready_.size() != before)
    ++generation_;
  check_parcels();
  if (!waiting_.empty())
    ask_flush();
}

void router::settle(std::uint32_t index, const op_reply& r,
                    std::string_view payload, member_id member,
                    hlc_time clock) {
  const auto c = pending_[index].client;
  observe(c, clock);
  if (auto& read = pending_[index];
      read.refused_before && r.status == no_error && member == read.to->id)
    note_room(*read.to, payload.size());
  if (clients_[c].waiting != 0) {
    if (r.status == no_error && !pending_[index].directed)
      fail_overtaken(index);
    ask_flush(); // what waited for this one may go
  }
  const auto& p = pending_[index];
  const auto owner = clients_[c].owner;
  events_.on_answer({owner, p.token, r, payload, key_of(p), member, clock});
  release(index);
}

void router::fail(std::uint32_t index, errc code, std::string_view text) {
  op_reply r;
  r.status = code;
  settle(index, r, text, {}, {});
}

} // namespace torc
