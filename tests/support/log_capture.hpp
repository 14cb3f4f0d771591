#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "support/catch.hpp"
#include "support/scratch_directory.hpp"
#include "torc/log.hpp"

namespace torc::test {

/// What goes to stderr, where the log goes, while it lives.
class log_capture {
public:
  log_capture() {
    log::flush();
    before_ = ::dup(STDERR_FILENO);
    const int fd = ::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    ::dup2(fd, STDERR_FILENO);
    ::close(fd);
  }
  ~log_capture() {
    log::flush();
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
  }
  log_capture(const log_capture&) = delete;
  log_capture& operator=(const log_capture&) = delete;

  std::string text() const {
    log::flush();
    std::ifstream in{path_};
    return {std::istreambuf_iterator<char>{in}, {}};
  }

private:
  scratch_directory directory_;
  std::string path_ = directory_ / "log";
  int before_ = -1;
};

} // namespace torc::test
