// Hostile hellos: refused, or a member whose hello comes back as it was.

#include "tests/fuzz/sealed_input.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/hello.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  using namespace torc;
  const auto bytes = fuzz::input(data, size);
  const auto h = decode_hello(bytes);
  if (!h) {
    TORC_ASSERT(!h.error().message.empty());
    return 0;
  }
  TORC_ASSERT(h->member.value > 0 && h->member.value < strong_actor_bit);
  TORC_ASSERT(h->shards > 0);
  TORC_ASSERT(encode_hello(*h) == bytes);
  hello own;
  own.member = member_id{1};
  (void)check_hello(own, *h, 500);
  return 0;
}
