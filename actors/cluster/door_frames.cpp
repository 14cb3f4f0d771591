#include "actors/cluster/door_frames.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "torc/core/assert.hpp"
#include "torc/core/byte_codec.hpp"

namespace torc::door_frames {
namespace {

constexpr std::string_view magic = "TORC";
constexpr std::string_view ok = "ok";

std::string_view name_of(trust t) {
  return t == trust::certificates ? "certificates" : "a shared secret";
}

} // namespace

std::string preface(trust own) {
  std::string out;
  byte_writer w{out};
  w.raw(magic);
  w.u8(version);
  w.u8(static_cast<std::uint8_t>(own));
  w.u16(0);
  TORC_ASSERT(out.size() == preface_bytes);
  return out;
}

result<void> check_preface(std::string_view bytes, trust own) {
  byte_reader r{bytes};
  const auto begin = r.raw(magic.size());
  const auto peer_version = r.u8();
  const auto peer_trust = r.u8();
  r.u16(); // for later versions
  if (!r.ok() || begin != magic)
    return {errc::corrupt, "not a cluster door"};
  if (peer_version != version)
    return {errc::refused,
            fmt::format("speaks version {} of the door, this node {}",
                        peer_version, version)};
  if (peer_trust != static_cast<std::uint8_t>(own))
    return {
      errc::refused,
      fmt::format("this node uses {}, the other one does not", name_of(own))};
  return {};
}

std::string frame(std::string_view bytes) {
  TORC_ASSERT(!bytes.empty() && bytes.size() <= 0xffff);
  std::string out;
  out.reserve(size_bytes + bytes.size());
  byte_writer w{out};
  w.u16(static_cast<std::uint16_t>(bytes.size()));
  w.raw(bytes);
  return out;
}

result<std::size_t> frame_size(std::string_view bytes, std::size_t bytes_max) {
  byte_reader r{bytes};
  const std::size_t size = r.u16();
  if (!r.ok() || size == 0 || size > bytes_max)
    return {errc::corrupt,
            fmt::format("a frame of {} bytes, at most {}", size, bytes_max)};
  return size;
}

std::string answer(const result<void>& verdict) {
  if (verdict)
    return std::string{ok};
  const auto& text = verdict.error().message;
  // Never mistaken for success.
  return text.empty() || text == ok ? "refused"
                                    : text.substr(0, answer_bytes_max);
}

result<void> read_answer(std::string_view bytes) {
  if (bytes == ok)
    return {};
  std::string text{bytes};
  std::replace_if(
    text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return {errc::refused, std::move(text)};
}

} // namespace torc::door_frames
