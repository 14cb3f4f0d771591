// What a member must not forget; docs/formats.md has the grammar:
//
//   state   = version drawn promised accepted-at [accepted] [chosen] checksum
//   message = version kind fields checksum
#include <fmt/format.h>

#include "torc/core/byte_codec.hpp"
#include "torc/core/config_codec.hpp"
#include "torc/core/config_register.hpp"

namespace torc {
namespace {

constexpr std::uint8_t register_format_version = 1;

error corrupt_state(std::string_view what) {
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
  w.u8(register_format_version);
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
    return corrupt_state("checksum differs");
  byte_reader r{*body};
  if (r.u8() != register_format_version)
    return corrupt_state("unknown format version");
  register_state s;
  bool ok = true;
  s.drawn = r.varint();
  s.promised = read_ballot(r, ok);
  s.accepted_at = read_ballot(r, ok);
  auto accepted = read_config(r);
  auto chosen = read_config(r);
  if (!accepted)
    return corrupt_state(accepted.error().message);
  if (!chosen)
    return corrupt_state(chosen.error().message);
  s.accepted = *std::move(accepted);
  s.chosen = *std::move(chosen);
  if (!ok || !r.done() || s.drawn > config_limits::round_max
      || s.promised.round >= config_limits::round_max)
    return corrupt_state("bad fields, or something after them");
  if ((s.accepted != nullptr) != (s.accepted_at != config_ballot{})
      || s.accepted_at > s.promised
      || (s.accepted && s.accepted->epoch <= s.chosen_epoch()))
    return corrupt_state("its parts contradict each other");
  return s;
}

// -- messages -----------------------------------------------------------------

namespace {

constexpr std::uint8_t message_format_version = 1;

error corrupt_message(std::string_view what) {
  return {errc::corrupt, fmt::format("message of the register: {}", what)};
}

struct message_writer {
  byte_writer& w;

  void operator()(const register_prepare& m) const {
    write_ballot(w, m.ballot);
    w.varint(m.known.value);
  }
  void operator()(const register_promise& m) const {
    write_ballot(w, m.ballot);
    write_config(w, m.chosen);
    write_ballot(w, m.accepted_at);
    write_config(w, m.accepted);
  }
  void operator()(const register_accept& m) const {
    write_ballot(w, m.ballot);
    write_config(w, m.value);
  }
  void operator()(const register_accepted& m) const {
    write_ballot(w, m.ballot);
  }
  void operator()(const register_refusal& m) const {
    write_ballot(w, m.ballot);
    write_ballot(w, m.seen);
    write_config(w, m.chosen);
  }
  void operator()(const register_chosen& m) const { write_config(w, m.value); }
};

/// Reads fields one after another; the first failure is kept.
struct message_reader {
  byte_reader r;
  bool ok = true;
  std::string failure;

  config_ballot ballot() { return read_ballot(r, ok); }
  config_ptr config() {
    auto c = read_config(r);
    if (c)
      return *std::move(c);
    ok = false;
    failure = c.error().message;
    return nullptr;
  }
  /// A config that must be there.
  config_ptr value() {
    auto c = config();
    ok = ok && c != nullptr;
    return c;
  }
};

std::optional<register_message> read_kind(message_reader& in,
                                          std::uint8_t kind) {
  switch (kind) {
  case 0: {
    register_prepare m{in.ballot(), {}};
    m.known = epoch{in.r.varint()};
    return m;
  }
  case 1: {
    register_promise m;
    m.ballot = in.ballot();
    m.chosen = in.config();
    m.accepted_at = in.ballot();
    m.accepted = in.config();
    in.ok =
      in.ok && (m.accepted != nullptr) == (m.accepted_at != config_ballot{});
    return m;
  }
  case 2: {
    register_accept m;
    m.ballot = in.ballot();
    m.value = in.value();
    return m;
  }
  case 3: return register_accepted{in.ballot()};
  case 4: {
    register_refusal m;
    m.ballot = in.ballot();
    m.seen = in.ballot();
    m.chosen = in.config();
    return m;
  }
  case 5: return register_chosen{in.value()};
  default: return std::nullopt;
  }
}

} // namespace

std::string encode_register_message(const register_message& m) {
  std::string out;
  byte_writer w{out};
  w.u8(message_format_version);
  w.u8(static_cast<std::uint8_t>(m.index()));
  std::visit(message_writer{w}, m);
  append_checksum(out);
  return out;
}

result<register_message> decode_register_message(std::string_view bytes) {
  const auto body = checked_body(bytes);
  if (!body)
    return corrupt_message("checksum differs");
  message_reader in{byte_reader{*body}, true, {}};
  if (in.r.u8() != message_format_version)
    return corrupt_message("unknown format version");
  auto m = read_kind(in, in.r.u8());
  if (!m)
    return corrupt_message("unknown kind");
  if (!in.failure.empty())
    return corrupt_message(in.failure);
  if (!in.ok || !in.r.done())
    return corrupt_message("bad fields, or something after them");
  return *std::move(m);
}

} // namespace torc
