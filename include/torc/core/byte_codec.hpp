#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace torc {

/// Bytes of a checksum at the end of a format.
inline constexpr std::size_t checksum32_bytes = 4;

/// The lower 32 bits of XXH3-64: against rot and cut-off writes, not against
/// malice. O(n).
std::uint32_t checksum32(std::string_view bytes) noexcept;

/// Appends the checksum of what stands in `out` from `begin` on.
void append_checksum(std::string& out, std::size_t begin = 0);

/// What `append_checksum` was given, without the checksum; nothing if the two
/// do not belong together.
std::optional<std::string_view> checked_body(std::string_view bytes) noexcept;

/// Appends little-endian integers, varints (LEB128) and length-prefixed byte
/// strings to a std::string. The one way in which all formats are written.
class byte_writer {
public:
  explicit byte_writer(std::string& out) noexcept : out_(out) {}

  void u8(std::uint8_t x) { out_.push_back(static_cast<char>(x)); }
  void u16(std::uint16_t x) { fixed(x); }
  void u32(std::uint32_t x) { fixed(x); }
  void u64(std::uint64_t x) { fixed(x); }
  void varint(std::uint64_t x) {
    while (x >= 0x80) {
      u8(static_cast<std::uint8_t>(x | 0x80));
      x >>= 7;
    }
    u8(static_cast<std::uint8_t>(x));
  }
  /// Varint length, then the bytes.
  void bytes(std::string_view s) {
    varint(s.size());
    raw(s);
  }
  void raw(std::string_view s) { out_.append(s); }

private:
  template <class T>
  void fixed(T x) {
    char b[sizeof(T)];
    for (std::size_t i = 0; i < sizeof(T); ++i)
      b[i] = static_cast<char>(x >> (8 * i));
    out_.append(b, sizeof(T));
  }

  std::string& out_;
};

/// Reads what byte_writer wrote. Never reads past the end: a read that would
/// gives zero or empty, and `ok` is false from then on.
class byte_reader {
public:
  explicit byte_reader(std::string_view in) noexcept : in_(in) {}

  bool ok() const noexcept { return ok_; }
  /// True if all was read and nothing is left.
  bool done() const noexcept { return ok_ && in_.empty(); }
  std::string_view rest() const noexcept { return in_; }

  std::uint8_t u8() noexcept { return fixed<std::uint8_t>(); }
  std::uint16_t u16() noexcept { return fixed<std::uint16_t>(); }
  std::uint32_t u32() noexcept { return fixed<std::uint32_t>(); }
  std::uint64_t u64() noexcept { return fixed<std::uint64_t>(); }
  /// Only the shortest form is one: a number has one encoding.
  std::uint64_t varint() noexcept {
    std::uint64_t x = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
      const auto b = u8();
      if ((shift == 63 && b > 1) || (shift > 0 && b == 0))
        break;
      x |= std::uint64_t{b & 0x7fu} << shift;
      if ((b & 0x80) == 0)
        return ok_ ? x : 0;
    }
    return fail(), 0;
  }
  std::string_view bytes() noexcept {
    const auto n = varint();
    return raw(n);
  }
  std::string_view raw(std::uint64_t n) noexcept {
    if (!ok_ || n > in_.size())
      return fail(), std::string_view{};
    const auto out = in_.substr(0, static_cast<std::size_t>(n));
    in_.remove_prefix(static_cast<std::size_t>(n));
    return out;
  }

private:
  template <class T>
  T fixed() noexcept {
    if (!ok_ || in_.size() < sizeof(T))
      return fail(), T{0};
    std::uint64_t x = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      x |= std::uint64_t{static_cast<unsigned char>(in_[i])} << (8 * i);
    in_.remove_prefix(sizeof(T));
    return static_cast<T>(x);
  }
  void fail() noexcept {
    ok_ = false;
    in_ = {};
  }

  std::string_view in_;
  bool ok_ = true;
};

} // namespace torc
