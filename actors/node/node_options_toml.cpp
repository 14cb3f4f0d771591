// The only source that parses TOML: toml++ is a heavy header.
#include <array>
#include <functional>
#include <limits>

#include <fmt/format.h>
#include <toml++/toml.h>

#include "torc/node_options.hpp"

namespace torc {

namespace {

using setter = result<void> (*)(const toml::node&, node_options&);

/// One key that may occur in a section.
struct known_key {
  std::string_view section; ///< Empty: above the first section.
  std::string_view name;
  setter set;
};

result<void> wrong_type(std::string_view wanted) {
  return {errc::invalid_argument, fmt::format("must be {}", wanted)};
}

result<void> put(const toml::node& from, std::string& to) {
  auto text = from.value_exact<std::string>();
  if (!text)
    return wrong_type("a string in quotes");
  to = std::move(*text);
  return {};
}

result<void> put(const toml::node& from, bool& to) {
  auto flag = from.value_exact<bool>();
  if (!flag)
    return wrong_type("true or false");
  to = *flag;
  return {};
}

result<void> put(const toml::node& from, std::uint32_t& to) {
  auto n = from.value_exact<std::int64_t>();
  if (!n || *n < 0 || *n > std::numeric_limits<std::uint32_t>::max())
    return wrong_type("a whole number that is not negative");
  to = static_cast<std::uint32_t>(*n);
  return {};
}

result<void> put(const toml::node& from, double& to) {
  auto n = from.value<double>();
  if (!n || !from.is_number())
    return wrong_type("a number");
  to = *n;
  return {};
}

result<void> put(const toml::node& from, socket_address& to) {
  std::string text;
  if (auto ok = put(from, text); !ok)
    return ok;
  auto parsed = parse_address(text);
  if (!parsed)
    return std::move(parsed).error();
  to = std::move(*parsed);
  return {};
}

/// A size or a duration: a number in the smallest unit, or text with a unit.
template <class Parse>
result<void> put_quantity(const toml::node& from, std::uint64_t& to,
                          Parse parse) {
  if (auto n = from.value_exact<std::int64_t>()) {
    if (*n < 0)
      return wrong_type("a quantity that is not negative");
    to = static_cast<std::uint64_t>(*n);
    return {};
  }
  std::string text;
  if (auto ok = put(from, text); !ok)
    return wrong_type("a number, or a string with a unit");
  auto parsed = parse(text);
  if (!parsed)
    return std::move(parsed).error();
  to = *parsed;
  return {};
}

template <class Enum, class Parse>
result<void> put_choice(const toml::node& from, Enum& to, Parse parse) {
  std::string text;
  if (auto ok = put(from, text); !ok)
    return ok;
  auto parsed = parse(text);
  if (!parsed)
    return std::move(parsed).error();
  to = *parsed;
  return {};
}

using in = const toml::node&;
using to = node_options&;

// Each: where the key may stand, its name, and what it sets.
const std::array known_keys{
  known_key{"", "name", [](in n, to o) { return put(n, o.name); }},
  known_key{"", "data_dir", [](in n, to o) { return put(n, o.data_dir); }},
  known_key{"", "door_listen",
            [](in n, to o) { return put(n, o.door_listen); }},
  known_key{"", "resp_listen",
            [](in n, to o) { return put(n, o.resp_listen); }},
  known_key{"", "http_listen",
            [](in n, to o) { return put(n, o.http_listen); }},
  known_key{"", "password", [](in n, to o) { return put(n, o.password); }},
  known_key{"", "insecure", [](in n, to o) { return put(n, o.insecure); }},
  known_key{"", "cluster_secret",
            [](in n, to o) { return put(n, o.cluster_secret); }},
  known_key{"", "cluster_secret_file",
            [](in n, to o) { return put(n, o.cluster_secret_file); }},
  known_key{"", "sync",
            [](in n, to o) { return put_choice(n, o.sync, parse_sync); }},
  known_key{"", "virtual_nodes",
            [](in n, to o) { return put(n, o.virtual_nodes); }},
  known_key{"", "loops", [](in n, to o) { return put(n, o.loops); }},
  known_key{"", "memory_bytes_max",
            [](in n, to o) {
              return put_quantity(n, o.memory_bytes_max, parse_bytes);
            }},
  known_key{"", "block_cache",
            [](in n, to o) {
              return put_quantity(n, o.block_cache_bytes, parse_bytes);
            }},
  known_key{"", "max_skew",
            [](in n, to o) {
              return put_quantity(n, o.max_skew_ms, parse_duration_ms);
            }},
  known_key{"default_keyspace", "engine",
            [](in n, to o) { return put_choice(n, o.engine, parse_engine); }},
  known_key{"default_keyspace", "replicas",
            [](in n, to o) { return put(n, o.replicas); }},
  known_key{"default_keyspace", "consistency",
            [](in n, to o) {
              return put_choice(n, o.default_level, parse_consistency);
            }},
  known_key{"default_keyspace", "ttl",
            [](in n, to o) {
              return put_quantity(n, o.default_ttl_ms, parse_duration_ms);
            }},
  known_key{"tls", "ca", [](in n, to o) { return put(n, o.tls.ca); }},
  known_key{"tls", "cert", [](in n, to o) { return put(n, o.tls.cert); }},
  known_key{"tls", "key", [](in n, to o) { return put(n, o.tls.key); }},
  known_key{
    "log", "level",
    [](in n, to o) { return put_choice(n, o.log_level, parse_log_level); }},
  known_key{
    "log", "format",
    [](in n, to o) { return put_choice(n, o.log_format, parse_log_format); }},
  known_key{"founders", "name",
            [](in n, to o) { return put(n, o.founders.back().name); }},
  known_key{"founders", "door",
            [](in n, to o) { return put(n, o.founders.back().door); }},
  known_key{"founders", "resp",
            [](in n, to o) { return put(n, o.founders.back().resp); }},
  known_key{"founders", "http",
            [](in n, to o) { return put(n, o.founders.back().http); }},
  known_key{"founders", "zone",
            [](in n, to o) { return put(n, o.founders.back().zone); }},
  known_key{"founders", "weight",
            [](in n, to o) { return put(n, o.founders.back().weight); }},
};

constexpr std::array<std::string_view, 3> sections{"default_keyspace", "tls",
                                                   "log"};

/// Reads the tables of one document, naming the place of whatever is wrong.
class reader {
public:
  reader(std::string_view origin, node_options& out)
    : origin_(origin), out_(out) {}

  result<void> document(const toml::table& root) {
    for (auto&& [key, node] : root) {
      auto done = result<void>{};
      if (key.str() == "founders")
        done = founders(node);
      else if (is_section(key.str()))
        done = section(key.str(), node);
      else
        done = entry("", key, node);
      if (!done)
        return done;
    }
    return {};
  }

private:
  static bool is_section(std::string_view name) {
    return std::find(sections.begin(), sections.end(), name) != sections.end();
  }

  result<void> refuse(const toml::source_region& where,
                      std::string_view message) const {
    return {errc::invalid_argument,
            fmt::format("{}:{}: {}", origin_, where.begin.line, message)};
  }

  result<void> founders(const toml::node& node) {
    auto list = node.as_array();
    if (list == nullptr)
      return refuse(node.source(), "founders must be tables: [[founders]]");
    if (list->size() > limits::members_max)
      return refuse(node.source(), "too many founders");
    for (auto&& item : *list) {
      out_.founders.emplace_back();
      if (auto ok = section("founders", item); !ok)
        return ok;
    }
    return {};
  }

  result<void> section(std::string_view name, const toml::node& node) {
    auto table = node.as_table();
    if (table == nullptr)
      return refuse(node.source(), fmt::format("'{}' must be a table", name));
    for (auto&& [key, value] : *table)
      if (auto ok = entry(name, key, value); !ok)
        return ok;
    return {};
  }

  result<void> entry(std::string_view section, const toml::key& key,
                     const toml::node& node) {
    for (auto& known : known_keys)
      if (known.section == section && known.name == key.str()) {
        auto done = known.set(node, out_);
        if (done)
          return done;
        return refuse(node.source(),
                      fmt::format("{}: {}", key.str(), done.error().message));
      }
    return refuse(key.source(), unknown(section, key.str()));
  }

  /// Says what an unknown key may have meant: one of another section, or a
  /// name near to it.
  static std::string unknown(std::string_view section, std::string_view key) {
    std::vector<std::string_view> names;
    std::string_view elsewhere;
    for (auto& known : known_keys) {
      if (known.section == section)
        names.push_back(known.name);
      else if (known.name == key && known.section != "founders")
        elsewhere = known.section.empty() ? "top" : known.section;
    }
    if (section.empty()) {
      names.insert(names.end(), sections.begin(), sections.end());
      names.push_back("founders");
    }
    auto text =
      fmt::format("unknown key '{}'{}", key,
                  section.empty() ? "" : fmt::format(" in [{}]", section));
    if (elsewhere == "top")
      return text + "; it belongs above the first section";
    if (!elsewhere.empty())
      return text + fmt::format("; it belongs into [{}]", elsewhere);
    if (auto near = nearest_name(key, names); !near.empty())
      return text + fmt::format("; did you mean '{}'?", near);
    return text;
  }

  std::string_view origin_;
  node_options& out_;
};

} // namespace

result<node_options> parse_node_options(std::string_view toml_text,
                                        std::string_view origin,
                                        std::string_view base_dir) {
  node_options out;
  try {
    auto root = toml::parse(toml_text);
    if (auto ok = reader{origin, out}.document(root); !ok)
      return std::move(ok).error();
  } catch (const toml::parse_error& e) {
    return {
      errc::invalid_argument,
      fmt::format("{}:{}: {}", origin, e.source().begin.line, e.description())};
  }
  for (auto* path : {&out.data_dir, &out.cluster_secret_file, &out.tls.ca,
                     &out.tls.cert, &out.tls.key})
    if (!path->empty() && path->front() != '/')
      *path = fmt::format("{}/{}", base_dir, *path);
  return out;
}

} // namespace torc
