#include "apps/torc/input_file.hpp"

#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

namespace torc::program {

namespace {

constexpr std::size_t read_bytes = 256 * limits::kib;

} // namespace

result<input_file> input_file::open(const std::string& path) {
  if (path == "-")
    return input_file{STDIN_FILENO, "stdin"};
  auto fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return {errc::io_error,
            fmt::format("cannot read {}: {}", path, std::strerror(errno))};
  return input_file{fd, path};
}

input_file::input_file(int fd, std::string path)
  : fd_(fd), path_(std::move(path)), buffer_(read_bytes, '\0') {
  struct stat info {};
  if (::fstat(fd_, &info) == 0 && S_ISREG(info.st_mode))
    size_ = static_cast<std::uint64_t>(info.st_size);
}

input_file::input_file(input_file&& other) noexcept
  : fd_(std::exchange(other.fd_, -1)), path_(std::move(other.path_)),
    size_(other.size_), buffer_(std::move(other.buffer_)) {}

input_file::~input_file() {
  if (fd_ > STDIN_FILENO)
    ::close(fd_);
}

bool input_file::is_ready() const noexcept {
  pollfd one{fd_, POLLIN, 0};
  return ::poll(&one, 1, 0) != 0;
}

result<std::string_view> input_file::read() {
  auto n = ::read(fd_, buffer_.data(), buffer_.size());
  if (n >= 0)
    return std::string_view{buffer_}.substr(0, static_cast<std::size_t>(n));
  if (errno == EINTR)
    return {errc::io_error, "interrupted"};
  return {errc::io_error,
          fmt::format("cannot read {}: {}", path_, std::strerror(errno))};
}

result<record_format> choose_format(const std::string& asked,
                                    const std::string& path) {
  if (!asked.empty())
    return parse_record_format(asked);
  auto dot = path.rfind('.');
  auto ending = dot == std::string::npos ? std::string{} : path.substr(dot + 1);
  if (auto known = parse_record_format(ending))
    return known;
  return {errc::invalid_argument,
          fmt::format("the name '{}' does not say which format it has; choose "
                      "one with --format tsv|csv|jsonl",
                      path)};
}

} // namespace torc::program
