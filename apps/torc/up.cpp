// `torc up`: a cluster of child processes on this machine.
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/torc/child_process.hpp"
#include "apps/torc/log_prefixer.hpp"
#include "apps/torc/table.hpp"
#include "apps/torc/up_plan.hpp"
#include "torc/http_get.hpp"

namespace torc::program {

namespace {

using clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr auto probe_every = 50ms;
constexpr std::uint64_t probe_ms = 500;
/// From the polite signal to the other one; the promise is 10 s.
constexpr auto patience = 8s;

/// How long `ready` waits for the members to meet once all doors answer.
constexpr auto meeting = 5s;

/// Both doors answer: RESP, and HTTP with "ready".
bool answers(const node_options& node) {
  auto until = tcp_stream::in_ms(probe_ms);
  auto resp = tcp_stream::connect(node.resp_listen, until);
  std::string reply;
  if (!resp || !resp->send("PING\r\n", reply, until)
      || !resp->receive(reply, until))
    return false;
  // A node with a password answers, though not to us.
  if (reply.rfind("+PONG", 0) != 0 && reply.rfind("-NOAUTH", 0) != 0)
    return false;
  auto answer = http_get(node.http_listen, "/readyz", until);
  return answer && answer->status == 200;
}

/// The node is connected to as many other members.
bool has_peers(const node_options& node, std::size_t peers) {
  auto page =
    http_get(node.http_listen, "/metrics", tcp_stream::in_ms(probe_ms));
  return page
         && page->body.find(fmt::format("\ntorc_peers_up {}\n", peers))
              != std::string::npos;
}

class supervisor {
public:
  explicit supervisor(up_plan plan)
    : plan_(std::move(plan)), ready_(plan_.nodes.size()) {}

  ~supervisor() {
    if (signals_ >= 0)
      ::close(signals_);
    if (lock_ >= 0)
      ::close(lock_);
  }

  exit_code run() {
    if (auto ok = prepare(); !ok)
      return fail(ok.error());
    for (std::size_t i = 0; i < plan_.nodes.size(); ++i)
      if (auto ok = start(i); !ok) {
        fail(ok.error());
        failed_ = true;
        stop(SIGTERM);
        break;
      }
    if (!stopping_)
      print_doors();
    while (alive() > 0)
      turn();
    drain();
    return failed_ ? exit_code::failed : exit_code::ok;
  }

private:
  result<void> prepare() {
    auto path = plan_.data_dir + "/up.lock";
    lock_ = ::open(path.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    if (lock_ < 0)
      return {errc::io_error,
              fmt::format("cannot write {}: {}", path, std::strerror(errno))};
    if (::flock(lock_, LOCK_EX | LOCK_NB) != 0)
      return {errc::locked,
              fmt::format("another 'torc up' runs on {}", plan_.data_dir)};
    sigset_t set;
    sigemptyset(&set);
    for (auto number : {SIGINT, SIGTERM, SIGHUP, SIGCHLD})
      sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    ::signal(SIGPIPE, SIG_IGN);
    signals_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals_ < 0)
      return {errc::io_error, "cannot watch signals"};
    return {};
  }

  result<void> start(std::size_t i) {
    auto& node = plan_.nodes[i];
    auto child = child_process::start(
      node.name, {"torc", "node", "--config", plan_.config_files[i], "--loops",
                  std::to_string(node.loops), "--memory",
                  std::to_string(node.memory_bytes_max), "--log-level",
                  std::string{to_string(node.log_level)}, "--log-format",
                  std::string{to_string(node.log_format)}});
    if (!child)
      return std::move(child).error();
    children_.push_back(std::move(*child));
    return {};
  }

  void print_doors() const {
    table t{{"node", "pid", "resp", "http", "cluster", "data"}};
    for (std::size_t i = 0; i < children_.size(); ++i) {
      auto& n = plan_.nodes[i];
      t.add({n.name, std::to_string(children_[i].pid()),
             to_string(n.resp_listen), to_string(n.http_listen),
             to_string(n.door_listen), n.data_dir});
    }
    fmt::print("{}", t.to_text());
    std::fflush(stdout);
  }

  std::size_t alive() const {
    std::size_t n = 0;
    for (auto& c : children_)
      n += c.running();
    return n;
  }

  /// Waits for signals, logs and the next thing to do, and deals with them.
  void turn() {
    std::vector<pollfd> fds{{signals_, POLLIN, 0}};
    for (auto& c : children_)
      fds.push_back({c.output(), POLLIN, 0});
    auto wait_ms = 60'000;
    if (stopping_)
      wait_ms = 100;
    else if (!announced_)
      wait_ms = static_cast<int>(probe_every.count());
    ::poll(fds.data(), fds.size(), wait_ms);
    for (std::size_t i = 0; i < children_.size(); ++i)
      if (fds[i + 1].revents != 0)
        forward(i);
    take_signals();
    if (!stopping_ && !announced_)
      probe();
    if (stopping_ && !killed_ && clock::now() >= kill_at_) {
      log_.say("some nodes did not end in time; killing them");
      kill_all();
    }
  }

  void forward(std::size_t i) {
    std::vector<std::string> lines;
    children_[i].read_lines(lines);
    for (auto& line : lines)
      log_.write(i, children_[i].name(), line);
  }

  /// What the children wrote before they ended.
  void drain() {
    for (std::size_t i = 0; i < children_.size(); ++i)
      for (int reads = 0; reads < 64 && children_[i].output() >= 0; ++reads)
        forward(i);
  }

  void take_signals() {
    signalfd_siginfo info;
    while (::read(signals_, &info, sizeof(info)) == sizeof(info)) {
      if (info.ssi_signo == SIGCHLD)
        continue;
      if (stopping_) {
        kill_all();
      } else {
        log_.say("stopping");
        stop(SIGTERM);
      }
    }
    // One SIGCHLD may stand for several children.
    for (std::size_t i = 0; i < children_.size(); ++i) {
      int status = 0;
      if (children_[i].running()
          && ::waitpid(children_[i].pid(), &status, WNOHANG)
               == children_[i].pid()) {
        children_[i].ended(status);
        on_end(i);
      }
    }
  }

  void on_end(std::size_t i) {
    auto& child = children_[i];
    if (child.output() >= 0)
      forward(i);
    if (stopping_) {
      // A node that is not up yet has no handler for the signal either.
      auto early = !announced_ && child.ended_by(SIGTERM);
      if (!child.ended_well() && !early) {
        failed_ = true;
        log_.say(
          fmt::format("{} ended with {}", child.name(), child.how_it_ended()));
      }
      return;
    }
    log_.say(fmt::format("{} (pid {}) died: {}", child.name(), child.pid(),
                         child.how_it_ended()));
    if (!announced_) {
      log_.say("the cluster did not start; stopping");
      failed_ = true;
      stop(SIGTERM);
    } else if (alive() == 0) {
      log_.say("no node is left");
      failed_ = true;
    }
  }

  void probe() {
    if (clock::now() < next_probe_)
      return;
    auto all = true;
    for (std::size_t i = 0; i < ready_.size(); ++i) {
      if (!ready_[i])
        ready_[i] = answers(plan_.nodes[i]);
      all = all && ready_[i];
    }
    next_probe_ = clock::now() + probe_every;
    if (!all || !have_met())
      return;
    announced_ = true;
    fmt::print("ready\n");
    std::fflush(stdout);
  }

  /// All members are connected with each other, or could have been for long:
  /// `ready` means that what is written anywhere is at once on its way.
  bool have_met() {
    if (meeting_ends_ == clock::time_point{})
      meeting_ends_ = clock::now() + meeting;
    const auto met = [this](const node_options& node) {
      return has_peers(node, plan_.nodes.size() - 1);
    };
    if (std::all_of(plan_.nodes.begin(), plan_.nodes.end(), met))
      return true;
    if (clock::now() < meeting_ends_)
      return false;
    log_.say("not all members are connected with each other");
    return true;
  }

  void stop(int number) {
    stopping_ = true;
    kill_at_ = clock::now() + patience;
    for (auto& c : children_)
      c.signal(number);
  }

  void kill_all() {
    killed_ = true;
    failed_ = true;
    for (auto& c : children_)
      c.signal(SIGKILL);
  }

  up_plan plan_;
  std::vector<child_process> children_;
  std::vector<char> ready_;
  log_prefixer log_;
  int signals_ = -1;
  int lock_ = -1;
  bool announced_ = false;
  bool stopping_ = false;
  bool killed_ = false;
  bool failed_ = false;
  clock::time_point kill_at_;
  clock::time_point next_probe_;
  clock::time_point meeting_ends_; ///< Zero until all doors answer.
};

} // namespace

exit_code run_up(const up_command& c) {
  auto plan = make_up_plan(c);
  if (!plan)
    return fail(plan.error());
  return supervisor{std::move(*plan)}.run();
}

} // namespace torc::program
