// What a shard tells the synchronizer: digests of slots, keys of a slot.
#include "actors/storage_node/shard.hpp"
#include "torc/core/comparison.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::storage {

local::digests_answer shard::on_digests_query(const local::digests_query& q) {
  newest_round_ = std::max(newest_round_, q.round);
  local::digests_answer a;
  a.shard = options_.shard;
  a.round = q.round;
  a.known = broken_ == nullptr;
  for (const auto inc : q.incarnations) {
    auto& list = a.digests.emplace_back();
    if (!slots_.knows(inc))
      continue; // nothing of it is here
    if (!slots_.counted(inc) || fresh_.contains(inc)) {
      a.known = false;
      continue;
    }
    for (std::uint32_t s = options_.shard; s < slot_count;
         s += options_.shards) {
      const slot_id slot{static_cast<std::uint16_t>(s)};
      const auto d = slots_.damaged(inc, slot)
                       ? damaged_digest(options_.self)
                       : slots_.find(inc, slot)->digest.value();
      if (d != record_id{})
        list.emplace_back(slot, d);
    }
  }
  return a;
}

void shard::on_entries_query(
  const local::entries_query& q,
  std::function<void(local::entries_answer)> answer) {
  auto out = std::make_shared<local::entries_answer>();
  out->round = q.round;
  out->slot = q.slot;
  const auto* ks = view_->keyspace(q.inc);
  if (ks == nullptr || !slots_.owns(q.slot)) // dropped meanwhile
    return answer(std::move(*out));
  out->inc = q.inc;
  out->from = q.from.empty() ? slot_begin(q.inc, q.slot) : q.from;
  scan_job job;
  job.begin = out->from;
  job.end = q.until.empty() ? slot_end(q.inc, q.slot) : q.until;
  auto bytes = std::make_shared<std::size_t>(0);
  job.visit = [out, bytes](std::string_view key, std::string_view entry) {
    if (*bytes > limits::peer_batch_bytes) {
      out->next = key;
      return false;
    }
    *bytes += key.size() + sizeof(record_id);
    out->keys.emplace_back(key);
    out->fingerprints.push_back(entry_fingerprint(key, entry));
    return true;
  };
  // If the comparison knows that the slot is damaged, the list ends there as if
  // nothing followed: the peer sends what it has.
  const bool known = slots_.damaged(q.inc, q.slot);
  job.pass_over = [this, out, known, end = job.end](std::string_view) {
    slots_.damage(out->inc, out->slot);
    if (!known)
      out->inc = incarnation{};
    return end;
  };
  job.done = [out, answer] {
    if (out->inc == incarnation{}) { // it could not be read
      out->keys.clear();
      out->fingerprints.clear();
    }
    answer(std::move(*out));
  };
  job.failed = [out, answer = std::move(answer)](const error&) {
    local::entries_answer none; // of no keyspace: it could not be read
    none.round = out->round;
    none.slot = out->slot;
    answer(std::move(none));
  };
  start_scan(ks->engine, std::move(job));
}

} // namespace torc::storage
