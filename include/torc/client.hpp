#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <future>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/error.hpp"
#include "torc/messages/client.hpp"

namespace caf {
class actor_system;
}

namespace torc {

// -- what operations take and give --------------------------------------------

/// What every reply says besides its value.
struct reply_info {
  torc::tag version; ///< Read or written; zero: there was none.
  consistency level = consistency::eventual; ///< The level that was met.
  bool synced = true;        ///< False: a power cut may still undo it.
  unix_ms expires_at_ms = 0; ///< Deadline of the version; 0: none.
  hlc_time clock;            ///< Highest stamp of the session.
};

/// A value, or that there is none.
struct read_reply {
  std::optional<std::string> value;
  reply_info info;

  explicit operator bool() const noexcept { return value.has_value(); }
};

struct write_reply {
  /// Of `remove` and `expire`: a visible version was there before.
  bool found = false;
  bool changed = false; ///< A version was written.
  reply_info info;
};

/// Part of a scan. A key that is there throughout is returned at least once.
struct scan_page {
  std::vector<std::string> keys;
  std::uint64_t cursor = 0; ///< For the next page; 0: this was the last.
};

struct read_options {
  /// None: the keyspace's own.
  std::optional<consistency> level = std::nullopt;
};

struct put_options {
  std::optional<consistency> level = std::nullopt;
  /// From now on; 0: none. Its clock is the client's.
  std::chrono::milliseconds ttl{0};
  unix_ms expires_at_ms = 0;  ///< Absolute, instead of `ttl`.
  bool keep_deadline = false; ///< Under the deadline that the key has.
};

/// When `expire` changes a deadline.
enum class expire_when { always, has_none, has_one, later, earlier };

/// How `client::connect` reaches a cluster.
struct client_options {
  std::string password = {}; ///< Of the RESP doors; empty: none.
  std::chrono::milliseconds connect_timeout{3000};
  /// After it an operation that was sent is answered `unknown_outcome`.
  std::chrono::milliseconds operation_timeout{5000};
  /// Operations that wait or are under way; above: `errc::try_again`.
  std::size_t operations_max = 65'536;
};

// -- where operations go ------------------------------------------------------

/// Carries out the requests of a client: by actors of this process, or through
/// RESP doors. Thread-safe.
class client_backend {
public:
  using done_fn = std::function<void(client_reply)>;

  virtual ~client_backend() = default;

  /// Calls `done` exactly once, on any thread, perhaps before it returns.
  virtual void start(client_request request, done_fn done) = 0;

  /// The wall clock that deadlines are counted from.
  virtual unix_ms now_ms() const;

  /// Called before a thread waits until `ready` is true. A backend whose actors
  /// run on the calling thread only lets them run here.
  virtual void run_until(const std::function<bool()>& ready);
};

// -- the client ---------------------------------------------------------------

/// Access to a cluster for plain threads: the same calls whether its nodes are
/// actors of this process (`local_cluster::client`) or are reached through
/// their RESP doors (`connect`).
///
/// Copies are cheap and share a session: what one has seen, the next operation
/// of any of them is stamped above. RESP doors take no such token: there, this
/// holds of one connection (a keyspace has one) for as long as it lasts.
/// Thread-safe. Not from within actors: there, use `spawn_client` and requests.
///
/// Errors: `unknown_outcome`: a write may or may not be done; repeating it is
/// safe, as the newest version wins. `no_replica`, `try_again`, `timeout`,
/// `not_ready`: nothing was done. `disk_full`, `io_error`, `memory_limit`: the
/// node takes no writes for now. `not_found`: there is no such keyspace.
class client {
public:
  /// Connects to the first of the RESP doors ("host:port") that answers; the
  /// others take over when it is lost. `errc::no_replica`: none answers;
  /// `errc::refused`: another password is wanted.
  static result<client> connect(std::vector<std::string> addresses,
                                client_options options = {});

  explicit client(std::shared_ptr<client_backend> backend);

  /// The same session, in another keyspace.
  client keyspace(std::string name) const;
  /// The same session, with another level for operations that name none.
  client with(consistency level) const;

  // -- blocking ---------------------------------------------------------------

  result<read_reply> get(std::string_view key, read_options options = {});
  result<write_reply> put(std::string_view key, std::string_view value,
                          put_options options = {});
  result<write_reply> remove(std::string_view key, read_options options = {});
  /// A new deadline for what is there; `ttl` of 0 or less removes the key.
  /// Through RESP doors this and the next two are done at the keyspace's level.
  result<write_reply> expire(std::string_view key,
                             std::chrono::milliseconds ttl,
                             expire_when when = expire_when::always);
  result<write_reply> expire_at(std::string_view key, unix_ms deadline_ms,
                                expire_when when = expire_when::always);
  /// Takes the deadline away.
  result<write_reply> persist(std::string_view key);
  /// Time left; nothing if the key has no deadline. `errc::not_found`.
  result<std::optional<std::chrono::milliseconds>> ttl(std::string_view key);
  /// About `count` keys of the keyspace from `cursor` on; 0 begins.
  result<scan_page> scan(std::uint64_t cursor = 0, std::uint32_t count = 100);

  /// All at once; the answers in the order of the keys.
  std::vector<result<read_reply>> mget(const std::vector<std::string>& keys,
                                       read_options options = {});
  std::vector<result<write_reply>>
  mput(const std::vector<std::pair<std::string, std::string>>& entries,
       put_options options = {});

  // -- futures ----------------------------------------------------------------

  std::future<result<read_reply>> async_get(std::string_view key,
                                            read_options options = {});
  std::future<result<write_reply>> async_put(std::string_view key,
                                             std::string_view value,
                                             put_options options = {});
  std::future<result<write_reply>> async_remove(std::string_view key,
                                                read_options options = {});

  // -- anything else ----------------------------------------------------------

  /// Starts a request as it is, except that an empty keyspace, a missing level
  /// and the session token are filled in. `done` is called exactly once, on a
  /// thread of the client's: it must not block.
  void start(client_request request, client_backend::done_fn done);

  /// Highest stamp that this session has seen.
  hlc_time session() const noexcept;

private:
  struct session_state;

  client_reply call(client_request request);

  std::shared_ptr<client_backend> backend_;
  std::shared_ptr<session_state> session_;
  std::string keyspace_;
  std::optional<consistency> level_;
};

// -- for actors ---------------------------------------------------------------

/// Requests for client actors.
namespace requests {

client_request get(std::string key);
client_request put(std::string key, std::string value);
/// `deadline_ms` is absolute.
client_request put_until(std::string key, std::string value,
                         unix_ms deadline_ms);
client_request remove(std::string key);
/// `deadline_ms` is absolute; 0 takes the deadline away.
client_request expire_at(std::string key, unix_ms deadline_ms);
client_request scan(std::uint64_t cursor, std::uint32_t count);

} // namespace requests

/// A client actor whose requests go through the RESP doors of a cluster; the
/// counterpart of `local_cluster::client_actor`. Connects with its first
/// request. Ends by `exit_msg`. `errc::invalid_argument`: no such addresses.
result<client_actor> spawn_client(caf::actor_system& sys,
                                  std::vector<std::string> addresses,
                                  client_options options = {});

/// The backend of a client that talks to a client actor of this process. The
/// actor's system must outlive it.
std::shared_ptr<client_backend> make_backend(client_actor actor);

} // namespace torc
