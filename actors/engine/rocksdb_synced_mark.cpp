#include "actors/engine/rocksdb_synced_mark.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace torc {
namespace {

using mark_bytes = std::array<unsigned char, 16>;

void write_le(unsigned char* to, std::uint64_t x) noexcept {
  for (unsigned i = 0; i < 8; ++i)
    to[i] = static_cast<unsigned char>(x >> (8 * i));
}

std::uint64_t read_le(const unsigned char* from) noexcept {
  std::uint64_t out = 0;
  for (unsigned i = 0; i < 8; ++i)
    out |= static_cast<std::uint64_t>(from[i]) << (8 * i);
  return out;
}

} // namespace

result<synced_mark> synced_mark::open(const std::string& directory) {
  const auto path = directory + "/torc.synced";
  const auto fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
  if (fd < 0)
    return {errno == ENOSPC ? errc::disk_full : errc::io_error,
            "cannot open " + path + ": " + std::strerror(errno)};
  synced_mark out{fd, 0};
  mark_bytes bytes{};
  const auto n = ::pread(fd, bytes.data(), bytes.size(), 0);
  if (n < 0)
    return {errc::io_error,
            "cannot read " + path + ": " + std::strerror(errno)};
  if (n < static_cast<ssize_t>(bytes.size()) || bytes == mark_bytes{})
    return out;
  if (read_le(bytes.data() + 8) != XXH3_64bits(bytes.data(), 8))
    return {errc::corrupt, path + " fails its checksum"};
  out.value_ = read_le(bytes.data());
  return out;
}

synced_mark::synced_mark(synced_mark&& other) noexcept
  : fd_(std::exchange(other.fd_, -1)), value_(other.value_) {}

synced_mark& synced_mark::operator=(synced_mark&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(value_, other.value_);
  return *this;
}

synced_mark::~synced_mark() {
  if (fd_ >= 0)
    ::close(fd_);
}

void synced_mark::store(std::uint64_t value) noexcept {
  if (value == value_)
    return;
  mark_bytes bytes;
  write_le(bytes.data(), value);
  write_le(bytes.data() + 8, XXH3_64bits(bytes.data(), 8));
  if (::pwrite(fd_, bytes.data(), bytes.size(), 0)
      == static_cast<ssize_t>(bytes.size()))
    value_ = value;
}

} // namespace torc
