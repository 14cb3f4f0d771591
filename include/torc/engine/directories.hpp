#pragma once

#include <string>

#include "torc/core/error.hpp"

namespace torc {

/// Makes a directory, and its entry in the parent durable: without that a power
/// cut may take it away with all that was synced in it. True if it was not
/// there. `errc::io_error`, `errc::disk_full`: it cannot be made.
result<bool> make_directory(const std::string& path);

/// The same with every parent that is missing.
result<bool> make_directories(const std::string& path);

} // namespace torc
