// Hostile stored keys: refused, or exactly what their parts make.

#include <string>

#include "tests/fuzz/sealed_input.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/limits.hpp"
#include "torc/core/slot.hpp"
#include "torc/core/stored_key.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace torc;
  const auto bytes = fuzz::input(data, size);
  const auto key = parse_stored_key(bytes);
  TORC_ASSERT(valid_stored_key(bytes)
              == (key && key->element.empty()
                  && key->user_key.size() <= limits::key_bytes_max
                  && slot_of(key->user_key) == key->slot));
  if (key) {
    std::string again;
    append_stored_key(again, key->inc, key->slot, key->user_key, key->kind,
                      key->element);
    TORC_ASSERT(again == bytes);
    TORC_ASSERT(bytes >= slot_begin(key->inc, key->slot));
  }
  // Any user key survives.
  std::string stored;
  append_stored_key(stored, incarnation{1}, slot_id{2}, bytes,
                    element_kind::string);
  const auto back = parse_stored_key(stored);
  TORC_ASSERT(back && back->user_key == bytes && back->element.empty());
  return 0;
}
