#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "actors/gateway/core.hpp"
#include "torc/core/glob.hpp"

/// The handlers of all commands, by the file they are in. Each gives exactly
/// one reply, now or later.
namespace torc::gateway {

// commands_connection.cpp
void run_ping(core&, const request&);
void run_echo(core&, const request&);
void run_quit(core&, const request&);
void run_reset(core&, const request&);
void run_hello(core&, const request&);
void run_auth(core&, const request&);
void run_select(core&, const request&);
void run_ok(core&, const request&);

// commands_client.cpp
void run_client(core&, const request&);

// commands_strings.cpp
void run_get(core&, const request&);
void run_set(core&, const request&);
void run_setex(core&, const request&);
void run_getex(core&, const request&);
void run_getdel(core&, const request&);
void run_strlen(core&, const request&);
void run_getrange(core&, const request&);
void run_torc_get(core&, const request&);
void run_torc_set(core&, const request&);
void run_torc_del(core&, const request&);

// commands_many.cpp: several keys
void run_mget(core&, const request&);
void run_mset(core&, const request&);
void run_del(core&, const request&);
void run_exists(core&, const request&);

// commands_keys.cpp
void run_type(core&, const request&);
void run_expire(core&, const request&);
void run_ttl(core&, const request&);
void run_persist(core&, const request&);
void run_object(core&, const request&);
void run_memory(core&, const request&);

// commands_scan.cpp: whole keyspaces
void run_scan(core&, const request&);
void run_keys(core&, const request&);
void run_dbsize(core&, const request&);
void run_randomkey(core&, const request&);

// commands_wait.cpp
void run_wait(core&, const request&);

// commands_server.cpp
void run_command(core&, const request&);
void run_config(core&, const request&);
void run_time(core&, const request&);
void run_flush(core&, const request&);
void run_slowlog(core&, const request&);
void run_latency(core&, const request&);
void run_needs_strong(core&, const request&);

// commands_info.cpp
void run_info(core&, const request&);

// commands_cluster.cpp
void run_cluster(core&, const request&);

// commands_admin.cpp
void run_torc_admin(core&, const request&);

// -- arguments (arguments.cpp) -------------------------------------------------

/// A whole decimal number, as Redis reads one.
std::optional<std::int64_t> parse_integer(std::string_view s) noexcept;
/// Of a db number or a count.
std::optional<std::uint64_t> parse_unsigned(std::string_view s) noexcept;

/// Of ASCII letters.
std::string lower(std::string_view s);

/// A reply of several lines: HELP.
void write_lines(core& c, const request& r,
                 std::initializer_list<std::string_view> lines);

inline bool is(std::string_view argument, std::string_view name) noexcept {
  return equals_ignoring_case(argument, name);
}

/// Printable and without blanks, so that CLIENT LIST stays readable.
bool valid_client_name(std::string_view name) noexcept;
inline constexpr std::string_view bad_client_name =
  "ERR Client names cannot contain spaces, newlines or special characters.";

/// EVENTUAL and WEAK; nothing else, STRONG included.
std::optional<consistency> parse_level(std::string_view s) noexcept;

/// How the number of a time option counts.
enum class time_unit : std::uint8_t { ex, px, exat, pxat };

inline constexpr std::string_view syntax_error = "ERR syntax error";
inline constexpr std::string_view pattern_too_long =
  "ERR a pattern has at most 1024 bytes";
static_assert(glob_bytes_max == 1024);
inline constexpr std::string_view not_an_integer =
  "ERR value is not an integer or out of range";

/// The absolute deadline that `text` in `unit` means; nothing after failing the
/// request as Redis does: not a number, or not a time that may be. `lenient`:
/// times that have passed are fine and delete (EXPIRE).
std::optional<unix_ms> parse_deadline(core& c, const request& r,
                                      std::string_view text, time_unit unit,
                                      bool lenient);

} // namespace torc::gateway
