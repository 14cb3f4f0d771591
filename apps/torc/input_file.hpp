#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "torc/core/error.hpp"
#include "torc/record_files.hpp"

namespace torc::program {

/// A file or stdin, read from its begin to its end. Movable.
class input_file {
public:
  /// `-` is stdin.
  static result<input_file> open(const std::string& path);

  input_file(input_file&& other) noexcept;
  input_file& operator=(input_file&&) = delete;
  ~input_file();

  /// Bytes in all; 0: not known.
  std::uint64_t size() const noexcept { return size_; }
  /// True if `read` would not wait.
  bool is_ready() const noexcept;
  /// Up to 256 KiB; empty at the end. The view is valid until the next call.
  result<std::string_view> read();

private:
  input_file(int fd, std::string path);

  int fd_ = -1;
  std::string path_;
  std::uint64_t size_ = 0;
  std::string buffer_;
};

/// The format that was asked for, or the one that the file's name ends in.
result<record_format> choose_format(const std::string& asked,
                                    const std::string& path);

} // namespace torc::program
