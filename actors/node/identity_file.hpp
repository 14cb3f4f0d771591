#pragma once

#include <optional>
#include <string>

#include "torc/core/config.hpp"
#include "torc/core/error.hpp"

namespace torc {

/// Whose data a directory holds. Written at the first start, and again when
/// the cluster's id is learnt.
struct node_identity {
  cluster_id cluster; ///< All zero: not known yet.
  member_id member;
  std::string name;
  std::uint64_t founders_digest = 0;

  friend bool operator==(const node_identity&, const node_identity&) = default;
};

/// Stored form: magic, version byte, fields, checksum (docs/formats.md).
std::string encode_identity(const node_identity& id);

/// `errc::corrupt` says what is wrong.
result<node_identity> decode_identity(std::string_view bytes);

/// The file `identity` of a data directory; nothing if there is none.
/// `errc::corrupt`, `errc::io_error`.
result<std::optional<node_identity>>
read_identity(const std::string& directory);

/// Replaces the file as a whole: after a crash there is the old one or the new
/// one. `errc::disk_full`, `errc::io_error`.
result<void> write_identity(const std::string& directory,
                            const node_identity& id);

/// Whether a directory made by `stored` may be used by `wanted` (whose cluster
/// is not known). `errc::refused` says what differs.
result<void> check_identity(const node_identity& stored,
                            const node_identity& wanted,
                            const std::string& directory);

} // namespace torc
