#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/fwd.hpp>
#include <caf/typed_actor.hpp>

#include "torc/core/error.hpp"
#include "torc/core/hello.hpp"
#include "torc/core/types.hpp"
#include "torc/node_options.hpp"

namespace torc {

/// A member as the links need it.
struct cluster_member {
  member_id id;
  std::string name;
  socket_address door; ///< Host names are resolved anew at each attempt.

  friend bool operator==(const cluster_member&,
                         const cluster_member&) = default;
};

using cluster_members = std::vector<cluster_member>;

namespace local {

/// A peer is connected. `entry` is what it publishes, seen from here; cast it
/// to the typed handle that all members publish. Comes again, with a new
/// handle, after each `link_down`.
struct link_up {
  member_id member;
  std::shared_ptr<const hello> greeting; ///< Never null.
  caf::strong_actor_ptr entry;           ///< Never null.
};

/// The connection is lost; every handle that came from it is dead. Requests
/// still open will not be answered, not even with an error.
struct link_down {
  member_id member;
  std::string reason;
};

/// One attempt to reach a peer failed; another follows by itself.
struct link_failed {
  member_id member;
  std::string reason;
};

} // namespace local
} // namespace torc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::link_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::link_down)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::link_failed)

namespace torc {

/// Who hears about links. Any actor whose interface extends this one converts
/// to it. Per member: `link_up` and `link_down` alternate, beginning with
/// `link_up`; `link_failed` comes only in between while the link is down.
using link_listener = caf::typed_actor<caf::reacts_to<local::link_up>,
                                       caf::reacts_to<local::link_down>,
                                       caf::reacts_to<local::link_failed>>;

/// What the cluster door and the links are made of. Functions are called on
/// threads of the links, several at a time, and must not block.
struct cluster_links_options {
  member_id self;
  std::string name; ///< Own name; that of the certificate under TLS.

  /// Where the door listens; port 0 lets the system choose.
  socket_address listen;

  /// What members know each other by: certificates, or a secret of at least
  /// 16 bytes. `start` refuses to go without either.
  tls_options tls;
  std::string secret;

  /// All members as of now, self included or not. Never null.
  std::function<std::shared_ptr<const cluster_members>()> members;

  /// The own hello, with the clock as of now.
  std::function<hello()> greeting;

  /// The config as of now, which says who is a member or lost, and how far a
  /// peer's clock may be off. Null, or no function: none is known.
  std::function<config_ptr()> config;
  /// How far a peer's clock may be off until a config is known.
  unix_ms max_skew_ms = 500;

  /// The actor that peers get as `link_up::entry`, and its interface:
  /// `sys.message_types(handle)`.
  caf::strong_actor_ptr entry;
  std::set<std::string> entry_signatures;

  link_listener listener;

  /// Receives every line to log, also after `stop`. Empty: torc::log, component
  /// `cluster`.
  std::function<void(log_level, std::string)> log;

  /// For connecting, and again for authentication and hello. Too short: distant
  /// members never get in; too long: strangers hold places longer.
  std::chrono::milliseconds authentication_timeout{3000};
  /// Incoming connections not yet authenticated; one more evicts the oldest.
  std::size_t pending_max = 256;
  /// Waits between attempts grow from the first to the second value, with
  /// jitter.
  std::chrono::milliseconds backoff_min{100};
  std::chrono::milliseconds backoff_max{3000};
  /// Bytes waiting to be sent to one peer, beside those being sent; above, its
  /// connection is closed and everything unsent is dropped.
  std::size_t unsent_bytes_max = 64 * limits::mib;
};

/// The door that admits members, and a link to each other member that connects
/// and reconnects for ever.
///
/// Of two members the one with the lower id makes the connection; the other one
/// only knocks at its door, which makes it dial at once. So each must be able
/// to reach the other's door. There is one connection at a time, messages on it
/// keep their order, and if it breaks both sides hear of it by `link_down`.
///
/// Order of the end: `stop()`, then the actors that hold remote handles, then
/// the entry actor, then the actor system. Connections that exist live until
/// the actor system ends.
class cluster_links {
public:
  cluster_links();
  ~cluster_links(); ///< Stops.

  cluster_links(const cluster_links&) = delete;
  cluster_links& operator=(const cluster_links&) = delete;

  /// Opens the door and begins to dial. The system must have been configured
  /// by `configure_networking`. Blocks while it resolves `listen`.
  /// `errc::refused`: neither certificates nor a secret, or unusable ones;
  /// `errc::io_error`: cannot listen there. REQUIRES: not started.
  result<void> start(caf::actor_system& sys, cluster_links_options options);

  /// The port of the door. REQUIRES: started.
  std::uint16_t port() const noexcept;

  /// Call after `members` changed: new members are dialled, links to those who
  /// left end (with `link_down` if they were up).
  void refresh();

  /// Ends the links, then the door; waits for both, at most about a second.
  /// Nobody hears of links after that. Idempotent.
  void stop();

  /// Connections under authentication now.
  std::size_t pending() const noexcept;
  /// Authenticated connections that exist now.
  std::size_t open() const noexcept;

private:
  class impl;
  std::unique_ptr<impl> impl_;
};

} // namespace torc
