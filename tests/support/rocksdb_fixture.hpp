#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "support/catch.hpp"
#include "support/fault_env.hpp"
#include "support/scratch_directory.hpp"
#include "torc/engine/rocksdb_engine.hpp"

namespace torc::test {

/// Whether a file's name ends so.
inline bool ends_with(const std::string& path, std::string_view suffix) {
  return std::string_view{path}.ends_with(suffix);
}

/// A database on a disk that fails on request and may lose its power.
struct rocksdb_fixture {
  rocksdb_fixture() { open(); }

  void open() {
    rocksdb_options options;
    options.path = directory / "db";
    options.memtable_bytes = 256u << 10;
    options.block_cache_bytes = 8u << 20;
    options.env = env.get();
    auto opened = open_rocksdb(options);
    if (!opened)
      FAIL(opened.error().message);
    db = std::move(*opened);
  }

  /// The machine stops: what was not synced is gone.
  void power_cut() {
    env.files().set_rule([](file_action, const std::string&) {
      return rocksdb::IOStatus::IOError("the power is off");
    });
    db.reset();
    env.files().set_rule({});
    env.files().power_cut();
    open();
  }

  /// Lets actions of one kind fail on files whose names end so.
  void fail(file_action what, std::string suffix, rocksdb::IOStatus how) {
    env.files().set_rule([=](file_action action, const std::string& path) {
      return action == what && ends_with(path, suffix)
               ? how
               : rocksdb::IOStatus::OK();
    });
  }
  void heal() { env.files().set_rule({}); }

  result<void> put(std::string_view key, std::string_view value, durability d) {
    write_batch b;
    b.put(column::data, key, value);
    b.put(column::meta, key, value);
    return db->apply(b, d);
  }

  std::optional<std::string> get(column c, std::string_view key) {
    read_buffer out;
    const auto s = db->get(c, key, read_mode::may_block, out);
    if (s == read_status::absent)
      return std::nullopt;
    REQUIRE(s == read_status::found);
    return std::string{out.view()};
  }
  bool has(std::string_view key, std::string_view value) {
    return get(column::data, key) == value && get(column::meta, key) == value;
  }

  scratch_directory directory;
  fault_env env;
  std::unique_ptr<engine> db;
};

} // namespace torc::test
