// Settings from and to files.
#include <cerrno>
#include <cstring>
#include <fstream>
#include <iterator>

#include <fmt/format.h>
#include <sys/stat.h>

#include "torc/node_options.hpp"

namespace torc {

namespace {

constexpr std::size_t options_bytes_max = limits::mib;

result<std::string> read_file(const std::string& path) {
  std::ifstream in{path, std::ios::binary};
  if (!in)
    return {errc::io_error,
            fmt::format("cannot read {}: {}", path, std::strerror(errno))};
  std::string text(options_bytes_max + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad() || (in.fail() && !in.eof()))
    return {errc::io_error, fmt::format("cannot read {}", path)};
  text.resize(static_cast<std::size_t>(in.gcount()));
  if (text.size() > options_bytes_max)
    return {errc::invalid_argument,
            fmt::format("{} is larger than 1 MiB", path)};
  return text;
}

/// A TOML basic string.
std::string toml_string(std::string_view text) {
  std::string out = "\"";
  for (auto c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\u{:04X}", byte);
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string address(const socket_address& a) {
  return toml_string(to_string(a));
}

void add_trust(std::string& out, const node_options& o) {
  out += "\n# Members prove who they are by a shared secret or by [tls].\n";
  if (!o.cluster_secret_file.empty())
    out += fmt::format("cluster_secret_file = {}\n",
                       toml_string(o.cluster_secret_file));
  else if (!o.cluster_secret.empty())
    out += fmt::format("cluster_secret = {}\n", toml_string(o.cluster_secret));
}

void add_sections(std::string& out, const node_options& o) {
  out += "\n# What the first start writes into the cluster's config.\n"
         "[default_keyspace]\n";
  out += fmt::format("engine = {}\nreplicas = {}\nconsistency = {}\n"
                     "ttl = {} # milliseconds; 0: keys stay\n",
                     toml_string(to_string(o.engine)), o.replicas,
                     toml_string(to_string(o.default_level)), o.default_ttl_ms);
  out += fmt::format("\n[log]\nlevel = {}\nformat = {}\n",
                     toml_string(to_string(o.log_level)),
                     toml_string(to_string(o.log_format)));
  if (!o.tls.empty())
    out += fmt::format("\n[tls]\nca = {}\ncert = {}\nkey = {}\n",
                       toml_string(o.tls.ca), toml_string(o.tls.cert),
                       toml_string(o.tls.key));
  out += "\n# The members that the cluster begins with: the same list on every "
         "node.\n";
  for (auto& f : o.founders) {
    out += fmt::format("[[founders]]\nname = {}\ndoor = {}\nresp = {}\n"
                       "http = {}\n",
                       toml_string(f.name), address(f.door), address(f.resp),
                       address(f.http));
    if (!f.zone.empty())
      out += fmt::format("zone = {}\n", toml_string(f.zone));
    if (f.weight != 1.0)
      out += fmt::format("weight = {:#}\n", f.weight);
    out += '\n';
  }
}

} // namespace

result<void> load_secret(node_options& options) {
  auto& path = options.cluster_secret_file;
  if (path.empty())
    return {};
  if (!options.cluster_secret.empty())
    return {errc::invalid_argument,
            "both cluster_secret and "
            "cluster_secret_file are given; choose one"};
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0)
    return {errc::io_error, fmt::format("cannot read cluster_secret_file {}: "
                                        "{}",
                                        path, std::strerror(errno))};
  if ((info.st_mode & (S_IRWXO | S_IWGRP)) != 0)
    return {errc::invalid_argument,
            fmt::format("cluster_secret_file {} can be read or written by "
                        "others; run chmod 600 on it",
                        path)};
  auto text = read_file(path);
  if (!text)
    return std::move(text).error();
  auto end = text->find_last_not_of(" \t\r\n");
  text->resize(end == std::string::npos ? 0 : end + 1);
  if (text->empty())
    return {errc::invalid_argument,
            fmt::format("cluster_secret_file {} is empty", path)};
  options.cluster_secret = std::move(*text);
  return {};
}

result<node_options> load_node_options(const std::string& path) {
  auto text = read_file(path);
  if (!text)
    return std::move(text).error();
  auto slash = path.rfind('/');
  auto dir = slash == std::string::npos ? std::string{"."}
             : slash == 0               ? std::string{"/"}
                                        : path.substr(0, slash);
  auto options = parse_node_options(*text, path, dir);
  if (!options)
    return options;
  if (auto ok = load_secret(*options); !ok)
    return std::move(ok).error();
  return options;
}

std::string to_toml(const node_options& o) {
  std::string out =
    "# Settings of one Torc node. Flags of `torc node` override "
    "them.\n\n";
  out += fmt::format("name = {}\ndata_dir = {}\n", toml_string(o.name),
                     toml_string(o.data_dir));
  out += "\n# Where it listens; without these, where its founder entry says.\n";
  auto listen = [&out](std::string_view key, const socket_address& a) {
    if (!a.empty())
      out += fmt::format("{} = {}\n", key, address(a));
  };
  listen("door_listen", o.door_listen);
  listen("resp_listen", o.resp_listen);
  listen("http_listen", o.http_listen);
  if (!o.password.empty())
    out += fmt::format("password = {}\n", toml_string(o.password));
  if (o.insecure)
    out += "insecure = true\n";
  add_trust(out, o);
  out += "\n# When eventual and weak writes reach the disk: always, interval, "
         "os.\n";
  out += fmt::format("sync = {}\nvirtual_nodes = {}\n",
                     toml_string(to_string(o.sync)), o.virtual_nodes);
  out += "\n# Event loops (0: one per core), and bounds of memory in bytes "
         "(0: half of the RAM).\n";
  out += fmt::format("loops = {}\nmemory_bytes_max = {}\nblock_cache = {}\n",
                     o.loops, o.memory_bytes_max, o.block_cache_bytes);
  out += "\n# Largest difference of clocks that is believed, in "
         "milliseconds.\n";
  out += fmt::format("max_skew = {}\n", o.max_skew_ms);
  add_sections(out, o);
  return out;
}

} // namespace torc
