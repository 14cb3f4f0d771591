#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "torc/core/error.hpp"

namespace torc {

/// A certificate and its private key, PEM.
struct certificate_pair {
  std::string certificate;
  std::string key; ///< Not encrypted: keep the file to its owner (0600).
};

/// From when and until when a certificate counts.
struct certificate_validity {
  std::chrono::system_clock::time_point from;
  std::chrono::system_clock::time_point until;

  /// From now, less an hour for clocks that are behind.
  static certificate_validity days(unsigned n);
};

/// What a certificate says.
struct certificate_info {
  std::string subject;            ///< One line.
  std::vector<std::string> names; ///< DNS names of subjectAltName.
  certificate_validity validity;
  bool is_authority = false;
};

inline constexpr unsigned authority_days_default = 3650;
inline constexpr unsigned member_days_default = 825;

/// A new authority for one cluster: an EC P-256 key and a self-signed
/// certificate. Members are known by the name alone, so never use it for
/// anything else.
result<certificate_pair> make_authority(std::string_view name,
                                        const certificate_validity& validity);

/// A new key, and a certificate for a member's name (subject and DNS name),
/// usable on both ends of a connection. `errc::invalid_argument`: the name is
/// not 1 to 32 bytes of [A-Za-z0-9_.-]; `errc::corrupt`: the authority cannot
/// be read or its key is not its own.
result<certificate_pair> issue_member(const certificate_pair& authority,
                                      std::string_view name,
                                      const certificate_validity& validity);

/// Reads the first certificate of a PEM text.
result<certificate_info> describe_certificate(std::string_view pem);

/// Writes `make_authority` to `dir`/ca.crt and `dir`/ca.key (0600), making the
/// directory if needed. `errc::already_exists` if either is there.
result<void> create_authority_files(const std::string& dir,
                                    std::string_view name,
                                    unsigned days = authority_days_default);

/// Writes `issue_member` to `dir`/NAME.crt and `dir`/NAME.key (0600), signed by
/// the authority in `dir`. `errc::already_exists` if either is there;
/// `errc::not_found` without an authority.
result<void> issue_member_files(const std::string& dir, std::string_view name,
                                unsigned days = member_days_default);

/// Says whether a member may use these files: readable, the key belongs to the
/// certificate, signed by the authority, valid now, issued for `name`.
/// `errc::refused` and the file names and reasons if not.
result<void> check_member_files(const std::string& ca_file,
                                const std::string& cert_file,
                                const std::string& key_file,
                                std::string_view name);

} // namespace torc
