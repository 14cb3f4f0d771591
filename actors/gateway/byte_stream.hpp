#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace torc::gateway {

/// Whom a stream tells. Calls come on the loop's thread, never from within a
/// call to the stream.
class stream_events {
public:
  virtual ~stream_events() = default;
  /// `async_read` ended: with bytes; or without: the end of the stream, an
  /// error, or `cancel_read`.
  virtual void on_read(std::size_t bytes, bool cancelled) = 0;
  virtual void on_readable(bool failed) = 0;
  virtual void on_writable() = 0;
};

/// The bytes of one connection: plain TCP, or what TLS makes of it. One read
/// and one wait for writing at a time. Whom it tells is kept alive until told.
class byte_stream {
public:
  virtual ~byte_stream() = default;

  virtual void async_read(std::span<char> into,
                          std::shared_ptr<stream_events> who) = 0;
  /// Until there is something to read; needs no buffer.
  virtual void async_wait_readable(std::shared_ptr<stream_events> who) = 0;
  virtual void cancel_read() = 0;

  /// What was taken; nothing: the stream is gone.
  struct written {
    std::size_t bytes = 0;
    bool failed = false;
  };
  virtual written write_some(std::string_view bytes) = 0;
  virtual void async_wait_writable(std::shared_ptr<stream_events> who) = 0;

  /// No more output will come.
  virtual void shut_down_output() = 0;
  /// True if the other side has closed, as far as can be told without reading.
  virtual bool peer_gone() = 0;
  virtual void close() = 0;
  virtual int descriptor() = 0;
};

} // namespace torc::gateway
