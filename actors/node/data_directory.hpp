#pragma once

#include <memory>
#include <optional>
#include <string>

#include "actors/node/identity_file.hpp"
#include "torc/core/config_register.hpp"
#include "torc/core/error.hpp"
#include "torc/engine/directory_lock.hpp"
#include "torc/engine/engine.hpp"
#include "torc/node_options.hpp"

namespace torc {

/// What a node finds in its data directory, locked for this process:
///
///   torc.pid   lock, with the pid of who holds it
///   identity   whose data this is
///   db/        the database: records, config, clock ceilings
class data_directory {
public:
  /// Opens it for a member, or makes it. Errors as `node::start`.
  static result<data_directory> open(const node_options& options,
                                     std::uint64_t founders_digest);

  const std::shared_ptr<engine>& disk() const noexcept { return disk_; }
  /// True if the database holds a config.
  bool has_config() const noexcept { return has_config_; }

  /// Remembers the cluster for ever; nothing to do if it is known. Not
  /// thread-safe. REQUIRES: no other one is known.
  result<void> set_cluster(const cluster_id& id);

private:
  explicit data_directory(directory_lock lock) : lock_(std::move(lock)) {}

  std::string path_;
  directory_lock lock_;
  node_identity identity_;
  std::shared_ptr<engine> disk_;
  bool has_config_ = false;
};

} // namespace torc
