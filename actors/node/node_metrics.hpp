#pragma once

#include <string_view>
#include <vector>

#include "torc/core/metrics.hpp"
#include "torc/loop.hpp"
#include "torc/node_actors.hpp"

namespace torc {

// Each adds the samples of one part of a node to a page of metrics.
void collect_shards(metrics_page& page, const node_counters& c);
void collect_commits(metrics_page& page, const commit_counters& c);
void collect_comparisons(metrics_page& page, const sync_counters& c);
void collect_ring(metrics_page& page, const ring_manager_counters& c);
void collect_loops(metrics_page& page, const std::vector<event_loop*>& loops);
void collect_disk(metrics_page& page, std::string_view name_of_engine,
                  const disk_counters& c);

} // namespace torc
