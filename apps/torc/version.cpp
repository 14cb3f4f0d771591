// `torc version`.
#include "torc/version.hpp"

#include <fmt/format.h>

#include "apps/torc/connection.hpp"

namespace torc::program {

exit_code run_version(bool as_json) {
  if (as_json)
    print_json({{"name", "torc"}, {"version", version}});
  else
    fmt::print("torc {}\n", version);
  return exit_code::ok;
}

} // namespace torc::program
