// `torc keyspace create|list|show|drop` and `torc config get|set`.
#include <fmt/format.h>

#include "apps/torc/connection.hpp"
#include "apps/torc/table.hpp"

namespace torc::program {

namespace {

using kind = resp_client::request_kind;

std::string format_ttl(std::int64_t ms) {
  if (ms == 0)
    return "none";
  return ms % 1000 == 0 ? format_seconds(static_cast<double>(ms) / 1000)
                        : fmt::format("{} ms", ms);
}

std::string keyspace_table(const std::vector<resp_value>& keyspaces) {
  table t{
    {"name", "db", "replicas", "engine", "consistency", "ttl", "incarnation"}};
  for (auto& k : keyspaces)
    t.add({std::string{k.text_of("name")}, std::to_string(k.integer_of("db")),
           std::to_string(k.integer_of("replicas")),
           std::string{k.text_of("engine")},
           std::string{k.text_of("consistency")},
           format_ttl(k.integer_of("default_ttl_ms")),
           std::to_string(k.integer_of("incarnation"))});
  return t.to_text();
}

exit_code show(const client_options& c, const result<resp_value>& reply,
               std::string_view done) {
  if (!reply)
    return fail(c, reply.error());
  if (c.json) {
    print_json(to_json(*reply));
  } else {
    auto list = reply->type == resp_value::kind::map
                  ? std::vector<resp_value>{*reply}
                  : reply->items;
    fmt::print("{}{}", done, keyspace_table(list));
  }
  return exit_code::ok;
}

exit_code create(resp_client& client, const keyspace_command& c) {
  resp_client::argv command{"TORC.ADMIN", "KEYSPACE", "CREATE", c.name};
  std::string replicas;
  std::string ttl;
  if (c.replicas) {
    replicas = std::to_string(*c.replicas);
    command.insert(command.end(), {"REPLICAS", replicas});
  }
  if (!c.engine.empty())
    command.insert(command.end(), {"ENGINE", c.engine});
  if (!c.client.level.empty())
    command.insert(command.end(), {"CONSISTENCY", c.client.level});
  if (!c.ttl.empty()) {
    auto ms = parse_duration_ms(c.ttl);
    if (!ms)
      return fail(
        c.client, exit_code::usage,
        {errc::invalid_argument, fmt::format("--ttl: {}", ms.error().message)});
    ttl = std::to_string(*ms);
    command.insert(command.end(), {"TTL", ttl});
  }
  return show(c.client, client.call(command, kind::write), "created\n");
}

} // namespace

exit_code run_keyspace(const keyspace_command& c) {
  // The level is one of the keyspace to create, not of this connection.
  auto how = c.client;
  how.level.clear();
  auto client = make_client(how);
  if (!client)
    return fail(how, exit_code::usage, client.error());
  if (c.action == "create")
    return create(*client, c);
  if (c.action == "list")
    return show(how, client->call({"TORC.ADMIN", "KEYSPACE", "LIST"}), "");
  if (c.action == "show")
    return show(how, client->call({"TORC.ADMIN", "KEYSPACE", "SHOW", c.name}),
                "");
  if (!c.yes)
    return fail(how, exit_code::usage,
                {errc::invalid_argument,
                 fmt::format("dropping '{}' removes all its data on every "
                             "node for good; say --yes to do it",
                             printable(c.name))});
  return show(
    how, client->call({"TORC.ADMIN", "KEYSPACE", "DROP", c.name}, kind::write),
    "dropped\n");
}

exit_code run_config(const config_command& c) {
  auto client = make_client(c.client);
  if (!client)
    return fail(c.client, exit_code::usage, client.error());
  if (c.action == "set") {
    auto reply = client->call({"CONFIG", "SET", c.name, c.value}, kind::write);
    if (!reply)
      return fail(c.client, reply.error());
  }
  auto reply = client->call({"CONFIG", "GET", c.name});
  if (!reply)
    return fail(c.client, reply.error());
  if (reply->items.empty())
    return fail(c.client,
                {errc::not_found,
                 fmt::format("there is no setting '{}'", printable(c.name))});
  if (c.client.json) {
    print_json(to_json(*reply));
    return exit_code::ok;
  }
  table t{{"setting", "value"}};
  for (std::size_t i = 0; i + 1 < reply->items.size(); i += 2)
    t.add({reply->items[i].text, reply->items[i + 1].text});
  fmt::print("{}", t.to_text());
  return exit_code::ok;
}

} // namespace torc::program
