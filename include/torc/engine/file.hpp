#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace torc {

/// A descriptor that is closed with its owner. Movable.
class file_descriptor {
public:
  explicit file_descriptor(int fd = -1) noexcept : fd_(fd) {}
  file_descriptor(file_descriptor&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)) {}
  file_descriptor& operator=(file_descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~file_descriptor();

  bool is_open() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }

private:
  int fd_;
};

/// Reads into `out` from where the file stands until its end, at most
/// `bytes_max`. 0, or the number of the system's error.
int read_up_to(const file_descriptor& from, std::size_t bytes_max,
               std::string& out);

/// Writes all of `bytes`. 0, or the number of the system's error: then any part
/// of it may be written.
int write_all(const file_descriptor& to, std::string_view bytes);

} // namespace torc
