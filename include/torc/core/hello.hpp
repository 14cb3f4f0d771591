#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "torc/core/config.hpp"
#include "torc/core/error.hpp"
#include "torc/core/types.hpp"

namespace torc {

/// Version of everything that members send to each other after the hello. One
/// more whenever an older member would misread it.
inline constexpr std::uint16_t wire_version = 1;

/// What two members tell each other once they are authenticated and before any
/// message: whether they can work together.
struct hello {
  std::uint16_t version = wire_version;
  /// All zero: this member has not heard of the cluster's id yet.
  cluster_id cluster;
  member_id member;
  std::uint16_t shards = 1;
  unix_ms wall = 0; ///< The sender's clock when it sent this.
  std::uint64_t founders_digest = 0;

  friend bool operator==(const hello&, const hello&) = default;
};

/// Wire form: format version byte, then the fields; below 64 bytes.
std::string encode_hello(const hello& h);

/// `errc::corrupt` says what is wrong; `errc::refused`: another format version.
result<hello> decode_hello(std::string_view bytes);

/// Whether `m` is a member: `errc::refused` and why if the config lists it as
/// lost or does not know it.
result<void> check_member(const cluster_config& c, member_id m);

/// Whether `own` and `peer` can work together. `errc::refused` and a text that
/// makes sense on both sides if not.
result<void> check_hello(const hello& own, const hello& peer,
                         unix_ms max_skew_ms);

/// What a member measures its peers by.
struct hello_expectation {
  hello own;
  unix_ms max_skew_ms = 500;
  config_ptr config; ///< Null: this member has none yet.
};

/// All of the above: `own` and `peer` can work together, and `peer` is one of
/// the config's members, if there is a config.
result<void> check_hello(const hello& peer, const hello_expectation& mine);

} // namespace torc
