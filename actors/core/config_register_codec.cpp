// What a member must not forget; docs/formats/config.md has the grammar:
//
//   state   = version drawn promised accepted-at [accepted] [chosen] checksum
#include <fmt/format.h>

#include "torc/core/byte_codec.hpp"
#include "torc/core/config_codec.hpp"
#include "torc/core/config_register.hpp"

namespace torc {
namespace {

constexpr std::uint8_t format_version = 1;

error corrupt(std::string_view what) {
  return {errc::corrupt, fmt::format("state of the register: {}", what)};
}

void write_ballot(byte_writer& w, const config_ballot& b) {
  w.varint(b.round);
  w.varint(b.member.value);
}

config_ballot read_ballot(byte_reader& r, bool& ok) {
  config_ballot b;
  b.round = r.varint();
  const auto member = r.varint();
  ok = ok && member < strong_actor_bit;
  b.member = member_id{ok ? static_cast<std::uint32_t>(member) : 0};
  return b;
}

void write_config(byte_writer& w, const config_ptr& c) {
  w.bytes(c ? encode_config(*c) : std::string{});
}

result<config_ptr> read_config(byte_reader& r) {
  const auto bytes = r.bytes();
  if (bytes.empty())
    return config_ptr{};
  auto c = decode_config(bytes);
  if (!c)
    return std::move(c).error();
  return std::make_shared<const cluster_config>(*std::move(c));
}

} // namespace

std::string encode_register_state(const register_state& s) {
  std::string out;
  byte_writer w{out};
  w.u8(format_version);
  w.varint(s.drawn);
  write_ballot(w, s.promised);
  write_ballot(w, s.accepted_at);
  write_config(w, s.accepted);
  write_config(w, s.chosen);
  append_checksum(out);
  return out;
}

result<register_state> decode_register_state(std::string_view bytes) {
  const auto body = checked_body(bytes);
  if (!body)
    return corrupt("checksum differs");
  byte_reader r{*body};
  if (r.u8() != format_version)
    return corrupt("unknown format version");
  register_state s;
  bool ok = true;
  s.drawn = r.varint();
  s.promised = read_ballot(r, ok);
  s.accepted_at = read_ballot(r, ok);
  auto accepted = read_config(r);
  auto chosen = read_config(r);
  if (!accepted)
    return corrupt(accepted.error().message);
  if (!chosen)
    return corrupt(chosen.error().message);
  s.accepted = *std::move(accepted);
  s.chosen = *std::move(chosen);
  if (!ok || !r.done() || s.drawn > config_limits::round_max
      || s.promised.round >= config_limits::round_max)
    return corrupt("bad fields, or something after them");
  if ((s.accepted != nullptr) != (s.accepted_at != config_ballot{})
      || s.accepted_at > s.promised
      || (s.accepted && s.accepted->epoch <= s.chosen_epoch()))
    return corrupt("its parts contradict each other");
  return s;
}

} // namespace torc
