#pragma once

#include <cstddef>
#include <string_view>

namespace torc {

/// An entry of the memory engine as one heap block: length of the key, one more
/// than the length of the value (both LEB128, so one byte each when small), the
/// key, the value. A value length field of 0 says that there is no entry.
///
/// Never defined: a pointer to it is a pointer to the first of these bytes.
struct memory_record;

/// A new record; the caller owns it and gives it to `free_record`.
memory_record* make_record(std::string_view key, std::string_view value);
/// A new record that says `key` has no entry.
memory_record* make_absent_record(std::string_view key);
void free_record(memory_record* r) noexcept;

struct record_fields {
  std::string_view key;
  std::string_view value;
  bool absent;
};

record_fields fields_of(const memory_record* r) noexcept;
std::string_view key_of(const memory_record* r) noexcept;

/// Tells the processor that a record of usual size will be read soon.
inline void prefetch_record(const memory_record* r) noexcept {
  constexpr std::size_t line_bytes = 64;
  const auto* at = reinterpret_cast<const char*>(r);
  __builtin_prefetch(at);
  __builtin_prefetch(at + line_bytes);
}

/// Puts another value into `r` if its block has exactly the size (in units of 8
/// bytes) that the record then needs. False: nothing was changed.
bool overwrite_in_place(memory_record* r, std::string_view value) noexcept;

/// Heap bytes of `r` as its allocator rounds them.
std::size_t heap_bytes(const memory_record* r) noexcept;

} // namespace torc
