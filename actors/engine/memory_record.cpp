#include "actors/engine/memory_record.hpp"

#include <malloc.h>

#include <cstdint>
#include <cstring>
#include <new>

namespace torc {
namespace {

/// What an allocator's size classes differ by at least.
constexpr std::size_t size_unit = 8;

constexpr std::size_t round_up(std::size_t n) noexcept {
  return (n + size_unit - 1) / size_unit * size_unit;
}

char* bytes_of(memory_record* r) noexcept {
  return reinterpret_cast<char*>(r);
}

const char* bytes_of(const memory_record* r) noexcept {
  return reinterpret_cast<const char*>(r);
}

constexpr std::size_t length_bytes(std::uint64_t n) noexcept {
  std::size_t out = 1;
  for (; n >= 0x80; n >>= 7)
    ++out;
  return out;
}

char* write_length(char* to, std::uint64_t n) noexcept {
  for (; n >= 0x80; n >>= 7)
    *to++ = static_cast<char>(n | 0x80);
  *to++ = static_cast<char>(n);
  return to;
}

std::uint64_t read_length(const char*& from) noexcept {
  std::uint64_t out = 0;
  for (unsigned shift = 0;; shift += 7) {
    const auto b = static_cast<unsigned char>(*from++);
    out |= static_cast<std::uint64_t>(b & 0x7f) << shift;
    if (b < 0x80)
      return out;
  }
}

char* write_bytes(char* to, std::string_view bytes) noexcept {
  if (!bytes.empty())
    std::memcpy(to, bytes.data(), bytes.size());
  return to + bytes.size();
}

memory_record* build(std::string_view key, std::string_view value,
                     std::uint64_t value_field) {
  const auto total = length_bytes(key.size()) + length_bytes(value_field)
                     + key.size() + value.size();
  auto* const block = static_cast<char*>(::operator new(round_up(total)));
  auto* at = write_length(block, key.size());
  at = write_length(at, value_field);
  write_bytes(write_bytes(at, key), value);
  return reinterpret_cast<memory_record*>(block);
}

} // namespace

memory_record* make_record(std::string_view key, std::string_view value) {
  return build(key, value, value.size() + 1);
}

memory_record* make_absent_record(std::string_view key) {
  return build(key, {}, 0);
}

void free_record(memory_record* r) noexcept {
  ::operator delete(r);
}

record_fields fields_of(const memory_record* r) noexcept {
  const auto* at = bytes_of(r);
  const auto key_bytes = read_length(at);
  const auto value_field = read_length(at);
  const auto value_bytes = value_field == 0 ? 0 : value_field - 1;
  return {{at, key_bytes}, {at + key_bytes, value_bytes}, value_field == 0};
}

std::string_view key_of(const memory_record* r) noexcept {
  const auto* at = bytes_of(r);
  const auto key_bytes = read_length(at);
  read_length(at);
  return {at, key_bytes};
}

bool overwrite_in_place(memory_record* r, std::string_view value) noexcept {
  const auto old = fields_of(r);
  const auto old_field = old.absent ? 0 : old.value.size() + 1;
  const auto new_field = value.size() + 1;
  if (length_bytes(old_field) != length_bytes(new_field))
    return false;
  const auto head = static_cast<std::size_t>(old.value.data() - bytes_of(r));
  if (round_up(head + old.value.size()) != round_up(head + value.size()))
    return false;
  write_length(bytes_of(r) + length_bytes(old.key.size()), new_field);
  write_bytes(bytes_of(r) + head, value);
  return true;
}

std::size_t heap_bytes(const memory_record* r) noexcept {
  // The call only reads; its parameter is not const for C's sake.
  return ::malloc_usable_size(const_cast<memory_record*>(r));
}

} // namespace torc
