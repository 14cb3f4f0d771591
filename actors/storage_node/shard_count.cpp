// Counts what a shard has on the disk: before the first write of this life, or
// since the last failure of the disk. Operations go on meanwhile.
//
// A shard counts its own slots, so that the shards of a node read the data once
// between them, and one slot at a time, as disk engines are good at that.
#include "actors/storage_node/shard.hpp"
#include "torc/core/stored_key.hpp"

namespace torc::storage {

/// The slots of a keyspace under way.
struct shard::base_count {
  incarnation inc;
  std::uint64_t epoch = 0; ///< Void if `count_epoch_` is another.
  std::shared_ptr<const engine_snapshot> snapshot;
  std::uint32_t slot = 0;
};

void shard::count_base(incarnation inc) {
  auto c = std::make_shared<base_count>();
  c->inc = inc;
  c->epoch = count_epoch_;
  c->snapshot = options_.start ? options_.start : store_.disk()->snapshot();
  c->slot = options_.shard;
  // Most keyspaces of a young node are empty: one look instead of thousands.
  auto any = std::make_shared<bool>(false);
  scan_job job;
  job.begin = incarnation_begin(inc);
  job.end = incarnation_begin(incarnation{inc.value + 1});
  job.visit = [any](std::string_view, std::string_view) {
    *any = true;
    return false;
  };
  job.done = [this, c, any] {
    if (*any)
      count_slot(c);
    else
      finish_count(*c);
  };
  job.pass_over = [any, end = job.end](std::string_view) {
    *any = true;
    return end;
  };
  start_count(c, std::move(job));
}

void shard::count_slot(const std::shared_ptr<base_count>& c) {
  const slot_id s{static_cast<std::uint16_t>(c->slot)};
  scan_job job;
  job.begin = slot_begin(c->inc, s);
  job.end = slot_end(c->inc, s);
  job.visit = [this, c, s](std::string_view key, std::string_view entry) {
    if (!counts(*c))
      return false;
    if (key.size() > stored_prefix_bytes)
      slots_.base(c->inc, s, key, entry);
    return true;
  };
  job.done = [this, c] {
    if (!counts(*c))
      return;
    c->slot += options_.shards;
    if (c->slot < slot_count)
      count_slot(c);
    else
      finish_count(*c);
  };
  // The slot's figures are not known then: they differ from everybody's, so
  // that comparison brings what others have.
  job.pass_over = [this, c, s, end = job.end](std::string_view) {
    if (counts(*c))
      slots_.damage(c->inc, s);
    return end;
  };
  start_count(c, std::move(job));
}

void shard::start_count(const std::shared_ptr<base_count>& c, scan_job job) {
  job.snapshot = c->snapshot;
  job.repeat = true;
  job.failed = [](const error&) {}; // repeated
  start_scan(engine_kind::rocksdb, std::move(job));
}

bool shard::counts(const base_count& c) const {
  return c.epoch == count_epoch_ && slots_.knows(c.inc);
}

void shard::finish_count(const base_count& c) {
  if (!counts(c))
    return;
  slots_.base_complete(c.inc);
  if (slots_.all_counted())
    options_.start.reset();
  update_figures();
}

} // namespace torc::storage
