#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "torc/core/config.hpp"
#include "torc/core/error.hpp"
#include "torc/counters.hpp"
#include "torc/messages/admin.hpp"
#include "torc/storage_node.hpp"

namespace torc {

class cluster_view;
class event_loop;

using config_change_fn =
  std::function<result<cluster_config>(const cluster_config&)>;

/// What one gateway counts. Written by its loop alone.
struct gateway_counters {
  counter commands;
  counter connections;      ///< Accepted since the start.
  counter clients;          ///< Open now.
  counter refused_clients;  ///< Above max_clients.
  counter errors;
  counter bytes_in;
  counter bytes_out;
  counter hits;
  counter misses;
  counter protocol_errors;
  counter slow_readers; ///< Closed because they did not read.
};

/// Commands that took long, shared by the loops of a node (rare, so a lock).
class slow_log {
public:
  struct entry {
    std::uint64_t id;
    unix_ms at_ms;
    std::uint64_t took_us;
    std::vector<std::string> argv;
    std::string client;
    std::string name;
  };

  std::atomic<std::int64_t> slower_than_us{10'000};
  std::atomic<std::size_t> max_len{128};

  void add(entry e);
  std::vector<entry> newest(std::size_t count) const;
  std::size_t size() const;
  void reset();

private:
  mutable std::mutex mutex_;
  std::deque<entry> entries_;
  std::uint64_t next_id_ = 0;
};

/// A setting that CONFIG GET and SET know.
struct config_parameter {
  std::string name;
  std::function<std::string()> get;
  std::function<result<void>(const std::string&)> set; ///< Null: read-only.
};

/// What the gateways of one node share.
struct gateway_options {
  member_id self;
  std::uint16_t loop = 0;
  std::string node_name;
  wall_clock wall;
  std::uint64_t seed = 0;
  std::string password;      ///< Empty: none needed.
  std::size_t max_clients = 20'000;
  unix_ms max_skew_ms = 500;
  std::shared_ptr<const cluster_view> view;
  std::shared_ptr<gateway_counters> counters;
  std::vector<std::shared_ptr<gateway_counters>> all_counters; ///< Of all loops.
  std::shared_ptr<slow_log> slowlog;
  std::shared_ptr<std::vector<config_parameter>> parameters;
  /// Text of INFO's sections that the node knows: section -> lines.
  std::function<std::string(const std::string& section)> info;
  /// The map of TORC.ADMIN STATUS's `self`, as (key, value) in order.
  std::function<bool()> ready;
  std::function<void()> reset_stats;
};

} // namespace torc
