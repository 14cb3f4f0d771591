// Hostile durable states and messages of the config register: refused, or
// sound enough for the register to go on with them.

#include <memory>
#include <utility>

#include "tests/fuzz/sealed_input.hpp"
#include "torc/core/assert.hpp"
#include "torc/core/config_register.hpp"

namespace {

using namespace torc;

config_register register_of(register_state s) {
  return config_register{member_id{1}, std::move(s)};
}

/// What the examples of messages are later than: of their cluster.
config_ptr known_config() {
  cluster_config c;
  c.epoch = epoch{2};
  c.id.bytes[0] = 7;
  for (const auto* name : {"n1", "n2"}) {
    member_info m;
    m.id = member_id{static_cast<std::uint32_t>(c.members.size() + 1)};
    m.name = name;
    c.members.push_back(m);
  }
  c.voters = {member_id{1}};
  TORC_ASSERT(check_config(c));
  return std::make_shared<const cluster_config>(std::move(c));
}

result<cluster_config> next_epoch(const cluster_config& c) {
  auto out = c;
  ++out.epoch.value;
  return out;
}

/// Member 2, whose change runs under the ballot that the examples name.
config_register preparing() {
  static const auto config = known_config();
  register_state s;
  s.drawn = 8;
  s.chosen = config;
  config_register r{member_id{2}, std::move(s)};
  const auto effects = r.propose(next_epoch);
  TORC_ASSERT(r.busy() && !effects.send_after_persist.empty());
  return r;
}

/// The same, once the voter has promised.
config_register accepting() {
  auto r = preparing();
  const auto effects = r.on_message(
    member_id{1}, register_promise{{9, member_id{2}}, nullptr, {}, nullptr});
  TORC_ASSERT(r.busy() && !effects.send_now.empty());
  return r;
}

/// Whatever comes of it, what it would make durable can be read again.
void hear(config_register r, member_id from, const register_message& m) {
  const auto effects = r.on_message(from, m);
  if (!effects.persist.empty())
    TORC_ASSERT(decode_register_state(effects.persist));
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
  for (const auto from : {member_id{1}, member_id{2}}) {
    hear(register_of({}), from, *m);
    hear(preparing(), from, *m);
    hear(accepting(), from, *m);
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const auto bytes = torc::fuzz::sealed(torc::fuzz::input(data, size));
  check_state(bytes);
  check_message(bytes);
  return 0;
}
