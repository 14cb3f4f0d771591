// Whole-keyspace reads of a shard: pages of keys, counts, a random key.
#include <algorithm>
#include <map>

#include "actors/storage_node/shard.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/scan_page.hpp"
#include "torc/core/scan_position.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::storage {
namespace {

constexpr std::uint64_t page_keys_max = 10'000;
/// Of its keys; and of what it keeps of one slot, but for keys of one hash.
constexpr std::size_t page_bytes_max = limits::mib;
/// Slots with keys that one page walks at most, so that no turn is long.
constexpr std::uint32_t page_slots_max = 1024;
constexpr std::size_t scans_max = 1024;

bool in_bitmap(std::string_view bits, std::uint32_t slot) noexcept {
  const auto byte = slot / 8;
  return byte < bits.size()
         && (static_cast<unsigned char>(bits[byte]) >> (slot % 8) & 1) != 0;
}

} // namespace

/// Keys in hash order within a slot, slot after slot, from a position on.
struct shard::page {
  op what;
  caf::strong_actor_ptr from;
  engine_kind where = engine_kind::memory;
  std::uint64_t wanted = 0;
  scan_position at;
  std::uint32_t slots_left = page_slots_max;

  /// The smallest hashes of the slot, as many keys as are wanted still and fit
  /// into a page. Keys of one hash stay together: a cursor cannot point between
  /// them.
  std::map<std::uint64_t, std::vector<std::string>> keys;
  std::uint64_t kept = 0;
  std::size_t kept_bytes = 0;
  std::uint64_t cut = 0; ///< Smallest hash that was left out; 0: none.

  std::string payload;
  std::uint64_t count = 0;

  void keep(std::uint64_t hash, std::string key) {
    if (hash < at.hash || (cut != 0 && hash >= cut))
      return;
    kept_bytes += key.size();
    keys[hash].push_back(std::move(key));
    ++kept;
    const auto room = wanted - count;
    for (auto last = std::prev(keys.end());
         keys.size() > 1
         && (kept - last->second.size() >= room || kept_bytes > page_bytes_max);
         last = std::prev(keys.end())) {
      cut = last->first;
      kept -= last->second.size();
      for (const auto& k : last->second)
        kept_bytes -= k.size();
      keys.erase(last);
    }
  }
};

bool shard::has_keys(incarnation inc, std::uint32_t slot) const {
  const auto* f = slots_.find(inc, slot_id{static_cast<std::uint16_t>(slot)});
  return f != nullptr && (f->live > 0 || !slots_.counted(inc));
}

void shard::scan_page(const call& c, keyspace_ref ks) {
  if (scans_.size() >= scans_max)
    return refuse(c.what, c.from, errc::try_again, "too many scans");
  // One turn may ask for more than a node has memory for.
  if (replies_.bytes() >= limits::reply_bytes_max)
    return refuse(c.what, c.from, errc::try_again,
                  "too many bytes of replies are under way");
  auto p = std::make_shared<page>();
  p->what = c.what;
  p->from = c.from;
  p->where = ks->engine;
  p->wanted = std::clamp<std::uint64_t>(c.what.b, 1, page_keys_max);
  p->at = {c.what.slot.value, c.what.a};
  continue_page(p);
}

/// In memory a slot is walked at once, so this loops; on the disk each slot
/// comes back here when it has been read.
void shard::continue_page(const std::shared_ptr<page>& p) {
  const auto end = std::min<std::uint32_t>(p->what.end_slot, slot_count);
  const bool memory = p->where == engine_kind::memory;
  bool whole = true;
  while (whole && p->at.slot < end) {
    if (!has_keys(p->what.inc, p->at.slot)) {
      p->at = {p->at.slot + 1, 0};
      continue;
    }
    if (p->count >= p->wanted || p->payload.size() >= page_bytes_max
        || p->slots_left == 0)
      break;
    --p->slots_left;
    if (!memory)
      return collect_slot(p, [this, p] {
        if (cut_page(*p))
          continue_page(p);
        else
          finish_page(*p);
      });
    collect_slot(p, [&] { whole = cut_page(*p); });
  }
  finish_page(*p);
}

void shard::collect_slot(const std::shared_ptr<page>& p,
                         std::function<void()> then) {
  const slot_id s{static_cast<std::uint16_t>(p->at.slot)};
  scan_job job;
  job.begin = slot_begin(p->what.inc, s);
  job.end = slot_end(p->what.inc, s);
  job.visit = [this, p](std::string_view key, std::string_view entry) {
    const auto view = view_entry(entry);
    if (view && view->head.visible(now_))
      if (auto parsed = parse_stored_key(key)) {
        const auto hash = scan_hash(parsed->user_key);
        p->keep(hash, std::move(parsed->user_key));
      }
    return true;
  };
  job.done = std::move(then);
  job.failed = [this, p](const error& e) {
    refuse(p->what, p->from, e.code, e.message);
    request_flush();
  };
  start_scan(p->where, std::move(job));
}

/// Moves the slot's keys to the page. False: the page is full before the slot's
/// end.
bool shard::cut_page(page& p) {
  for (auto& [hash, keys] : p.keys) {
    std::sort(keys.begin(), keys.end());
    for (const auto& key : keys)
      append_to_scan_page(p.payload, {p.at.slot, hash}, key);
    p.count += keys.size();
  }
  const auto cut = p.cut;
  p.keys.clear();
  p.kept = 0;
  p.kept_bytes = 0;
  p.cut = 0;
  if (cut != 0)
    p.at.hash = cut;
  else
    p.at = {p.at.slot + 1, 0};
  return cut == 0;
}

void shard::finish_page(page& p) {
  op_reply r;
  r.id = p.what.id;
  r.level = p.what.level;
  if (p.at.slot >= std::min<std::uint32_t>(p.what.end_slot, slot_count))
    r.flags |= reply_flag::done;
  r.number = pack(p.at);
  replies_.now(p.from, r, p.payload);
  request_flush();
}

void shard::count_keys(const call& c, keyspace_ref ks) {
  if (!slots_.counted(ks->inc))
    return refuse(c.what, c.from, errc::try_again,
                  "still counting the keys on the disk after the start");
  std::int64_t n = 0;
  for (std::uint32_t s = options_.shard; s < slot_count; s += options_.shards)
    if (in_bitmap(c.value, s))
      if (const auto* f =
            slots_.find(ks->inc, slot_id{static_cast<std::uint16_t>(s)}))
        n += f->live;
  op_reply r;
  r.id = c.what.id;
  r.level = c.what.level;
  r.number = n > 0 ? static_cast<std::uint64_t>(n) : 0;
  replies_.now(c.from, r);
}

/// A random key of the first slot with keys at or after a random one; the
/// caller draws both numbers. `number`: how many the slot has; 0: none.
void shard::random_key(const call& c, keyspace_ref ks) {
  struct drawn {
    std::string key;
    std::uint64_t seen = 0;
    std::uint64_t state = 0;
  };
  if (scans_.size() >= scans_max)
    return refuse(c.what, c.from, errc::try_again, "too many scans");
  op_reply r;
  r.id = c.what.id;
  r.level = c.what.level;
  const auto start = static_cast<std::uint32_t>(c.what.a % slot_count);
  std::uint32_t i = 0;
  while (i < slot_count
         && !(in_bitmap(c.value, (start + i) % slot_count)
              && has_keys(ks->inc, (start + i) % slot_count)))
    ++i;
  if (i == slot_count)
    return replies_.now(c.from, r);
  const slot_id s{static_cast<std::uint16_t>((start + i) % slot_count)};
  auto d = std::make_shared<drawn>();
  d->state = c.what.b;
  scan_job job;
  job.begin = slot_begin(ks->inc, s);
  job.end = slot_end(ks->inc, s);
  job.visit = [this, d](std::string_view key, std::string_view entry) {
    const auto view = view_entry(entry);
    if (!view || !view->head.visible(now_))
      return true;
    // The n-th key takes the place with probability 1/n: all equally likely.
    d->state = d->state * 6364136223846793005u + 1442695040888963407u;
    if ((d->state >> 33) % ++d->seen == 0)
      if (auto parsed = parse_stored_key(key))
        d->key = std::move(parsed->user_key);
    return true;
  };
  job.done = [this, d, r, from = c.from]() mutable {
    if (d->seen != 0)
      r.flags |= reply_flag::found;
    r.number = d->seen;
    replies_.now(from, r, d->key);
    request_flush();
  };
  job.failed = [this, what = c.what, from = c.from](const error& e) {
    refuse(what, from, e.code, e.message);
    request_flush();
  };
  start_scan(ks->engine, std::move(job));
}

} // namespace torc::storage
