#include "torc/engine/file.hpp"

#include <cerrno>
#include <string>
#include <utility>

#include <fcntl.h>

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

using namespace torc;

TEST_CASE("what was written is read, as far as was asked for") {
  const test::scratch_directory directory;
  const auto path = directory / "file";
  {
    const file_descriptor f{::open(path.c_str(), O_WRONLY | O_CREAT, 0600)};
    REQUIRE(f.is_open());
    CHECK(write_all(f, "some ") == 0);
    CHECK(write_all(f, "bytes") == 0);
  }
  for (const std::size_t most : {0u, 4u, 10u, 11u, 1000u}) {
    const file_descriptor f{::open(path.c_str(), O_RDONLY)};
    std::string out = "old";
    CHECK(read_up_to(f, most, out) == 0);
    CHECK(out == std::string{"some bytes"}.substr(0, most));
  }
}

TEST_CASE("the system's errors come by their numbers") {
  const file_descriptor none;
  CHECK_FALSE(none.is_open());
  std::string out;
  CHECK(read_up_to(none, 1, out) == EBADF);
  CHECK(write_all(none, "x") == EBADF);
  const file_descriptor full{::open("/dev/full", O_WRONLY)};
  REQUIRE(full.is_open());
  CHECK(write_all(full, "x") == ENOSPC);
}

TEST_CASE("a descriptor is closed with its last owner") {
  file_descriptor first{::open("/dev/null", O_RDONLY)};
  const int number = first.get();
  {
    const file_descriptor second{std::move(first)};
    CHECK(::fcntl(number, F_GETFD) >= 0);
    CHECK(second.get() == number);
  }
  CHECK(::fcntl(number, F_GETFD) == -1);
}
