#include "torc/engine/directory_lock.hpp"

#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include "support/catch.hpp"
#include "support/child_process.hpp"
#include "support/scratch_directory.hpp"
#include "torc/engine/directories.hpp"

using namespace torc;

TEST_CASE("a directory has one lock at a time", "[directory_lock]") {
  const test::scratch_directory directory;
  auto first = directory_lock::acquire(directory.path());
  REQUIRE(first);
  const auto second = directory_lock::acquire(directory.path());
  REQUIRE_FALSE(second);
  CHECK(second.error().code == errc::locked);
  CHECK_THAT(second.error().message, test::contains(directory.path()));
  CHECK_THAT(second.error().message,
             test::contains("process " + std::to_string(::getpid())));
  {
    const auto moved = std::move(*first);
    CHECK_FALSE(directory_lock::acquire(directory.path()));
  }
  CHECK(directory_lock::acquire(directory.path()));
}

TEST_CASE("directories are made once, with all that is missing above them",
          "[directories]") {
  const test::scratch_directory directory;
  const auto deep = directory / "a/b/c";
  const auto too_deep = make_directory(deep);
  REQUIRE_FALSE(too_deep);
  CHECK(too_deep.error().code == errc::io_error);
  const auto made = make_directories(deep + "/");
  REQUIRE(made);
  CHECK(*made);
  CHECK(std::filesystem::is_directory(deep));
  for (const auto& again : {make_directories(deep), make_directory(deep)}) {
    REQUIRE(again);
    CHECK_FALSE(*again);
  }
  std::ofstream{directory / "file"} << "x";
  for (const auto* const path : {"file", "file/below"}) {
    const auto refused = make_directories(directory / path);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::io_error);
  }
}

TEST_CASE("a lock file without its process does not count",
          "[directory_lock]") {
  const test::scratch_directory directory;
  std::ofstream{directory / "torc.pid"} << "12345678901\n";
  const auto lock = directory_lock::acquire(directory.path());
  REQUIRE(lock);
  std::string text;
  std::ifstream{directory / "torc.pid"} >> text;
  CHECK(text == std::to_string(::getpid()));
}

TEST_CASE("a directory that does not exist cannot be locked",
          "[directory_lock]") {
  const auto lock = directory_lock::acquire("/nonexistent/directory");
  REQUIRE_FALSE(lock);
  CHECK(lock.error().code == errc::io_error);
}

TEST_CASE("a lock names the other process that has it", "[directory_lock]") {
  if (const auto* path = test::child_argument()) {
    const auto lock = directory_lock::acquire(path);
    test::tell_parent(lock ? "y" : "n");
    ::pause();
    return;
  }
  const test::scratch_directory directory;
  test::child_process child{"a lock names the other process that has it",
                            directory.path()};
  REQUIRE(child.read(1) == "y");
  const auto refused = directory_lock::acquire(directory.path());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == errc::locked);
  CHECK_THAT(refused.error().message,
             test::contains("process " + std::to_string(child.pid())));
  child.kill();
  CHECK(child.wait() == -SIGKILL);
  CHECK(directory_lock::acquire(directory.path()));
}
