#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/fwd.hpp>

#include "torc/core/error.hpp"
#include "torc/core/types.hpp"
#include "torc/engine/engine.hpp"
#include "torc/engine/write_batch.hpp"

namespace torc {

class cluster_view;

/// Messages that never leave the process: they may carry pointers and are never
/// encoded.
namespace local {

/// A newer config entered; durable before it is sent.
struct view_update {
  std::shared_ptr<const cluster_view> view;
};

/// Writes of one shard, in order, for the committer.
struct commit_request {
  std::uint16_t shard = 0;
  std::uint64_t seq = 0; ///< Counts up per shard.
  /// That of the last `committed` received; 0 at first. A request of an older
  /// one was decided on what a failure took back, and is refused.
  std::uint64_t generation = 0;
  bool must_sync = false; ///< Promises, ceilings, config: always fsynced.
  std::shared_ptr<write_batch> writes;
};

/// Everything of this shard up to `seq` is applied, and `synced` if asked for.
struct committed {
  std::uint64_t seq = 0;
  std::uint64_t generation = 0; ///< Storage failures so far.
  bool synced = false;
  bool resumed = false; ///< Not an answer: the disk takes writes again.
  std::shared_ptr<const error> failure; ///< Null: done. Else nothing of it is.
};

/// A read that would have blocked the loop.
struct load_request {
  std::uint16_t shard = 0;
  std::uint64_t id = 0;
  std::string key;
};

struct load_result {
  std::uint64_t id = 0;
  read_status status = read_status::absent;
  std::string value;
  std::shared_ptr<const error> failure;
};

/// A part of a scan: entries of `column::data` in [begin, end), in key order,
/// until `entries_max` or `bytes_max`.
struct scan_request {
  std::uint64_t id = 0;
  std::string begin;
  std::string end;
  std::size_t entries_max = 0;
  std::size_t bytes_max = 0;
  std::shared_ptr<const engine_snapshot> snapshot; ///< Null: take a fresh one.
};

struct scan_result {
  std::uint64_t id = 0;
  std::vector<std::pair<std::string, std::string>> entries;
  std::string next; ///< Where to go on; empty: the end was reached.
  std::shared_ptr<const error> failure;
};

} // namespace local
} // namespace torc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::view_update)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::commit_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::load_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::load_result)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::scan_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::scan_result)
