// Hostile pages of keys: refused without a trace, or exactly what their keys
// make.

#include <string>

#include "tests/fuzz/sealed_input.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/scan_page.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace torc;
  const auto bytes = fuzz::input(data, size);
  constexpr scan_position from{0, 1};
  constexpr std::uint32_t end_slot = 0x2000;
  positioned_keys keys;
  if (!read_scan_page(bytes, from, end_slot, keys)) {
    TORC_ASSERT(keys.empty());
    return 0;
  }
  std::string again;
  for (const auto& [at, key] : keys) {
    const auto position = unpack_scan_position(at);
    TORC_ASSERT(position >= from && position.slot < end_slot);
    append_to_scan_page(again, position, key);
  }
  TORC_ASSERT(again == bytes);
  return 0;
}
