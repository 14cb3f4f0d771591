#include "actors/cluster/tls_context.hpp"

#include <fmt/format.h>
#include <openssl/err.h>

#include "actors/cluster/socket_bio.hpp"
#include "torc/cluster/certificates.hpp"

namespace torc::tls {
namespace {

/// Bytes of a peer's certificates before they are looked at.
constexpr long chain_bytes_max = 16 * 1024;

} // namespace

result<owned<SSL_CTX>> make_context(const tls_options& files,
                                    std::string_view name) {
  if (auto r = check_member_files(files.ca, files.cert, files.key, name); !r)
    return r.error();
  owned<SSL_CTX> out{SSL_CTX_new(TLS_method())};
  auto* x = out.get();
  if (x == nullptr || SSL_CTX_set_min_proto_version(x, TLS1_3_VERSION) != 1)
    return {errc::io_error, take_error()};
  SSL_CTX_set_session_cache_mode(x, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(x, 0);
  SSL_CTX_set_max_cert_list(x, chain_bytes_max);
  SSL_CTX_set_mode(x, SSL_MODE_ENABLE_PARTIAL_WRITE
                        | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(x, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
                     nullptr);
  // Else OpenSSL would ask for a password on the terminal.
  SSL_CTX_set_default_passwd_cb(x, [](char*, int, int, void*) { return 0; });
  if (SSL_CTX_load_verify_locations(x, files.ca.c_str(), nullptr) != 1
      || SSL_CTX_use_certificate_chain_file(x, files.cert.c_str()) != 1
      || SSL_CTX_use_PrivateKey_file(x, files.key.c_str(), SSL_FILETYPE_PEM)
           != 1)
    return {errc::refused, fmt::format("cannot use {}, {} and {}: {}", files.ca,
                                       files.cert, files.key, take_error())};
  return out;
}

owned<SSL> make_session(SSL_CTX* context, role r, int fd) {
  owned<SSL> out{SSL_new(context)};
  auto* bio = out ? make_socket_bio(fd) : nullptr;
  if (bio == nullptr)
    return nullptr;
  SSL_set_bio(out.get(), bio, bio); // takes over the one reference
  if (r == role::acceptor)
    SSL_set_accept_state(out.get());
  else
    SSL_set_connect_state(out.get());
  return out;
}

std::string failure_text(const SSL* session, int code) {
  const auto checked = SSL_get_verify_result(session);
  if (checked != X509_V_OK) {
    ERR_clear_error();
    return fmt::format("its certificate is not accepted: {}",
                       X509_verify_cert_error_string(checked));
  }
  const auto error = ERR_peek_last_error();
  if (code == SSL_ERROR_ZERO_RETURN || error == 0
      || ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING) {
    ERR_clear_error();
    return "it closed the connection";
  }
  const auto reason = ERR_GET_REASON(error);
  const auto is_alert = reason >= SSL_AD_REASON_OFFSET;
  return fmt::format("{}: {}", is_alert ? "it ended TLS" : "TLS failed",
                     take_error());
}

std::vector<std::string> peer_names(const SSL* session) {
  const auto* x = SSL_get0_peer_certificate(session);
  return x == nullptr ? std::vector<std::string>{} : names_of(x);
}

} // namespace torc::tls
