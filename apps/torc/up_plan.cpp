#include "apps/torc/up_plan.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <thread>

#include <arpa/inet.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

namespace torc::program {

namespace {

namespace fs = std::filesystem;

constexpr std::uint32_t nodes_max = 64;
constexpr std::uint16_t resp_port_default = 6379;
constexpr std::uint16_t http_port_default = 8080;
/// Doors of the cluster are looked for from here above the RESP ports (Redis
/// Cluster's bus stands there too): outside the range that the kernel gives to
/// outgoing connections, so that they are still free at the next start.
constexpr std::uint32_t door_port_distance = 10'000;

std::string system_error(const std::string& what) {
  return fmt::format("{}: {}", what, std::strerror(errno));
}

bool is_free(std::uint16_t port) {
  auto fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0)
    return false;
  int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto ok =
    ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address))
      == 0
    && ::listen(fd, 1) == 0;
  ::close(fd);
  return ok;
}

result<void> write_file(const std::string& path, std::string_view text,
                        mode_t mode) {
  auto temporary = path + ".new";
  auto fd =
    ::open(temporary.c_str(), O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, mode);
  if (fd < 0)
    return {errc::io_error, system_error("cannot write " + temporary)};
  auto ok = ::fchmod(fd, mode) == 0;
  while (ok && !text.empty()) {
    auto n = ::write(fd, text.data(), text.size());
    ok = n > 0;
    if (ok)
      text.remove_prefix(static_cast<std::size_t>(n));
  }
  ok = ok && ::fsync(fd) == 0;
  ::close(fd);
  if (!ok || ::rename(temporary.c_str(), path.c_str()) != 0)
    return {errc::io_error, system_error("cannot write " + path)};
  return {};
}

/// 32 bytes of the kernel's randomness in hexadecimal.
result<std::string> make_secret() {
  unsigned char bytes[32];
  if (::getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
    return {errc::io_error, system_error("cannot draw a secret")};
  std::string out;
  for (auto b : bytes)
    out += fmt::format("{:02x}", b);
  return out;
}

result<std::vector<std::uint16_t>> choose_door_ports(std::uint32_t count,
                                                     std::uint16_t resp_port,
                                                     std::uint16_t http_port) {
  std::vector<std::uint16_t> out;
  auto from = resp_port + door_port_distance;
  if (from + 1000 > 65535)
    from = resp_port - door_port_distance;
  auto taken = [&](std::uint32_t port, std::uint32_t first) {
    return port >= first && port < first + count;
  };
  for (auto port = from; port < from + 1000 && out.size() < count; ++port)
    if (!taken(port, resp_port) && !taken(port, http_port)
        && is_free(static_cast<std::uint16_t>(port)))
      out.push_back(static_cast<std::uint16_t>(port));
  if (out.size() < count)
    return {errc::io_error,
            fmt::format("no {} free ports within {} and {} for the doors of "
                        "the cluster",
                        count, from, from + 999)};
  return out;
}

std::string folder_of(const std::string& data_dir, std::size_t index) {
  return fmt::format("{}/n{}", data_dir, index + 1);
}

result<void> check_free(const node_options& node,
                        std::initializer_list<const socket_address*> doors) {
  for (auto* a : doors)
    if (!is_free(a->port))
      return {errc::io_error,
              fmt::format("port {} of node {} is taken by another program",
                          a->port, node.name)};
  return {};
}

result<up_plan> found_cluster(const up_command& c, const std::string& dir) {
  auto count = c.nodes.value_or(3);
  auto resp = c.resp_port.value_or(resp_port_default);
  auto http = c.http_port.value_or(http_port_default);
  if (count < 1 || count > nodes_max)
    return {errc::invalid_argument,
            fmt::format("--nodes {} is not within 1 to {}", count, nodes_max)};
  if (resp + count > 65536 || http + count > 65536)
    return {errc::invalid_argument, "the ports would exceed 65535"};
  if (std::max(resp, http) - std::min(resp, http) < static_cast<int>(count))
    return {errc::invalid_argument,
            fmt::format("RESP ports {}-{} and HTTP ports {}-{} overlap", resp,
                        resp + count - 1, http, http + count - 1)};
  auto doors = choose_door_ports(count, resp, http);
  if (!doors)
    return std::move(doors).error();
  node_options common;
  common.engine = c.engine.value_or(common.engine);
  common.replicas = c.replicas.value_or(common.replicas);
  common.default_level = c.level.value_or(common.default_level);
  common.sync = c.sync.value_or(common.sync);
  common.cluster_secret_file = "../secret";
  common.data_dir = "data";
  for (std::uint32_t i = 0; i < count; ++i) {
    founder_options f;
    f.name = fmt::format("n{}", i + 1);
    f.door = {"127.0.0.1", (*doors)[i]};
    f.resp = {"127.0.0.1", static_cast<std::uint16_t>(resp + i)};
    f.http = {"127.0.0.1", static_cast<std::uint16_t>(http + i)};
    common.name = f.name;
    // Here and below: checked before it is written, what is founded stays.
    if (auto ok = check_free(common, {&f.resp, &f.http}); !ok)
      return std::move(ok).error();
    common.founders.push_back(std::move(f));
  }
  auto secret = make_secret();
  if (!secret)
    return std::move(secret).error();
  auto checked = common;
  checked.cluster_secret = *secret;
  checked.complete();
  if (auto ok = checked.validate(); !ok)
    return std::move(ok).error();
  if (auto ok = write_file(dir + "/secret", *secret + "\n", 0600); !ok)
    return std::move(ok).error();
  // The first node's file comes last: where it is, the founding is complete.
  for (auto i = count; i-- > 0;) {
    auto folder = folder_of(dir, i);
    std::error_code ec;
    if (fs::create_directories(folder, ec); ec)
      return {errc::io_error,
              fmt::format("cannot make {}: {}", folder, ec.message())};
    auto own = common;
    own.name = own.founders[i].name;
    if (auto ok = write_file(folder + "/torc.toml", to_toml(own), 0600); !ok)
      return std::move(ok).error();
  }
  return up_plan{};
}

/// Refuses a flag that says something else than the cluster that is there.
result<void> check_same(const up_command& c, const node_options& n,
                        const std::string& dir) {
  std::string differences;
  auto same = [&](std::string_view flag, const auto& given, const auto& is) {
    if (given && *given != is)
      differences +=
        fmt::format("\n  --{} {}, the cluster has {}", flag, *given, is);
  };
  auto same_name = [&](std::string_view flag, const auto& given,
                       const auto& is) {
    if (given && *given != is)
      differences += fmt::format("\n  --{} {}, the cluster has {}", flag,
                                 to_string(*given), to_string(is));
  };
  same("nodes", c.nodes, static_cast<std::uint32_t>(n.founders.size()));
  same("resp-port", c.resp_port, n.founders.front().resp.port);
  same("http-port", c.http_port, n.founders.front().http.port);
  same("replicas", c.replicas, n.replicas);
  same_name("engine", c.engine, n.engine);
  same_name("sync", c.sync, n.sync);
  same_name("consistency", c.level, n.default_level);
  if (differences.empty())
    return {};
  return {errc::invalid_argument,
          fmt::format("{} holds a cluster with other settings:{}\nLeave the "
                      "flag out, or choose another --data folder",
                      dir, differences)};
}

result<up_plan> find_cluster(const up_command& c, const std::string& dir) {
  up_plan plan;
  plan.data_dir = dir;
  for (std::size_t i = 0;
       plan.nodes.empty() || i < plan.nodes.front().founders.size(); ++i) {
    auto file = folder_of(dir, i) + "/torc.toml";
    auto node = load_node_options(file);
    if (!node)
      return std::move(node).error();
    if (node->founders.empty() || node->founders.size() > nodes_max)
      return {
        errc::invalid_argument,
        fmt::format("{} does not list 1 to {} founders", file, nodes_max)};
    if (i > 0 && node->founders != plan.nodes.front().founders)
      return {errc::invalid_argument,
              fmt::format("{} and {} differ in their founders", file,
                          plan.config_files.front())};
    plan.nodes.push_back(std::move(*node));
    plan.config_files.push_back(std::move(file));
  }
  if (auto ok = check_same(c, plan.nodes.front(), dir); !ok)
    return std::move(ok).error();
  return plan;
}

} // namespace

result<up_plan> make_up_plan(const up_command& c) {
  std::error_code ec;
  auto dir = fs::absolute(c.data_dir, ec).lexically_normal().string();
  while (dir.size() > 1 && dir.back() == '/')
    dir.pop_back();
  if (fs::create_directories(dir, ec); ec)
    return {errc::io_error,
            fmt::format("cannot make {}: {}", dir, ec.message())};
  auto found = fs::exists(folder_of(dir, 0) + "/torc.toml", ec);
  if (!found)
    if (auto founded = found_cluster(c, dir); !founded)
      return founded;
  auto plan = find_cluster(c, dir);
  if (!plan)
    return plan;
  plan->found = found;
  auto count = static_cast<std::uint32_t>(plan->nodes.size());
  auto cores = std::max(1u, std::thread::hardware_concurrency());
  for (auto& node : plan->nodes) {
    if (c.loops != 0)
      node.loops = c.loops;
    else if (node.loops == 0)
      node.loops = std::max(1u, cores / count);
    auto machine_decides = node.memory_bytes_max == 0;
    node.complete();
    if (machine_decides)
      node.memory_bytes_max /= count;
    if (c.log_level)
      node.log_level = *c.log_level;
    if (c.log_format)
      node.log_format = *c.log_format;
    if (auto ok = node.validate(); !ok)
      return std::move(ok).error();
    if (auto ok = check_free(
          node, {&node.resp_listen, &node.http_listen, &node.door_listen});
        !ok)
      return std::move(ok).error();
  }
  return plan;
}

} // namespace torc::program
