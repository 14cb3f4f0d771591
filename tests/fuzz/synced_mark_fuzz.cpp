// Hostile marks of what was synced: refused, or the number that stands in them,
// and the next one can be stored over it.

#include <fstream>
#include <string>

#include "actors/engine/rocksdb_synced_mark.hpp"
#include "tests/fuzz/sealed_input.hpp"
#include "tests/support/scratch_directory.hpp"
#include "torc/core/assert.hpp"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace {

using namespace torc;

constexpr std::size_t number_bytes = 8;
constexpr std::size_t mark_bytes = 16;

/// The number under a right checksum.
std::string sealed(std::string_view number) {
  std::string out{number};
  byte_writer{out}.u64(XXH3_64bits(number.data(), number.size()));
  return out;
}

std::uint64_t number_of(std::string_view bytes) {
  return bytes.size() < mark_bytes ? 0 : byte_reader{bytes}.u64();
}

void check_mark(std::string_view bytes) {
  static const test::scratch_directory directory;
  std::ofstream{directory / "torc.synced", std::ios::binary | std::ios::trunc}
    << bytes;
  auto mark = synced_mark::open(directory.path());
  if (!mark) {
    TORC_ASSERT(mark.error().code == errc::corrupt);
    TORC_ASSERT(bytes.size() >= mark_bytes);
    return;
  }
  TORC_ASSERT(mark->value() == number_of(bytes));
  const auto next = mark->value() + 1;
  mark->store(next);
  TORC_ASSERT(mark->value() == next);
  const auto again = synced_mark::open(directory.path());
  TORC_ASSERT(again && again->value() == next);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto bytes = torc::fuzz::input(data, size);
  check_mark(bytes);
  if (bytes.size() >= number_bytes)
    check_mark(sealed(bytes.substr(0, number_bytes)));
  return 0;
}
