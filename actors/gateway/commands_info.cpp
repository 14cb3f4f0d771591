// INFO: Redis's sections and names where they mean the same.
#include <algorithm>
#include <cstdio>
#include <iterator>

#include <sys/resource.h>
#include <unistd.h>

#include "actors/gateway/cluster_map.hpp"
#include "actors/gateway/commands.hpp"
#include "torc/node_options.hpp"

namespace torc::gateway {
namespace {

class section_text {
public:
  explicit section_text(std::string_view title) {
    out_.append("# ").append(title).append("\r\n");
  }
  section_text& add(std::string_view name, std::string_view value) {
    out_.append(name).append(":").append(value).append("\r\n");
    return *this;
  }
  section_text& add(std::string_view name, std::uint64_t value) {
    return add(name, std::to_string(value));
  }
  std::string text() && { return std::move(out_); }

private:
  std::string out_;
};

/// Of what is open or under way now.
std::uint64_t sum(core& c, counter gateway_counters::*member) {
  std::uint64_t n = 0;
  for (const auto& x : c.shared().counters)
    n += (*x.*member).get();
  return n;
}

std::uint64_t resident_bytes() {
  unsigned long long total = 0;
  unsigned long long resident = 0;
  if (auto* f = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(f, "%llu %llu", &total, &resident) != 2)
      resident = 0;
    std::fclose(f);
  }
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

std::string human(std::uint64_t bytes) {
  static constexpr const char* units[] = {"B", "K", "M", "G", "T"};
  auto x = static_cast<double>(bytes);
  std::size_t i = 0;
  for (; x >= 1024 && i + 1 < std::size(units); ++i)
    x /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, "%.2f%s", x, units[i]);
  return text;
}

std::string server(core& c, const node_figures& f) {
  const auto up_ms = c.now() > f.started_ms ? c.now() - f.started_ms : 0;
  section_text t{"Server"};
  t.add("redis_version", "7.0.15") // whose commands and replies these are
    .add("torc_version", f.version)
    .add("redis_mode", "cluster")
    .add("os", "Linux")
    .add("arch_bits", sizeof(void*) * 8)
    .add("process_id", static_cast<std::uint64_t>(::getpid()))
    .add("run_id", c.view() == nullptr
                     ? std::string(40, '0')
                     : node_id(c.view()->config(), c.options().self))
    .add("tcp_port", c.shared().resp_port)
    .add("server_time_usec", c.now() * 1000)
    .add("uptime_in_seconds", up_ms / 1000)
    .add("uptime_in_days", up_ms / 86'400'000)
    .add("io_threads_active", f.loops);
  return std::move(t).text();
}

std::string clients(core& c) {
  section_text t{"Clients"};
  t.add("connected_clients", sum(c, &gateway_counters::clients))
    .add("blocked_clients", 0);
  return std::move(t).text();
}

std::string memory(const node_figures& f) {
  const auto rss = resident_bytes();
  section_text t{"Memory"};
  t.add("used_memory", rss)
    .add("used_memory_human", human(rss))
    .add("used_memory_rss", rss)
    .add("used_memory_rss_human", human(rss))
    .add("used_memory_dataset", f.memory_bytes)
    .add("maxmemory", f.memory_bytes_max)
    .add("maxmemory_human", human(f.memory_bytes_max))
    .add("maxmemory_policy", "noeviction");
  return std::move(t).text();
}

std::string persistence(core& c, const node_figures& f) {
  section_text t{"Persistence"};
  t.add("loading", f.ready ? 0 : 1)
    .add("aof_enabled", 1)
    .add("aof_last_write_status", f.disk_failure.empty() ? "ok" : "err")
    .add("torc_sync", c.view() == nullptr ? std::string_view{"always"}
                                          : to_string(c.view()->config().sync))
    .add("torc_commits", f.commits)
    .add("torc_syncs", f.syncs)
    .add("torc_commit_failures", f.commit_failures);
  if (!f.disk_failure.empty())
    t.add("torc_disk_failure", f.disk_failure);
  return std::move(t).text();
}

std::string stats(core& c, const node_figures& f) {
  const auto x = c.shared().statistics(f);
  section_text t{"Stats"};
  t.add("total_connections_received", x.connections)
    .add("total_commands_processed", x.commands)
    .add("total_net_input_bytes", x.bytes_in)
    .add("total_net_output_bytes", x.bytes_out)
    .add("total_error_replies", x.errors)
    .add("keyspace_hits", x.hits)
    .add("keyspace_misses", x.misses)
    .add("expired_keys", x.expired_keys)
    .add("evicted_keys", 0)
    .add("client_output_buffer_limit_disconnections", x.slow_readers)
    .add("torc_protocol_errors", x.protocol_errors)
    .add("torc_forwarded_operations", x.forwarded)
    .add("torc_operations_under_way", sum(c, &gateway_counters::under_way));
  return std::move(t).text();
}

std::string replication(core& c) {
  std::uint64_t others = 0;
  if (c.view() != nullptr)
    for (const auto& m : c.view()->config().members)
      if (m.id != c.options().self && c.routes().reachable(m.id))
        ++others;
  section_text t{"Replication"};
  t.add("role", "master").add("connected_slaves", others);
  return std::move(t).text();
}

std::string cpu() {
  rusage u{};
  ::getrusage(RUSAGE_SELF, &u);
  const auto seconds = [](const timeval& x) {
    char text[48];
    std::snprintf(text, sizeof text, "%lld.%06lld",
                  static_cast<long long>(x.tv_sec),
                  static_cast<long long>(x.tv_usec));
    return std::string{text};
  };
  section_text t{"CPU"};
  t.add("used_cpu_sys", seconds(u.ru_stime))
    .add("used_cpu_user", seconds(u.ru_utime));
  return std::move(t).text();
}

std::string command_statistics(core& c, const node_figures& f) {
  const auto all = c.shared().statistics(f);
  section_text t{"Commandstats"};
  for (const auto& x : commands()) {
    const auto calls = all.calls[static_cast<std::size_t>(x.id)];
    const auto us = all.calls_us[static_cast<std::size_t>(x.id)];
    if (calls == 0)
      continue;
    char each[32];
    std::snprintf(each, sizeof each, "%.2f",
                  static_cast<double>(us) / static_cast<double>(calls));
    t.add(std::string{"cmdstat_"}.append(x.name),
          "calls=" + std::to_string(calls) + ",usec=" + std::to_string(us)
            + ",usec_per_call=" + each);
  }
  return std::move(t).text();
}

/// What this node holds of each keyspace; DBSIZE counts cluster-wide.
std::string keyspace(core& c, const node_figures& f) {
  section_text t{"Keyspace"};
  for (const auto& k : f.keyspaces) {
    const auto ttl_ms =
      k.mean_deadline_ms > c.now() ? k.mean_deadline_ms - c.now() : 0;
    t.add(std::string{"db"}.append(std::to_string(k.db)),
          "keys=" + std::to_string(k.keys)
            + ",expires=" + std::to_string(k.expiring_keys)
            + ",avg_ttl=" + std::to_string(ttl_ms));
  }
  return std::move(t).text();
}

std::string torc_section(core& c, const node_figures& f) {
  section_text t{"Torc"};
  t.add("cluster_id", f.cluster_id)
    .add("member_id", c.options().self.value)
    .add("member_name", c.shared().node_name)
    .add("epoch", c.view() == nullptr ? 0 : c.view()->epoch().value)
    .add("ready", f.ready ? 1 : 0)
    .add("unready", f.unready)
    .add("loops", f.loops)
    .add("keys", f.keys)
    .add("bytes", f.bytes)
    .add("dead_keys", f.dead_keys)
    .add("dead_bytes", f.dead_bytes)
    .add("memory_bytes", f.memory_bytes)
    .add("memory_bytes_max", f.memory_bytes_max)
    .add("hints", f.hints)
    .add("entry_cache_hits", f.entry_cache_hits)
    .add("entry_cache_misses", f.entry_cache_misses)
    .add("entry_cache_bytes", f.entry_cache_bytes)
    .add("block_cache_bytes", f.disk.block_cache_bytes)
    .add("block_cache_bytes_max", f.disk.block_cache_bytes_max)
    .add("memtable_bytes", f.disk.memtable_bytes)
    .add("pending_compaction_bytes", f.disk.pending_compaction_bytes)
    .add("running_compactions", f.disk.running_compactions)
    .add("running_flushes", f.disk.running_flushes)
    .add("delayed_write_bytes_per_second", f.disk.delayed_write_bytes_per_s);
  return std::move(t).text();
}

/// All that there are; `commandstats` only for who asks for it.
constexpr std::string_view sections[] = {
  "server", "clients", "memory",   "persistence", "stats",       "replication",
  "cpu",    "cluster", "keyspace", "torc",        "commandstats"};
constexpr std::size_t default_count = std::size(sections) - 1;

std::string section_of(core& c, const node_figures& f, std::string_view name) {
  if (name == "server")
    return server(c, f);
  if (name == "clients")
    return clients(c);
  if (name == "memory")
    return memory(f);
  if (name == "persistence")
    return persistence(c, f);
  if (name == "stats")
    return stats(c, f);
  if (name == "replication")
    return replication(c);
  if (name == "cpu")
    return cpu();
  if (name == "cluster")
    return std::move(section_text{"Cluster"}.add("cluster_enabled", 1)).text();
  if (name == "keyspace")
    return keyspace(c, f);
  if (name == "torc")
    return torc_section(c, f);
  TORC_ASSERT(name == "commandstats");
  return command_statistics(c, f);
}

/// Each once, in the order in which they are asked for; what there is not is
/// left out.
std::vector<std::string_view> wanted_sections(const request& r) {
  std::vector<std::string_view> wanted;
  const auto want = [&](std::string_view section) {
    if (std::find(wanted.begin(), wanted.end(), section) == wanted.end())
      wanted.push_back(section);
  };
  for (std::size_t i = 1; i < r.argv.size() || i == 1; ++i) {
    const auto name = i < r.argv.size() ? r.argv[i] : "default";
    const bool all = is(name, "all") || is(name, "everything");
    if (all || is(name, "default")) {
      const auto count = all ? std::size(sections) : default_count;
      std::for_each_n(std::begin(sections), count, want);
      continue;
    }
    const auto* known =
      std::find_if(std::begin(sections), std::end(sections),
                   [&](std::string_view x) { return is(name, x); });
    if (known != std::end(sections))
      want(*known);
  }
  return wanted;
}

} // namespace

void run_info(core& c, const request& r) {
  const auto figures = c.shared().figures_now();
  std::string text;
  for (const auto name : wanted_sections(r)) {
    if (!text.empty())
      text.append("\r\n");
    text.append(section_of(c, figures, name));
  }
  c.reply(r).verbatim(text);
  c.finish(r);
}

} // namespace torc::gateway
