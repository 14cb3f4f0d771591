#include "torc/engine/directories.hpp"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <filesystem>

namespace torc {
namespace {

namespace fs = std::filesystem;

bool sync_directory(const fs::path& path) {
  const auto fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0)
    return false;
  const bool done = ::fsync(fd) == 0;
  ::close(fd);
  return done;
}

/// Absolute, and without a slash at the end.
fs::path whole(const std::string& path) {
  std::error_code why;
  auto out = fs::absolute(path, why);
  return out.has_filename() ? out : out.parent_path();
}

result<bool> make(const fs::path& path) {
  std::error_code why;
  const bool made = fs::create_directory(path, why);
  if (why)
    return {why == std::errc::no_space_on_device ? errc::disk_full
                                                 : errc::io_error,
            fmt::format("cannot make {}: {}", path.string(), why.message())};
  // One that is there may be of a life that ended before it came so far. A
  // parent that we may not read is not from us.
  const auto parent = path.parent_path();
  if (!sync_directory(parent) && made)
    return {errc::io_error, "cannot sync " + parent.string()};
  return made;
}

result<bool> make_all(const fs::path& path) {
  std::error_code ignored;
  const auto parent = path.parent_path();
  if (parent != path && !fs::exists(parent, ignored))
    if (auto above = make_all(parent); !above)
      return above;
  return make(path);
}

} // namespace

result<bool> make_directory(const std::string& path) {
  return make(whole(path));
}

result<bool> make_directories(const std::string& path) {
  return make_all(whole(path));
}

} // namespace torc
