#pragma once

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "torc/core/assert.hpp"

namespace torc::test {

/// Set in a process that `child_process` started.
inline constexpr const char* child_variable = "TORC_TEST_CHILD";

/// What the parent passed, or null in a process that no test started. The test
/// case named by the parent asks this and does the child's work if it is set.
inline const char* child_argument() {
  return std::getenv(child_variable);
}

/// This program once more, running one test case, with its file descriptor 3
/// going to a pipe. Started by exec, so it has no thread or lock of its parent.
class child_process {
public:
  child_process(const std::string& test_case, const std::string& argument) {
    int ends[2];
    TORC_ASSERT(::pipe2(ends, O_CLOEXEC) == 0);
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 3);
    ::posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    std::vector<char*> env;
    for (auto** e = environ; *e != nullptr; ++e)
      env.push_back(*e);
    auto variable = std::string{child_variable} + '=';
    variable += argument;
    env.push_back(variable.data());
    env.push_back(nullptr);
    auto filter = test_case;
    char name[] = "child";
    char* const arguments[] = {name, filter.data(), nullptr};
    TORC_ASSERT(::posix_spawn(&pid_, "/proc/self/exe", &actions, nullptr,
                              arguments, env.data())
                == 0);
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    from_ = ends[0];
  }
  child_process(const child_process&) = delete;
  child_process& operator=(const child_process&) = delete;
  ~child_process() {
    if (pid_ > 0) {
      kill();
      wait();
    }
    ::close(from_);
  }

  pid_t pid() const noexcept { return pid_; }
  void kill() const { ::kill(pid_, SIGKILL); }

  /// Waits for its end: the exit code, or minus the signal.
  int wait() {
    int status = 0;
    TORC_ASSERT(::waitpid(std::exchange(pid_, -1), &status, 0) > 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
  }

  /// Reads what it reported, up to `bytes`; shorter only at its end.
  std::string read(std::size_t bytes) {
    std::string out(bytes, '\0');
    std::size_t have = 0;
    while (have < bytes) {
      const auto n = ::read(from_, out.data() + have, bytes - have);
      if (n <= 0)
        break;
      have += static_cast<std::size_t>(n);
    }
    out.resize(have);
    return out;
  }

private:
  pid_t pid_ = -1;
  int from_ = -1;
};

/// In the child: reports to the parent.
inline void tell_parent(std::string_view text) {
  TORC_ASSERT(::write(3, text.data(), text.size())
              == static_cast<ssize_t>(text.size()));
}

} // namespace torc::test
