#include "apps/torc/connection.hpp"

#include <cstdio>

#include <fmt/format.h>
#include <unistd.h>

#include "torc/record_files.hpp"

namespace torc::program {

namespace {

constexpr std::uint16_t port_default = 6379;

} // namespace

result<resp_client> make_client(const client_options& c) {
  resp_client_options o;
  for (auto& text : c.addresses) {
    auto address = parse_address(text, port_default);
    if (!address)
      return error{errc::invalid_argument,
                   fmt::format("--addr: {}", address.error().message)};
    o.addresses.push_back(std::move(*address));
  }
  if (o.addresses.empty())
    return error{errc::invalid_argument, "--addr names no door"};
  o.password = c.password;
  o.keyspace = c.keyspace;
  o.level = c.level;
  o.client_name = "torc-cli";
  o.request_ms = c.timeout_ms;
  o.connect_ms = std::min<std::uint64_t>(o.connect_ms, c.timeout_ms);
  return resp_client{std::move(o)};
}

void learn_doors(resp_client& client) {
  auto status = client.call({"TORC.ADMIN", "STATUS"});
  if (!status)
    return;
  for (auto& member : status->items_of("members"))
    if (auto address = parse_address(member.text_of("resp"), port_default))
      client.add_address(*address);
}

exit_code fail(const client_options& c, const error& e) {
  return fail(c, to_exit_code(e.code), e);
}

exit_code fail(const client_options& c, exit_code code, const error& e) {
  if (c.json)
    print_json({{"error",
                 {{"code", std::string{to_string(e.code)}},
                  {"message", e.message},
                  {"exit_code", static_cast<int>(code)}}}});
  return fail(code, e.message);
}

void print_json(const json& document) {
  // Error texts may quote bytes of a key that are no UTF-8.
  fmt::print("{}\n",
             document.dump(2, ' ', false, json::error_handler_t::replace));
}

void put_bytes(json& object, const std::string& name, std::string_view bytes) {
  if (is_utf8(bytes))
    object[name] = bytes;
  else
    object[name + "_base64"] = to_base64(bytes);
}

void put_field(json& object, const std::string& name, const resp_value& map) {
  auto v = map.find(name);
  object[name] = v == nullptr ? json{} : to_json(*v);
}

json to_json(const resp_value& reply) {
  switch (reply.type) {
  case resp_value::kind::null: return {};
  case resp_value::kind::text:
  case resp_value::kind::error: return reply.text;
  case resp_value::kind::integer: return reply.integer;
  case resp_value::kind::real: return reply.real;
  case resp_value::kind::boolean: return reply.integer != 0;
  case resp_value::kind::map: {
    auto out = json::object();
    for (std::size_t i = 0; i + 1 < reply.items.size(); i += 2)
      out[reply.items[i].text] = to_json(reply.items[i + 1]);
    return out;
  }
  default: {
    auto out = json::array();
    for (auto& item : reply.items)
      out.push_back(to_json(item));
    return out;
  }
  }
}

bool stdout_is_terminal() noexcept {
  return ::isatty(STDOUT_FILENO) == 1;
}

} // namespace torc::program
