#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/resp_writer.hpp"

namespace torc {

enum class command_id : std::uint16_t {
  // connection
  ping,
  echo,
  quit,
  reset,
  hello,
  auth,
  client,
  select,
  readonly,
  readwrite,
  asking,
  wait,
  // strings
  get,
  set,
  setex,
  psetex,
  getex,
  getdel,
  mget,
  mset,
  strlen,
  getrange,
  substr,
  // keys
  del,
  unlink,
  exists,
  touch,
  type,
  expire,
  pexpire,
  expireat,
  pexpireat,
  ttl,
  pttl,
  expiretime,
  pexpiretime,
  persist,
  scan,
  keys,
  randomkey,
  object,
  // server
  command,
  info,
  config,
  dbsize,
  time,
  flushdb,
  flushall,
  memory,
  slowlog,
  latency,
  // cluster
  cluster,
  // Torc's own
  torc_get,
  torc_set,
  torc_del,
  torc_admin,
  // known to Redis, come with the strong level
  needs_strong,
};

/// Bits of `command_info::flags`, named as COMMAND names them.
namespace command_flag {
inline constexpr std::uint16_t write = 1;
inline constexpr std::uint16_t readonly = 2;
inline constexpr std::uint16_t fast = 4;
inline constexpr std::uint16_t admin = 8;
inline constexpr std::uint16_t no_auth = 16;
inline constexpr std::uint16_t denyoom = 32;
/// Waits until all commands before it on the connection are answered.
inline constexpr std::uint16_t barrier = 64;
/// Has subcommands.
inline constexpr std::uint16_t container = 128;
} // namespace command_flag

/// One command: the source of COMMAND, of the arity check and of routing.
struct command_info {
  std::string_view name; ///< Lower case.
  command_id id;
  std::int16_t arity; ///< Of Redis: with the name; negative: at least.
  std::uint16_t flags;
  std::int8_t first_key; ///< 0: no keys.
  std::int8_t last_key;  ///< Negative: counted from the end.
  std::int8_t key_step;
  std::string_view group;
  std::string_view summary;
  std::string_view arguments; ///< Syntax after the name.

  bool has(std::uint16_t flag) const noexcept { return (flags & flag) != 0; }
};

/// All commands that are served, by name.
std::span<const command_info> commands() noexcept;

/// Those of one command, named `client|id`; none: it is no container.
std::span<const command_info> subcommands(command_id of) noexcept;

/// By its own name alone, without regard to case; null if it is not known.
/// O(number of subcommands).
const command_info* find_subcommand(command_id of,
                                    std::string_view name) noexcept;

/// The command that a whole command line means: of a container its subcommand,
/// if it names one; null if there is no such command or subcommand.
const command_info*
find_exact(const std::vector<std::string_view>& argv) noexcept;

/// Looks a name up without regard to case; null if it is not known. Also finds
/// those that need the strong level. O(1), no allocation.
const command_info* find_command(std::string_view name) noexcept;

/// Compares without regard to case of ASCII letters.
bool equals_ignoring_case(std::string_view a, std::string_view b) noexcept;

constexpr bool arity_ok(const command_info& c, std::size_t argc) noexcept {
  return c.arity >= 0 ? argc == static_cast<std::size_t>(c.arity)
                      : argc >= static_cast<std::size_t>(-c.arity);
}

/// Redis's words.
std::string wrong_arity_text(const command_info& c);
std::string unknown_command_text(const std::vector<std::string_view>& argv);
/// `argv[1]` is none of `c`.
std::string unknown_subcommand_text(const command_info& c,
                                    std::string_view name);

/// Positions in `argv` of the keys of a command.
std::vector<std::size_t> key_positions(const command_info& c, std::size_t argc);

// Replies of COMMAND, in Redis 7's shapes.
void write_command_info(resp_writer& w, const command_info& c);
void write_command_docs(resp_writer& w, const command_info& c);

} // namespace torc
