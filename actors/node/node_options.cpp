#include <algorithm>
#include <set>
#include <thread>

#include <fmt/format.h>
#include <unistd.h>

#include "torc/node_options.hpp"

namespace torc {

namespace {

constexpr std::size_t secret_bytes_min = 16;
constexpr std::size_t secret_bytes_max = 4096;
constexpr std::size_t zone_bytes_max = 64;

result<void> refuse(std::string message) {
  return {errc::invalid_argument, std::move(message)};
}

bool is_name(std::string_view text, std::size_t bytes_max) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz"
                                       "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                       "0123456789_.-";
  return !text.empty() && text.size() <= bytes_max
         && text.find_first_not_of(allowed) == std::string_view::npos;
}

result<void> check_founder(const founder_options& f) {
  if (!is_name(f.name, limits::member_name_bytes_max))
    return refuse(fmt::format("founder name '{}' must be 1 to {} of letters, "
                              "digits, '_', '.' and '-'",
                              f.name, limits::member_name_bytes_max));
  if (f.door.empty())
    return refuse(fmt::format("founder '{}' has no door", f.name));
  if (f.resp.empty())
    return refuse(fmt::format("founder '{}' has no resp address", f.name));
  if (f.http.empty())
    return refuse(fmt::format("founder '{}' has no http address", f.name));
  if (!f.zone.empty() && !is_name(f.zone, zone_bytes_max))
    return refuse(fmt::format("zone '{}' of founder '{}' must be at most {} of "
                              "letters, digits, '_', '.' and '-'",
                              f.zone, f.name, zone_bytes_max));
  if (!(f.weight >= 0.01 && f.weight <= 100.0))
    return refuse(fmt::format("weight {} of founder '{}' is not within 0.01 "
                              "to 100",
                              f.weight, f.name));
  return {};
}

result<void> check_founders(const node_options& o) {
  if (o.founders.empty())
    return refuse("no [[founders]]: list every member that the cluster begins "
                  "with, this node too");
  if (o.founders.size() > limits::members_max)
    return refuse(fmt::format("{} founders are more than {}", o.founders.size(),
                              limits::members_max));
  std::set<std::string> names;
  std::set<std::string> addresses;
  for (auto& f : o.founders) {
    if (auto ok = check_founder(f); !ok)
      return ok;
    if (!names.insert(f.name).second)
      return refuse(fmt::format("two founders are named '{}'", f.name));
    for (auto* a : {&f.door, &f.resp, &f.http})
      if (!addresses.insert(to_string(*a)).second)
        return refuse(fmt::format("address {} is given twice among the "
                                  "founders",
                                  to_string(*a)));
  }
  if (names.count(o.name) == 0)
    return refuse(o.name.empty()
                    ? "no name: say which of the founders this node is"
                    : fmt::format("name '{}' is none of the founders; a node "
                                  "that joins later is not supported yet",
                                  o.name));
  return {};
}

result<void> check_trust(const node_options& o) {
  auto secret = !o.cluster_secret.empty() || !o.cluster_secret_file.empty();
  if (secret && !o.tls.empty())
    return refuse("both a cluster secret and [tls] are given; choose one");
  if (!secret && o.tls.empty())
    return refuse("neither cluster_secret_file nor [tls]: members must prove "
                  "who they are; make certificates with 'torc cert init', or "
                  "a secret with 'openssl rand -hex 32'");
  if (!o.tls.empty()
      && (o.tls.ca.empty() || o.tls.cert.empty() || o.tls.key.empty()))
    return refuse("[tls] needs all of ca, cert and key");
  if (!o.cluster_secret.empty()
      && (o.cluster_secret.size() < secret_bytes_min
          || o.cluster_secret.size() > secret_bytes_max))
    return refuse(fmt::format("the cluster secret must have {} to {} bytes, "
                              "this one has {}",
                              secret_bytes_min, secret_bytes_max,
                              o.cluster_secret.size()));
  return {};
}

/// Clients' doors are not authenticated member by member, so an open one is
/// only let out of the machine on request.
result<void> check_doors(const node_options& o) {
  if (o.resp_listen == o.http_listen || o.resp_listen == o.door_listen
      || o.http_listen == o.door_listen)
    return refuse("door_listen, resp_listen and http_listen must differ");
  if (o.insecure)
    return {};
  if (!o.resp_listen.is_loopback() && o.password.empty())
    return refuse(fmt::format(
      "the RESP door would listen on {}, beyond this machine, without a "
      "password: set password, listen on 127.0.0.1, or say insecure = true",
      to_string(o.resp_listen)));
  if (!o.http_listen.is_loopback() && o.password.empty())
    return refuse(fmt::format(
      "the HTTP door would listen on {}, beyond this machine, without a "
      "password: set password, listen on 127.0.0.1, or say insecure = true",
      to_string(o.http_listen)));
  return {};
}

result<void> check_numbers(const node_options& o) {
  if (o.replicas < 1 || o.replicas > limits::replicas_max)
    return refuse(fmt::format("replicas = {} is not within 1 to {}", o.replicas,
                              limits::replicas_max));
  if (o.default_level == consistency::strong)
    return refuse("consistency = \"strong\" is not supported yet; choose "
                  "\"eventual\" or \"weak\"");
  if (o.virtual_nodes < 1 || o.virtual_nodes > 10'000)
    return refuse(fmt::format("virtual_nodes = {} is not within 1 to 10000",
                              o.virtual_nodes));
  if (o.loops > 256)
    return refuse(fmt::format("loops = {} is more than 256", o.loops));
  if (o.memory_bytes_max != 0 && o.memory_bytes_max < 16 * limits::mib)
    return refuse(fmt::format("memory_bytes_max = {} is less than 16MiB",
                              o.memory_bytes_max));
  if (o.block_cache_bytes < limits::mib)
    return refuse(
      fmt::format("block_cache = {} is less than 1MiB", o.block_cache_bytes));
  if (o.max_skew_ms < 1 || o.max_skew_ms > 60'000)
    return refuse(
      fmt::format("max_skew = {} ms is not within 1ms to 60s", o.max_skew_ms));
  return {};
}

} // namespace

std::size_t node_options::self_index() const noexcept {
  auto same = [this](const founder_options& f) { return f.name == name; };
  return static_cast<std::size_t>(
    std::find_if(founders.begin(), founders.end(), same) - founders.begin());
}

void node_options::complete() {
  if (auto i = self_index(); i < founders.size()) {
    auto& self = founders[i];
    if (door_listen.empty())
      door_listen = self.door;
    if (resp_listen.empty())
      resp_listen = self.resp;
    if (http_listen.empty())
      http_listen = self.http;
  }
  if (loops == 0)
    loops = std::max(1u, std::thread::hardware_concurrency());
  if (memory_bytes_max == 0) {
    auto pages = ::sysconf(_SC_PHYS_PAGES);
    auto page_bytes = ::sysconf(_SC_PAGE_SIZE);
    // A machine that does not say counts as one of 1 GiB.
    memory_bytes_max = pages > 0 && page_bytes > 0
                         ? static_cast<std::uint64_t>(pages)
                             * static_cast<std::uint64_t>(page_bytes) / 2
                         : 512 * limits::mib;
  }
}

result<void> node_options::validate() const {
  if (data_dir.empty())
    return refuse("no data_dir: say where the node keeps its data");
  if (auto ok = check_founders(*this); !ok)
    return ok;
  if (auto ok = check_trust(*this); !ok)
    return ok;
  if (auto ok = check_doors(*this); !ok)
    return ok;
  return check_numbers(*this);
}

} // namespace torc
