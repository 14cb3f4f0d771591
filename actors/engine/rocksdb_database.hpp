#pragma once

#include <rocksdb/db.h>

#include <memory>
#include <vector>

#include "actors/engine/rocksdb_settings.hpp"
#include "actors/engine/rocksdb_synced_mark.hpp"
#include "torc/engine/directory_lock.hpp"

namespace torc {

/// Closes the database when it goes; handles of columns must be gone by then.
struct database_closer {
  void operator()(rocksdb::DB* db) const;
};

/// An open database and what belongs to it.
struct rocksdb_database {
  directory_lock lock;
  synced_mark mark;
  std::unique_ptr<rocksdb::DB, database_closer> db;
  /// RocksDB's default family, then one per `column`. Owned by `db`.
  std::vector<rocksdb::ColumnFamilyHandle*> handles;

  rocksdb_database(directory_lock l, synced_mark m)
    : lock(std::move(l)), mark(std::move(m)) {}
  rocksdb_database(rocksdb_database&&) = default;
  rocksdb_database& operator=(rocksdb_database&&) = delete;
  ~rocksdb_database();

  /// Where the engine keeps marks of its own.
  rocksdb::ColumnFamilyHandle* own() const noexcept { return handles[0]; }
  rocksdb::ColumnFamilyHandle* handle(column c) const noexcept {
    return handles[static_cast<std::size_t>(c) + 1];
  }
};

/// Keys of the engine's own family.
inline constexpr const char* format_key = "torc.format";
inline constexpr const char* recovery_key = "torc.recovery";

/// As `open_rocksdb`.
result<rocksdb_database> open_database(const rocksdb_options& options);

} // namespace torc
