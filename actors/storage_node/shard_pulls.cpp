// A memory keyspace that this life has not had yet, after a start or as a new
// config names it: fetches its records from every reachable other member before
// it serves (protocol 10a, last rule).
#include <algorithm>

#include "actors/storage_node/shard.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::storage {
namespace {

constexpr unix_ms pull_again_after_ms = 500;
constexpr std::size_t early_pulls_max = 1024;

} // namespace

void shard::begin_pulls() {
  for (auto& [inc, f] : fresh_)
    for (const auto& p : peers_.all()) {
      if (!p->up)
        continue;
      for (std::uint16_t i = 0; i < p->streams.size(); ++i) {
        auto& source = f.sources[{p->id, i}];
        if (source.done || now_ < source.asked_ms + pull_again_after_ms)
          continue;
        source.asked_ms = now_;
        append_pull(p->streams[i].outbox, inc, source.position, options_.shard,
                    options_.shards);
      }
    }
}

/// One page of what the asking shard holds, from its position on.
void shard::answer_pull(member_id from, std::uint16_t from_shard,
                        const peer_item& item) {
  const auto* ks = view_->keyspace(item.inc);
  auto* p = peers_.find(from);
  if (ks == nullptr && !view_->dropped(item.inc))
    keep_early_pull(from, from_shard, item);
  if (ks == nullptr || ks->engine != engine_kind::memory || p == nullptr
      || !p->up || from_shard >= p->streams.size())
    return; // else asked again after a while
  auto& out = p->streams[from_shard].outbox;
  if (out.size() >= limits::peer_batch_bytes)
    return; // asked again when there is room
  std::string position{item.key};
  if (position.size() < stored_prefix_bytes
      || stored_incarnation(position) != item.inc)
    position = incarnation_begin(item.inc);
  const auto snapshot = store_.memory().snapshot();
  std::string next;
  for (std::uint32_t slot = stored_slot(position).value;
       slot < slot_count && next.empty(); ++slot) {
    const slot_id s{static_cast<std::uint16_t>(slot)};
    const auto* figures = slots_.find(item.inc, s);
    if (slot % item.shards != item.shard || figures == nullptr
        || figures->live + figures->dead == 0 || !is_replica(from, ks, s))
      continue;
    const auto done = snapshot->scan(
      column::data, std::max(position, slot_begin(item.inc, s)),
      slot_end(item.inc, s), [&](std::string_view key, std::string_view entry) {
        if (out.size() >= limits::peer_batch_bytes) {
          next.assign(key);
          return false;
        }
        // What it would refuse is not sent: corrupt, or of a time to come.
        if (const auto view = view_entry(entry); !view)
          options_.counters->corrupt_entries.add();
        else if (!lies_ahead(*view))
          append_push(out, hlc_time{}, key, entry);
        return true;
      });
    if (!done)
      return;
  }
  append_pull_end(out, item.inc, next, fresh_.contains(item.inc));
}

/// Whoever learnt of a keyspace first asks before we know it. Beyond the bound
/// it has to ask again.
void shard::keep_early_pull(member_id from, std::uint16_t from_shard,
                            const peer_item& item) {
  const auto same = [&](const early_pull& x) {
    return x.from == from && x.from_shard == from_shard && x.inc == item.inc;
  };
  if (early_pulls_.size() >= early_pulls_max
      || std::any_of(early_pulls_.begin(), early_pulls_.end(), same))
    return;
  early_pulls_.push_back({from, from_shard, item.inc, std::string{item.key},
                          item.shards, item.shard});
}

void shard::answer_early_pulls() {
  auto pulls = std::move(early_pulls_);
  early_pulls_.clear();
  for (const auto& x : pulls) {
    peer_item item;
    item.kind = peer_item_kind::pull;
    item.inc = x.inc;
    item.key = x.position;
    item.shards = x.shards;
    item.shard = x.shard;
    answer_pull(x.from, x.from_shard, item);
  }
}

void shard::finish_pull(member_id from, std::uint16_t from_shard,
                        const peer_item& item) {
  const auto f = fresh_.find(item.inc);
  if (f == fresh_.end())
    return;
  auto& source = f->second.sources[{from, from_shard}];
  source.position.assign(item.key);
  source.done = item.key.empty();
  source.asked_ms = 0;
  if (source.done)
    check_fresh(item.inc);
  else
    begin_pulls();
}

void shard::check_all_fresh() {
  std::vector<incarnation> fresh;
  for (const auto& [inc, f] : fresh_)
    fresh.push_back(inc);
  for (const auto inc : fresh)
    check_fresh(inc);
}

/// Ready once every other member has answered whole, or cannot be reached.
void shard::check_fresh(incarnation inc) {
  const auto f = fresh_.find(inc);
  if (f == fresh_.end())
    return;
  for (const auto& m : view_->config().members) {
    if (m.id == options_.self)
      continue;
    const auto* p = peers_.find(m.id);
    if (p == nullptr || !p->attempted)
      return;
    if (!p->up)
      continue;
    for (std::uint16_t i = 0; i < p->streams.size(); ++i) {
      const auto source = f->second.sources.find({m.id, i});
      if (source == f->second.sources.end() || !source->second.done)
        return;
    }
  }
  effects_.keyspace_ready(inc, f->second.received);
  end_fresh(inc);
}

/// What waited for it goes on.
void shard::end_fresh(incarnation inc) {
  auto f = fresh_.extract(inc);
  if (f.empty())
    return;
  // Whoever waits for it to be ready asks for this figure.
  options_.counters->fresh_keyspaces.set(fresh_.size());
  parked_count_ -= f.mapped().waiting.size();
  for (const auto& o : f.mapped().waiting) {
    parked_bytes_ -= o.bytes();
    execute(o.view());
  }
}

void shard::wait_for_ready(const call& c, fresh_state& f) {
  if (now_ >= f.patient_until_ms)
    return refuse(c.what, c.from, errc::not_ready,
                  "this replica is still fetching the keyspace");
  if (!has_room())
    return refuse(c.what, c.from, errc::try_again, "too many operations wait");
  f.waiting.push_back(park(c));
}

/// Operations that waited for long enough are refused.
void shard::lose_patience() {
  for (auto& [inc, f] : fresh_) {
    if (now_ < f.patient_until_ms || f.waiting.empty())
      continue;
    auto waiting = std::move(f.waiting);
    f.waiting.clear();
    parked_count_ -= waiting.size();
    for (const auto& o : waiting) {
      parked_bytes_ -= o.bytes();
      execute(o.view());
    }
  }
}

} // namespace torc::storage
