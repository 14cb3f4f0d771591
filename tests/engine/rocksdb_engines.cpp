#include "support/engines.hpp"
#include "torc/engine/rocksdb_engine.hpp"

namespace torc::test {
namespace {

const engine_registration rocksdb_small{
  {"rocksdb",
   [](const std::string& directory) -> std::unique_ptr<engine> {
     rocksdb_options options;
     options.path = directory + "/db";
     options.memtable_bytes = 4u << 20;
     options.block_cache_bytes = 8u << 20;
     auto opened = open_rocksdb(options);
     return opened ? std::move(*opened) : nullptr;
   },
   true}};

} // namespace
} // namespace torc::test
