#include "actors/cluster/secret_handshake.hpp"

#include <algorithm>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "torc/core/assert.hpp"
#include "torc/core/byte_codec.hpp"

namespace torc::secret_handshake {
namespace {

std::string_view view(const nonce& n) {
  return {n.data(), n.size()};
}

void put_name(byte_writer& w, std::string_view name) {
  TORC_ASSERT(!name.empty() && name.size() < name_bytes);
  w.u8(static_cast<std::uint8_t>(name.size()));
  w.raw(name);
  for (auto i = 1 + name.size(); i < name_bytes; ++i)
    w.u8(0);
}

/// Empty: not a name.
std::string get_name(byte_reader& r) {
  const std::size_t size = r.u8();
  const auto bytes = r.raw(name_bytes - 1);
  return std::string{size < name_bytes ? bytes.substr(0, size)
                                       : std::string_view{}};
}

std::string mac(std::string_view secret, char role, const nonce& acceptor_nonce,
                const claim& c) {
  std::string text;
  byte_writer w{text};
  w.raw("torc door 1");
  w.u8(static_cast<std::uint8_t>(role));
  w.raw(view(acceptor_nonce));
  w.raw(view(c.dialer_nonce));
  put_name(w, c.from);
  put_name(w, c.to);
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const auto* done =
    HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
         reinterpret_cast<const unsigned char*>(text.data()), text.size(), out,
         &size);
  TORC_ASSERT(done != nullptr && size == mac_bytes);
  return {reinterpret_cast<const char*>(out), mac_bytes};
}

bool equal(std::string_view a, std::string_view b) {
  return a.size() == b.size()
         && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace

std::string make_claim(std::string_view secret, const nonce& acceptor_nonce,
                       const claim& c) {
  std::string out;
  out.reserve(claim_bytes);
  byte_writer w{out};
  w.raw(view(c.dialer_nonce));
  put_name(w, c.from);
  put_name(w, c.to);
  w.raw(mac(secret, 'd', acceptor_nonce, c));
  TORC_ASSERT(out.size() == claim_bytes);
  return out;
}

result<claim> check_claim(std::string_view secret, const nonce& acceptor_nonce,
                          std::string_view bytes) {
  byte_reader r{bytes};
  claim c;
  const auto n = r.raw(nonce_bytes);
  std::copy(n.begin(), n.end(), c.dialer_nonce.begin());
  c.from = get_name(r);
  c.to = get_name(r);
  const auto given = r.raw(mac_bytes);
  if (!r.ok() || c.from.empty() || c.to.empty()
      || !equal(given, mac(secret, 'd', acceptor_nonce, c)))
    return {errc::refused, "it does not know the cluster's secret"};
  return c;
}

std::string make_proof(std::string_view secret, const nonce& acceptor_nonce,
                       const claim& c) {
  return mac(secret, 'a', acceptor_nonce, c);
}

result<void> check_proof(std::string_view secret, const nonce& acceptor_nonce,
                         const claim& c, std::string_view bytes) {
  if (!equal(bytes, mac(secret, 'a', acceptor_nonce, c)))
    return {errc::refused, "it does not know the cluster's secret"};
  return {};
}

} // namespace torc::secret_handshake
