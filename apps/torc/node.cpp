// `torc node`: the file's settings, overridden by flags.
#include "torc/node.hpp"

#include <cerrno>
#include <functional>
#include <map>

#include <fmt/format.h>

#include "apps/torc/commands.hpp"

namespace torc::program {

namespace {

using copy = void (*)(const node_options& from, node_options& to);

/// What each flag sets.
const std::map<std::string_view, copy> overrides{
  {"name", [](auto& f, auto& t) { t.name = f.name; }},
  {"data", [](auto& f, auto& t) { t.data_dir = f.data_dir; }},
  {"door-listen", [](auto& f, auto& t) { t.door_listen = f.door_listen; }},
  {"resp-listen", [](auto& f, auto& t) { t.resp_listen = f.resp_listen; }},
  {"http-listen", [](auto& f, auto& t) { t.http_listen = f.http_listen; }},
  {"password", [](auto& f, auto& t) { t.password = f.password; }},
  {"insecure", [](auto& f, auto& t) { t.insecure = f.insecure; }},
  {"cluster-secret-file",
   [](auto& f, auto& t) {
     t.cluster_secret_file = f.cluster_secret_file;
     t.cluster_secret.clear();
   }},
  {"tls-ca", [](auto& f, auto& t) { t.tls.ca = f.tls.ca; }},
  {"tls-cert", [](auto& f, auto& t) { t.tls.cert = f.tls.cert; }},
  {"tls-key", [](auto& f, auto& t) { t.tls.key = f.tls.key; }},
  {"engine", [](auto& f, auto& t) { t.engine = f.engine; }},
  {"replicas", [](auto& f, auto& t) { t.replicas = f.replicas; }},
  {"consistency", [](auto& f, auto& t) { t.default_level = f.default_level; }},
  {"ttl", [](auto& f, auto& t) { t.default_ttl_ms = f.default_ttl_ms; }},
  {"sync", [](auto& f, auto& t) { t.sync = f.sync; }},
  {"virtual-nodes",
   [](auto& f, auto& t) { t.virtual_nodes = f.virtual_nodes; }},
  {"loops", [](auto& f, auto& t) { t.loops = f.loops; }},
  {"memory", [](auto& f, auto& t) { t.memory_bytes_max = f.memory_bytes_max; }},
  {"block-cache",
   [](auto& f, auto& t) { t.block_cache_bytes = f.block_cache_bytes; }},
  {"max-skew", [](auto& f, auto& t) { t.max_skew_ms = f.max_skew_ms; }},
  {"log-level", [](auto& f, auto& t) { t.log_level = f.log_level; }},
  {"log-format", [](auto& f, auto& t) { t.log_format = f.log_format; }},
};

result<node_options> settings(const node_command& c) {
  node_options o;
  if (!c.config.empty()) {
    auto loaded = load_node_options(c.config);
    if (!loaded)
      return loaded;
    o = std::move(*loaded);
  }
  for (auto& flag : c.given)
    if (auto found = overrides.find(flag); found != overrides.end())
      found->second(c.flags, o);
  if (o.cluster_secret.empty())
    if (auto ok = load_secret(o); !ok)
      return std::move(ok).error();
  o.complete();
  if (auto ok = o.validate(); !ok)
    return std::move(ok).error();
  return o;
}

} // namespace

exit_code run_node_command(const node_command& c) {
  auto o = settings(c);
  if (!o) {
    fail(o.error());
    return o.error().code == errc::invalid_argument ? exit_code::usage
                                                    : exit_code::failed;
  }
  if (c.check) {
    auto shown = *o;
    if (!shown.password.empty())
      shown.password = "(hidden)";
    if (!shown.cluster_secret.empty() && shown.cluster_secret_file.empty())
      shown.cluster_secret = "(hidden)";
    fmt::print("{}", to_toml(shown));
    return exit_code::ok;
  }
  return static_cast<exit_code>(run_node(*o));
}

} // namespace torc::program
