// Hostile durable states and messages of the config register: refused, or
// sound enough for the register to go on with them.

#include "tests/fuzz/sealed_input.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/config_register.hpp"

namespace {

using namespace torc;

config_register register_of(register_state s) {
  return config_register{member_id{1}, std::move(s)};
}

void check_state(const std::string& bytes) {
  auto state = decode_register_state(bytes);
  if (!state) {
    TORC_ASSERT(state.error().code == errc::corrupt);
    return;
  }
  const auto again = encode_register_state(*state);
  const auto back = decode_register_state(again);
  TORC_ASSERT(back && encode_register_state(*back) == again);
  auto r = register_of(*std::move(state));
  (void)r.on_message(member_id{2}, register_prepare{{1, member_id{2}}, {}});
  for (int i = 0; i < 100; ++i)
    (void)r.on_tick(0);
}

void check_message(const std::string& bytes) {
  const auto m = decode_register_message(bytes);
  if (!m) {
    TORC_ASSERT(m.error().code == errc::corrupt);
    return;
  }
  const auto again = encode_register_message(*m);
  const auto back = decode_register_message(again);
  TORC_ASSERT(back && encode_register_message(*back) == again);
  auto r = register_of({});
  const auto effects = r.on_message(member_id{2}, *m);
  // What it would make durable can be read again.
  if (!effects.persist.empty())
    TORC_ASSERT(decode_register_state(effects.persist));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto bytes = torc::fuzz::sealed(torc::fuzz::input(data, size));
  check_state(bytes);
  check_message(bytes);
  return 0;
}
