// Flags of `torc node`, `torc up` and `torc cert`.
#include "apps/torc/command_line.hpp"

#include <CLI/CLI.hpp>
#include <memory>

namespace torc::program {

namespace {

/// Makes a flag's value by one of the parsers of node_options.hpp, whose
/// message becomes the command line's.
template <class T, class Parse>
CLI::callback_t parsed(T& to, Parse parse) {
  return [&to, parse](const CLI::results_t& text) {
    auto value = parse(text.back());
    if (!value)
      throw CLI::ValidationError(value.error().message);
    to = *value;
    return true;
  };
}

result<socket_address> parse_listen(std::string_view text) {
  return parse_address(text);
}

void add_node_doors(CLI::App& node, node_options& o) {
  node.add_option("--name", o.name, "Its own name; one of the founders");
  node.add_option("--data", o.data_dir, "Folder of its data");
  node.add_option("--door-listen", parsed(o.door_listen, parse_listen),
                  "Address of the cluster door, host:port");
  node.add_option("--resp-listen", parsed(o.resp_listen, parse_listen),
                  "Address of the RESP door, host:port");
  node.add_option("--http-listen", parsed(o.http_listen, parse_listen),
                  "Address of the HTTP door, host:port");
  node.add_option("--password", o.password, "What RESP clients must present");
  node.add_flag("--insecure", o.insecure,
                "Allow doors beyond this machine without a password");
  node.add_option("--cluster-secret-file", o.cluster_secret_file,
                  "File with the secret that members share");
  node.add_option("--tls-ca", o.tls.ca, "The cluster's CA, PEM");
  node.add_option("--tls-cert", o.tls.cert, "This member's certificate, PEM");
  node.add_option("--tls-key", o.tls.key, "This member's key, PEM");
}

void add_node_settings(CLI::App& node, node_options& o) {
  node.add_option("--engine", parsed(o.engine, parse_engine),
                  "Engine of keyspace default: memory or rocksdb");
  node.add_option("--replicas", o.replicas, "Replicas of keyspace default");
  node.add_option("--consistency", parsed(o.default_level, parse_consistency),
                  "Level of keyspace default: eventual or weak");
  node.add_option("--ttl", parsed(o.default_ttl_ms, parse_duration_ms),
                  "Time to live of keyspace default, such as 1h");
  node.add_option("--sync", parsed(o.sync, parse_sync),
                  "When writes reach the disk: always, interval or os");
  node.add_option("--virtual-nodes", o.virtual_nodes,
                  "Tokens per unit of weight");
  node.add_option("--loops", o.loops, "Event loops; 0: one per core");
  node.add_option("--memory", parsed(o.memory_bytes_max, parse_bytes),
                  "Bound of data in memory, such as 2GiB; 0: half of the RAM");
  node.add_option("--block-cache", parsed(o.block_cache_bytes, parse_bytes),
                  "RocksDB's block cache, such as 64MiB");
  node.add_option("--max-skew", parsed(o.max_skew_ms, parse_duration_ms),
                  "Largest difference of clocks, such as 500ms");
  node.add_option("--log-level", parsed(o.log_level, parse_log_level),
                  "trace, debug, info, warn, error or off");
  node.add_option("--log-format", parsed(o.log_format, parse_log_format),
                  "text or json");
}

void add_node(CLI::App& app, exit_code& code) {
  auto c = std::make_shared<node_command>();
  auto node = app.add_subcommand("node", "Run one node of a cluster");
  node->footer("Founding settings (--engine, --replicas, --consistency, --ttl, "
               "--sync,\n--virtual-nodes) count at the first start only.\n"
               "Logs go to stderr; SIGTERM ends the node.\n\nExit codes: 0 "
               "ended by a signal, 1 failed, 2 the settings are wrong.");
  node->add_option("--config", c->config, "A torc.toml; flags override it");
  node->add_flag("--check", c->check,
                 "Print the settings that would count, and end");
  add_node_doors(*node, c->flags);
  add_node_settings(*node, c->flags);
  node->callback([node, c, &code] {
    for (auto option : node->get_options())
      if (option->count() > 0)
        c->given.push_back(option->get_lnames().front());
    code = run_node_command(*c);
  });
}

void add_up(CLI::App& app, exit_code& code) {
  auto c = std::make_shared<up_command>();
  auto up =
    app.add_subcommand("up", "Run a cluster of several nodes on this machine");
  up->footer("The first start founds a cluster in --data; later ones find it "
             "there and need no\nother flag. Prints `ready` when every door "
             "answers and all nodes are\nconnected. SIGINT and SIGTERM end it. "
             "A node that dies is named and not started\nagain: `torc node "
             "--config DATA/nX/torc.toml` does that.\n\nExit codes: 0 ended by "
             "a signal, though nodes may "
             "have died before it; 1 did not\nstart, no node is left, or one "
             "did not end well after the signal; 2 wrong command\nline.");
  up->add_option("--data", c->data_dir, "Folder of the cluster")
    ->capture_default_str();
  up->add_option("--nodes", c->nodes, "How many (3)");
  up->add_option("--resp-port", c->resp_port,
                 "RESP doors from here upwards (6379)");
  up->add_option("--http-port", c->http_port,
                 "HTTP doors from here upwards (8080)");
  up->add_option("--engine", parsed(c->engine, parse_engine),
                 "memory or rocksdb (rocksdb)");
  up->add_option("--replicas", c->replicas, "Replicas of every key (3)");
  up->add_option("--sync", parsed(c->sync, parse_sync),
                 "When writes reach the disk: always, interval or os (always)");
  up->add_option("--consistency", parsed(c->level, parse_consistency),
                 "eventual or weak (eventual)");
  up->add_option("--loops", c->loops,
                 "Event loops per node; 0: cores / nodes (0)");
  up->add_option("--log-level", parsed(c->log_level, parse_log_level),
                 "trace, debug, info, warn, error or off (info)");
  up->add_option("--log-format", parsed(c->log_format, parse_log_format),
                 "text or json (text)");
  up->callback([c, &code] { code = run_up(*c); });
}

void add_cert(CLI::App& app, exit_code& code) {
  auto c = std::make_shared<cert_command>();
  auto cert = app.add_subcommand(
    "cert", "Make certificates for mutual TLS between members");
  cert->require_subcommand(1);
  auto common = [&c](CLI::App& a) {
    a.add_option("--dir", c->dir, "Folder of the CA and the certificates")
      ->capture_default_str();
    a.add_option("--days", c->days, "How long it is valid; 0: the default");
    a.add_flag("--json", c->json, "Print JSON");
  };
  auto init = cert->add_subcommand("init", "Make a CA for a cluster");
  init->footer("Exit codes: 0 done, 1 failed (a CA is there already), 2 wrong "
               "command line.");
  common(*init);
  init->add_option("--name", c->name, "Name of the cluster, for people");
  init->callback([c, &code] { code = run_cert_init(*c); });
  auto issue = cert->add_subcommand("issue", "Make a member's certificate");
  issue->footer("The name is the one that the founders list has.\n\nExit "
                "codes: 0 done, 1 failed (it is there already), 2 wrong "
                "command line, 3 no CA in\nthe folder.");
  common(*issue);
  issue->add_option("name", c->name, "The member's name")->required();
  issue->callback([c, &code] { code = run_cert_issue(*c); });
}

} // namespace

void add_server_commands(CLI::App& app, exit_code& code) {
  add_node(app, code);
  add_up(app, code);
  add_cert(app, code);
}

} // namespace torc::program
