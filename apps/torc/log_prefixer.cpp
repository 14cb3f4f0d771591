#include "apps/torc/log_prefixer.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <cstdlib>

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

namespace torc::program {

namespace {

/// ANSI colours that read well on dark and on light ground.
constexpr std::array<int, 6> colors{36, 33, 32, 35, 34, 31};

} // namespace

log_prefixer::log_prefixer()
  : colored_(::isatty(STDERR_FILENO) == 1
             && std::getenv("NO_COLOR") == nullptr) {}

void log_prefixer::write(std::size_t node, std::string_view name,
                         std::string_view line) {
  auto text = colored_ ? fmt::format("\x1b[{}m{} |\x1b[0m {}",
                                     colors[node % colors.size()], name, line)
                       : fmt::format("{} | {}", name, line);
  if (dropped_ > 0) {
    auto notice = fmt::format("torc | {} log lines dropped: stderr was not "
                              "read\n",
                              dropped_);
    if (!emit(notice)) {
      ++dropped_;
      return;
    }
    dropped_ = 0;
  }
  if (!emit(text))
    ++dropped_;
}

void log_prefixer::say(std::string_view text) {
  emit(fmt::format("torc | {}\n", text));
}

bool log_prefixer::emit(std::string_view text) {
  while (!text.empty()) {
    // A pipe that polls as writable takes PIPE_BUF bytes without blocking.
    pollfd ready{STDERR_FILENO, POLLOUT, 0};
    if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0)
      return false;
    auto n = ::write(STDERR_FILENO, text.data(),
                     std::min<std::size_t>(text.size(), PIPE_BUF));
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

} // namespace torc::program
