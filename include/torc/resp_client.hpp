#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/error.hpp"
#include "torc/node_options.hpp"
#include "torc/resp_value.hpp"
#include "torc/tcp_stream.hpp"

namespace torc {

/// Where and as whom a `resp_client` connects.
struct resp_client_options {
  /// RESP doors of one cluster; the next one is tried when one fails.
  std::vector<socket_address> addresses;
  std::string password; ///< Empty: none is sent.
  std::string keyspace; ///< Name or db number; empty: `default`.
  /// Level of commands that name none (CLIENT CONSISTENCY): `eventual` or
  /// `weak`; empty: the keyspace's own.
  std::string level;
  std::string client_name = "torc"; ///< What CLIENT LIST shows; no blanks.
  /// For connecting to one door and greeting it.
  std::uint64_t connect_ms = 3'000;
  /// For one request and its reply; for the whole of `call`.
  std::uint64_t request_ms = 10'000;
};

/// A blocking connection to the RESP door of a cluster, for plain threads. One
/// connection at a time: to the first address that answers, after a failure to
/// the next one. Greets with HELLO 3, and selects the keyspace.
///
/// Not thread-safe. Errors: what the server answered (see `to_error`);
/// `no_replica`: no door could be reached, nothing was done; `io_error`,
/// `timeout` or `corrupt`: the connection was lost or given up, so that a
/// request which was sent and not answered may or may not have been done.
class resp_client {
public:
  using argv = std::vector<std::string_view>;

  /// What a call may do when the connection is lost before the answer.
  enum class request_kind : std::uint8_t {
    read,  ///< Ask another door.
    write, ///< Answer `unknown_outcome`.
  };

  explicit resp_client(resp_client_options options);

  const resp_client_options& options() const noexcept { return options_; }

  /// Adds a door to try, unless it is known. At most `limits::members_max` are
  /// kept.
  void add_address(const socket_address& address);

  // -- one request at a time --------------------------------------------------

  /// Sends a command and waits for its reply, connecting if need be. What was
  /// surely not done (-TRYAGAIN, -LOADING, -CLUSTERDOWN, no connection) is
  /// tried again, the latter three at other doors, until `request_ms` passed.
  /// REQUIRES: pending() == 0.
  result<resp_value> call(const argv& command,
                          request_kind kind = request_kind::read);

  // -- pipelining -------------------------------------------------------------

  /// Connects to the first address that answers, beginning behind the one that
  /// failed last. Does nothing on a live connection. `refused`: a door wants
  /// another password; `not_found`: there is no such keyspace; both end the
  /// search.
  result<void> connect();
  /// The same, not beyond `limit`: doors that it leaves no time for are not
  /// asked.
  result<void> connect(tcp_stream::deadline limit);
  bool is_connected() const noexcept { return stream_.is_open(); }
  /// Drops the connection and all that is pending. The next `connect` begins
  /// at the next address.
  void disconnect() noexcept;
  /// The door of the connection. REQUIRES: is_connected().
  const socket_address& door() const noexcept;

  /// Puts a command into the buffer. REQUIRES: is_connected().
  void queue(const argv& command);
  /// Bytes in the buffer.
  std::size_t queued_bytes() const noexcept { return output_.size(); }
  /// Commands queued or sent whose replies were not taken.
  std::size_t pending() const noexcept { return pending_; }

  /// Sends the buffer. Replies that come meanwhile are kept. The connection is
  /// dropped on an error.
  result<void> flush();
  /// Sends what is queued and takes the next reply, an error reply included, in
  /// the order of the commands. The connection is dropped on an error.
  /// REQUIRES: pending() > 0.
  result<resp_value> next_reply();
  result<resp_value> next_reply(tcp_stream::deadline until);
  /// Takes a reply if one was received already, without waiting.
  /// True: `out` was filled.
  result<bool> take_reply(resp_value& out);

private:
  result<void> greet(const socket_address& door, tcp_stream::deadline until);
  result<void> select_keyspace(tcp_stream::deadline until);
  result<resp_value> ask(const argv& command, tcp_stream::deadline until);
  result<void> flush(tcp_stream::deadline until);
  error drop(error e);

  resp_client_options options_;
  std::size_t next_ = 0;    ///< Address to try first.
  std::size_t current_ = 0; ///< Address of the connection.
  tcp_stream stream_;
  resp_reply_decoder decoder_;
  std::string output_;
  std::string input_;
  std::size_t taken_ = 0; ///< Bytes of `input_` that were decoded.
  std::size_t pending_ = 0;
};

} // namespace torc
