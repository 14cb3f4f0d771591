#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "torc/core/error.hpp"
#include "torc/node_options.hpp"

namespace torc {

/// A TCP connection for one plain thread, every wait of which has a deadline.
/// Movable, not thread-safe. Errors: `errc::timeout` past the deadline,
/// `errc::io_error` for all else; the stream is of no use after either.
class tcp_stream {
public:
  using clock = std::chrono::steady_clock;
  using deadline = clock::time_point;

  static deadline in_ms(std::uint64_t ms) {
    return clock::now() + std::chrono::milliseconds{ms};
  }

  /// Resolves the host and tries its addresses in turn. Resolution may exceed
  /// the deadline by what the system's resolver allows itself.
  static result<tcp_stream> connect(const socket_address& to, deadline until);

  tcp_stream() = default;
  tcp_stream(tcp_stream&& other) noexcept;
  tcp_stream& operator=(tcp_stream&& other) noexcept;
  ~tcp_stream();

  bool is_open() const noexcept { return fd_ >= 0; }
  void close() noexcept;

  /// Sends all bytes. What arrives meanwhile is appended to `received`, so that
  /// two ends that both send do not wait for each other; if `received` exceeds
  /// `received_bytes_max` it is left in the kernel.
  result<void> send(std::string_view bytes, std::string& received,
                    deadline until);

  /// Waits for bytes and appends them to `received`, at most 256 KiB. The end
  /// of the stream is an `io_error`.
  result<void> receive(std::string& received, deadline until);

  static constexpr std::size_t received_bytes_max = 64 * limits::mib;

private:
  explicit tcp_stream(int fd) : fd_(fd) {}
  result<short> wait(short events, deadline until);
  result<void> take(std::string& received);

  int fd_ = -1;
};

} // namespace torc
