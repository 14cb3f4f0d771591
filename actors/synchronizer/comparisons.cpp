#include "actors/synchronizer/comparisons.hpp"

#include <algorithm>

#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::sync {
namespace {

constexpr unix_ms soon_ms = 500;
constexpr unix_ms retry_ms = 2'000;
constexpr unix_ms round_ms_max = 60'000;
constexpr std::size_t keys_per_push = 1024;
constexpr std::size_t listings_max = 64;

} // namespace

comparisons::comparisons(synchronizer_options options, effects fx)
  : options_(std::move(options)), fx_(std::move(fx)), view_(options_.view),
    random_(options_.seed) {
  now_ = options_.wall();
}

unix_ms comparisons::jittered(unix_ms base) {
  random_ = random_ * 6364136223846793005u + 1442695040888963407u;
  const auto fifth = std::max<unix_ms>(base / 5, 1);
  return base - fifth + (random_ >> 33) % (2 * fifth);
}

void comparisons::on_view(std::shared_ptr<const cluster_view> view) {
  view_ = std::move(view);
}

void comparisons::on_peer_up(member_id m) {
  now_ = options_.wall();
  peers_[m] = {true, now_ + jittered(soon_ms)};
}

void comparisons::on_peer_down(member_id m) {
  peers_[m].up = false;
  std::erase_if(gatherings_, [&](auto& g) { return g.second.peer == m; });
  std::erase_if(rounds_, [&](auto& r) { return r.second.peer == m; });
  std::erase_if(listings_,
                [&](auto& l) { return l.second.theirs.sender == m; });
}

void comparisons::on_compare_soon(member_id m) {
  now_ = options_.wall();
  if (auto& p = peers_[m]; p.up)
    p.next_ms = std::min(p.next_ms, now_ + jittered(soon_ms));
}

void comparisons::on_tick() {
  now_ = options_.wall();
  std::erase_if(rounds_, [&](auto& r) {
    return now_ > r.second.started_ms + round_ms_max;
  });
  for (auto& [m, p] : peers_)
    if (p.up && now_ >= p.next_ms)
      start_round(m, p);
}

void comparisons::start_round(member_id m, peer& p) {
  p.next_ms = now_ + jittered(options_.compare_every_ms);
  for (const auto& [id, r] : rounds_)
    if (r.peer == m)
      return; // the last one is still going on
  gathering g;
  g.peer = m;
  g.ours = true;
  for (const auto& ks : view_->config().keyspaces)
    g.incarnations.push_back(ks.inc);
  g.digests.resize(g.incarnations.size());
  const auto id = ++next_id_;
  local::digests_query q{id, g.incarnations};
  gatherings_.emplace(id, std::move(g));
  fx_.ask_digests(std::move(q));
}

void comparisons::on_offer(const compare_offer& o) {
  now_ = options_.wall();
  if (o.incarnations.size() != o.digests.size()
      || o.incarnations.size() > limits::keyspaces_max
      || gatherings_.size() >= listings_max)
    return;
  gathering g;
  g.peer = o.sender;
  g.offer = o;
  g.incarnations = o.incarnations;
  g.digests.resize(g.incarnations.size());
  const auto id = ++next_id_;
  local::digests_query q{id, g.incarnations};
  gatherings_.emplace(id, std::move(g));
  fx_.ask_digests(std::move(q));
}

void comparisons::on_digests_answer(local::digests_answer a) {
  now_ = options_.wall();
  const auto it = gatherings_.find(a.round);
  if (it == gatherings_.end()
      || a.digests.size() != it->second.incarnations.size())
    return;
  auto& g = it->second;
  g.known = g.known && a.known;
  for (std::size_t i = 0; i < a.digests.size(); ++i)
    g.digests[i].insert(g.digests[i].end(), a.digests[i].begin(),
                        a.digests[i].end());
  if (++g.answers < shards_)
    return;
  auto done = std::move(g);
  gatherings_.erase(it);
  for (auto& list : done.digests)
    std::sort(list.begin(), list.end());
  gathered(a.round, std::move(done));
}

std::vector<slot_digest>
comparisons::common(const std::vector<slot_digest>& all, incarnation inc,
                    member_id other) const {
  std::vector<slot_digest> out;
  const auto* ks = view_->keyspace(inc);
  if (ks == nullptr)
    return out;
  for (const auto& d : all) {
    const auto replicas = view_->replicas(ks->group, d.first);
    const auto holds = [&](member_id m) {
      return std::find(replicas.begin(), replicas.end(), m) != replicas.end();
    };
    if (holds(other) && holds(options_.self))
      out.push_back(d);
  }
  return out;
}

void comparisons::gathered(std::uint64_t id, gathering g) {
  auto& p = peers_[g.peer];
  if (!g.known) { // counted after a start, or fetched: not comparable yet
    if (g.ours)
      p.next_ms = std::min(p.next_ms, now_ + retry_ms);
    return;
  }
  if (g.ours) {
    round r;
    r.peer = g.peer;
    r.started_ms = now_;
    compare_offer o;
    o.sender = options_.self;
    o.epoch = view_->epoch();
    o.round = id;
    for (std::size_t i = 0; i < g.incarnations.size(); ++i) {
      auto mine = common(g.digests[i], g.incarnations[i], g.peer);
      o.incarnations.push_back(g.incarnations[i]);
      o.digests.push_back(combine_digests(mine));
      r.open.insert(g.incarnations[i]);
      r.mine.emplace(g.incarnations[i], std::move(mine));
    }
    rounds_.emplace(id, std::move(r));
    options_.counters->rounds.add();
    return fx_.offer(g.peer, std::move(o));
  }
  for (std::size_t i = 0; i < g.incarnations.size(); ++i) {
    const auto mine = common(g.digests[i], g.incarnations[i], g.peer);
    slot_digests d;
    d.sender = options_.self;
    d.epoch = view_->epoch();
    d.round = g.offer.round;
    d.inc = g.incarnations[i];
    d.equal = combine_digests(mine) == g.offer.digests[i];
    if (!d.equal)
      for (const auto& [slot, digest] : mine) {
        d.slots.push_back(slot);
        d.digests.push_back(digest);
      }
    fx_.digests(g.peer, std::move(d));
  }
}

void comparisons::on_digests(const slot_digests& d) {
  now_ = options_.wall();
  const auto it = rounds_.find(d.round);
  if (it == rounds_.end() || it->second.peer != d.sender
      || d.slots.size() != d.digests.size() || d.slots.size() > slot_count
      || it->second.open.erase(d.inc) == 0)
    return;
  auto& r = it->second;
  if (!d.equal) {
    std::vector<slot_digest> theirs;
    for (std::size_t i = 0; i < d.slots.size(); ++i)
      theirs.emplace_back(d.slots[i], d.digests[i]);
    std::sort(theirs.begin(), theirs.end());
    for (const auto s : differing_slots(r.mine[d.inc], theirs))
      r.differing.emplace_back(d.inc, s);
    options_.counters->differing_slots.add(r.differing.size());
  }
  if (!r.listing)
    list_next(d.round);
}

void comparisons::list_next(std::uint64_t id) {
  auto& r = rounds_.at(id);
  if (!r.differing.empty()) {
    const auto [inc, slot] = r.differing.front();
    r.listing = true;
    return fx_.ask_entries({id, inc, slot, {}, {}});
  }
  r.listing = false;
  if (!r.open.empty())
    return;
  const auto with = r.peer;
  rounds_.erase(id);
  fx_.compared({with, id});
}

void comparisons::on_entries_answer(local::entries_answer a) {
  now_ = options_.wall();
  if (const auto r = rounds_.find(a.round); r != rounds_.end()) {
    slot_entries e;
    e.sender = options_.self;
    e.epoch = view_->epoch();
    e.round = a.round;
    e.inc = a.inc;
    e.slot = a.slot;
    e.from = a.from;
    e.until = a.next;
    e.keys = std::move(a.keys);
    e.fingerprints = std::move(a.fingerprints);
    fx_.entries(r->second.peer, std::move(e));
    if (!a.next.empty())
      return fx_.ask_entries({a.round, a.inc, a.slot, a.next, {}});
    if (!r->second.differing.empty())
      r->second.differing.pop_front();
    return list_next(a.round);
  }
  const auto it = listings_.find(a.round);
  if (it == listings_.end())
    return;
  auto& l = it->second;
  for (std::size_t i = 0; i < a.keys.size(); ++i)
    l.mine.emplace_back(std::move(a.keys[i]), a.fingerprints[i]);
  if (!a.next.empty())
    return fx_.ask_entries({a.round, a.inc, a.slot, a.next, l.theirs.until});
  auto done = std::move(l);
  listings_.erase(it);
  finish_listing(std::move(done));
}

void comparisons::on_entries(const slot_entries& e) {
  now_ = options_.wall();
  if (e.keys.size() != e.fingerprints.size() || e.slot.value >= slot_count
      || listings_.size() >= listings_max || view_->keyspace(e.inc) == nullptr)
    return;
  const auto begin = slot_begin(e.inc, e.slot);
  const auto inside = [&](const std::string& key) {
    return key.size() > stored_prefix_bytes && key.starts_with(begin);
  };
  if (!std::all_of(e.keys.begin(), e.keys.end(), inside)
      || !std::is_sorted(e.keys.begin(), e.keys.end())
      || !e.from.starts_with(begin)
      || (!e.until.empty() && !e.until.starts_with(begin)))
    return;
  const auto id = ++next_id_;
  listings_.emplace(id, listing{e, {}});
  fx_.ask_entries({id, e.inc, e.slot, e.from, e.until});
}

void comparisons::finish_listing(listing l) {
  entry_list theirs;
  theirs.reserve(l.theirs.keys.size());
  for (std::size_t i = 0; i < l.theirs.keys.size(); ++i)
    theirs.emplace_back(std::move(l.theirs.keys[i]), l.theirs.fingerprints[i]);
  auto diff = compare_entries(l.mine, theirs);
  options_.counters->differing_keys.add(diff.mine.size() + diff.theirs.size());
  for (std::size_t i = 0; i < diff.mine.size(); i += keys_per_push) {
    local::push_keys p{l.theirs.sender, {}};
    const auto end = std::min(diff.mine.size(), i + keys_per_push);
    p.keys.assign(std::make_move_iterator(diff.mine.begin()
                                          + static_cast<std::ptrdiff_t>(i)),
                  std::make_move_iterator(diff.mine.begin()
                                          + static_cast<std::ptrdiff_t>(end)));
    fx_.push(l.theirs.slot, std::move(p));
  }
  if (diff.theirs.empty())
    return;
  slot_wants w;
  w.sender = options_.self;
  w.epoch = view_->epoch();
  w.inc = l.theirs.inc;
  w.slot = l.theirs.slot;
  w.keys = std::move(diff.theirs);
  fx_.wants(l.theirs.sender, std::move(w));
}

void comparisons::on_wants(const slot_wants& w) {
  if (w.slot.value >= slot_count || !peers_[w.sender].up)
    return;
  const auto begin = slot_begin(w.inc, w.slot);
  local::push_keys p{w.sender, {}};
  for (const auto& key : w.keys)
    if (key.starts_with(begin))
      p.keys.push_back(key);
  fx_.push(w.slot, std::move(p));
}

} // namespace torc::sync
