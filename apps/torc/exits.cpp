// How commands end.
#include <cstdio>

#include <fmt/format.h>

#include "apps/torc/commands.hpp"

namespace torc::program {

exit_code fail(exit_code code, const std::string& message) {
  fmt::print(stderr, "torc: {}\n", message);
  return code;
}

exit_code fail(const error& e) {
  return fail(to_exit_code(e.code), e.message);
}

exit_code to_exit_code(errc code) noexcept {
  switch (code) {
  case errc::not_found: return exit_code::not_found;
  case errc::unknown_outcome: return exit_code::unknown_outcome;
  case errc::try_again:
  case errc::no_replica:
  case errc::not_ready:
  case errc::timeout: return exit_code::unavailable;
  default: return exit_code::failed;
  }
}

} // namespace torc::program
