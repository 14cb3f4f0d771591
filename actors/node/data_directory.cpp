#include "actors/node/data_directory.hpp"

#include <filesystem>

#include <fmt/format.h>

#include "torc/core/assert.hpp"
#include "torc/engine/directories.hpp"
#include "torc/engine/rocksdb_engine.hpp"
#include "torc/log.hpp"
#include "torc/ring_manager.hpp"

namespace torc {
namespace {

namespace fs = std::filesystem;

result<void> make_data_directory(const std::string& path) {
  const auto made = make_directories(path);
  if (!made)
    return {made.error().code,
            fmt::format("cannot create the data directory {}: {}", path,
                        made.error().message)};
  std::error_code ignored;
  if (*made) // nobody else's business
    fs::permissions(path, fs::perms::owner_all, ignored);
  return {};
}

result<std::shared_ptr<engine>> open_disk(const node_options& options,
                                          const std::string& path,
                                          bool may_create) {
  rocksdb_options o;
  o.path = path;
  o.block_cache_bytes = options.block_cache_bytes;
  o.create_if_missing = may_create;
  o.on_warning = [](std::string_view line) {
    log::warn("rocksdb", "{}", line);
  };
  auto opened = open_rocksdb(o);
  if (!opened)
    return std::move(opened).error();
  return std::shared_ptr<engine>{*std::move(opened)};
}

/// What the database says must agree with what the identity file says.
result<void> check_cluster(const std::string& directory,
                           const node_identity& id,
                           const std::optional<register_state>& state) {
  const bool named = id.cluster != cluster_id{};
  const bool has_config = state && state->chosen;
  if (named && !has_config)
    return {errc::corrupt,
            fmt::format("{} belongs to cluster {}, but its database has no "
                        "config: the database was replaced. Restore it from a "
                        "copy; a member whose data is lost must not come back "
                        "under its old id",
                        directory, to_string(id.cluster))};
  if (named && state->chosen->id != id.cluster)
    return {errc::refused,
            fmt::format("{}/identity says cluster {}, the database says {}: "
                        "they do not belong together",
                        directory, to_string(id.cluster),
                        to_string(state->chosen->id))};
  return {};
}

} // namespace

result<data_directory> data_directory::open(const node_options& options,
                                            std::uint64_t founders_digest) {
  const auto& path = options.data_dir;
  if (auto made = make_data_directory(path); !made)
    return made.error();
  auto lock = directory_lock::acquire(path);
  if (!lock)
    return std::move(lock).error();
  data_directory out{*std::move(lock)};
  out.path_ = path;

  const auto db = path + "/db";
  std::error_code e;
  const bool has_database = fs::exists(db, e);
  const node_identity wanted{
    {}, options.self_id(), options.name, founders_digest};
  auto stored = read_identity(path);
  if (!stored)
    return std::move(stored).error();
  if (!*stored && has_database)
    return {errc::corrupt,
            fmt::format("{} has a database but no file `identity` that says "
                        "whose it is: restore it from a copy",
                        path)};
  if (*stored)
    if (auto ok = check_identity(**stored, wanted, path); !ok)
      return ok.error();
  out.identity_ = *stored ? **stored : wanted;
  const bool known = out.identity_.cluster != cluster_id{};
  if (known && !has_database)
    return {errc::corrupt,
            fmt::format("{} belongs to cluster {}, but its database {} is "
                        "gone. Restore it from a copy; a member whose data is "
                        "lost must not come back under its old id",
                        path, to_string(out.identity_.cluster), db)};
  // Before the database: a directory never has data without an owner.
  if (!*stored)
    if (auto done = write_identity(path, wanted); !done)
      return done.error();

  auto disk = open_disk(options, db, !known);
  if (!disk)
    return std::move(disk).error();
  out.disk_ = *std::move(disk);
  auto state = load_register_state(*out.disk_);
  if (!state)
    return {state.error().code,
            fmt::format("the cluster's config in {} cannot be used: {}", db,
                        state.error().message)};
  if (auto ok = check_cluster(path, out.identity_, *state); !ok)
    return ok.error();
  out.has_config_ = *state && (*state)->chosen;
  if (out.has_config_)
    if (auto done = out.set_cluster((*state)->chosen->id); !done)
      return done.error();
  return out;
}

result<void> data_directory::set_cluster(const cluster_id& id) {
  if (identity_.cluster == id)
    return {};
  TORC_ASSERT(identity_.cluster == cluster_id{});
  auto next = identity_;
  next.cluster = id;
  if (auto done = write_identity(path_, next); !done)
    return done;
  identity_ = next;
  return {};
}

} // namespace torc
