#include "apps/torc/child_process.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace torc::program {

namespace {

constexpr std::size_t line_bytes_max = 16 * 1024;

/// Between fork and exec: only calls that are safe there.
[[noreturn]] void become(const std::vector<char*>& argv, int output,
                         pid_t parent) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  // The parent may have died before the line above.
  if (::getppid() != parent)
    ::_exit(127);
  auto null = ::open("/dev/null", O_RDONLY);
  ::dup2(null, STDIN_FILENO);
  ::dup2(output, STDOUT_FILENO);
  ::dup2(output, STDERR_FILENO);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::execv("/proc/self/exe", argv.data());
  ::_exit(127);
}

} // namespace

result<child_process>
child_process::start(std::string name,
                     const std::vector<std::string>& arguments) {
  std::vector<char*> argv;
  for (auto& a : arguments)
    argv.push_back(const_cast<char*>(a.c_str()));
  argv.push_back(nullptr);
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return {errc::io_error,
            fmt::format("cannot make a pipe: {}", std::strerror(errno))};
  auto parent = ::getpid();
  auto pid = ::fork();
  if (pid == 0)
    become(argv, ends[1], parent);
  auto fork_error = errno;
  ::close(ends[1]);
  if (pid < 0) {
    ::close(ends[0]);
    return {errc::io_error,
            fmt::format("cannot fork: {}", std::strerror(fork_error))};
  }
  ::fcntl(ends[0], F_SETFL, ::fcntl(ends[0], F_GETFL) | O_NONBLOCK);
  return child_process{std::move(name), pid, ends[0]};
}

child_process::child_process(child_process&& other) noexcept
  : name_(std::move(other.name_)), pid_(std::exchange(other.pid_, -1)),
    output_(std::exchange(other.output_, -1)),
    running_(std::exchange(other.running_, false)), status_(other.status_),
    partial_(std::move(other.partial_)) {}

child_process::~child_process() {
  if (output_ >= 0)
    ::close(output_);
}

bool child_process::read_lines(std::vector<std::string>& lines) {
  std::array<char, 64 * 1024> buffer;
  auto n = ::read(output_, buffer.data(), buffer.size());
  if (n < 0 && (errno == EAGAIN || errno == EINTR))
    return true;
  if (n <= 0) {
    if (!partial_.empty())
      lines.push_back(std::exchange(partial_, {}) + '\n');
    ::close(std::exchange(output_, -1));
    return false;
  }
  std::string_view text{buffer.data(), static_cast<std::size_t>(n)};
  while (!text.empty()) {
    auto end = text.find('\n');
    partial_ += text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (end == std::string_view::npos && partial_.size() < line_bytes_max)
      break;
    partial_.resize(std::min(partial_.size(), line_bytes_max));
    lines.push_back(std::exchange(partial_, {}) + '\n');
  }
  return true;
}

void child_process::signal(int number) const noexcept {
  if (running_)
    ::kill(pid_, number);
}

void child_process::ended(int status) {
  running_ = false;
  status_ = status;
}

bool child_process::ended_by(int number) const noexcept {
  return !running_ && WIFSIGNALED(status_) && WTERMSIG(status_) == number;
}

std::string child_process::how_it_ended() const {
  if (WIFEXITED(status_))
    return fmt::format("exit code {}", WEXITSTATUS(status_));
  if (!WIFSIGNALED(status_))
    return fmt::format("wait status {}", status_);
  auto number = WTERMSIG(status_);
  auto short_name = ::sigabbrev_np(number);
  return fmt::format("signal {} (SIG{}){}", number,
                     short_name == nullptr ? "?" : short_name,
                     WCOREDUMP(status_) ? ", core dumped" : "");
}

} // namespace torc::program
