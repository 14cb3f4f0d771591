#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "actors/gateway/reply_ring.hpp"
#include "torc/core/resp.hpp"
#include "torc/core/types.hpp"

namespace torc::gateway {

/// What CLIENT REPLY says.
enum class reply_mode : std::uint8_t { on, off, skip_next, skip_this };

/// The state of one RESP connection, without its socket.
///
/// Invariant: `inbox` from `parsed` on is what was received and not parsed.
struct session {
  std::uint64_t id = 0;
  std::string address;       ///< Of the client, "host:port".
  std::string local_address; ///< Of the door.
  std::string name;          ///< CLIENT SETNAME
  std::string lib_name;
  std::string lib_version;
  unix_ms created_ms = 0;
  unix_ms active_ms = 0;

  int protocol = 2;
  bool authenticated = false;
  std::uint32_t db = 0;
  bool level_chosen = false; ///< CLIENT CONSISTENCY was said.
  consistency level = consistency::eventual;
  reply_mode replies = reply_mode::on;
  const char* last_command = "NULL";

  std::string inbox;
  std::size_t parsed = 0;
  resp_request_parser parser;
  reply_ring ring;

  bool barrier = false; ///< A command that later ones wait for is under way.
  bool closing = false; ///< No more commands; ends when the output is written.
  bool dead = false;    ///< Ends at once; replies under way are dropped.

  hlc_time token;       ///< Highest clock this client has seen.
  /// Slots written to since the last WAIT, and who coordinated: a bounded set;
  /// above the bound WAIT asks about every slot's coordinator at hand.
  std::map<std::pair<incarnation, slot_id>, member_id> written;
  bool written_overflow = false;

  /// Tells the socket that there is output, room to read, or an end.
  std::function<void()> wake;
};

} // namespace torc::gateway
