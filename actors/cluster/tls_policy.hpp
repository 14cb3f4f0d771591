#pragma once

#include <utility>

#include <caf/io/network/rw_state.hpp>
#include <openssl/err.h>

#include "actors/cluster/openssl_handles.hpp"

namespace torc {

/// TLS after its handshake, as CAF's streams want it.
///
/// Never gives `rw_state::indeterminate`: on that a stream drops what it has
/// still to write. "Not now" is success with no bytes.
class tls_policy {
public:
  using rw_state = caf::io::network::rw_state;

  explicit tls_policy(tls::owned<SSL> session) : session_(std::move(session)) {}

  rw_state read_some(std::size_t& done, int, void* bytes, std::size_t size) {
    ERR_clear_error();
    return outcome(SSL_read_ex(session_.get(), bytes, size, &done), done);
  }

  /// One TLS record per call of OpenSSL, several per readiness: fewer wake-ups
  /// for large messages, bounded so that other connections get their turn.
  rw_state write_some(std::size_t& done, int, const void* bytes,
                      std::size_t size) {
    constexpr int records_max = 16;
    done = 0;
    for (int i = 0; i < records_max && done < size; ++i) {
      std::size_t part = 0;
      ERR_clear_error();
      const auto state = outcome(
        SSL_write_ex(session_.get(), static_cast<const char*>(bytes) + done,
                     size - done, &part),
        part);
      done += part;
      if (state != rw_state::success)
        return state;
      if (part == 0)
        break;
    }
    return rw_state::success;
  }

  /// What OpenSSL has decrypted makes no socket readable.
  bool must_read_more(int, std::size_t threshold) {
    const auto pending = static_cast<std::size_t>(SSL_pending(session_.get()));
    return pending > 0 && pending >= threshold;
  }

private:
  rw_state outcome(int returned, std::size_t& done) {
    if (returned == 1)
      return rw_state::success;
    done = 0;
    const auto code = SSL_get_error(session_.get(), returned);
    return code == SSL_ERROR_WANT_READ || code == SSL_ERROR_WANT_WRITE
             ? rw_state::success
             : rw_state::failure;
  }

  tls::owned<SSL> session_;
};

} // namespace torc
