#include "actors/engine/rocksdb_synced_mark.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "torc/core/byte_codec.hpp"

namespace torc {
namespace {

/// The number and its checksum.
constexpr std::size_t mark_bytes = 16;

} // namespace

result<synced_mark> synced_mark::open(const std::string& directory) {
  const auto path = directory + "/torc.synced";
  file_descriptor file{
    ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644)};
  if (!file.is_open())
    return {errno == ENOSPC ? errc::disk_full : errc::io_error,
            "cannot open " + path + ": " + std::strerror(errno)};
  synced_mark out{std::move(file)};
  std::array<char, mark_bytes> bytes{};
  const auto n = ::pread(out.file_.get(), bytes.data(), bytes.size(), 0);
  if (n < 0)
    return {errc::io_error,
            "cannot read " + path + ": " + std::strerror(errno)};
  if (n < static_cast<ssize_t>(bytes.size()) || bytes == decltype(bytes){})
    return out;
  byte_reader r{std::string_view{bytes.data(), bytes.size()}};
  const auto value = r.u64();
  if (r.u64() != XXH3_64bits(bytes.data(), sizeof(value)))
    return {errc::corrupt, path + " fails its checksum"};
  out.value_ = value;
  return out;
}

void synced_mark::store(std::uint64_t value) noexcept {
  if (value == value_)
    return;
  std::string bytes;
  bytes.reserve(mark_bytes);
  byte_writer w{bytes};
  w.u64(value);
  w.u64(XXH3_64bits(bytes.data(), bytes.size()));
  if (::pwrite(file_.get(), bytes.data(), bytes.size(), 0)
      == static_cast<ssize_t>(bytes.size()))
    value_ = value;
}

} // namespace torc
