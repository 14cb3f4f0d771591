#include "torc/engine/directory_lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace torc {
namespace {

std::string holder_of(int fd) {
  std::array<char, 24> text{};
  const auto n = ::pread(fd, text.data(), text.size(), 0);
  std::string out;
  for (ssize_t i = 0; i < n; ++i) {
    const auto c = text[static_cast<std::size_t>(i)];
    if (c < '0' || c > '9')
      break;
    out.push_back(c);
  }
  // Between locking and writing its pid the holder is nameless for a moment.
  return out.empty() ? "another process" : "process " + out;
}

bool write_pid(int fd) {
  const auto text = std::to_string(::getpid()) + "\n";
  return ::ftruncate(fd, 0) == 0
         && ::pwrite(fd, text.data(), text.size(), 0)
              == static_cast<ssize_t>(text.size());
}

} // namespace

result<directory_lock> directory_lock::acquire(const std::string& directory) {
  const auto path = directory + "/torc.pid";
  file_descriptor file{
    ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
  if (!file.is_open())
    return {errc::io_error,
            "cannot open " + path + ": " + std::strerror(errno)};
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    const auto why = errno;
    if (why == EWOULDBLOCK)
      return {errc::locked, directory + " is in use by " + holder_of(file.get())
                              + ": stop it first, or use another directory"};
    return {errc::io_error, "cannot lock " + path + ": " + std::strerror(why)};
  }
  // The lock is what counts; a full disk must not keep a node from starting.
  static_cast<void>(write_pid(file.get()));
  return directory_lock{std::move(file)};
}

} // namespace torc
