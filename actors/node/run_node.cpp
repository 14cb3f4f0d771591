// `torc node`: a node from its start to a signal.
#include <algorithm>
#include <csignal>
#include <cstdio>
#include <string_view>

#include <fmt/format.h>
#include <sys/resource.h>

#include "torc/core/cluster_view.hpp"
#include "torc/log.hpp"
#include "torc/node.hpp"

namespace torc {
namespace {

constexpr int exit_ok = 0;
constexpr int exit_failed = 1;
constexpr int exit_usage = 2;

/// Each client is a descriptor, and the usual limit is 1024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0
      && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

/// Blocked in this thread and in all that it starts, so that `sigwait` gets
/// them.
sigset_t block_signals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  return set;
}

/// One that came, within the time; 0: none.
int take_signal(const sigset_t& signals, timespec within) {
  return std::max(sigtimedwait(&signals, nullptr, &within), 0);
}

/// The signal that ends the node, or 0 when it cannot go on.
int wait_for_end(const node& n, const sigset_t& signals) {
  constexpr timespec look_every{0, 250'000'000};
  for (;;) {
    if (const auto signal = take_signal(signals, look_every); signal != 0)
      return signal;
    if (!n.failure().empty())
      return 0;
  }
}

std::string_view name_of(int signal) {
  return signal == SIGINT ? "SIGINT" : "SIGTERM";
}

} // namespace

int run_node(const node_options& options) {
  const auto signals = block_signals();
  std::signal(SIGPIPE, SIG_IGN);
  raise_descriptor_limit();
  log::configure(options.log_format, options.name);
  log::set_level(options.log_level);
  int early = 0;
  auto n = node::start(options, nullptr, [&] {
    early = take_signal(signals, {});
    return early != 0;
  });
  if (early != 0) {
    log::info("node", "{}: {}", name_of(early), n.error().message);
    log::flush();
    return exit_ok;
  }
  if (!n) {
    log::flush();
    fmt::print(stderr, "torc: {}\n", n.error().message);
    return n.error().code == errc::invalid_argument ? exit_usage : exit_failed;
  }
  log::info("node",
            "member {} '{}' listens: RESP on {}, HTTP on {}, members "
            "on {}",
            (*n)->self().value, options.name, to_string((*n)->resp_address()),
            to_string((*n)->http_address()), to_string((*n)->door_address()));
  const auto signal = wait_for_end(**n, signals);
  const auto failure = (*n)->failure();
  if (signal == 0)
    log::error("node", "stops because {}", failure);
  else
    log::info("node", "{}: stops", name_of(signal));
  (*n)->stop();
  n = error{};
  log::info("node", "stopped");
  log::flush();
  return signal == 0 ? exit_failed : exit_ok;
}

} // namespace torc
