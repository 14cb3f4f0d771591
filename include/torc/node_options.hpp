#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/error.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// A host name or numeric address, and a port. The host of an IPv6 address is
/// kept without brackets.
struct socket_address {
  std::string host;
  std::uint16_t port = 0;

  bool empty() const noexcept { return host.empty() && port == 0; }
  /// True for 127.0.0.0/8, ::1 and `localhost`. Does not resolve anything.
  bool is_loopback() const noexcept;

  friend bool operator==(const socket_address&,
                         const socket_address&) = default;
};

/// Reads `host:port`, `[v6]:port` or `:port` (host 127.0.0.1). A missing port
/// is `port_default`; it is an error if that is 0.
/// `errc::invalid_argument` says what is wrong.
result<socket_address> parse_address(std::string_view text,
                                     std::uint16_t port_default = 0);

/// `host:port`, with brackets around an IPv6 address.
std::string to_string(const socket_address& address);

/// One of the members that a cluster begins with.
struct founder_options {
  std::string name;    ///< 1 to 32 bytes of [A-Za-z0-9_.-], unique.
  socket_address door; ///< Where the others reach its cluster door.
  socket_address resp; ///< What clients are told (CLUSTER SLOTS).
  socket_address http; ///< What the dashboard and metrics are told.
  std::string zone;    ///< Failure domain; empty: the zone of all without.
  double weight = 1.0; ///< Share of the data, 0.01 to 100.

  friend bool operator==(const founder_options&,
                         const founder_options&) = default;
};

/// Files for mutual TLS on the cluster door, PEM. All three or none.
struct tls_options {
  std::string ca;
  std::string cert;
  std::string key;

  bool empty() const noexcept {
    return ca.empty() && cert.empty() && key.empty();
  }
  friend bool operator==(const tls_options&, const tls_options&) = default;
};

enum class log_level : std::uint8_t { trace, debug, info, warn, error, off };
enum class log_format : std::uint8_t { text, json };

/// The settings of one node: what `torc.toml` and the flags of `torc node` say.
struct node_options {
  // -- who it is --------------------------------------------------------------

  /// Everything that the node keeps. One process at a time.
  std::string data_dir;
  /// Its own name; one of `founders`.
  std::string name;
  /// The members that the cluster began with: the same list in the same order
  /// on every node. Ids are 1..n in this order.
  std::vector<founder_options> founders;

  // -- doors ------------------------------------------------------------------

  /// Where it listens. An empty one is taken from its own founder entry by
  /// `complete()`.
  socket_address door_listen;
  socket_address resp_listen;
  socket_address http_listen;
  /// What RESP clients must present (`requirepass`); empty: nothing.
  std::string password;
  /// Allows RESP and HTTP doors beyond loopback without a password.
  bool insecure = false;

  // -- trust between members: a secret or certificates ------------------------

  /// Shared secret, at least 16 bytes. `cluster_secret_file` is read into it
  /// (without trailing white space) by `load_node_options`.
  std::string cluster_secret;
  std::string cluster_secret_file;
  tls_options tls;

  // -- what the first start writes into the cluster's config ------------------

  /// The keyspace `default` (db 0).
  engine_kind engine = engine_kind::rocksdb;
  std::uint32_t replicas = 3; ///< At most the number of founders counts.
  consistency default_level = consistency::eventual;
  std::uint64_t default_ttl_ms = 0; ///< 0: keys stay.
  /// When eventual and weak writes reach the disk, cluster-wide.
  sync_policy sync = sync_policy::always;
  std::uint32_t virtual_nodes = limits::virtual_nodes_default;

  // -- resources --------------------------------------------------------------

  /// Event loops, each with its shard; 0: one per core.
  std::uint32_t loops = 0;
  /// Bound of the data kept in memory; 0: half of the machine's RAM.
  /// Above it, growing writes are refused with -OOM.
  std::uint64_t memory_bytes_max = 0;
  /// RocksDB's block cache; entries in use get as much again. Too small: reads
  /// wait for the disk.
  std::uint64_t block_cache_bytes = 64 * limits::mib;
  /// Largest difference between members' clocks that is believed.
  std::uint64_t max_skew_ms = 500;

  // -- logs, on stderr --------------------------------------------------------

  torc::log_level log_level = torc::log_level::info;
  torc::log_format log_format = torc::log_format::text;

  /// Position of `name` in `founders`, else `founders.size()`.
  std::size_t self_index() const noexcept;
  /// The id that the founder list gives to this node. REQUIRES: validate().
  member_id self_id() const noexcept {
    return member_id{static_cast<std::uint32_t>(self_index() + 1)};
  }

  /// Fills what follows from other settings and from the machine: listening
  /// addresses, `loops`, `memory_bytes_max`.
  void complete();

  /// Refuses what cannot work, with a message that says what would.
  result<void> validate() const;
};

/// Reads settings from TOML text over the defaults. Unknown keys are refused
/// with line number and the nearest known key. `origin` names the text in
/// messages. Neither completes nor validates. Relative paths are taken from
/// `base_dir`.
result<node_options> parse_node_options(std::string_view toml,
                                        std::string_view origin,
                                        std::string_view base_dir = ".");

/// Reads a file with `parse_node_options` and the secret that it names.
result<node_options> load_node_options(const std::string& path);

/// Reads `cluster_secret_file` into `cluster_secret` if it is set. Refuses a
/// file that others may read.
result<void> load_secret(node_options& options);

/// The settings as a commented torc.toml that `parse_node_options` reads back
/// to the same options.
std::string to_toml(const node_options& options);

/// Sizes such as `4096`, `512KiB`, `2GiB`, `1.5G`, `10MB`: KiB, MiB, GiB, TiB
/// and K, M, G, T are powers of 1024, KB, MB, GB, TB powers of 1000.
result<std::uint64_t> parse_bytes(std::string_view text);

/// Durations such as `250ms`, `30s`, `5m`, `2h`, `7d`; a bare number is
/// milliseconds.
result<std::uint64_t> parse_duration_ms(std::string_view text);

/// The name nearest to `name` by edit distance, or empty if none is near.
std::string_view nearest_name(std::string_view name,
                              const std::vector<std::string_view>& known);

// -- names of the choices, as flags and TOML write them -----------------------

result<engine_kind> parse_engine(std::string_view text);
result<consistency> parse_consistency(std::string_view text);
result<sync_policy> parse_sync(std::string_view text);
result<log_level> parse_log_level(std::string_view text);
result<log_format> parse_log_format(std::string_view text);
std::string_view to_string(engine_kind x) noexcept;
std::string_view to_string(consistency x) noexcept;
std::string_view to_string(sync_policy x) noexcept;
std::string_view to_string(log_level x) noexcept;
std::string_view to_string(log_format x) noexcept;

} // namespace torc
