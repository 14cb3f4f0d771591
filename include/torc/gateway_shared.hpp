#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/command.hpp"
#include "torc/core/error.hpp"
#include "torc/core/metrics.hpp"
#include "torc/core/types.hpp"
#include "torc/engine/engine.hpp"

/// What the gateways of a node share with each other, its metrics and its
/// settings. Without actors.
namespace torc {

/// What one gateway counts. Written by its loop alone.
struct gateway_counters {
  /// Commands that `command_id` can name.
  static constexpr std::size_t commands_max = 128;

  counter commands;
  counter connections; ///< Accepted since the start.
  counter clients;     ///< Open now.
  counter errors;      ///< Replies that are errors.
  counter bytes_in;
  counter bytes_out;
  counter hits;
  counter misses;
  counter protocol_errors;
  counter slow_readers; ///< Closed because they did not read.
  counter forwarded;    ///< Operations for another member.
  counter under_way;    ///< Operations not answered yet.
  counter serving;      ///< 1 once it has a config and its node's shards.
  std::array<counter, commands_max> calls;    ///< By command_id.
  std::array<counter, commands_max> calls_us; ///< Time until the reply.
  latency_histogram reads;
  latency_histogram writes;
};

/// Sums of these over all loops, for INFO. What is open or under way is no part
/// of it.
struct gateway_statistics {
  std::uint64_t commands = 0;
  std::uint64_t connections = 0;
  std::uint64_t errors = 0;
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;
  std::uint64_t protocol_errors = 0;
  std::uint64_t slow_readers = 0;
  std::uint64_t forwarded = 0;
  std::uint64_t expired_keys = 0; ///< Of the node's shards.
  std::array<std::uint64_t, gateway_counters::commands_max> calls{};
  std::array<std::uint64_t, gateway_counters::commands_max> calls_us{};
  latency_snapshot reads;
  latency_snapshot writes;

  void add(const gateway_counters& c) noexcept;
  /// REQUIRES: `earlier` was taken from the same counters.
  gateway_statistics since(const gateway_statistics& earlier) const noexcept;
};

/// Commands that took long, shared by the loops of a node (rare, so a lock).
class slow_log {
public:
  struct entry {
    std::uint64_t id = 0;
    unix_ms at_ms = 0;
    std::uint64_t took_us = 0;
    std::vector<std::string> argv; ///< Shortened.
    std::string client;
    std::string name;
  };

  std::atomic<std::int64_t> slower_than_us{10'000}; ///< Negative: off.
  std::atomic<std::size_t> max_len{128};

  bool is_slow(std::uint64_t took_us) const noexcept {
    const auto limit = slower_than_us.load(std::memory_order_relaxed);
    return limit >= 0 && took_us >= static_cast<std::uint64_t>(limit);
  }
  /// Gives the entry its id; the oldest one goes.
  void add(entry e);
  /// Newest first.
  std::vector<entry> newest(std::size_t count) const;
  std::size_t size() const;
  void reset();

private:
  mutable std::mutex mutex_;
  std::deque<entry> entries_;
  std::uint64_t next_id_ = 0;
};

/// What all loops may know of one connection (CLIENT LIST) and do to it (CLIENT
/// KILL). Written by the connection's loop, read by all.
struct client_record {
  const std::uint64_t id;
  const std::string address;       ///< Of the client, "host:port".
  const std::string local_address; ///< Of the door.
  const unix_ms created_ms;
  const int descriptor;

  std::atomic<unix_ms> active_ms{0};
  std::atomic<const char*> last_command{"NULL"};
  std::atomic<std::uint32_t> db{0};
  std::atomic<std::uint32_t> protocol{2};
  std::atomic<std::size_t> query_bytes{0};
  std::atomic<std::size_t> output_bytes{0};
  std::atomic<bool> kill{false}; ///< To be closed at its loop's next tick.

  /// Copies under the lock.
  std::string name() const;
  std::string lib_name() const;
  std::string lib_version() const;
  void set_name(std::string_view s);
  void set_lib_name(std::string_view s);
  void set_lib_version(std::string_view s);

  client_record(std::uint64_t i, std::string a, std::string l, unix_ms created,
                int fd)
    : id(i), address(std::move(a)), local_address(std::move(l)),
      created_ms(created), descriptor(fd) {}

private:
  mutable std::mutex mutex_;
  std::string name_;
  std::string lib_name_;
  std::string lib_version_;
};

/// The connections of all loops of a node. Thread-safe.
class client_directory {
public:
  std::uint64_t next_id() noexcept {
    return 1 + last_id_.fetch_add(1, std::memory_order_relaxed);
  }
  void add(std::shared_ptr<client_record> r);
  void remove(std::uint64_t id);
  /// By id.
  std::vector<std::shared_ptr<client_record>> all() const;
  std::size_t size() const;

  /// Marks it: its loop closes it.
  void kill(client_record& r) noexcept {
    r.kill.store(true, std::memory_order_relaxed);
    kills_.fetch_add(1, std::memory_order_release);
  }
  /// Grows with each that is marked, after it is.
  std::uint64_t kills() const noexcept {
    return kills_.load(std::memory_order_acquire);
  }

private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, std::shared_ptr<client_record>> records_;
  std::atomic<std::uint64_t> last_id_{0};
  std::atomic<std::uint64_t> kills_{0};
};

/// A setting that CONFIG GET and SET know. Called on any loop.
struct config_parameter {
  std::string name;
  std::function<std::string()> get;
  std::function<result<void>(const std::string&)> set; ///< Null: read-only.
};

/// What a node holds of one keyspace.
struct keyspace_figures {
  std::uint32_t db = 0;
  std::uint64_t keys = 0;
  std::uint64_t expiring_keys = 0;
  unix_ms mean_deadline_ms = 0; ///< Of these; 0: none.
};

/// A whole number of a setting, or Redis's words for what is wrong with it.
result<std::int64_t> parse_setting(const std::string& text, std::int64_t least,
                                   std::int64_t most);

/// How the node is, for INFO and TORC.ADMIN STATUS.
struct node_figures {
  std::string version; ///< Of the program.
  std::string cluster_id;
  unix_ms started_ms = 0;
  bool ready = false;
  std::string unready; ///< Why not.
  std::uint32_t loops = 1;
  std::uint64_t keys = 0;          ///< Live ones of all keyspaces, here.
  std::uint64_t expiring_keys = 0; ///< Of these, with a deadline.
  std::uint64_t expired_keys = 0;  ///< Since the start.
  std::uint64_t bytes = 0;         ///< Of live entries.
  std::uint64_t dead_keys = 0;     ///< Marks that wait for collection.
  std::uint64_t dead_bytes = 0;
  std::uint64_t memory_bytes = 0; ///< Of the memory engine.
  std::uint64_t memory_bytes_max = 0;
  std::uint64_t hints = 0;
  std::uint64_t syncs = 0; ///< fsyncs since the start.
  std::uint64_t commits = 0;
  std::uint64_t commit_failures = 0;
  std::string disk_failure; ///< Why writes to disk are refused; empty: fine.
  std::vector<keyspace_figures> keyspaces; ///< All of the config, by db.
  std::uint64_t entry_cache_hits = 0;      ///< Since the start.
  std::uint64_t entry_cache_misses = 0;
  std::uint64_t entry_cache_bytes = 0;
  engine_load disk; ///< Of the engine on the disk.
};

/// What the gateways of one node share. Filled before the first is spawned.
struct gateway_shared {
  std::string node_name;
  std::string data_dir;
  std::uint16_t resp_port = 0;
  std::function<node_figures()> figures; ///< Called on any loop.
  /// Beside those of the gateways: requirepass, slowlog-*, loglevel.
  std::vector<config_parameter> parameters;
  std::vector<std::shared_ptr<gateway_counters>> counters; ///< Of all loops.

  slow_log slowlog;
  client_directory clients;

  /// What `figures` gives, if it is there.
  node_figures figures_now() const {
    return figures ? figures() : node_figures{};
  }

  /// Empty: none needed. Thread-safe.
  std::string password() const;
  void set_password(std::string_view p);

  /// Since the last reset. Thread-safe.
  gateway_statistics statistics() const;
  /// The same for a caller that has the figures already.
  gateway_statistics statistics(const node_figures& now) const;
  /// CONFIG RESETSTAT: INFO counts from now on. Metrics go on. Thread-safe.
  void reset_statistics();

  /// Whether all gateways serve. Thread-safe.
  bool serving() const noexcept;

  /// For `metrics_registry`.
  void collect(metrics_page& page) const;

private:
  gateway_statistics all_statistics(const node_figures& now) const;

  mutable std::mutex mutex_; // guards what follows
  std::string password_;
  gateway_statistics reset_at_;
};

} // namespace torc
