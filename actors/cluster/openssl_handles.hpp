#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

namespace torc::tls {

struct openssl_free {
  void operator()(BIO* x) const noexcept { BIO_free(x); }
  void operator()(EVP_PKEY* x) const noexcept { EVP_PKEY_free(x); }
  void operator()(X509* x) const noexcept { X509_free(x); }
  /// Not what is on it.
  void operator()(STACK_OF(X509) * x) const noexcept { sk_X509_free(x); }
  void operator()(X509_STORE* x) const noexcept { X509_STORE_free(x); }
  void operator()(X509_STORE_CTX* x) const noexcept { X509_STORE_CTX_free(x); }
  void operator()(X509_EXTENSION* x) const noexcept { X509_EXTENSION_free(x); }
  void operator()(GENERAL_NAMES* x) const noexcept { GENERAL_NAMES_free(x); }
  void operator()(SSL* x) const noexcept { SSL_free(x); }
  void operator()(SSL_CTX* x) const noexcept { SSL_CTX_free(x); }
};

template <class T>
using owned = std::unique_ptr<T, openssl_free>;

/// The last reason in this thread's error queue, in words; empties the queue.
/// "unknown error" if there is none.
std::string take_error();

/// A certificate and those between it and the authority.
inline constexpr std::size_t chain_length_max = 8;

/// The first certificates of a PEM text, in order; empty if there is none.
std::vector<owned<X509>> read_certificates(std::string_view pem);

/// The private key of a PEM text; null if there is none. An encrypted key
/// counts as none: nobody is asked for a password.
owned<EVP_PKEY> read_key(std::string_view pem);

/// The DNS names of subjectAltName, byte for byte.
std::vector<std::string> names_of(const X509* certificate);

} // namespace torc::tls
