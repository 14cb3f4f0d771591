// Bytes of version 1, frozen: they lie on disks, and members of different
// builds send them to each other. Never change what stands here; a later
// version adds its own. Formats with frozen bytes elsewhere: stored keys,
// entries, hellos (their tests), messages (tests/actors/messages_test.cpp).
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/hex.hpp"
#include "torc/core/comparison.hpp"
#include "torc/core/config_change.hpp"
#include "torc/core/config_codec.hpp"
#include "torc/core/config_register.hpp"

using namespace torc;
using torc::test::from_hex;
using torc::test::to_hex;

namespace {

/// A config of two members and nothing else.
cluster_config config_of_epoch(std::uint64_t number) {
  cluster_config c;
  c.epoch = epoch{number};
  c.id.bytes.fill(7);
  c.members = {{member_id{1}, "n1", "", "", "", "", 100, {}},
               {member_id{2}, "n2", "", "", "", "", 100, {}}};
  c.voters = {member_id{1}};
  c.virtual_nodes = 150;
  c.max_skew_ms = 500;
  return c;
}

config_ptr shared(std::uint64_t number) {
  return std::make_shared<const cluster_config>(config_of_epoch(number));
}

/// Every kind of message, with and without what may be missing.
std::vector<std::pair<register_message, std::string>> register_messages() {
  const config_ballot ballot{300, member_id{2}};
  return {
    {register_prepare{ballot, epoch{7}}, "0100ac0202072f87a242"},
    {register_promise{ballot, shared(1), {8, member_id{1}}, shared(2)},
     "0101ac02024a0101070707070707070707070707070707070201026e"
     "3100000000640002026e320000000064000001010000000000000100"
     "9601f40300000000000000000000000000000000b582192608014a01"
     "02070707070707070707070707070707070201026e31000000006400"
     "02026e3200000000640000010100000000000001009601f403000000"
     "00000000000000000000000000fcb1fba89e5f317d"},
    {register_promise{ballot, nullptr, {}, nullptr},
     "0101ac02020000000024797f58"},
    {register_accept{ballot, shared(2)},
     "0102ac02024a0102070707070707070707070707070707070201026e"
     "3100000000640002026e320000000064000001010000000000000100"
     "9601f40300000000000000000000000000000000fcb1fba857817639"},
    {register_accepted{ballot}, "0103ac02026dfbdb11"},
    {register_refusal{ballot, {301, member_id{1}}, shared(1)},
     "0104ac0202ad02014a01010707070707070707070707070707070702"
     "01026e3100000000640002026e320000000064000001010000000000"
     "0001009601f40300000000000000000000000000000000b582192661"
     "ce63a6"},
    {register_chosen{shared(2)},
     "01054a0102070707070707070707070707070707070201026e310000"
     "0000640002026e3200000000640000010100000000000001009601f4"
     "0300000000000000000000000000000000fcb1fba8aa247a1c"},
  };
}

} // namespace

TEST_CASE("frozen: a config with its checksum", "[format]") {
  const auto bytes =
    from_hex("0101070707070707070707070707070707070201026e310000000064"
             "0002026e3200000000640000010100000000000001009601f4030000"
             "0000000000000000000000000000b5821926");
  CHECK(to_hex(encode_config(config_of_epoch(1))) == to_hex(bytes));
  const auto back = decode_config(bytes);
  REQUIRE(back);
  CHECK(*back == config_of_epoch(1));
}

TEST_CASE("frozen: messages of the register", "[format]") {
  for (const auto& [message, hex] : register_messages()) {
    INFO("kind " << message.index());
    CHECK(to_hex(encode_register_message(message)) == hex);
    const auto back = decode_register_message(from_hex(hex));
    REQUIRE(back);
    CHECK(back->index() == message.index());
    CHECK(to_hex(encode_register_message(*back)) == hex);
  }
  const auto promise =
    decode_register_message(from_hex(register_messages()[1].second));
  REQUIRE(promise);
  const auto& p = std::get<register_promise>(*promise);
  CHECK(p.ballot == config_ballot{300, member_id{2}});
  CHECK(p.accepted_at == config_ballot{8, member_id{1}});
  CHECK(*p.chosen == config_of_epoch(1));
  CHECK(*p.accepted == config_of_epoch(2));
}

TEST_CASE("frozen: states of the register", "[format]") {
  register_state s;
  s.drawn = 300;
  s.promised = {9, member_id{4}};
  const std::string bare = "01ac02090400000000ab5368f3";
  CHECK(to_hex(encode_register_state(s)) == bare);
  const auto first = decode_register_state(from_hex(bare));
  REQUIRE(first);
  CHECK(first->drawn == 300);
  CHECK(first->promised == s.promised);
  CHECK_FALSE(first->accepted);
  CHECK_FALSE(first->chosen);

  s.accepted_at = {8, member_id{2}};
  s.accepted = shared(2);
  s.chosen = shared(1);
  const std::string full =
    "01ac02090408024a0102070707070707070707070707070707070201"
    "026e3100000000640002026e32000000006400000101000000000000"
    "01009601f40300000000000000000000000000000000fcb1fba84a01"
    "01070707070707070707070707070707070201026e31000000006400"
    "02026e3200000000640000010100000000000001009601f403000000"
    "00000000000000000000000000b5821926218af726";
  CHECK(to_hex(encode_register_state(s)) == full);
  const auto second = decode_register_state(from_hex(full));
  REQUIRE(second);
  CHECK(second->drawn == 300);
  CHECK(second->promised == s.promised);
  CHECK(second->accepted_at == s.accepted_at);
  REQUIRE(second->accepted);
  CHECK(*second->accepted == *s.accepted);
  REQUIRE(second->chosen);
  CHECK(*second->chosen == *s.chosen);
}

TEST_CASE("frozen: the digest of founders", "[format]") {
  member_info first;
  first.name = "n1";
  first.door = "d:1";
  first.zone = "z";
  first.weight = 100;
  member_info second;
  second.name = "n2";
  second.door = "d:2";
  second.weight = 250;
  CHECK(digest_of_founders({first, second}) == 0xaf782371114f3570u);
  CHECK(digest_of_founders({}) == 0x2d06800538d394c2u);
}

TEST_CASE("frozen: the digest of many slots", "[format]") {
  const auto got =
    combine_digests({{slot_id{1}, {0x0102030405060708, 0x1112131415161718}},
                     {slot_id{16383}, {3, 4}}});
  CHECK(got.low == 0xe57a723f389af9deu);
  CHECK(got.high == 0xfb79b55915a45c33u);
  const auto none = combine_digests({});
  CHECK(none.low == 0x6001c324468d497fu);
  CHECK(none.high == 0x99aa06d3014798d8u);
}
