#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "torc/node_options.hpp"

namespace torc::program {

/// What the program ends with; `torc --help` lists them.
enum class exit_code : int {
  ok = 0,
  failed = 1,          ///< Whatever has no code of its own.
  usage = 2,           ///< The command line is wrong.
  not_found = 3,       ///< The key or keyspace does not exist.
  unknown_outcome = 4, ///< A write may or may not have been done.
  unavailable = 5,     ///< No door or no replica answered; nothing was done.
};

/// Where and how a client command talks to a cluster.
struct client_options {
  std::vector<std::string> addresses{"127.0.0.1:6379"};
  std::string password;
  std::string keyspace; ///< Name or db number; empty: `default`.
  std::string level;    ///< Empty: the keyspace's default.
  std::uint64_t timeout_ms = 10'000;
  bool json = false;
};

struct node_command {
  std::string config; ///< Path of a torc.toml; empty: flags only.
  node_options flags; ///< Only what `given` names counts.
  std::vector<std::string> given;
  bool check = false; ///< Validate, print the settings, and end.
};

struct up_command {
  std::string data_dir = "torc-data";
  // What was not given is taken from the cluster found in `data_dir`.
  std::optional<std::uint32_t> nodes;
  std::optional<std::uint16_t> resp_port;
  std::optional<std::uint16_t> http_port;
  std::optional<engine_kind> engine;
  std::optional<std::uint32_t> replicas;
  std::optional<sync_policy> sync;
  std::optional<consistency> level;
  std::uint32_t loops = 0; ///< Per node; 0: cores / nodes.
  std::optional<torc::log_level> log_level;
  std::optional<torc::log_format> log_format;
};

struct key_command {
  client_options client;
  std::string key;
  std::vector<std::string> keys; ///< del: all of them.
  std::string value;
  bool value_from_stdin = false;
  std::string ttl; ///< A duration; empty: the keyspace's default.
};

struct scan_command {
  client_options client;
  std::string match;
  std::uint64_t limit = 0; ///< 0: all.
};

struct load_command {
  client_options client;
  std::string file;
  std::string format;
  std::string rejects;
  bool header = false;
  std::uint32_t wait_replicas = 0;
  std::uint64_t window = 1024;
  std::uint64_t give_up_ms = 30'000; ///< Without any success.
};

struct dump_command {
  client_options client;
  std::string file = "-";
  std::string format;
  std::string match;
  bool ttl = false;
};

struct keyspace_command {
  client_options client;
  std::string action; ///< create, list, show, drop
  std::string name;
  std::optional<std::uint32_t> replicas;
  std::string engine;
  std::string ttl;
  bool yes = false;
};

struct ring_command {
  client_options client;
  std::string svg; ///< balance: also write a picture here.
  bool slots = false;
};

struct config_command {
  client_options client;
  std::string action; ///< get, set
  std::string name;
  std::string value;
};

struct cert_command {
  bool json = false;
  std::string dir = "certs";
  std::string name;
  std::uint32_t days = 0; ///< 0: the default of init or issue.
};

exit_code run_node_command(const node_command& c);
exit_code run_up(const up_command& c);
exit_code run_get(const key_command& c);
exit_code run_set(const key_command& c);
exit_code run_del(const key_command& c);
exit_code run_scan(const scan_command& c);
exit_code run_load(const load_command& c);
exit_code run_dump(const dump_command& c);
exit_code run_status(const client_options& c);
exit_code run_ring_show(const ring_command& c);
exit_code run_ring_balance(const ring_command& c);
exit_code run_keyspace(const keyspace_command& c);
exit_code run_config(const config_command& c);
exit_code run_cert_init(const cert_command& c);
exit_code run_cert_issue(const cert_command& c);
exit_code run_version(bool json);

/// Prints `torc: <message>` on stderr and returns the code.
exit_code fail(exit_code code, const std::string& message);
exit_code fail(const error& e);

/// What ends the program after this error.
exit_code to_exit_code(errc code) noexcept;

} // namespace torc::program
