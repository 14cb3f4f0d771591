#include "torc/core/scan_position.hpp"

#include <xxhash.h>

namespace torc {

std::uint64_t scan_hash(std::string_view user_key) noexcept {
  return XXH3_64bits(user_key.data(), user_key.size()) >> (64 - scan_hash_bits);
}

} // namespace torc
