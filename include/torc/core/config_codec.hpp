#pragma once

#include <string>
#include <string_view>

#include "torc/core/config.hpp"
#include "torc/core/error.hpp"

namespace torc {

/// Bytes of an encoded config that `decode_config` looks at.
inline constexpr std::size_t config_bytes_max = 15 * limits::mib;

static_assert(config_bytes_max < limits::peer_batch_bytes_max);

/// Stored and wire form: version byte, fields, checksum (docs/formats.md).
std::string encode_config(const cluster_config& c);

/// `errc::corrupt` says what is wrong; every count is bounded before anything
/// is allocated for it, and what comes out passes `check_config`.
result<cluster_config> decode_config(std::string_view bytes);

} // namespace torc
