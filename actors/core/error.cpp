#include "torc/core/error.hpp"

#include <cstdio>
#include <cstdlib>

namespace torc {

std::string_view to_string(errc code) noexcept {
  switch (code) {
  case errc::invalid_argument: return "invalid_argument";
  case errc::not_found: return "not_found";
  case errc::already_exists: return "already_exists";
  case errc::corrupt: return "corrupt";
  case errc::io_error: return "io_error";
  case errc::disk_full: return "disk_full";
  case errc::memory_limit: return "memory_limit";
  case errc::try_again: return "try_again";
  case errc::no_replica: return "no_replica";
  case errc::unknown_outcome: return "unknown_outcome";
  case errc::stale_config: return "stale_config";
  case errc::unsupported: return "unsupported";
  case errc::refused: return "refused";
  case errc::timeout: return "timeout";
  case errc::locked: return "locked";
  case errc::not_ready: return "not_ready";
  }
  return "unknown_code";
}

namespace detail {

void assertion_failed(const char* condition, const char* file,
                      int line) noexcept {
  std::fprintf(stderr, "torc: invariant broken: %s (%s:%d)\n", condition, file,
               line);
  std::abort();
}

} // namespace detail
} // namespace torc
