#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/config.hpp"

/// How a config becomes the next one. All pure; each gives the config with its
/// epoch raised by one, or says why not.
namespace torc {

/// What a keyspace to create is to be like.
struct keyspace_spec {
  std::string name;
  /// Copies of each key. As many as there are members if these are fewer:
  /// `held_replicas` says how many.
  std::uint16_t replicas = 3;
  zone_rule zones = zone_rule::spread;
  engine_kind engine = engine_kind::rocksdb;
  consistency default_level = consistency::eventual;
  std::uint64_t default_ttl_ms = 0;
  conflict_policy policy = conflict_policy::lww;
  keyspace_mode mode = keyspace_mode::mixed;
};

/// What a cluster begins with.
struct founding {
  cluster_id id;
  std::vector<member_info> founders; ///< In order; ids are given 1..n.
  keyspace_spec default_keyspace;    ///< Its name is `default` in any case.
  sync_policy sync = sync_policy::always;
  std::uint32_t virtual_nodes = limits::virtual_nodes_default;
  unix_ms max_skew_ms = 500;
};

/// Digest of an ordered founders list: names, doors, zones, weights.
std::uint64_t digest_of_founders(const std::vector<member_info>& founders);

/// The first config: epoch 1, the first founder is the one voter, keyspace
/// `default` with db 0. `errc::invalid_argument`, `errc::unsupported`.
result<cluster_config> found_cluster(const founding& f);

/// With the lowest free db number, in the placement group of its replication
/// factor and zone rule, which is made if there is none.
/// `errc::invalid_argument`, `errc::already_exists`, `errc::unsupported`.
result<cluster_config> create_keyspace(const cluster_config& c,
                                       const keyspace_spec& spec);

/// A placement group that nobody uses any more goes too. `errc::not_found`;
/// `default` cannot be dropped.
result<cluster_config> drop_keyspace(const cluster_config& c,
                                     std::string_view name);

/// A new incarnation for the keyspace with this db, or for all.
/// `errc::not_found`.
result<cluster_config> flush_keyspace(const cluster_config& c,
                                      std::optional<std::uint32_t> db);

inline result<cluster_config> flush_all(const cluster_config& c) {
  return flush_keyspace(c, std::nullopt);
}

result<cluster_config> set_sync(const cluster_config& c, sync_policy sync);

/// First half of a change of voters: from now on both sets must agree.
/// `errc::try_again`: another such change is under way.
result<cluster_config> begin_voter_change(const cluster_config& c,
                                          std::vector<member_id> next);

/// Second half: the new set alone. `errc::invalid_argument`: none is under way.
result<cluster_config> finish_voter_change(const cluster_config& c);

/// Instead of the second half: the old set alone.
result<cluster_config> abort_voter_change(const cluster_config& c);

/// How many members hold each key of a keyspace: fewer than asked for while
/// there are fewer members.
std::size_t held_replicas(const cluster_config& c,
                          const keyspace_info& k) noexcept;

} // namespace torc
