#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "torc/core/error.hpp"

namespace torc::program {

/// A child of this program with its output on a pipe. It gets SIGTERM when this
/// process dies, and no signal of the terminal. Movable.
class child_process {
public:
  /// Starts this very program with `arguments`. Signals are unblocked in it.
  static result<child_process> start(std::string name,
                                     const std::vector<std::string>& arguments);

  child_process(child_process&& other) noexcept;
  child_process& operator=(child_process&&) = delete;
  /// Closes the pipe; does not end the child.
  ~child_process();

  const std::string& name() const noexcept { return name_; }
  pid_t pid() const noexcept { return pid_; }
  /// Read end of its stdout and stderr; -1 once it was closed.
  int output() const noexcept { return output_; }
  bool running() const noexcept { return running_; }

  /// Reads what is there, at most 64 KiB. Whole lines go to `lines`, each with
  /// its line end; what is longer than 16 KiB is cut. False at the end.
  bool read_lines(std::vector<std::string>& lines);

  /// Sends a signal unless it has ended.
  void signal(int number) const noexcept;

  /// Notes that waitpid() gave this status.
  void ended(int status);
  /// "exit code 1", "signal 9 (KILL)" and the like. REQUIRES: !running().
  std::string how_it_ended() const;
  bool ended_well() const noexcept { return !running_ && status_ == 0; }
  /// True if a signal ended it, this one.
  bool ended_by(int number) const noexcept;

private:
  child_process(std::string name, pid_t pid, int output)
    : name_(std::move(name)), pid_(pid), output_(output) {}

  std::string name_;
  pid_t pid_ = -1;
  int output_ = -1;
  bool running_ = true;
  int status_ = 0;
  std::string partial_; ///< The begin of a line that is not whole.
};

} // namespace torc::program
