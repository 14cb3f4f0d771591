#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <memory>
#include <string>

#include "actors/engine/rocksdb_env.hpp"
#include "actors/engine/rocksdb_settings.hpp"
#include "actors/engine/rocksdb_synced_mark.hpp"
#include "torc/engine/directory_lock.hpp"
#include "torc/engine/engine.hpp"
#include "torc/engine/write_batch.hpp"

namespace torc {

/// Closes the database when it goes.
struct database_closer {
  void operator()(rocksdb::DB* db) const;
};

/// An open database and what belongs to it.
struct rocksdb_database {
  directory_lock lock;
  synced_mark mark;
  std::unique_ptr<log_error_env> env;
  std::shared_ptr<rocksdb_events> events;
  std::unique_ptr<rocksdb::DB, database_closer> db;
};

// All columns share one RocksDB column family, a key being the column's byte
// and the entry's key: so a flush takes all of a batch or nothing. With several
// families it would need RocksDB's atomic flush, which in 7.8 can hang for ever
// after a failed one.

/// First byte of the engine's own keys, after those of all columns.
inline constexpr char own_byte = '\xff';
inline constexpr const char* format_key = "\xfftorc.format";
inline constexpr const char* recovery_key = "\xfftorc.recovery";

inline char column_byte(column c) noexcept {
  return static_cast<char>(c);
}

/// A figure that RocksDB keeps; 0 if it does not know it.
std::uint64_t property_of(rocksdb::DB& db, const std::string& name);

/// What the database keeps in memory and has still to do.
engine_load load_of(rocksdb::DB& db);

/// As `open_rocksdb`.
result<rocksdb_database> open_database(const rocksdb_options& options);

} // namespace torc
