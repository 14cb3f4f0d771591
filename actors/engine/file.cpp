#include "torc/engine/file.hpp"

#include <cerrno>

#include <unistd.h>

namespace torc {

file_descriptor::~file_descriptor() {
  if (fd_ >= 0)
    ::close(fd_);
}

int read_up_to(const file_descriptor& from, std::size_t bytes_max,
               std::string& out) {
  out.resize(bytes_max);
  std::size_t have = 0;
  while (have < out.size()) {
    const auto n = ::read(from.get(), out.data() + have, out.size() - have);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno;
    if (n == 0)
      break;
    have += static_cast<std::size_t>(n);
  }
  out.resize(have);
  return 0;
}

int write_all(const file_descriptor& to, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(to.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0)
      return errno;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return 0;
}

} // namespace torc
