#include <fcntl.h>
#include <fmt/core.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"
#include "torc/engine/rocksdb_engine.hpp"

// What the death of a process and a full disk do to a database.
namespace {

using namespace std::chrono_literals;
using namespace torc;

rocksdb_options options_in(const std::string& directory) {
  rocksdb_options out;
  out.path = directory + "/db";
  out.memtable_bytes = 1u << 20;
  out.block_cache_bytes = 8u << 20;
  return out;
}

/// Bytes that no compression makes smaller, the same for each `i`.
std::string value_of(std::uint32_t i, std::size_t bytes) {
  std::mt19937 random{i};
  std::string out(bytes, '\0');
  for (auto& b : out)
    b = static_cast<char>(random());
  return out;
}

result<void> put(engine& db, std::uint32_t i, std::size_t value_bytes,
                 durability d) {
  write_batch b;
  b.put(column::data, fmt::format("{:08}", i), value_of(i, value_bytes));
  b.put(column::meta, "last", fmt::format("{:08}", i));
  return db.apply(b, d);
}

/// How many entries there are, all of them in order and whole.
std::uint32_t count(const engine& db, std::size_t value_bytes) {
  std::uint32_t out = 0;
  REQUIRE(db.snapshot()->scan(column::data, "", "", [&](auto key, auto value) {
    CHECK(key == fmt::format("{:08}", out));
    CHECK((value == value_of(out, value_bytes)));
    ++out;
    return true;
  }));
  return out;
}

/// In the child: reports each write that it made, until it is killed.
void write_and_tell(const std::string& directory) {
  auto db = open_rocksdb(options_in(directory));
  for (std::uint32_t i = 0; db; ++i) {
    const auto d = i % 3 == 0 ? durability::synced : durability::buffered;
    if (!put(**db, i, 2000, d))
      return;
    test::tell_parent(".");
  }
}

bool write_file(const char* path, const std::string& text) {
  std::ofstream file{path};
  file << text << std::flush;
  return file.good();
}

/// Mount points of this process alone. Who is not root becomes root of a user
/// namespace first, where the system has them.
bool leave_mounts(bool as_user) {
  if (!as_user)
    return ::unshare(CLONE_NEWNS) == 0;
  const auto uid = ::getuid();
  const auto gid = ::getgid();
  return ::unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0
         && write_file("/proc/self/setgroups", "deny")
         && write_file("/proc/self/uid_map", fmt::format("0 {} 1\n", uid))
         && write_file("/proc/self/gid_map", fmt::format("0 {} 1\n", gid));
}

/// Makes `directory` a file system of its own, for this process alone.
bool mount_small_disk(const std::string& directory, const char* size) {
  for (const bool as_user : {false, true})
    if (leave_mounts(as_user)
        && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0
        && ::mount("tmpfs", directory.c_str(), "tmpfs", 0, size) == 0)
      return true;
  return false;
}

bool make_ballast(const std::string& path, off_t bytes) {
  const auto fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  const bool done = fd >= 0 && ::posix_fallocate(fd, 0, bytes) == 0;
  ::close(fd);
  return done;
}

/// In the child, which alone sees the small disk.
void fill_disk(const std::string& directory) {
  constexpr std::size_t value_bytes = 20'000;
  const auto ballast = directory + "/ballast";
  REQUIRE(make_ballast(ballast, 12 << 20));
  auto opened = open_rocksdb(options_in(directory));
  REQUIRE(opened);
  auto db = std::move(*opened);

  std::uint32_t taken = 0;
  result<void> outcome;
  while (taken < 10'000) {
    outcome = put(*db, taken, value_bytes, durability::synced);
    if (!outcome)
      break;
    ++taken;
  }
  REQUIRE_FALSE(outcome);
  CHECK(outcome.error().code == errc::disk_full);
  CHECK(taken > 10);
  CHECK(count(*db, value_bytes) == taken);

  const auto still_full = db->recover();
  if (!still_full) {
    CHECK(still_full.error().code == errc::disk_full);
    CHECK_FALSE(put(*db, taken, value_bytes, durability::synced));
  }
  REQUIRE(::unlink(ballast.c_str()) == 0);
  // At once, or when the database has tried again to compact: each second.
  auto recovered = db->recover();
  const auto deadline = std::chrono::steady_clock::now() + 60s;
  while (!recovered && std::chrono::steady_clock::now() < deadline)
    recovered = db->recover();
  INFO((recovered ? "" : recovered.error().message));
  REQUIRE(recovered);
  for (const auto last = taken + 50; taken < last; ++taken)
    REQUIRE(put(*db, taken, value_bytes, durability::synced));
  CHECK(count(*db, value_bytes) == taken);
  db.reset();
  opened = open_rocksdb(options_in(directory));
  REQUIRE(opened);
  CHECK(count(**opened, value_bytes) == taken);
}

} // namespace

TEST_CASE("a killed process loses nothing that it reported", "[rocksdb]") {
  if (const auto* directory = test::child_argument())
    return write_and_tell(directory);
  const test::scratch_directory directory;
  const auto writes =
    GENERATE(std::size_t{1}, std::size_t{100}, std::size_t{1500});
  test::child_process child{"a killed process loses nothing that it reported",
                            directory.path()};
  auto reported = child.read(writes).size();
  REQUIRE(reported == writes);

  const auto refused = open_rocksdb(options_in(directory.path()));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::locked);
  CHECK_THAT(refused.error().message,
             test::contains(fmt::format("process {}", child.pid())));

  child.kill();
  CHECK(child.wait() == -SIGKILL);
  reported += child.read(1u << 20).size();
  auto db = open_rocksdb(options_in(directory.path()));
  if (!db)
    FAIL(db.error().message);
  const auto found = count(**db, 2000);
  CHECK(found >= reported);
  CHECK(found <= reported + 1);
  read_buffer last;
  REQUIRE((*db)->get(column::meta, "last", read_mode::may_block, last)
          == read_status::found);
  CHECK(last.view() == fmt::format("{:08}", found - 1));
}

TEST_CASE("a full disk refuses writes and takes them when there is room again",
          "[rocksdb]") {
  const auto* const name =
    "a full disk refuses writes and takes them when there is room again";
  if (const auto* directory = test::child_argument()) {
    if (!mount_small_disk(directory, "size=32m")) {
      test::tell_parent("s");
      SUCCEED("no small disk");
      return;
    }
    test::tell_parent("m");
    return fill_disk(directory);
  }
  const test::scratch_directory directory;
  test::child_process child{name, directory.path()};
  const auto how = child.read(1);
  REQUIRE((how == "m" || how == "s"));
  if (how == "s")
    WARN("skipped: a small tmpfs needs root or user namespaces");
  CHECK(child.wait() == 0);
}
