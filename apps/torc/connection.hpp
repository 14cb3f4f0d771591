#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "apps/torc/commands.hpp"
#include "torc/resp_client.hpp"

namespace torc::program {

using json = nlohmann::ordered_json;

/// How many keys a SCAN asks for at a time.
constexpr std::string_view scan_count = "1000";

/// A connection as the flags describe it, not made yet. `invalid_argument`: an
/// address is wrong.
result<resp_client> make_client(const client_options& c);

/// Asks the cluster for its members' RESP doors and adds them to the addresses
/// to try, so that the loss of one node is survived. Silent if it cannot.
void learn_doors(resp_client& client);

/// Ends a client command: `torc: <message>` on stderr, and with --json an
/// object `error` on stdout as well.
exit_code fail(const client_options& c, const error& e);
exit_code fail(const client_options& c, exit_code code, const error& e);

/// Prints a document and a line end on stdout.
void print_json(const json& document);

/// Sets `name` to the bytes, or `name`_base64 where they are not UTF-8.
void put_bytes(json& object, const std::string& name, std::string_view bytes);

/// Sets `name` to what the map has under it: text, number, boolean or null.
void put_field(json& object, const std::string& name, const resp_value& map);

/// A reply as JSON: maps become objects, in their order.
json to_json(const resp_value& reply);

/// True if stdout is a terminal.
bool stdout_is_terminal() noexcept;

} // namespace torc::program
