// What a register makes durable and what registers tell each other, as bytes.
#include "core/register_moves.hpp"
#include "support/catch.hpp"
#include "torc/core/byte_codec.hpp"
#include "torc/core/config_register.hpp"

using namespace torc;
using namespace torc::test;

namespace {

bool same(const config_ptr& a, const config_ptr& b) {
  return (a == nullptr) == (b == nullptr) && (a == nullptr || *a == *b);
}

/// One message of each kind, with and without what may be missing.
std::vector<register_message> messages() {
  const config_ballot ballot{300, member_id{2}};
  const auto config = tiny_config(2, ids({1}));
  return {
    register_prepare{ballot, epoch{7}},
    register_promise{ballot, config, {8, member_id{1}}, config},
    register_promise{ballot, nullptr, {}, nullptr},
    register_accept{ballot, config},
    register_accepted{ballot},
    register_refusal{ballot, {301, member_id{1}}, config},
    register_refusal{ballot, {301, member_id{1}}, nullptr},
    register_chosen{config},
  };
}

std::string sealed_letter(std::string body) {
  append_checksum(body);
  return body;
}

} // namespace

TEST_CASE("the state of a register comes back", "[config_register]") {
  register_state s;
  for (const bool chosen : {false, true})
    for (const bool accepted : {false, true}) {
      s = {};
      s.drawn = 300;
      s.promised = {9, member_id{4}};
      if (chosen)
        s.chosen = tiny_config(2, ids({1}));
      if (accepted) {
        auto next = *tiny_config(2, ids({1}));
        next.epoch = epoch{2};
        s.accepted = std::make_shared<const cluster_config>(next);
        s.accepted_at = {8, member_id{2}};
      }
      const auto back = decode_register_state(encode_register_state(s));
      REQUIRE(back);
      CHECK(back->drawn == s.drawn);
      CHECK(back->promised == s.promised);
      CHECK(back->accepted_at == s.accepted_at);
      CHECK((back->accepted != nullptr) == accepted);
      CHECK((back->chosen != nullptr) == chosen);
      if (accepted)
        CHECK(*back->accepted == *s.accepted);
      if (chosen)
        CHECK(*back->chosen == *s.chosen);
    }
  s = {};
  s.drawn = 300;
  s.promised = {9, member_id{4}};
  const auto bytes = encode_register_state(s);
  CHECK(bytes.substr(0, bytes.size() - 4)
        == std::string("\x01\xac\x02\x09\x04\x00\x00\x00\x00", 9));
}

TEST_CASE("a damaged state of a register is refused", "[config_register]") {
  register_state s;
  s.promised = {9, member_id{4}};
  s.chosen = tiny_config(2, ids({1}));
  const auto bytes = encode_register_state(s);
  for (std::size_t n = 0; n < bytes.size(); ++n)
    CHECK_FALSE(decode_register_state(std::string_view{bytes}.substr(0, n)));
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    CHECK_FALSE(decode_register_state(bad));
  }
  // Sealed, but contradictory: accepted, and chosen since.
  s.accepted = s.chosen;
  s.accepted_at = s.promised;
  CHECK_FALSE(decode_register_state(encode_register_state(s)));
  s.accepted = nullptr;
  CHECK_FALSE(decode_register_state(encode_register_state(s)));
}

TEST_CASE("states and messages of a later format are refused and say why",
          "[config_register]") {
  const auto state = decode_register_state(
    sealed_letter(std::string("\x02\xac\x02\x09\x04\x00\x00\x00\x00", 9)));
  REQUIRE_FALSE(state);
  CHECK_THAT(state.error().message, contains("unknown format version"));
  const auto message = decode_register_message(
    sealed_letter(std::string("\x02\x00\xac\x02\x02\x07", 6)));
  REQUIRE_FALSE(message);
  CHECK_THAT(message.error().message, contains("unknown format version"));
}

TEST_CASE("messages of the register come back", "[config_register]") {
  for (const auto& m : messages()) {
    const auto bytes = encode_register_message(m);
    const auto back = decode_register_message(bytes);
    REQUIRE(back);
    REQUIRE(back->index() == m.index());
    CHECK(encode_register_message(*back) == bytes);
    if (const auto* p = std::get_if<register_promise>(&m)) {
      const auto& q = std::get<register_promise>(*back);
      CHECK(q.ballot == p->ballot);
      CHECK(q.accepted_at == p->accepted_at);
      CHECK(same(q.chosen, p->chosen));
      CHECK(same(q.accepted, p->accepted));
    }
  }
  // Golden: members of different builds understand each other.
  CHECK(encode_register_message(messages()[0])
        == sealed_letter(std::string("\x01\x00\xac\x02\x02\x07", 6)));
  CHECK(encode_register_message(messages()[4])
        == sealed_letter(std::string("\x01\x03\xac\x02\x02", 5)));
}

TEST_CASE("damaged messages of the register are refused", "[config_register]") {
  for (const auto& m : messages()) {
    const auto bytes = encode_register_message(m);
    for (std::size_t n = 0; n < bytes.size(); ++n)
      REQUIRE_FALSE(
        decode_register_message(std::string_view{bytes}.substr(0, n)));
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      auto bad = bytes;
      bad[i] = static_cast<char>(bad[i] ^ 0x04);
      const auto r = decode_register_message(bad);
      REQUIRE_FALSE(r);
      REQUIRE(r.error().code == errc::corrupt);
    }
  }
}

TEST_CASE("messages that mean nothing are refused", "[config_register]") {
  const auto refused = [](const char* body, std::size_t n) {
    return !decode_register_message(sealed_letter(std::string(body, n)));
  };
  CHECK(refused("", 0));
  CHECK(refused("\x02\x03\x01\x01", 4));                 // a later format
  CHECK(refused("\x01\x06\x01\x01", 4));                 // no such kind
  CHECK(refused("\x01\x03\x01", 3));                     // a field is missing
  CHECK(refused("\x01\x03\x01\x01\x01", 5));             // one too many
  CHECK(refused("\x01\x02\x01\x01\x00", 5));             // an accept of nothing
  CHECK(refused("\x01\x05\x00", 3));                     // nothing was chosen
  CHECK(refused("\x01\x01\x01\x01\x00\x05\x01\x00", 8)); // accepted, but what
  CHECK(refused("\x01\x03\x01\xff\xff\xff\xff\x0f", 8)); // no member id
  CHECK_FALSE(refused("\x01\x03\x01\x01", 4));
}
