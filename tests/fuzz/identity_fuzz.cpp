// Hostile identity files: refused and said why, or a member's that can be
// written again.

#include "actors/node/identity_file.hpp"
#include "tests/fuzz/sealed_input.hpp"
#include "torc/core/assert.hpp"

namespace {

void check_identity(std::string_view bytes) {
  using namespace torc;
  const auto id = decode_identity(bytes);
  if (!id) {
    TORC_ASSERT(id.error().code == errc::corrupt);
    TORC_ASSERT(!id.error().message.empty());
    return;
  }
  TORC_ASSERT(id->member != member_id{});
  const auto back = decode_identity(encode_identity(*id));
  TORC_ASSERT(back && *back == *id);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto bytes = torc::fuzz::input(data, size);
  check_identity(bytes);
  check_identity(torc::fuzz::sealed(bytes));
  return 0;
}
