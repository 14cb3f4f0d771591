#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "actors/gateway/input_buffer.hpp"
#include "actors/gateway/reply_ring.hpp"
#include "actors/gateway/slot_bag.hpp"
#include "torc/core/resp.hpp"
#include "torc/core/types.hpp"
#include "torc/gateway_shared.hpp"
#include "torc/router.hpp"

namespace torc::gateway {

/// What CLIENT REPLY says.
enum class reply_mode : std::uint8_t { on, off, skip_next };

/// The slots of one keyspace that a connection wrote to since its last WAIT
/// that was met.
struct written_slots {
  incarnation inc;
  std::uint32_t db = 0;
  slot_bag slots;
};

/// Whoever moves a session's bytes.
class session_io {
public:
  /// There is output, room for input, or an end.
  virtual void on_wake() = 0;

protected:
  ~session_io() = default;
};

/// The state of one RESP connection, without its socket.
struct session {
  std::uint64_t key = 0; ///< Of the core's table: index and generation.
  std::shared_ptr<client_record> record;
  router::client_id route = 0;
  session_io* io = nullptr; ///< Null: gone.

  int protocol = 2;
  bool authenticated = false;
  bool level_chosen = false; ///< CLIENT CONSISTENCY was said.
  reply_mode replies = reply_mode::on;
  consistency level = consistency::eventual;
  std::uint32_t db = 0;

  bool barrier = false; ///< A command that later ones wait for is under way.
  bool closing = false; ///< No more commands; ends when the output is written.
  bool dead = false;    ///< Ends at once; replies under way are dropped.
  bool woken = false;   ///< In the core's list.
  bool stalled = false; ///< The next command waits for those before it.

  input_buffer inbox;
  resp_request_parser parser;
  reply_ring ring;
  std::size_t gathered_bytes = 0; ///< For replies that are not whole yet.
  std::size_t held_counted = 0;   ///< In the core's sum.

  std::vector<written_slots> written;
  std::uint64_t written_routes = 0; ///< Router's generation at the first one.
  bool written_moved = false;       ///< Routes changed between writes.
  bool written_overflow = false;    ///< More keyspaces than are remembered.
  bool written_met = false;         ///< A WAIT was: the next write begins anew.

  /// Bytes of replies that wait for the client, or will.
  std::size_t held_bytes() const noexcept {
    return ring.bytes() + gathered_bytes;
  }
  /// May more commands be read now?
  bool takes_input() const noexcept {
    return !closing && !dead && !barrier && !ring.full();
  }
  /// May more bytes be received now?
  bool takes_bytes() const noexcept { return takes_input() && !stalled; }
};

} // namespace torc::gateway
