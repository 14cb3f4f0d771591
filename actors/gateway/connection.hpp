#pragma once

#include <memory>
#include <string>

#include "actors/gateway/byte_stream.hpp"
#include "actors/gateway/core.hpp"
#include "torc/socket_dealer.hpp"

namespace torc::gateway {

class connection;

/// Who keeps the connections of one loop.
class connection_owner {
public:
  virtual core& sessions() = 0;
  /// It is closed; keep it until its call has returned.
  virtual void on_closed(connection& c) = 0;

protected:
  ~connection_owner() = default;
};

/// Moves the bytes of one session between its stream and the core. Loop's
/// thread.
///
///   open -> lingering -> closed
///
/// Memory while idle: the session, no buffer.
class connection : public stream_events,
                   public session_io,
                   public std::enable_shared_from_this<connection> {
public:
  connection(connection_owner& owner, std::unique_ptr<byte_stream> stream,
             connection_place place);
  ~connection() override = default;

  void start(std::string address, std::string local_address);
  /// About once a second: bounds on how long things take.
  void check(unix_ms now);
  /// Ends at once.
  void close();

private:
  enum class phase : std::uint8_t { open, lingering, closed };

  void on_read(std::size_t bytes, bool cancelled) override;
  void on_readable(bool failed) override;
  void on_writable() override;
  void on_wake() override;

  void read();
  void write();
  void end_if_done();
  void linger();
  void close_slow_reader();
  void shrink();

  connection_owner& owner_;
  std::unique_ptr<byte_stream> stream_;
  connection_place place_;
  session* session_ = nullptr; ///< Null: closed.
  phase phase_ = phase::open;
  bool reading_ = false; ///< A read or a wait for one is under way.
  bool idle_ = false;    ///< It is a wait without a buffer.
  bool waiting_to_write_ = false;
  unix_ms read_ms_ = 0;    ///< Last time that bytes came.
  unix_ms written_ms_ = 0; ///< Last time that the output got on.
  std::size_t discarded_ = 0;
  std::unique_ptr<char[]> trash_; ///< While lingering.
};

} // namespace torc::gateway
