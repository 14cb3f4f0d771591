#pragma once

#include <cstddef>
#include <cstdint>

/// Every bound of the system that is not a setting. Each says what happens when
/// it is reached where it is enforced.
namespace torc::limits {

inline constexpr std::size_t kib = 1024;
inline constexpr std::size_t mib = 1024 * kib;

inline constexpr std::size_t key_bytes_max = 64 * kib;
inline constexpr std::size_t value_bytes_max = 8 * mib;
inline constexpr std::size_t member_name_bytes_max = 32;
inline constexpr std::size_t keyspace_name_bytes_max = 64;
inline constexpr std::size_t members_max = 1000;
inline constexpr std::size_t keyspaces_max = 256;
inline constexpr std::size_t replicas_max = 9;
inline constexpr std::size_t virtual_nodes_default = 150;

/// Decided strong operations remembered per record.
inline constexpr std::size_t decided_ops_max = 64;
/// Concurrent versions of a key under `siblings` and `merge`.
inline constexpr std::size_t siblings_max = 32;

/// A batch between nodes is cut at this size; one record may exceed it.
inline constexpr std::size_t peer_batch_bytes = 256 * kib;
/// Bytes of a batch that a receiver accepts at most.
inline constexpr std::size_t peer_batch_bytes_max = 16 * mib;
/// Payload of replies that a shard holds; above, reads are refused for now.
inline constexpr std::size_t reply_bytes_max = 16 * mib;
/// Unacknowledged push bytes per shard and peer; above, keys wait as hints.
inline constexpr std::size_t push_window_bytes = 4 * mib;
/// Hints per shard and peer; above, slot comparison does the work.
inline constexpr std::size_t hints_max = 100'000;

static_assert(key_bytes_max + value_bytes_max + 64 * kib
              < peer_batch_bytes_max);
static_assert(peer_batch_bytes < peer_batch_bytes_max);

} // namespace torc::limits
