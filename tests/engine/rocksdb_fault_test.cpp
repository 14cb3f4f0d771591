#include <pthread.h>

#include <array>
#include <atomic>
#include <chrono>
#include <string>
#include <thread>

#include "support/rocksdb_fixture.hpp"

// What a failing disk may do to the database, and what it may not.
namespace {

using namespace torc;
using namespace std::chrono_literals;
using test::ends_with;
using test::file_action;

struct fault_fixture : test::rocksdb_fixture {};

struct log_fault {
  const char* name;
  file_action what;
  rocksdb::IOStatus how;
  errc expected;
};

const log_fault log_faults[] = {
  {"fsync fails", file_action::sync, rocksdb::IOStatus::IOError("fsync"),
   errc::io_error},
  {"write fails", file_action::append, rocksdb::IOStatus::IOError("write"),
   errc::io_error},
  {"no space", file_action::append, rocksdb::IOStatus::NoSpace("full"),
   errc::disk_full},
  {"no space for fsync", file_action::sync, rocksdb::IOStatus::NoSpace("full"),
   errc::disk_full},
};

} // namespace

TEST_CASE_METHOD(fault_fixture, "a power cut takes only what was not synced",
                 "[rocksdb]") {
  REQUIRE(put("synced", "1", durability::synced));
  REQUIRE(put("buffered", "1", durability::buffered));
  REQUIRE(db->sync());
  REQUIRE(put("lost", "1", durability::buffered));
  power_cut();
  CHECK(has("synced", "1"));
  CHECK(has("buffered", "1"));
  CHECK_FALSE(get(column::data, "lost"));
}

TEST_CASE_METHOD(fault_fixture,
                 "after a failed log write nothing is taken until "
                 "recovery, and nothing acknowledged is lost",
                 "[rocksdb]") {
  const auto& fault = log_faults[GENERATE(range(0u, 4u))];
  const bool had_data = GENERATE(true, false);
  const bool keeps_old_logs = GENERATE(true, false);
  INFO(fault.name << ", data before " << had_data << ", old logs stay "
                  << keeps_old_logs);
  if (had_data) {
    REQUIRE(put("synced", "1", durability::synced));
    REQUIRE(put("buffered", "1", durability::buffered));
  } else {
    power_cut(); // Opened again, the memtables are empty.
  }

  fail(fault.what, ".log", fault.how);
  const auto failed = put("failed", "1", durability::synced);
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == fault.expected);
  heal();
  CHECK_FALSE(put("refused", "1", durability::synced));
  CHECK_FALSE(put("refused", "1", durability::buffered));
  CHECK_FALSE(db->sync());
  CHECK(has("synced", "1") == had_data);
  CHECK_FALSE(get(column::data, "failed"));

  if (keeps_old_logs)
    fail(file_action::remove, ".log", rocksdb::IOStatus::IOError("remove"));
  REQUIRE(db->recover());
  CHECK_FALSE(get(column::data, "failed"));
  REQUIRE(put("after", "1", durability::synced));
  REQUIRE(put("after buffered", "1", durability::buffered));
  REQUIRE(db->sync());
  REQUIRE(db->recover());
  for (int times = 0; times < 2; ++times) {
    power_cut();
    CHECK(has("synced", "1") == had_data);
    CHECK(has("buffered", "1") == had_data);
    CHECK(has("after", "1"));
    CHECK(has("after buffered", "1"));
    CHECK_FALSE(get(column::data, "failed"));
    CHECK_FALSE(get(column::meta, "failed"));
    CHECK_FALSE(get(column::data, "refused"));
  }
}

TEST_CASE_METHOD(fault_fixture,
                 "recovery makes buffered writes durable that a "
                 "failed fsync left open",
                 "[rocksdb]") {
  REQUIRE(put("buffered", "1", durability::buffered));
  fail(file_action::sync, ".log", rocksdb::IOStatus::IOError("fsync"));
  const auto failed = db->sync();
  REQUIRE_FALSE(failed);
  CHECK(failed.error().code == errc::io_error);
  heal();
  CHECK_FALSE(db->sync());
  REQUIRE(db->recover());
  power_cut();
  CHECK(has("buffered", "1"));
}

TEST_CASE_METHOD(fault_fixture,
                 "as long as nobody knows which log failed, there is no "
                 "recovery",
                 "[rocksdb]") {
  REQUIRE(put("synced", "1", durability::synced));
  env.files().hide_sizes(".log");
  fail(file_action::append, ".log", rocksdb::IOStatus::IOError("write"));
  REQUIRE_FALSE(put("failed", "1", durability::synced));
  heal();
  for (int times = 0; times < 2; ++times) {
    CHECK_FALSE(db->recover());
    CHECK_FALSE(put("refused", "1", durability::buffered));
  }
  env.files().hide_sizes({});
  REQUIRE(db->recover());
  REQUIRE(put("after", "1", durability::synced));
  power_cut();
  CHECK(has("synced", "1"));
  CHECK(has("after", "1"));
  CHECK_FALSE(get(column::data, "failed"));
  CHECK_FALSE(get(column::data, "refused"));
}

TEST_CASE_METHOD(fault_fixture, "recovery fails as long as the disk does",
                 "[rocksdb]") {
  const auto what =
    GENERATE(file_action::sync, file_action::append, file_action::create);
  REQUIRE(put("synced", "1", durability::synced));
  REQUIRE(put("buffered", "1", durability::buffered));
  const auto broken = [what](file_action action, const std::string&) {
    return action == what ? rocksdb::IOStatus::NoSpace("full")
                          : rocksdb::IOStatus::OK();
  };
  fail(file_action::append, ".log", rocksdb::IOStatus::NoSpace("full"));
  REQUIRE_FALSE(put("failed", "1", durability::synced));
  env.files().set_rule(broken);
  for (int times = 0; times < 3; ++times) {
    const auto refused = db->recover();
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::disk_full);
    CHECK_FALSE(put("refused", "1", durability::buffered));
    CHECK(has("buffered", "1"));
  }
  heal();
  const auto recovered = db->recover();
  INFO((recovered ? "" : recovered.error().message));
  REQUIRE(recovered);
  REQUIRE(put("after", "1", durability::synced));
  power_cut();
  CHECK(has("synced", "1"));
  CHECK(has("buffered", "1"));
  CHECK(has("after", "1"));
  CHECK_FALSE(get(column::data, "failed"));
}

TEST_CASE_METHOD(fault_fixture,
                 "a failed flush stops writes and is recovered from",
                 "[rocksdb]") {
  const auto* const suffix = GENERATE(".sst", "MANIFEST");
  const auto how = GENERATE(false, true) ? rocksdb::IOStatus::NoSpace("full")
                                         : rocksdb::IOStatus::IOError("broken");
  INFO(suffix << ' ' << how.ToString());
  env.files().set_rule([=](file_action action, const std::string& path) {
    return action != file_action::remove
               && path.find(suffix) != std::string::npos
             ? how
             : rocksdb::IOStatus::OK();
  });
  const std::string value(4096, 'v');
  int taken = 0;
  result<void> outcome;
  while (taken < 2000 && outcome) {
    outcome = put(std::to_string(taken), value, durability::synced);
    taken += outcome ? 1 : 0;
  }
  REQUIRE_FALSE(outcome);
  CHECK(has("0", value));
  heal();
  const auto recovered = db->recover();
  INFO((recovered ? "" : recovered.error().message));
  REQUIRE(recovered);
  REQUIRE(put("after", "1", durability::synced));
  power_cut();
  for (int i = 0; i < taken; ++i)
    CHECK(has(std::to_string(i), value));
  CHECK(has("after", "1"));
}

TEST_CASE_METHOD(fault_fixture,
                 "compactions that fail for long end in refused "
                 "writes, not in slow ones",
                 "[rocksdb]") {
  const bool is_full = GENERATE(false, true);
  const auto how = is_full ? rocksdb::IOStatus::NoSpace("full")
                           : rocksdb::IOStatus::IOError("broken");
  // Flushes run on RocksDB's threads of high priority, compactions on the
  // others.
  env.files().set_rule([=](file_action action, const std::string& path) {
    std::array<char, 16> thread{};
    ::pthread_getname_np(::pthread_self(), thread.data(), thread.size());
    return action == file_action::create && ends_with(path, ".sst")
               && std::string_view{thread.data()} == "rocksdb:low"
             ? how
             : rocksdb::IOStatus::OK();
  });
  const std::string value(3'000, 'v');
  int taken = 0;
  result<void> outcome;
  while (taken < 5000 && outcome) {
    outcome = put(std::to_string(taken), value, durability::buffered);
    taken += outcome ? 1 : 0;
  }
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == (is_full ? errc::disk_full : errc::io_error));
  CHECK(taken > 300); // Some twenty files of 256 KiB.
  CHECK(has("0", value));
  CHECK_FALSE(db->recover());
  CHECK_FALSE(put("refused", "1", durability::buffered));
  heal();
  // The next try of the compaction, soon, ends it.
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!db->recover() && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  REQUIRE(put("after", "1", durability::synced));
  power_cut();
  for (int i = 0; i < taken; ++i)
    CHECK(has(std::to_string(i), value));
  CHECK(has("after", "1"));
}

TEST_CASE_METHOD(fault_fixture,
                 "a power cut at any moment of recovery splits no "
                 "batch",
                 "[rocksdb]") {
  REQUIRE(put("synced", "1", durability::synced));
  REQUIRE(put("buffered", "1", durability::buffered));
  fail(file_action::sync, ".log", rocksdb::IOStatus::IOError("fsync"));
  REQUIRE_FALSE(db->sync());
  const auto moment = GENERATE(range(0u, 60u));
  std::atomic<std::uint32_t> actions{0};
  env.files().set_rule([&](file_action, const std::string&) {
    return actions.fetch_add(1) < moment
             ? rocksdb::IOStatus::OK()
             : rocksdb::IOStatus::IOError("the power is off");
  });
  const bool recovered = db->recover().has_value();
  power_cut();
  INFO("actions of the file system before the cut: " << moment);
  CHECK(has("synced", "1"));
  CHECK(get(column::data, "buffered") == get(column::meta, "buffered"));
  if (recovered)
    CHECK(has("buffered", "1"));
  if (moment >= 55)
    CHECK(recovered);
}
