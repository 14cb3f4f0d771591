#include "torc/core/stored_key.hpp"

#include <cstring>

#include "torc/core/assert.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/slot.hpp"

namespace torc {
namespace {

void append_u32_be(std::string& out, std::uint32_t x) {
  const char b[4] = {static_cast<char>(x >> 24), static_cast<char>(x >> 16),
                     static_cast<char>(x >> 8), static_cast<char>(x)};
  out.append(b, 4);
}

void append_u16_be(std::string& out, std::uint16_t x) {
  const char b[2] = {static_cast<char>(x >> 8), static_cast<char>(x)};
  out.append(b, 2);
}

std::uint32_t byte_at(std::string_view s, std::size_t i) noexcept {
  return static_cast<unsigned char>(s[i]);
}

void append_escaped(std::string& out, std::string_view key) {
  while (true) {
    const auto* zero =
      key.empty()
        ? nullptr
        : static_cast<const char*>(std::memchr(key.data(), '\0', key.size()));
    if (zero == nullptr) {
      out.append(key);
      return;
    }
    const auto n = static_cast<std::size_t>(zero - key.data());
    out.append(key.substr(0, n)).append("\0\xff", 2);
    key.remove_prefix(n + 1);
  }
}

bool belongs(slot_id slot, std::string_view user_key) noexcept {
  return user_key.size() <= limits::key_bytes_max && slot_of(user_key) == slot;
}

} // namespace

void append_stored_key(std::string& out, incarnation inc, slot_id slot,
                       std::string_view user_key, element_kind kind,
                       std::string_view element) {
  append_u32_be(out, inc.value);
  append_u16_be(out, slot.value);
  append_escaped(out, user_key);
  const char tail[3] = {0, 0, static_cast<char>(kind)};
  out.append(tail, 3).append(element);
}

std::optional<stored_key> parse_stored_key(std::string_view bytes) {
  if (bytes.size() < stored_prefix_bytes + 3)
    return std::nullopt;
  stored_key out;
  out.inc = stored_incarnation(bytes);
  out.slot = stored_slot(bytes);
  if (out.slot.value >= slot_count)
    return std::nullopt;
  auto rest = bytes.substr(stored_prefix_bytes);
  while (true) {
    const auto n = rest.find('\0');
    if (n == std::string_view::npos || n + 1 >= rest.size())
      return std::nullopt;
    out.user_key.append(rest.substr(0, n));
    const auto mark = rest[n + 1];
    rest.remove_prefix(n + 2);
    if (mark == '\0')
      break;
    if (mark != '\xff')
      return std::nullopt;
    out.user_key.push_back('\0');
  }
  if (rest.empty() || rest[0] != static_cast<char>(element_kind::string))
    return std::nullopt;
  out.kind = static_cast<element_kind>(rest[0]);
  out.element = rest.substr(1);
  return out;
}

bool valid_stored_key(std::string_view bytes) {
  constexpr std::string_view tail{"\0\0\0", 3};
  if (bytes.size() < stored_prefix_bytes + tail.size()
      || bytes.size()
           > stored_prefix_bytes + 2 * limits::key_bytes_max + tail.size())
    return false;
  auto user_key = bytes.substr(stored_prefix_bytes);
  user_key.remove_suffix(tail.size());
  if (user_key.find('\0') == std::string_view::npos) // nearly all: no copy
    return bytes.ends_with(tail) && belongs(stored_slot(bytes), user_key);
  const auto parsed = parse_stored_key(bytes);
  return parsed && parsed->element.empty()
         && belongs(parsed->slot, parsed->user_key);
}

incarnation stored_incarnation(std::string_view bytes) noexcept {
  TORC_ASSERT(bytes.size() >= stored_prefix_bytes);
  return incarnation{byte_at(bytes, 0) << 24 | byte_at(bytes, 1) << 16
                     | byte_at(bytes, 2) << 8 | byte_at(bytes, 3)};
}

slot_id stored_slot(std::string_view bytes) noexcept {
  TORC_ASSERT(bytes.size() >= stored_prefix_bytes);
  return slot_id{
    static_cast<std::uint16_t>(byte_at(bytes, 4) << 8 | byte_at(bytes, 5))};
}

std::string slot_begin(incarnation inc, slot_id slot) {
  std::string out;
  append_u32_be(out, inc.value);
  append_u16_be(out, slot.value);
  return out;
}

std::string slot_end(incarnation inc, slot_id slot) {
  return slot_begin(inc, slot_id{static_cast<std::uint16_t>(slot.value + 1)});
}

std::string incarnation_begin(incarnation inc) {
  return slot_begin(inc, slot_id{0});
}

} // namespace torc
