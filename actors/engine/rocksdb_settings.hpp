#pragma once

#include <rocksdb/options.h>
#include <rocksdb/status.h>

#include <memory>
#include <string_view>

#include "actors/engine/rocksdb_events.hpp"
#include "torc/core/error.hpp"
#include "torc/engine/rocksdb_engine.hpp"

namespace torc {

/// Settings of the whole database but its log's recovery mode. `env` must
/// outlive the database.
rocksdb::DBOptions database_settings(const rocksdb_options& options,
                                     rocksdb::Env& env,
                                     std::shared_ptr<rocksdb_events> events);

/// Settings of the one column family that holds all entries.
rocksdb::ColumnFamilyOptions table_settings(const rocksdb_options& options);

/// What a RocksDB status that is not ok means to a caller. `doing` begins the
/// message.
error to_error(const rocksdb::Status& status, std::string_view doing);

} // namespace torc
