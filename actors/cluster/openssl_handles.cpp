#include "actors/cluster/openssl_handles.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

namespace torc::tls {
namespace {

int no_password(char*, int, int, void*) {
  return 0;
}

owned<BIO> memory(std::string_view text) {
  return owned<BIO>{
    BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

} // namespace

std::string take_error() {
  const auto code = ERR_peek_last_error();
  ERR_clear_error();
  const auto* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown error" : reason;
}

std::vector<owned<X509>> read_certificates(std::string_view pem) {
  std::vector<owned<X509>> out;
  const auto in = memory(pem);
  while (out.size() < chain_length_max) {
    owned<X509> one{PEM_read_bio_X509(in.get(), nullptr, no_password, nullptr)};
    if (!one)
      break;
    out.push_back(std::move(one));
  }
  return out;
}

owned<EVP_PKEY> read_key(std::string_view pem) {
  const auto in = memory(pem);
  return owned<EVP_PKEY>{
    PEM_read_bio_PrivateKey(in.get(), nullptr, no_password, nullptr)};
}

std::vector<std::string> names_of(const X509* certificate) {
  std::vector<std::string> out;
  const owned<GENERAL_NAMES> names{static_cast<GENERAL_NAMES*>(
    X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr))};
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const auto* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type != GEN_DNS)
      continue;
    const auto* bytes = ASN1_STRING_get0_data(name->d.dNSName);
    const auto length = ASN1_STRING_length(name->d.dNSName);
    out.emplace_back(reinterpret_cast<const char*>(bytes),
                     static_cast<std::size_t>(length));
  }
  return out;
}

} // namespace torc::tls
