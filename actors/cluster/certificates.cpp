#include "torc/cluster/certificates.hpp"

#include <fmt/format.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include "actors/cluster/openssl_handles.hpp"
#include "torc/core/config.hpp"
#include "torc/core/limits.hpp"

namespace torc {
namespace {

using namespace tls;
using std::chrono::system_clock;

error openssl_failure(std::string_view what) {
  return {errc::io_error, fmt::format("{}: {}", what, take_error())};
}

template <class Writer>
std::string to_pem(Writer write) {
  const owned<BIO> out{BIO_new(BIO_s_mem())};
  if (!out || write(out.get()) != 1)
    return {};
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

/// 127 random bits, positive: unique without a list of those issued.
bool set_random_serial(X509* x) {
  unsigned char bytes[16];
  if (RAND_bytes(bytes, sizeof bytes) != 1)
    return false;
  bytes[0] = static_cast<unsigned char>((bytes[0] & 0x7f) | 0x40);
  const std::unique_ptr<BIGNUM, void (*)(BIGNUM*)> number{
    BN_bin2bn(bytes, sizeof bytes, nullptr), BN_free};
  return number
         && BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(x))
              != nullptr;
}

bool set_validity(X509* x, const certificate_validity& v) {
  const auto from = system_clock::to_time_t(v.from);
  const auto until = system_clock::to_time_t(v.until);
  return ASN1_TIME_set(X509_getm_notBefore(x), from) != nullptr
         && ASN1_TIME_set(X509_getm_notAfter(x), until) != nullptr;
}

bool set_subject(X509* x, std::string_view name) {
  return X509_NAME_add_entry_by_txt(
           X509_get_subject_name(x), "CN", MBSTRING_UTF8,
           reinterpret_cast<const unsigned char*>(name.data()),
           static_cast<int>(name.size()), -1, 0)
         == 1;
}

bool add_extension(X509* x, X509* issuer, int nid, const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, x, nullptr, nullptr, 0);
  const owned<X509_EXTENSION> e{
    X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str())};
  return e && X509_add_ext(x, e.get(), -1) == 1;
}

/// What both kinds of certificate have in common; unsigned yet.
owned<X509> begin_certificate(EVP_PKEY* key, std::string_view name,
                              const certificate_validity& validity) {
  owned<X509> x{X509_new()};
  if (!x || X509_set_version(x.get(), X509_VERSION_3) != 1
      || !set_random_serial(x.get()) || !set_validity(x.get(), validity)
      || !set_subject(x.get(), name) || X509_set_pubkey(x.get(), key) != 1)
    return nullptr;
  return x;
}

result<certificate_pair> to_pair(X509* x, EVP_PKEY* key) {
  certificate_pair out;
  out.certificate = to_pem([=](BIO* b) { return PEM_write_bio_X509(b, x); });
  out.key = to_pem([=](BIO* b) {
    return PEM_write_bio_PKCS8PrivateKey(b, key, nullptr, nullptr, 0, nullptr,
                                         nullptr);
  });
  if (out.certificate.empty() || out.key.empty())
    return openssl_failure("cannot write a certificate");
  return out;
}

system_clock::time_point to_time(const ASN1_TIME* t) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(t, &parts) != 1)
    return {};
  return system_clock::from_time_t(::timegm(&parts));
}

} // namespace

certificate_validity certificate_validity::days(unsigned n) {
  const auto now = system_clock::now();
  return {now - std::chrono::hours{1}, now + std::chrono::hours{24} * n};
}

result<certificate_pair> make_authority(std::string_view name,
                                        const certificate_validity& validity) {
  if (!valid_name(name, 64))
    return {errc::invalid_argument,
            fmt::format("'{}' is no name for an authority: 1 to 64 bytes of "
                        "[A-Za-z0-9_.-]",
                        name)};
  const owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  if (!key)
    return openssl_failure("cannot make a key");
  const auto x = begin_certificate(key.get(), name, validity);
  if (!x || X509_set_issuer_name(x.get(), X509_get_subject_name(x.get())) != 1
      || !add_extension(x.get(), x.get(), NID_basic_constraints,
                        "critical,CA:TRUE,pathlen:0")
      || !add_extension(x.get(), x.get(), NID_key_usage,
                        "critical,keyCertSign,cRLSign")
      || !add_extension(x.get(), x.get(), NID_subject_key_identifier, "hash")
      || X509_sign(x.get(), key.get(), EVP_sha256()) == 0)
    return openssl_failure("cannot make an authority");
  return to_pair(x.get(), key.get());
}

result<certificate_pair> issue_member(const certificate_pair& authority,
                                      std::string_view name,
                                      const certificate_validity& validity) {
  if (!valid_name(name, limits::member_name_bytes_max))
    return {errc::invalid_argument,
            fmt::format("'{}' is no name for a member: 1 to {} bytes of "
                        "[A-Za-z0-9_.-]",
                        name, limits::member_name_bytes_max)};
  const auto chain = read_certificates(authority.certificate);
  const auto ca_key = read_key(authority.key);
  if (chain.empty() || !ca_key)
    return {errc::corrupt,
            fmt::format("cannot read the authority: {}", take_error())};
  const auto& ca = chain[0];
  if (X509_check_private_key(ca.get(), ca_key.get()) != 1)
    return {errc::corrupt, "the authority's key is not that of its "
                           "certificate"};
  const owned<EVP_PKEY> key{EVP_EC_gen("P-256")};
  if (!key)
    return openssl_failure("cannot make a key");
  const auto x = begin_certificate(key.get(), name, validity);
  if (!x || X509_set_issuer_name(x.get(), X509_get_subject_name(ca.get())) != 1
      || !add_extension(x.get(), ca.get(), NID_basic_constraints,
                        "critical,CA:FALSE")
      || !add_extension(x.get(), ca.get(), NID_key_usage,
                        "critical,digitalSignature")
      || !add_extension(x.get(), ca.get(), NID_ext_key_usage,
                        "serverAuth,clientAuth")
      || !add_extension(x.get(), ca.get(), NID_subject_alt_name,
                        fmt::format("DNS:{}", name))
      || !add_extension(x.get(), ca.get(), NID_subject_key_identifier, "hash")
      || !add_extension(x.get(), ca.get(), NID_authority_key_identifier,
                        "keyid:always")
      || X509_sign(x.get(), ca_key.get(), EVP_sha256()) == 0)
    return openssl_failure(fmt::format("cannot issue '{}'", name));
  return to_pair(x.get(), key.get());
}

result<certificate_info> describe_certificate(std::string_view pem) {
  const auto chain = read_certificates(pem);
  if (chain.empty())
    return {errc::corrupt, fmt::format("no certificate: {}", take_error())};
  const auto& x = chain[0];
  certificate_info out;
  const auto* subject = X509_get_subject_name(x.get());
  out.subject = to_pem([=](BIO* b) {
    return X509_NAME_print_ex(b, subject, 0, XN_FLAG_RFC2253) >= 0 ? 1 : 0;
  });
  out.names = names_of(x.get());
  out.validity = {to_time(X509_get0_notBefore(x.get())),
                  to_time(X509_get0_notAfter(x.get()))};
  out.is_authority = X509_check_ca(x.get()) == 1;
  return out;
}

} // namespace torc
