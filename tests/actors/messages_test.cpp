// What travels between members: every message there and back, the bytes of wire
// version 1, and what hostile bytes do.
#include "support/catch.hpp"
#include "support/message_bytes.hpp"
#include "torc/messages/checks.hpp"
#include "torc/messages/interfaces.hpp"

namespace torc {
namespace {

using test::check_round_trip;
using fixture = test::message_fixture;
using test::to_hex;

op_batch sample_ops() {
  op_batch b;
  b.epoch = epoch{7};
  b.clock = hlc_time{0x0102030405060708};
  b.not_after = hlc_time{99};
  op o;
  o.id = 11;
  o.kind = op_kind::put;
  o.level = consistency::weak;
  o.flags = 3;
  o.slot = slot_id{12345};
  o.inc = incarnation{5};
  o.deadline = 1'700'000'000'000;
  o.a = 21;
  o.b = 22;
  o.end_slot = 16384;
  b.add(o, "key", "value");
  o.kind = op_kind::read;
  b.add(o, "other");
  return b;
}

op_reply_batch sample_replies() {
  op_reply_batch b;
  b.epoch = epoch{8};
  b.clock = hlc_time{77};
  b.member = member_id{3};
  b.shard = 2;
  op_reply r;
  r.id = 11;
  r.status = errc::try_again;
  r.level = consistency::weak;
  r.flags = reply_flag::found | reply_flag::not_synced;
  r.tag = {hlc_time{1234}, actor_id{3}};
  r.expires_at = 55;
  r.number = 66;
  b.add(r, "payload");
  return b;
}

peer_batch sample_peer() {
  peer_batch b;
  b.sender = member_id{2};
  b.sender_shard = 1;
  b.epoch = epoch{3};
  b.clock = hlc_time{4};
  b.stream = 5;
  b.batch = 6;
  b.ack_stream = 7;
  b.ack = 8;
  b.items = std::string("a\0b", 3);
  return b;
}

slot_entries sample_entries() {
  slot_entries e;
  e.sender = member_id{1};
  e.epoch = epoch{2};
  e.round = 3;
  e.inc = incarnation{4};
  e.slot = slot_id{5};
  e.from = "f";
  e.until = "u";
  e.keys = {"k1", "k2"};
  e.fingerprints = {{1, 2}, {3, 4}};
  return e;
}

} // namespace

TEST_CASE("every message between members comes back as it was sent") {
  fixture f;
  check_round_trip(f, sample_ops());
  check_round_trip(f, sample_ops().ops[0]);
  check_round_trip(f, sample_replies());
  check_round_trip(f, sample_replies().replies[0]);
  check_round_trip(f, sample_peer());
  check_round_trip(f, record_id{1, 2});
  check_round_trip(
    f, compare_offer{member_id{1}, epoch{2}, 3, {incarnation{4}}, {{5, 6}}});
  check_round_trip(
    f,
    slot_digests{
      member_id{1}, epoch{2}, 3, incarnation{4}, true, {slot_id{5}}, {{6, 7}}});
  check_round_trip(f, sample_entries());
  check_round_trip(
    f, slot_wants{member_id{1}, epoch{2}, incarnation{3}, slot_id{4}, {"key"}});
  check_round_trip(f, register_letter{member_id{1}, epoch{2}, "bytes"});
  check_round_trip(f, config_beat{member_id{1}, epoch{2}, hlc_time{3}});
  check_round_trip(f, config_fetch{member_id{1}, epoch{2}});
  check_round_trip(f, config_value{member_id{1}, epoch{2}, "bytes"});
}

TEST_CASE("the bytes of wire version 1 are frozen") {
  fixture f;
  STATIC_REQUIRE(wire_version == 1);
  CHECK(to_hex(f.encode(sample_ops()))
        == "00010000000000000007010203040506070800000000000000630200"
           "0000000000000b020000033039000000050000000300000005000001"
           "8bcfe568000000000000000015000000000000001640000000000000"
           "00000b0000000330390000000500000005000000000000018bcfe568"
           "000000000000000015000000000000001640000d6b657976616c7565"
           "6f74686572");
  CHECK(to_hex(f.encode(sample_replies()))
        == "00010000000000000008000000000000004d00000003000201000000"
           "000000000b0800050000000000000004d20000000300000000000000"
           "37000000000000004200000007077061796c6f6164");
  CHECK(to_hex(f.encode(sample_peer()))
        == "00010000000200010000000000000003000000000000000400000000"
           "00000005000000000000000600000000000000070000000000000008"
           "03610062");
  CHECK(to_hex(f.encode(
          compare_offer{member_id{1}, epoch{2}, 3, {incarnation{4}}, {{5, 6}}}))
        == "00000001000000000000000200000000000000030100000004010000"
           "0000000000050000000000000006");
  CHECK(
    to_hex(f.encode(slot_digests{
      member_id{1}, epoch{2}, 3, incarnation{4}, true, {slot_id{5}}, {{6, 7}}}))
    == "00000001000000000000000200000000000000030000000401010005"
       "0100000000000000060000000000000007");
  CHECK(to_hex(f.encode(sample_entries()))
        == "00000001000000000000000200000000000000030000000400050166"
           "017502026b31026b3202000000000000000100000000000000020000"
           "0000000000030000000000000004");
  CHECK(to_hex(f.encode(slot_wants{
          member_id{1}, epoch{2}, incarnation{3}, slot_id{4}, {"key"}}))
        == "00000001000000000000000200000003000401036b6579");
  CHECK(to_hex(f.encode(register_letter{member_id{1}, epoch{2}, "bytes"}))
        == "000000010000000000000002056279746573");
  CHECK(to_hex(f.encode(config_beat{member_id{1}, epoch{2}, hlc_time{3}}))
        == "0000000100000000000000020000000000000003");
  CHECK(to_hex(f.encode(config_fetch{member_id{1}, epoch{2}}))
        == "000000010000000000000002");
  CHECK(to_hex(f.encode(config_value{member_id{1}, epoch{2}, "bytes"}))
        == "000000010000000000000002056279746573");
}

TEST_CASE("a batch is well formed if its lengths and kinds make sense") {
  auto b = sample_ops();
  CHECK(lengths_add_up(b));
  CHECK(well_formed(b.ops[0]));
  CHECK(well_formed(b.ops[1]));
  CHECK(lengths_add_up(op_batch{}));
  SECTION("too few bytes") {
    b.bytes.pop_back();
    CHECK_FALSE(lengths_add_up(b));
  }
  SECTION("too many bytes") {
    b.bytes.push_back('x');
    CHECK_FALSE(lengths_add_up(b));
  }
  SECTION("lengths that overflow 32 bits") {
    b.ops[0].key_bytes = 0xffff'ffff;
    b.ops[1].key_bytes = 9;
    b.ops[0].value_bytes = 0;
    CHECK_FALSE(lengths_add_up(b));
  }
  SECTION("unknown kind") {
    b.ops[1].kind = static_cast<op_kind>(op_kind_count);
    CHECK_FALSE(well_formed(b.ops[1]));
  }
  SECTION("unknown level") {
    b.ops[1].level = static_cast<consistency>(3);
    CHECK_FALSE(well_formed(b.ops[1]));
  }
  SECTION("a slot that does not exist") {
    b.ops[1].slot = slot_id{slot_count};
    CHECK_FALSE(well_formed(b.ops[1]));
    b.ops[1].slot = slot_id{0};
    b.ops[1].end_slot = slot_count + 1;
    CHECK_FALSE(well_formed(b.ops[1]));
  }
}

TEST_CASE("replies are well formed if their lengths and codes make sense") {
  auto b = sample_replies();
  CHECK(well_formed(b));
  SECTION("length") {
    b.replies[0].payload_bytes += 1;
    CHECK_FALSE(well_formed(b));
  }
  SECTION("status") {
    b.replies[0].status = static_cast<errc>(200);
    CHECK_FALSE(well_formed(b));
  }
  SECTION("type") {
    b.replies[0].type = static_cast<value_type>(1);
    CHECK_FALSE(well_formed(b));
  }
  SECTION("level") {
    b.replies[0].level = static_cast<consistency>(9);
    CHECK_FALSE(well_formed(b));
  }
}

TEST_CASE("lists of a comparison belong together") {
  CHECK(well_formed(compare_offer{{}, {}, 0, {incarnation{1}}, {{1, 2}}}));
  CHECK_FALSE(well_formed(compare_offer{{}, {}, 0, {incarnation{1}}, {}}));
  CHECK(
    well_formed(slot_digests{{}, {}, 0, {}, false, {slot_id{1}}, {{1, 2}}}));
  CHECK_FALSE(well_formed(slot_digests{{}, {}, 0, {}, false, {}, {{1, 2}}}));
  CHECK(well_formed(sample_entries()));
  auto e = sample_entries();
  e.fingerprints.pop_back();
  CHECK_FALSE(well_formed(e));
}

TEST_CASE("a few hostile bytes allocate no more than they are") {
  fixture f;
  // A batch whose list of operations claims four billion elements.
  auto bytes = f.encode(op_batch{});
  const auto list = bytes.size() - 2; // an empty list, an empty string
  bytes.resize(list);
  bytes.append("\xff\xff\xff\xff\x0f", 5);
  op_batch b;
  CHECK(f.decode(bytes, b) != caf::none);
  CHECK(b.ops.capacity() < 1024);
  // A string that claims four billion bytes.
  auto text = f.encode(config_value{member_id{1}, epoch{2}, ""});
  text.pop_back();
  text.append("\xff\xff\xff\xff\x0f", 5);
  config_value v;
  CHECK(f.decode(text, v) != caf::none);
  CHECK(v.bytes.capacity() < 1024);
  // A list of strings, likewise.
  auto wants = f.encode(slot_wants{});
  wants.pop_back();
  wants.append("\xff\xff\xff\xff\x0f", 5);
  slot_wants w;
  CHECK(f.decode(wants, w) != caf::none);
  CHECK(w.keys.capacity() < 1024);
}

TEST_CASE("damaged bytes never do more than fail or give other fields") {
  fixture f;
  const auto bytes = f.encode(sample_replies());
  std::size_t refused = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (const int bit : {0, 3, 7}) {
      auto damaged = bytes;
      damaged[i] = static_cast<char>(damaged[i] ^ (1 << bit));
      op_reply_batch b;
      if (f.decode(damaged, b) != caf::none || !well_formed(b))
        ++refused;
    }
  CHECK(refused > 0);
  CHECK(refused < bytes.size() * 3);
}

} // namespace torc
