#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "torc/core/error.hpp"
#include "torc/core/limits.hpp"

/// How two members prove to each other that they know the cluster's secret,
/// without sending it. A function of its inputs; the caller draws the nonces.
///
///   acceptor  nonce_a                                 ; 32 random bytes
///   dialer    nonce_d from to mac("d", ...)           ; claim
///   acceptor  mac("a", ...)                           ; proof
///   name      = size:u8 bytes padding                 ; 33 bytes
///   mac(r, ..) = HMAC-SHA256(secret, "torc door 1" r nonce_a nonce_d from to)
///
/// Source: the two-way challenge and response of ISO/IEC 9798-4 (5.2.2).
/// The dialer proves itself first, so a stranger never gets a MAC to guess the
/// secret by. It shows who is there when the connection begins: it encrypts
/// nothing, and whoever can change packets on the wire can take over. Any
/// holder of the secret can use any name.
namespace torc::secret_handshake {

inline constexpr std::size_t secret_bytes_min = 16;
inline constexpr std::size_t nonce_bytes = 32;
inline constexpr std::size_t mac_bytes = 32;
inline constexpr std::size_t name_bytes = 1 + limits::member_name_bytes_max;
inline constexpr std::size_t claim_bytes =
  nonce_bytes + 2 * name_bytes + mac_bytes;

using nonce = std::array<char, nonce_bytes>;

/// Who the dialer says it is, and whom it means to reach.
struct claim {
  nonce dialer_nonce{};
  std::string from;
  std::string to;
};

/// REQUIRES: both names are 1 to 32 bytes.
std::string make_claim(std::string_view secret, const nonce& acceptor_nonce,
                       const claim& c);

/// `errc::refused`: the dialer does not know the secret.
result<claim> check_claim(std::string_view secret, const nonce& acceptor_nonce,
                          std::string_view bytes);

/// The acceptor's part. REQUIRES: `c` passed `check_claim`.
std::string make_proof(std::string_view secret, const nonce& acceptor_nonce,
                       const claim& c);

/// `errc::refused`: the acceptor does not know the secret.
result<void> check_proof(std::string_view secret, const nonce& acceptor_nonce,
                         const claim& c, std::string_view bytes);

} // namespace torc::secret_handshake
