// The second half of a comparison: lists of keys of slots that differ, and what
// is pushed and asked for because of them.
#include <algorithm>
#include <iterator>

#include "actors/synchronizer/comparisons.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::sync {
namespace {

constexpr std::size_t keys_per_push = 1024;
constexpr std::size_t listings_max = 256;

/// Keys of one slot in their order, within what they are said to be.
bool in_order(const slot_entries& e) {
  if (!well_formed(e))
    return false;
  const auto begin = slot_begin(e.inc, e.slot);
  if (!e.from.starts_with(begin)
      || (!e.until.empty() && !e.until.starts_with(begin)))
    return false;
  for (std::size_t i = 0; i < e.keys.size(); ++i) {
    const auto& key = e.keys[i];
    if (key.size() <= stored_prefix_bytes || !key.starts_with(begin)
        || key < e.from || (!e.until.empty() && key >= e.until)
        || (i > 0 && key <= e.keys[i - 1]))
      return false;
  }
  return true;
}

} // namespace

void comparisons::on_entries(const slot_entries& e) {
  now_ = options_.wall();
  if (!from_peer(e.sender, e.epoch))
    return;
  if (!in_order(e))
    return options_.counters->refused.add();
  if (listings_.size() >= listings_max || shards_ == 0)
    return decline(e);
  if (view_->keyspace(e.inc) == nullptr) // dropped meanwhile
    return fx_.wants(e.sender,
                     {options_.self, view_->epoch(), e.inc, e.slot, {}});
  const auto id = ++next_id_;
  listings_.emplace(id, listing{e, 0, {}, now_});
  fx_.ask_entries({id, e.inc, e.slot, e.from, e.until});
}

void comparisons::decline(const slot_entries& e) {
  fx_.wants(e.sender,
            {options_.self, view_->epoch(), incarnation{}, e.slot, {}});
}

/// Compares a part of our slot with their keys there, and forgets both: the
/// slot may be far larger than their list.
void comparisons::compare_part(listing& l, local::entries_answer a) {
  entry_list mine;
  mine.reserve(a.keys.size());
  for (std::size_t i = 0; i < a.keys.size(); ++i)
    mine.emplace_back(std::move(a.keys[i]), a.fingerprints[i]);
  entry_list theirs;
  for (auto& i = l.compared; i < l.theirs.keys.size()
                             && (a.next.empty() || l.theirs.keys[i] < a.next);
       ++i)
    theirs.emplace_back(std::move(l.theirs.keys[i]), l.theirs.fingerprints[i]);
  auto diff = compare_entries(mine, theirs);
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
  std::move(diff.theirs.begin(), diff.theirs.end(),
            std::back_inserter(l.wanted));
}

void comparisons::finish_listing(listing l) {
  slot_wants w; // also if nothing is wanted: the list is dealt with
  w.sender = options_.self;
  w.epoch = view_->epoch();
  w.inc = l.theirs.inc;
  w.slot = l.theirs.slot;
  w.keys = std::move(l.wanted);
  fx_.wants(l.theirs.sender, std::move(w));
}

void comparisons::on_wants(const slot_wants& w) {
  now_ = options_.wall();
  if (!from_peer(w.sender, w.epoch))
    return;
  const auto begin =
    w.slot.value < slot_count ? slot_begin(w.inc, w.slot) : std::string{};
  if (begin.empty()
      || !std::all_of(w.keys.begin(), w.keys.end(), [&](const auto& key) {
           return key.size() > stored_prefix_bytes && key.starts_with(begin);
         }))
    return options_.counters->refused.add();
  if (!w.keys.empty())
    fx_.push(w.slot, {w.sender, w.keys});
  const bool declined = w.inc == incarnation{};
  for (auto& [id, r] : rounds_) {
    if (r.peer != w.sender)
      continue;
    auto it = std::find(r.unanswered.begin(), r.unanswered.end(),
                        std::pair{w.inc, w.slot});
    // Which keyspace a declined list was of is not said: as many answers come
    // as there are lists.
    if (it == r.unanswered.end() && (declined || !r.whole))
      it = std::find_if(r.unanswered.begin(), r.unanswered.end(),
                        [&](const auto& x) { return x.second == w.slot; });
    if (it == r.unanswered.end())
      continue;
    r.whole = r.whole && !declined;
    r.unanswered.erase(it);
    r.moved_ms = now_;
    return advance(id);
  }
}

} // namespace torc::sync
