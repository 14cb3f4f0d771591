#include "actors/synchronizer/comparisons.hpp"

#include <algorithm>
#include <utility>

#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::sync {
namespace {

constexpr unix_ms soon_ms = 500;
constexpr unix_ms retry_ms = 2'000;
/// An offer is answered at once or never.
constexpr unix_ms offer_ms_max = 5'000;
constexpr unix_ms silence_ms_max = 60'000;
constexpr unix_ms fetch_again_after_ms = 500;
constexpr std::size_t offers_max = 256;
/// Lists of keys being read for a peer or under way to it.
constexpr std::size_t lists_max = 64;

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
  forget(m); // it may have restarted before we heard of its end
  auto& p = peers_[m];
  p = {};
  p.up = true;
  p.next_ms = now_ + jittered(soon_ms);
}

void comparisons::on_peer_down(member_id m) {
  peers_[m].up = false;
  forget(m);
}

void comparisons::forget(member_id m) {
  std::erase_if(gatherings_, [&](auto& g) { return g.second.peer == m; });
  std::erase_if(rounds_, [&](auto& r) { return r.second.peer == m; });
  std::erase_if(listings_,
                [&](auto& l) { return l.second.theirs.sender == m; });
}

void comparisons::on_compare_soon(member_id m) {
  now_ = options_.wall();
  compare_soon(m);
}

void comparisons::compare_soon(member_id m) {
  if (auto& p = peers_[m]; p.up)
    p.next_ms = std::min(p.next_ms, now_ + jittered(soon_ms));
}

void comparisons::on_tick() {
  now_ = options_.wall();
  const auto silent = [&](unix_ms since) {
    return now_ > since + silence_ms_max;
  };
  std::erase_if(gatherings_,
                [&](const auto& g) { return silent(g.second.started_ms); });
  std::erase_if(listings_,
                [&](const auto& l) { return silent(l.second.started_ms); });
  end_silent_rounds();
  for (auto& [m, p] : peers_)
    if (p.up && now_ >= p.next_ms)
      start_round(m, p);
}

/// What was lost of them, or never answered, is compared anew.
void comparisons::end_silent_rounds() {
  for (auto it = rounds_.begin(); it != rounds_.end();) {
    const auto& r = it->second;
    if (now_ <= r.moved_ms + (r.open.empty() ? silence_ms_max : offer_ms_max)) {
      ++it;
      continue;
    }
    const auto with = r.peer;
    it = rounds_.erase(it);
    compare_soon(with);
  }
}

/// Messages of others than connected members are dropped. If the sender works
/// with a later config, that is asked for (protocol 4).
bool comparisons::from_peer(member_id m, epoch theirs) {
  const auto it = peers_.find(m);
  if (it != peers_.end() && it->second.up) {
    auto& p = it->second;
    if (theirs > view_->epoch() && now_ >= p.fetch_again_ms) {
      p.fetch_again_ms = now_ + fetch_again_after_ms;
      fx_.fetch_config(m, view_->epoch());
    }
    return true;
  }
  options_.counters->refused.add();
  return false;
}

bool comparisons::is_comparing(member_id m) const {
  return std::any_of(rounds_.begin(), rounds_.end(),
                     [&](const auto& r) { return r.second.peer == m; })
         || std::any_of(
           gatherings_.begin(), gatherings_.end(),
           [&](const auto& g) { return g.second.ours && g.second.peer == m; });
}

void comparisons::start_round(member_id m, peer& p) {
  p.next_ms = now_ + jittered(options_.compare_every_ms);
  if (is_comparing(m)) {
    p.again = true;
    return;
  }
  if (shards_ == 0) {
    p.next_ms = now_ + jittered(soon_ms);
    return;
  }
  gathering g;
  g.peer = m;
  g.ours = true;
  g.started_ms = now_;
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
  if (!from_peer(o.sender, o.epoch))
    return;
  if (!well_formed(o) || o.incarnations.size() > limits::keyspaces_max)
    return options_.counters->refused.add();
  if (shards_ == 0 || gatherings_.size() >= offers_max)
    return decline(o);
  gathering g;
  g.started_ms = now_;
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
  const auto p = peers_.find(g.peer);
  if (p == peers_.end() || !p->second.up)
    return;
  if (!g.known) // counting after a start, or fetching: not comparable yet
    return g.ours ? try_later(g.peer) : decline(g.offer);
  if (!g.ours)
    return answer_offer(g);
  round r;
  r.peer = g.peer;
  r.moved_ms = now_;
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
  fx_.offer(g.peer, std::move(o));
}

void comparisons::try_later(member_id m) {
  if (auto& p = peers_[m]; p.up)
    p.next_ms = std::min(p.next_ms, now_ + jittered(retry_ms));
}

void comparisons::decline(const compare_offer& o) {
  slot_digests d;
  d.sender = options_.self;
  d.epoch = view_->epoch();
  d.round = o.round;
  fx_.digests(o.sender, std::move(d));
}

void comparisons::answer_offer(const gathering& g) {
  for (std::size_t i = 0; i < g.incarnations.size(); ++i) {
    slot_digests d;
    d.sender = options_.self;
    d.epoch = view_->epoch();
    d.round = g.offer.round;
    d.inc = g.incarnations[i];
    // What one of us does not know of, or no more, cannot be compared.
    d.equal = view_->keyspace(d.inc) == nullptr;
    if (!d.equal) {
      const auto mine = common(g.digests[i], d.inc, g.peer);
      d.equal = combine_digests(mine) == g.offer.digests[i];
      if (!d.equal)
        for (const auto& [slot, digest] : mine) {
          d.slots.push_back(slot);
          d.digests.push_back(digest);
        }
    }
    fx_.digests(g.peer, std::move(d));
  }
}

void comparisons::on_digests(const slot_digests& d) {
  now_ = options_.wall();
  if (!from_peer(d.sender, d.epoch))
    return;
  if (!well_formed(d) || d.slots.size() > slot_count)
    return options_.counters->refused.add();
  const auto it = rounds_.find(d.round);
  if (it == rounds_.end() || it->second.peer != d.sender)
    return; // of a round that is over
  auto& r = it->second;
  if (d.inc == incarnation{}) { // not now
    rounds_.erase(it);
    return try_later(d.sender);
  }
  if (r.open.erase(d.inc) == 0)
    return;
  r.moved_ms = now_;
  if (!d.equal) {
    std::vector<slot_digest> theirs;
    for (std::size_t i = 0; i < d.slots.size(); ++i)
      theirs.emplace_back(d.slots[i], d.digests[i]);
    std::sort(theirs.begin(), theirs.end());
    const auto differing = differing_slots(r.mine[d.inc], theirs);
    for (const auto s : differing)
      if (s.value < slot_count)
        r.differing.push_back({d.round, d.inc, s, {}, {}});
    r.damaged =
      r.damaged
      || std::any_of(r.mine[d.inc].begin(), r.mine[d.inc].end(),
                     [&](const auto& x) {
                       return x.second == damaged_digest(options_.self);
                     });
    options_.counters->differing_slots.add(differing.size());
  }
  advance(d.round);
}

/// What else the round would find has no room either. What is read or under way
/// comes to its end.
void comparisons::on_no_room(member_id m) {
  const auto it =
    std::find_if(rounds_.begin(), rounds_.end(),
                 [&](const auto& r) { return r.second.peer == m; });
  if (it == rounds_.end())
    return;
  it->second.stopped = true;
  it->second.whole = false;
  advance(it->first);
}

/// Reads the next parts of differing slots, several at a time as each takes a
/// while, unless the peer has enough to do; ends the round when nothing is
/// left.
void comparisons::advance(std::uint64_t id) {
  auto& r = rounds_.at(id);
  if (r.stopped)
    r.differing.clear();
  while (!r.differing.empty() && r.reading + r.unanswered.size() < lists_max) {
    auto part = std::move(r.differing.front());
    r.differing.pop_front();
    ++r.reading;
    fx_.ask_entries(std::move(part));
  }
  if (!r.open.empty() || r.reading > 0 || !r.unanswered.empty())
    return;
  const auto with = r.peer;
  const bool whole = r.whole;
  const bool damaged = r.damaged;
  const bool stopped = r.stopped;
  rounds_.erase(id);
  if (!whole && !stopped)
    try_later(with);
  else if (whole && !damaged) // else it vouches for nothing, and neither would
                              // the next
    fx_.compared({with, id});
  if (auto& p = peers_[with]; std::exchange(p.again, false))
    compare_soon(with);
}

void comparisons::on_entries_answer(local::entries_answer a) {
  now_ = options_.wall();
  if (const auto found = rounds_.find(a.round); found != rounds_.end()) {
    auto& r = found->second;
    r.moved_ms = now_;
    --r.reading;
    if (a.inc == incarnation{}) { // could not be read
      r.whole = false;
      return advance(a.round);
    }
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
    r.unanswered.emplace_back(a.inc, a.slot);
    if (!a.next.empty())
      r.differing.push_front({a.round, a.inc, a.slot, a.next, {}});
    fx_.entries(r.peer, std::move(e));
    return advance(a.round);
  }
  const auto it = listings_.find(a.round);
  if (it == listings_.end())
    return;
  auto& l = it->second;
  if (a.inc == incarnation{}) { // could not be read
    decline(l.theirs);
    listings_.erase(it);
    return;
  }
  l.started_ms = now_;
  local::entries_query rest{a.round, a.inc, a.slot, a.next, l.theirs.until};
  compare_part(l, std::move(a));
  if (!rest.from.empty())
    return fx_.ask_entries(std::move(rest));
  auto done = std::move(l);
  listings_.erase(it);
  finish_listing(std::move(done));
}

} // namespace torc::sync
