#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "torc/messages/interfaces.hpp"

namespace torc {

/// One operation of an application on a cluster, as a message to a client
/// actor. `torc::requests` makes them.
struct client_request {
  op_kind kind = op_kind::read;
  std::uint16_t flags = 0;  ///< Of `op_flag`.
  bool level_given = false; ///< Else the keyspace's own level counts.
  consistency level = consistency::eventual;
  std::string keyspace; ///< Name; empty: `default`.
  std::string key;
  std::string value;
  unix_ms deadline = 0;     ///< put, expire: absolute; 0: none.
  std::uint64_t cursor = 0; ///< scan: where to go on; 0: the beginning.
  std::uint32_t count = 0;  ///< scan: keys wanted in this page.
  hlc_time clock;           ///< Session token: highest stamp seen so far.
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, client_request& x) {
  return f(x.kind, x.flags, x.level_given, x.level, x.keyspace, x.key, x.value,
           x.deadline, x.cursor, x.count, x.clock);
}

/// The answer to a `client_request`.
struct client_reply {
  errc status = no_error; ///< `unknown_outcome`: it may or may not be done.
  std::string text;       ///< What went wrong.
  bool found = false;     ///< A visible version was there.
  bool changed = false;   ///< A version was written.
  bool synced = true;     ///< False: the level is met, but not yet fsynced.
  consistency level = consistency::eventual; ///< The level that was met.
  torc::tag version;                         ///< Read or written.
  unix_ms expires_at = 0;   ///< Deadline of that version; 0: none.
  hlc_time clock;           ///< The session token from now on.
  std::uint64_t number = 0; ///< Length; keys counted; scan: the next cursor.
  std::string value;
  std::vector<std::string> keys; ///< scan: this page.
};

template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, client_reply& x) {
  return f(x.status, x.text, x.found, x.changed, x.synced, x.level, x.version.h,
           x.version.actor, x.expires_at, x.clock, x.number, x.value, x.keys);
}

/// What a client actor takes from other actors, those of other processes
/// included. A request is answered in bounded time as long as the client actor
/// lives; give requests to another process a timeout (its loss is silent).
using client_port =
  caf::typed_actor<caf::replies_to<client_request>::with<client_reply>>;

namespace local {

/// A request from a plain thread; the answer goes to `done`.
struct client_call {
  client_request request;
  std::shared_ptr<const std::function<void(client_reply)>> done;
};

} // namespace local
} // namespace torc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::client_call)

namespace torc {

/// A client actor in this process.
using client_actor = client_port::extend<caf::reacts_to<local::client_call>>;

} // namespace torc

TORC_COMPILED_ONCE(torc::client_request)
TORC_COMPILED_ONCE(torc::client_reply)
TORC_COMPILED_ONCE(torc::local::client_call)
