#pragma once

#include <optional>
#include <string>
#include <vector>

#include "torc/core/config.hpp"

namespace torc {

/// What a cluster begins with.
struct founding {
  cluster_id id;
  std::vector<member_info> founders; ///< In order; ids are given 1..n.
  keyspace_info default_keyspace;    ///< Engine, replicas, level, TTL count.
  sync_policy sync = sync_policy::always;
  std::uint32_t virtual_nodes = limits::virtual_nodes_default;
  unix_ms max_skew_ms = 500;
};

/// Digest of an ordered founders list: names, doors, zones, weights.
std::uint64_t digest_of_founders(const std::vector<member_info>& founders);

/// The first config: epoch 1, the first founder is the one voter, keyspace
/// `default` with db 0.
result<cluster_config> found_cluster(const founding& f);

/// What a keyspace to create is to be like.
struct keyspace_spec {
  std::string name;
  std::uint16_t replicas = 3; ///< Clusters with fewer members hold fewer.
  engine_kind engine = engine_kind::rocksdb;
  consistency default_level = consistency::eventual;
  std::uint64_t default_ttl_ms = 0;
  conflict_policy policy = conflict_policy::lww;
  keyspace_mode mode = keyspace_mode::mixed;
};

/// Each takes a config and gives the next one, or says why not. Pure.
result<cluster_config> create_keyspace(const cluster_config& c,
                                       const keyspace_spec& spec);
/// `errc::not_found`; `default` cannot be dropped.
result<cluster_config> drop_keyspace(const cluster_config& c,
                                     std::string_view name);
/// A new incarnation for the keyspace with this db, or for all.
result<cluster_config> flush_keyspace(const cluster_config& c,
                                      std::optional<std::uint32_t> db);
result<cluster_config> set_sync(const cluster_config& c, sync_policy sync);

} // namespace torc
