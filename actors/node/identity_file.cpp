#include "actors/node/identity_file.hpp"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "torc/core/byte_codec.hpp"
#include "torc/engine/file.hpp"

namespace torc {
namespace {

constexpr std::string_view magic = "torc.id\n";
constexpr std::uint8_t format_version = 1;
constexpr std::size_t identity_bytes_max = 256;

error system_error(const char* what, const std::string& path, int e = errno) {
  const auto code =
    e == ENOSPC || e == EDQUOT ? errc::disk_full : errc::io_error;
  return {code, fmt::format("cannot {} {}: {}", what, path, std::strerror(e))};
}

std::string path_of(const std::string& directory) {
  return directory + "/identity";
}

} // namespace

std::string encode_identity(const node_identity& id) {
  std::string out;
  byte_writer w{out};
  w.raw(magic);
  w.u8(format_version);
  w.raw({reinterpret_cast<const char*>(id.cluster.bytes.data()),
         id.cluster.bytes.size()});
  w.u32(id.member.value);
  w.u64(id.founders_digest);
  w.bytes(id.name);
  append_checksum(out);
  return out;
}

result<node_identity> decode_identity(std::string_view bytes) {
  const auto body = checked_body(bytes);
  if (!body || body->substr(0, magic.size()) != magic)
    return {errc::corrupt, "it is damaged"};
  byte_reader r{body->substr(magic.size())};
  if (const auto v = r.u8(); v != format_version)
    return {errc::corrupt, fmt::format("its format {} is not known; it was "
                                       "written by a later version",
                                       v)};
  node_identity id;
  const auto cluster = r.raw(id.cluster.bytes.size());
  if (r.ok())
    std::memcpy(id.cluster.bytes.data(), cluster.data(), cluster.size());
  id.member = member_id{r.u32()};
  id.founders_digest = r.u64();
  id.name = std::string{r.bytes()};
  if (!r.done() || id.member == member_id{})
    return {errc::corrupt, "its fields make no sense"};
  return id;
}

result<std::optional<node_identity>>
read_identity(const std::string& directory) {
  const auto path = path_of(directory);
  const file_descriptor f{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!f.is_open()) {
    if (errno == ENOENT)
      return std::optional<node_identity>{};
    return system_error("open", path);
  }
  std::string bytes;
  if (const int e = read_up_to(f, identity_bytes_max + 1, bytes); e != 0)
    return system_error("read", path, e);
  auto id = decode_identity(bytes);
  if (!id)
    return {id.error().code,
            fmt::format("{}, which says whose data this is, cannot be used: "
                        "{}. Restore it from a copy; a member whose data is "
                        "lost must not come back under its old id",
                        path, id.error().message)};
  return std::optional{*std::move(id)};
}

result<void> write_identity(const std::string& directory,
                            const node_identity& id) {
  const auto path = path_of(directory);
  const auto fresh = path + ".new";
  {
    const file_descriptor f{
      ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)};
    if (!f.is_open())
      return system_error("create", fresh);
    if (const int e = write_all(f, encode_identity(id)); e != 0)
      return system_error("write", fresh, e);
    if (::fsync(f.get()) != 0)
      return system_error("sync", fresh);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0)
    return system_error("rename to", path);
  const file_descriptor d{
    ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!d.is_open() || ::fsync(d.get()) != 0)
    return system_error("sync", directory);
  return {};
}

result<void> check_identity(const node_identity& stored,
                            const node_identity& wanted,
                            const std::string& directory) {
  if (stored.name != wanted.name)
    return {errc::refused,
            fmt::format("{} belongs to member '{}', this is '{}': give each "
                        "member a directory of its own",
                        directory, stored.name, wanted.name)};
  if (stored.founders_digest != wanted.founders_digest
      || stored.member != wanted.member)
    return {errc::refused,
            fmt::format("the list of founders differs from the one that {} was "
                        "made with: the list never changes, and is the same on "
                        "all members",
                        directory)};
  return {};
}

} // namespace torc
