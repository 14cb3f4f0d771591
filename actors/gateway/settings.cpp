#include "actors/gateway/settings.hpp"

#include <charconv>

#include "torc/core/limits.hpp"
#include "torc/log.hpp"

namespace torc {

result<std::int64_t> parse_setting(const std::string& text, std::int64_t least,
                                   std::int64_t most) {
  std::int64_t x = 0;
  const auto* end = text.data() + text.size();
  const auto r = std::from_chars(text.data(), end, x);
  if (text.empty() || r.ec != std::errc{} || r.ptr != end)
    return {errc::invalid_argument,
            "argument couldn't be parsed into an integer"};
  if (x < least || x > most)
    return {errc::invalid_argument, "argument must be between "
                                      + std::to_string(least) + " and "
                                      + std::to_string(most) + " inclusive"};
  return x;
}

namespace gateway {
namespace {

std::string redis_name_of(sync_policy s) {
  switch (s) {
  case sync_policy::always: return "always";
  case sync_policy::interval: return "everysec";
  case sync_policy::os: return "no";
  }
  return "always";
}

config_parameter fixed(std::string name, std::string value) {
  return {std::move(name), [value = std::move(value)] { return value; },
          nullptr};
}

void add_slowlog(std::vector<config_parameter>& out, gateway_shared& g) {
  out.push_back(
    {"slowlog-log-slower-than",
     [&g] { return std::to_string(g.slowlog.slower_than_us.load()); },
     [&g](const std::string& text) -> result<void> {
       const auto x = parse_setting(text, -1, INT64_MAX);
       if (!x)
         return x.error();
       g.slowlog.slower_than_us = *x;
       return {};
     }});
  out.push_back({"slowlog-max-len",
                 [&g] { return std::to_string(g.slowlog.max_len.load()); },
                 [&g](const std::string& text) -> result<void> {
                   const auto x = parse_setting(text, 0, 100'000);
                   if (!x)
                     return x.error();
                   g.slowlog.max_len = static_cast<std::size_t>(*x);
                   return {};
                 }});
}

} // namespace

std::vector<config_parameter> settings_of(core& c) {
  auto& g = c.shared();
  std::vector<config_parameter> out;
  out.push_back({"requirepass", [&g] { return g.password(); },
                 [&g](const std::string& text) -> result<void> {
                   g.set_password(text);
                   return {};
                 }});
  out.push_back({"loglevel",
                 [] { return std::string{to_string(log::level())}; },
                 [](const std::string& text) -> result<void> {
                   // Redis's names too.
                   auto name = text == "notice"    ? std::string{"info"}
                               : text == "verbose" ? std::string{"debug"}
                               : text == "warning" ? std::string{"warn"}
                                                   : text;
                   const auto level = parse_log_level(name);
                   if (!level)
                     return level.error();
                   log::set_level(*level);
                   return {};
                 }});
  add_slowlog(out, g);
  const auto* config = c.view() == nullptr ? nullptr : &c.view()->config();
  const auto* ks = c.view() == nullptr ? nullptr : c.view()->keyspace_by_db(0);
  const bool on_disk = ks == nullptr || ks->engine == engine_kind::rocksdb;
  out.push_back(fixed("appendonly", on_disk ? "yes" : "no"));
  out.push_back(fixed(
    "appendfsync", config == nullptr ? "always" : redis_name_of(config->sync)));
  out.push_back(fixed("save", ""));
  out.push_back(fixed("cluster-enabled", "yes"));
  out.push_back(fixed("databases", std::to_string(limits::keyspaces_max)));
  out.push_back(
    fixed("proto-max-bulk-len", std::to_string(limits::value_bytes_max)));
  out.push_back(fixed("dir", g.data_dir));
  out.push_back(fixed("port", std::to_string(g.resp_port)));
  out.push_back(fixed("maxmemory-policy", "noeviction"));
  // Figures cost something: only for who asks.
  out.push_back(
    {"maxmemory",
     [&g] { return std::to_string(g.figures_now().memory_bytes_max); },
     nullptr});
  out.push_back({"io-threads",
                 [&g] { return std::to_string(g.figures_now().loops); },
                 nullptr});
  for (const auto& p : g.parameters)
    out.push_back(p);
  return out;
}

} // namespace gateway
} // namespace torc
