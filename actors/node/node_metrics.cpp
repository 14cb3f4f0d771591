// What a node shows on /metrics, beside what its doors add. Names are for ever:
// dashboards and alerts of users name them.
#include "actors/node/node_metrics.hpp"

namespace torc {
namespace {

double as_gauge(const counter& c) {
  return static_cast<double>(c.get());
}

void collect_operations(metrics_page& page, const shard_counters& s) {
  constexpr auto name = "torc_operations_total";
  constexpr auto help = "Operations carried out here as coordinator, by level.";
  page.add_counter(name, help, {{"kind", "read"}, {"level", "local"}},
                   s.reads.get());
  page.add_counter(name, help, {{"kind", "write"}, {"level", "eventual"}},
                   s.writes_eventual.get());
  page.add_counter(name, help, {{"kind", "write"}, {"level", "weak"}},
                   s.writes_weak.get());
  page.add_counter("torc_writes_refused_total",
                   "Writes that were refused: memory, disk, full queues.", {},
                   s.writes_refused.get());
  page.add_counter("torc_operations_unknown_total",
                   "Operations that were refused as their kind, level or slot "
                   "is not known here.",
                   {}, s.operations_unknown.get());
  page.add_counter("torc_disk_loads_total",
                   "Operations whose key was not in the cache.", {},
                   s.loads.get());
  page.add_counter("torc_entry_cache_hits_total",
                   "Looked up entries of the disk engine that were at hand.",
                   {}, s.cache_hits.get());
  page.add_counter("torc_entry_cache_misses_total",
                   "Looked up entries that the disk engine was asked for.", {},
                   s.cache_misses.get());
  page.add_gauge("torc_entry_cache_bytes",
                 "Bytes of durable entries that are at hand.", {},
                 as_gauge(s.cache_bytes));
  page.add_gauge("torc_parked_operations",
                 "Operations that wait for the disk or the clock.", {},
                 as_gauge(s.parked));
  page.add_gauge("torc_commit_queue_bytes",
                 "Bytes of writes that wait for the disk.", {},
                 as_gauge(s.commit_bytes));
}

void collect_replication(metrics_page& page, const shard_counters& s) {
  page.add_counter("torc_pushes_sent_total", "Records sent to replicas.", {},
                   s.pushes_sent.get());
  page.add_counter("torc_pushes_received_total",
                   "Records received from replicas.", {},
                   s.pushes_received.get());
  page.add_gauge("torc_hints", "Keys that replicas have not acknowledged.", {},
                 as_gauge(s.hints));
  page.add_counter("torc_hint_overflows_total",
                   "Times that hints were dropped; comparison finds them.", {},
                   s.hint_overflows.get());
  // Shards are added up, so this is at most shards times too large.
  page.add_gauge("torc_hint_age_seconds",
                 "Age of the oldest write that a replica has not acknowledged, "
                 "added up over shards.",
                 {}, as_gauge(s.oldest_hint_ms) / 1000.0);
  constexpr auto dropped = "torc_peer_batches_dropped_total";
  constexpr auto help = "Batches of peers that were dropped, by reason.";
  page.add_counter(dropped, help, {{"reason", "unknown"}},
                   s.batches_unknown.get());
  page.add_counter(dropped, help, {{"reason", "malformed"}},
                   s.batches_malformed.get());
  page.add_counter(dropped, help, {{"reason", "clock"}},
                   s.messages_ahead.get());
  page.add_gauge("torc_fetching_keyspaces",
                 "Memory keyspaces, by shard, that still fetch their data.", {},
                 as_gauge(s.fresh_keyspaces));
}

void collect_keys(metrics_page& page, const shard_counters& s) {
  constexpr auto name = "torc_keys";
  constexpr auto help = "Keys held here, of all keyspaces, by state.";
  page.add_gauge(name, help, {{"state", "live"}}, as_gauge(s.live_keys));
  page.add_gauge(name, help, {{"state", "dead"}}, as_gauge(s.dead_keys));
  page.add_gauge("torc_expiring_keys", "Live keys with a deadline.", {},
                 as_gauge(s.expiring_keys));
  page.add_counter("torc_expired_keys_total", "Keys whose deadline passed.", {},
                   s.expired_keys.get());
  page.add_gauge("torc_live_bytes", "Bytes of live keys and their entries.", {},
                 as_gauge(s.live_bytes));
  page.add_gauge("torc_dead_bytes",
                 "Bytes held by tombstones and expired marks.", {},
                 as_gauge(s.dead_bytes));
  page.add_gauge("torc_memory_engine_bytes", "Bytes of the memory engine.", {},
                 as_gauge(s.memory_bytes));
  page.add_counter("torc_corrupt_entries_total",
                   "Stored entries that failed their checks.", {},
                   s.corrupt_entries.get());
}

} // namespace

void collect_shards(metrics_page& page, const node_counters& c) {
  for (const auto& s : c.shards) {
    collect_operations(page, *s);
    collect_replication(page, *s);
    collect_keys(page, *s);
  }
}

void collect_commits(metrics_page& page, const commit_counters& c) {
  page.add_counter("torc_commits_total", "Batches written to the disk.", {},
                   c.batches.get());
  page.add_counter("torc_committed_entries_total", "Entries in these batches.",
                   {}, c.writes.get());
  page.add_counter("torc_committed_bytes_total", "Bytes in these batches.", {},
                   c.bytes.get());
  page.add_counter("torc_fsyncs_total", "Times that the disk was synced.", {},
                   c.syncs.get());
  page.add_counter("torc_commit_failures_total",
                   "Times that the disk refused a write.", {},
                   c.failures.get());
  page.add_gauge("torc_disk_broken", "1 while the disk refuses writes.", {},
                 as_gauge(c.broken));
}

void collect_comparisons(metrics_page& page, const sync_counters& c) {
  page.add_counter("torc_comparisons_total",
                   "Comparisons of slots with replicas.", {}, c.rounds.get());
  page.add_counter("torc_differing_slots_total",
                   "Slots that differed in a comparison.", {},
                   c.differing_slots.get());
  page.add_counter("torc_differing_keys_total",
                   "Keys that differed in a comparison.", {},
                   c.differing_keys.get());
  page.add_counter("torc_comparison_messages_refused_total",
                   "Messages of comparisons that made no sense.", {},
                   c.refused.get());
}

void collect_ring(metrics_page& page, const ring_manager_counters& c) {
  page.add_gauge("torc_config_epoch", "Number of the config in force.", {},
                 as_gauge(c.epoch));
  constexpr auto name = "torc_config_changes_total";
  constexpr auto help = "Changes of the config asked for here, by outcome.";
  page.add_counter(name, help, {{"outcome", "done"}}, c.changes.get());
  page.add_counter(name, help, {{"outcome", "failed"}}, c.changes_failed.get());
  page.add_counter(name, help, {{"outcome", "unknown"}},
                   c.changes_unknown.get());
  page.add_gauge("torc_config_changes_waiting", "Changes that wait.", {},
                 as_gauge(c.changes_waiting));
  page.add_counter("torc_configs_fetched_total",
                   "Configs learnt from other members.", {},
                   c.configs_fetched.get());
  page.add_gauge("torc_peers_up", "Other members that can be sent to.", {},
                 as_gauge(c.peers_up));
  page.add_gauge("torc_clock_skew_max_seconds",
                 "Largest difference of a peer's clock so far.", {},
                 as_gauge(c.skew_ms_max) / 1000.0);
  page.add_counter("torc_skewed_heartbeats_total",
                   "Heartbeats of peers whose clock is too far off.", {},
                   c.skewed_beats.get());
  page.add_counter("torc_refused_letters_total",
                   "Messages about the config that were refused.", {},
                   c.refused_letters.get());
}

void collect_loops(metrics_page& page, const std::vector<event_loop*>& loops) {
  for (const auto* l : loops) {
    const auto& c = l->counters();
    page.add_counter("torc_loop_turns_total", "Turns of the event loops.",
                     {{"loop", l->name()}}, c.turns.get());
    page.add_counter("torc_loop_resumes_total", "Actors run by the loops.",
                     {{"loop", l->name()}}, c.resumes.get());
    page.add_counter("torc_loop_yields_total",
                     "Turns cut off to let sockets have theirs.",
                     {{"loop", l->name()}}, c.yields.get());
  }
}

void collect_disk(metrics_page& page, std::string_view name_of_engine,
                  const disk_counters& c) {
  const auto add = [&](std::string_view name, std::string_view help,
                       const counter& x) {
    page.add_gauge(name, help, {{"engine", name_of_engine}}, as_gauge(x));
  };
  add("torc_disk_entries", "Entries on the disk, an estimate.", c.entries);
  add("torc_disk_bytes", "Bytes on the disk, an estimate.", c.bytes);
  add("torc_block_cache_bytes",
      "Bytes of blocks read from files that are kept.", c.block_cache_bytes);
  add("torc_block_cache_bytes_max", "Bound of the block cache.",
      c.block_cache_bytes_max);
  add("torc_memtable_bytes", "Bytes of writes that are not in files yet.",
      c.memtable_bytes);
  add("torc_pending_compaction_bytes",
      "Bytes that compactions have to rewrite, an estimate.",
      c.pending_compaction_bytes);
  add("torc_running_compactions", "Compactions under way.",
      c.running_compactions);
  add("torc_running_flushes", "Flushes of memtables under way.",
      c.running_flushes);
  add("torc_delayed_write_bytes_per_second",
      "Rate to which writes are slowed down; 0: they are not.",
      c.delayed_write_bytes_per_s);
}

} // namespace torc
