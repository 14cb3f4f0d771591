#pragma once

#include <string>
#include <utility>

#include "torc/core/error.hpp"
#include "torc/engine/file.hpp"

namespace torc {

/// Holds a directory for this process: two processes never work on one data
/// directory. The lock is an flock(2) on `torc.pid` in the directory, so it
/// ends with the process however that ends; the file's text is the holder's
/// pid and only serves the error message.
///
/// Movable; the lock is given back by the destructor. Child processes do not
/// inherit it across exec.
class directory_lock {
public:
  /// Locks `directory`, which must exist. `errc::locked`: another process (or
  /// another lock in this one) has it, the message names its pid;
  /// `errc::io_error`: the file cannot be made. Never waits.
  static result<directory_lock> acquire(const std::string& directory);

private:
  explicit directory_lock(file_descriptor file) noexcept
    : file_(std::move(file)) {}

  file_descriptor file_;
};

} // namespace torc
