#pragma once

#include <rocksdb/db.h>
#include <rocksdb/options.h>
#include <rocksdb/status.h>

#include <vector>

#include "torc/core/error.hpp"
#include "torc/engine/rocksdb_engine.hpp"

namespace torc {

/// Settings of the whole database but its log's recovery mode.
rocksdb::DBOptions database_settings(const rocksdb_options& options);

/// RocksDB's default family, which holds the engine's own marks, then one per
/// `column` in the order of its values.
std::vector<rocksdb::ColumnFamilyDescriptor>
column_settings(const rocksdb_options& options);

/// What a RocksDB status that is not ok means to a caller. `doing` begins the
/// message.
error to_error(const rocksdb::Status& status, std::string_view doing);

} // namespace torc
