// `torc get`, `set`, `del` and `scan`.
#include <cstdio>

#include <fmt/format.h>

#include "apps/torc/connection.hpp"
#include "apps/torc/table.hpp"

namespace torc::program {

namespace {

using kind = resp_client::request_kind;

error too_large(std::string_view what, std::size_t bytes, std::size_t max) {
  return {errc::invalid_argument,
          fmt::format("a {} of {} bytes is more than {}", what, bytes, max)};
}

/// All of stdin, at most what a value may have.
result<std::string> read_value() {
  std::string out;
  char buffer[64 * 1024];
  for (;;) {
    auto n = std::fread(buffer, 1, sizeof(buffer), stdin);
    out.append(buffer, n);
    if (out.size() > limits::value_bytes_max)
      return too_large("value", out.size(), limits::value_bytes_max);
    if (n < sizeof(buffer))
      break;
  }
  if (std::ferror(stdin) != 0)
    return {errc::io_error, "cannot read stdin"};
  return out;
}

void write_bytes(std::string_view bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), stdout);
}

void print_key(std::string_view key, bool as_json) {
  if (as_json) {
    auto object = json::object();
    put_bytes(object, "key", key);
    fmt::print("{}\n", object.dump());
  } else if (stdout_is_terminal()) {
    fmt::print("{}\n", printable(key));
  } else {
    write_bytes(key);
    std::fputc('\n', stdout);
  }
}

} // namespace

exit_code run_get(const key_command& c) {
  auto client = make_client(c.client);
  if (!client)
    return fail(c.client, exit_code::usage, client.error());
  auto reply = client->call({"TORC.GET", c.key});
  if (!reply)
    return fail(c.client, reply.error());
  auto value = reply->find("value");
  if (value == nullptr || value->is_null())
    return fail(c.client,
                error{errc::not_found,
                      fmt::format("there is no key '{}'", printable(c.key))});
  if (c.client.json) {
    auto object = json::object();
    put_bytes(object, "key", c.key);
    put_bytes(object, "value", value->text);
    for (auto field : {"version", "level", "clock", "expires_at_ms"})
      put_field(object, field, *reply);
    print_json(object);
    return exit_code::ok;
  }
  write_bytes(value->text);
  if (stdout_is_terminal())
    std::fputc('\n', stdout);
  return exit_code::ok;
}

exit_code run_set(const key_command& c) {
  auto client = make_client(c.client);
  if (!client)
    return fail(c.client, exit_code::usage, client.error());
  auto value = c.value_from_stdin ? read_value() : result<std::string>{c.value};
  if (!value)
    return fail(c.client, value.error());
  std::string ttl;
  resp_client::argv command{"TORC.SET", c.key, *value};
  if (!c.ttl.empty()) {
    auto ms = parse_duration_ms(c.ttl);
    if (!ms || *ms == 0)
      return fail(c.client, exit_code::usage,
                  {errc::invalid_argument,
                   fmt::format("--ttl: {}", ms ? "must be more than 0"
                                               : ms.error().message)});
    ttl = std::to_string(*ms);
    command.insert(command.end(), {"PX", ttl});
  }
  auto reply = client->call(command, kind::write);
  if (!reply)
    return fail(c.client, reply.error());
  if (c.client.json) {
    auto object = json::object();
    put_bytes(object, "key", c.key);
    for (auto field : {"version", "level", "clock", "expires_at_ms"})
      put_field(object, field, *reply);
    print_json(object);
  } else {
    fmt::print("written, {}, version {}\n", reply->text_of("level", "?"),
               reply->text_of("version", "?"));
  }
  return exit_code::ok;
}

exit_code run_del(const key_command& c) {
  auto client = make_client(c.client);
  if (!client)
    return fail(c.client, exit_code::usage, client.error());
  auto document = json::array();
  std::size_t found = 0;
  for (auto& key : c.keys) {
    auto reply = client->call({"TORC.DEL", key}, kind::write);
    if (!reply) {
      auto e = reply.error();
      if (c.keys.size() > 1)
        e.message = fmt::format("key '{}': {}", printable(key), e.message);
      return fail(c.client, e);
    }
    found += reply->boolean_of("found");
    auto object = json::object();
    put_bytes(object, "key", key);
    for (auto field : {"found", "version", "level", "clock"})
      put_field(object, field, *reply);
    document.push_back(std::move(object));
  }
  if (c.client.json)
    print_json({{"keys", document}, {"deleted", found}});
  else
    fmt::print("deleted {} of {}\n", found, c.keys.size());
  return found > 0 ? exit_code::ok : exit_code::not_found;
}

exit_code run_scan(const scan_command& c) {
  auto client = make_client(c.client);
  if (!client)
    return fail(c.client, exit_code::usage, client.error());
  std::string cursor = "0";
  std::uint64_t shown = 0;
  do {
    resp_client::argv command{"SCAN", cursor, "COUNT", scan_count};
    if (!c.match.empty())
      command.insert(command.end(), {"MATCH", c.match});
    auto page = client->call(command);
    if (!page)
      return fail(c.client, page.error());
    if (page->items.size() != 2)
      return fail(c.client, {errc::corrupt, "SCAN answered something else"});
    for (auto& key : page->items[1].items) {
      print_key(key.text, c.client.json);
      if (++shown == c.limit)
        return exit_code::ok;
    }
    cursor = page->items[0].text;
  } while (cursor != "0" && std::ferror(stdout) == 0);
  return exit_code::ok;
}

} // namespace torc::program
