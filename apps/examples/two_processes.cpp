// An application of actors that spans two processes and keeps its work in the
// store that they form: each process is a member. Without arguments it starts
// the second process itself.
//
// One process hands out numbers to square as keys `task:<n>`, the other one
// takes them and leaves `result:<n>`. Either may be restarted at any time.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <caf/all.hpp>
#include <csignal>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "torc/torc.hpp"

using namespace std::chrono_literals;

namespace {

constexpr int tasks = 20;

using step = caf::atom_constant<caf::atom("step")>;

/// Looks for tasks and does them, until it finds `stop`.
caf::behavior worker(caf::event_based_actor* self, torc::client_actor store) {
  const auto again = [](const caf::error&) {}; // the next scan finds it again
  const auto square = [=](const std::string& task) {
    self->request(store, 5s, torc::requests::get(task))
      .then(
        [=](const torc::client_reply& r) {
          if (r.status != torc::no_error || !r.found)
            return;
          const auto n = std::stoll(r.value);
          const auto result = "result:" + task.substr(5);
          self
            ->request(store, 5s,
                      torc::requests::put(result, std::to_string(n * n)))
            .then(
              [=](const torc::client_reply& done) {
                if (done.status == torc::no_error)
                  self->request(store, 5s, torc::requests::remove(task))
                    .then([](const torc::client_reply&) {}, again);
              },
              again);
        },
        again);
  };
  self->send(self, step::value);
  return {[=](step s) {
    self->request(store, 5s, torc::requests::scan(0, 1000))
      .then(
        [=](const torc::client_reply& page) {
          for (const auto& key : page.keys) {
            if (key == "stop")
              return self->quit();
            if (key.starts_with("task:"))
              square(key);
          }
          self->delayed_send(self, 50ms, s);
        },
        [=](const caf::error&) { self->delayed_send(self, 50ms, s); });
  }};
}

torc::result<std::unique_ptr<torc::node>>
start_member(const std::string& name, const std::string& dir,
             std::uint16_t first_port, caf::actor_system& system) {
  torc::node_options o;
  o.data_dir = dir + "/" + name;
  o.name = name;
  for (std::uint16_t i = 0; i < 2; ++i) {
    torc::founder_options f;
    f.name = i == 0 ? "giver" : "worker";
    const auto port = [&](int n) {
      return static_cast<std::uint16_t>(first_port + 3 * i + n);
    };
    f.door = {"127.0.0.1", port(0)};
    f.resp = {"127.0.0.1", port(1)};
    f.http = {"127.0.0.1", port(2)};
    o.founders.push_back(f);
  }
  o.cluster_secret = "only for an example, on loopback";
  o.engine = torc::engine_kind::memory;
  o.loops = 1;
  o.complete();
  return torc::node::start(o, &system);
}

void work(caf::actor_system& system, const torc::client_actor& store) {
  caf::scoped_actor self{system};
  self->wait_for(system.spawn(worker, store));
}

bool give(const torc::client_actor& store) {
  torc::client c{torc::make_backend(store)};
  for (int n = 1; n <= tasks; ++n)
    if (!c.put("task:" + std::to_string(n), std::to_string(n)))
      return false;
  for (int n = 1; n <= tasks; ++n) {
    const auto expected = std::to_string(n * n);
    for (int tries = 0;; ++tries) {
      const auto r = c.get("result:" + std::to_string(n));
      if (r && r->value == expected)
        break;
      if (tries == 2000)
        return false;
      std::this_thread::sleep_for(10ms);
    }
  }
  std::printf("%d numbers squared by another process\n", tasks);
  return c.put("stop", "now").has_value();
}

/// The exit code of a child, which is killed if it does not end by itself.
int code_of(::pid_t child) {
  int status = 0;
  for (int tries = 0; ::waitpid(child, &status, WNOHANG) == 0; ++tries) {
    if (tries == 2000)
      ::kill(child, SIGKILL);
    std::this_thread::sleep_for(10ms);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/// `other` is the process to wait for before this node goes; 0: none.
int run_member(const std::string& name, const std::string& dir,
               std::uint16_t first_port, ::pid_t other) {
  caf::actor_system_config config;
  torc::configure_node_system(config);
  caf::actor_system system{config};
  auto node = start_member(name, dir, first_port, system);
  bool ok = node.has_value();
  if (!ok)
    std::fprintf(stderr, "%s: %s\n", name.c_str(),
                 node.error().message.c_str());
  if (ok && !(*node)->wait_ready(30s)) {
    std::fprintf(stderr, "%s: %s\n", name.c_str(), (*node)->unready().c_str());
    ok = false;
  }
  if (ok) {
    // Ends with the node.
    const auto store = torc::spawn_local_client(**node);
    if (name == "worker")
      work(system, store);
    else
      ok = give(store);
  }
  if (other != 0)
    ok = code_of(other) == 0 && ok;
  if (node)
    (*node)->stop();
  return ok ? 0 : 1;
}

/// Six ports in a row that nobody listens on now.
std::uint16_t free_ports() {
  using boost::asio::ip::tcp;
  boost::asio::io_context io;
  for (;;) {
    tcp::acceptor any{io, {boost::asio::ip::address_v4::loopback(), 0}};
    const auto first = any.local_endpoint().port();
    if (first > 65'000)
      continue;
    any.close();
    bool free = true;
    for (std::uint16_t i = 0; i < 6 && free; ++i) {
      tcp::acceptor one{io};
      boost::system::error_code e;
      one.open(tcp::v4());
      one.bind({boost::asio::ip::address_v4::loopback(),
                static_cast<std::uint16_t>(first + i)},
               e);
      free = !e;
    }
    if (free)
      return first;
  }
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 4)
    return run_member(argv[1], argv[2],
                      static_cast<std::uint16_t>(std::stoi(argv[3])), 0);
  auto dir =
    (std::filesystem::temp_directory_path() / "torc-example-XXXXXX").string();
  if (::mkdtemp(dir.data()) == nullptr)
    return 1;
  const auto port = free_ports();
  std::string name = "worker";
  std::string number = std::to_string(port);
  char* child_argv[] = {argv[0], name.data(), dir.data(), number.data(),
                        nullptr};
  ::pid_t child = 0;
  if (::posix_spawn(&child, "/proc/self/exe", nullptr, nullptr, child_argv,
                    environ)
      != 0)
    return 1;
  const int code = run_member("giver", dir, port, child);
  std::error_code ignored;
  std::filesystem::remove_all(dir, ignored);
  return code;
}
