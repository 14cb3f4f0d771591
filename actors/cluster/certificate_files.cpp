#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/cluster/openssl_handles.hpp"
#include "torc/cluster/certificates.hpp"
#include "torc/engine/file.hpp"

namespace torc {
namespace {

using namespace tls;

/// Above any certificate chain or key; a wrong path may name a huge file.
constexpr std::size_t file_bytes_max = 64 * 1024;

error file_failure(const std::string& path, int number) {
  const auto code = number == EEXIST   ? errc::already_exists
                    : number == ENOENT ? errc::not_found
                    : number == ENOSPC ? errc::disk_full
                                       : errc::io_error;
  return {code, fmt::format("{}: {}", path, std::strerror(number))};
}

result<std::string> read_file(const std::string& path) {
  const file_descriptor f{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!f.is_open())
    return file_failure(path, errno);
  std::string out;
  if (const int failed = read_up_to(f, file_bytes_max, out); failed != 0)
    return file_failure(path, failed);
  if (out.size() == file_bytes_max)
    return {errc::corrupt, fmt::format("{}: too large", path)};
  return out;
}

/// Makes the file, which must not be there, and makes it durable. What was
/// begun is removed if it cannot be ended.
result<void> write_file(const std::string& path, std::string_view text,
                        mode_t mode) {
  const file_descriptor f{
    ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode)};
  if (!f.is_open())
    return file_failure(path, errno);
  auto failed = write_all(f, text);
  if (failed == 0 && ::fsync(f.get()) != 0)
    failed = errno;
  if (failed == 0)
    return {};
  ::unlink(path.c_str());
  return file_failure(path, failed);
}

/// The key first: a certificate without its key is of no use to anybody.
result<void> write_pair(const std::string& base, const certificate_pair& pair) {
  const auto key = base + ".key";
  if (auto r = write_file(key, pair.key, 0600); !r)
    return r;
  auto r = write_file(base + ".crt", pair.certificate, 0644);
  if (!r)
    ::unlink(key.c_str());
  return r;
}

result<void> refuse_existing(const std::string& base) {
  for (const auto* suffix : {".crt", ".key"})
    if (const auto path = base + suffix; ::access(path.c_str(), F_OK) == 0)
      return file_failure(path, EEXIST);
  return {};
}

error unusable(const std::string& path, std::string_view why) {
  return {errc::refused, fmt::format("{}: {}", path, why)};
}

/// Whether one of the authorities signed it, directly or through the rest of
/// `chain`, and it counts now, for both ends of a connection.
result<void> verify(const std::string& ca_file,
                    const std::vector<owned<X509>>& chain,
                    const std::string& path) {
  const owned<X509_STORE> store{X509_STORE_new()};
  const owned<X509_STORE_CTX> context{X509_STORE_CTX_new()};
  const owned<STACK_OF(X509)> between{sk_X509_new_null()};
  if (!store || !context || !between)
    return {errc::io_error, take_error()};
  if (X509_STORE_load_file(store.get(), ca_file.c_str()) != 1) {
    take_error();
    return unusable(ca_file, "no certificate in PEM form");
  }
  for (std::size_t i = 1; i < chain.size(); ++i)
    sk_X509_push(between.get(), chain[i].get());
  for (const auto purpose :
       {X509_PURPOSE_SSL_SERVER, X509_PURPOSE_SSL_CLIENT}) {
    if (X509_STORE_CTX_init(context.get(), store.get(), chain[0].get(),
                            between.get())
          != 1
        || X509_STORE_CTX_set_purpose(context.get(), purpose) != 1)
      return {errc::io_error, take_error()};
    const auto ok = X509_verify_cert(context.get()) == 1;
    const auto reason = X509_STORE_CTX_get_error(context.get());
    X509_STORE_CTX_cleanup(context.get());
    if (!ok)
      return unusable(path, X509_verify_cert_error_string(reason));
  }
  return {};
}

} // namespace

result<void> create_authority_files(const std::string& dir,
                                    std::string_view name, unsigned days) {
  if (::mkdir(dir.c_str(), 0755) != 0 && errno != EEXIST)
    return file_failure(dir, errno);
  const auto base = dir + "/ca";
  if (auto r = refuse_existing(base); !r)
    return r;
  const auto pair = make_authority(name, certificate_validity::days(days));
  if (!pair)
    return pair.error();
  return write_pair(base, *pair);
}

result<void> issue_member_files(const std::string& dir, std::string_view name,
                                unsigned days) {
  certificate_pair authority;
  auto certificate = read_file(dir + "/ca.crt");
  if (!certificate)
    return std::move(certificate).error();
  authority.certificate = std::move(*certificate);
  auto key = read_file(dir + "/ca.key");
  if (!key)
    return std::move(key).error();
  authority.key = std::move(*key);
  const auto pair =
    issue_member(authority, name, certificate_validity::days(days));
  if (!pair)
    return pair.error();
  // After the name is known to be one: it becomes part of a path.
  const auto base = fmt::format("{}/{}", dir, name);
  if (auto r = refuse_existing(base); !r)
    return r;
  return write_pair(base, *pair);
}

result<void> check_member_files(const std::string& ca_file,
                                const std::string& cert_file,
                                const std::string& key_file,
                                std::string_view name) {
  std::string texts[3];
  const std::string* const paths[] = {&ca_file, &cert_file, &key_file};
  for (std::size_t i = 0; i < 3; ++i) {
    auto text = read_file(*paths[i]);
    if (!text)
      return {errc::refused, text.error().message};
    texts[i] = std::move(*text);
  }
  const auto chain = read_certificates(texts[1]);
  if (chain.empty())
    return unusable(cert_file, "no certificate in PEM form");
  const auto key = read_key(texts[2]);
  if (!key)
    return unusable(key_file, "no unencrypted private key in PEM form");
  if (X509_check_private_key(chain[0].get(), key.get()) != 1)
    return unusable(key_file, fmt::format("not the key of {}", cert_file));
  if (auto r = verify(ca_file, chain, cert_file); !r)
    return r;
  for (const auto& n : names_of(chain[0].get()))
    if (n == name)
      return {};
  return unusable(cert_file, fmt::format("not issued for '{}'", name));
}

} // namespace torc
