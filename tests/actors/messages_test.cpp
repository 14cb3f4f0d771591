// What travels between members: every message there and back, the bytes of wire
// version 1, and what hostile bytes do.
#include <caf/all.hpp>
#include <caf/scheduler/test_coordinator.hpp>
#include <fmt/format.h>

#include "support/catch.hpp"
#include "torc/messages/client.hpp"
#include "torc/messages/interfaces.hpp"

namespace torc {
namespace {

struct messages_config : caf::actor_system_config {
  messages_config() {
    register_messages(*this);
    set("scheduler.policy", caf::atom("testing"));
  }
};

struct fixture {
  messages_config cfg;
  caf::actor_system sys{cfg};

  template <class T>
  std::string encode(const T& x) {
    std::vector<char> out;
    caf::binary_serializer sink{sys, out};
    T copy = x;
    REQUIRE(sink(copy) == caf::none);
    return {out.begin(), out.end()};
  }

  template <class T>
  caf::error decode(const std::string& bytes, T& x) {
    caf::binary_deserializer source{sys, bytes.data(), bytes.size()};
    return source(x);
  }

  /// As CAF sends it: with the type's name.
  template <class T>
  caf::message through_message(const T& x) {
    auto out = caf::make_message(x);
    std::vector<char> bytes;
    caf::binary_serializer sink{sys, bytes};
    REQUIRE(sink(out) == caf::none);
    caf::message in;
    caf::binary_deserializer source{sys, bytes.data(), bytes.size()};
    REQUIRE(source(in) == caf::none);
    return in;
  }
};

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) {
    constexpr auto digits = "0123456789abcdef";
    out += digits[static_cast<unsigned char>(c) >> 4];
    out += digits[c & 15];
  }
  return out;
}

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

client_request sample_request() {
  client_request r;
  r.kind = op_kind::put;
  r.flags = op_flag::return_value;
  r.level_given = true;
  r.level = consistency::strong;
  r.keyspace = "ks";
  r.key = "key";
  r.value = "value";
  r.deadline = 55;
  r.cursor = 66;
  r.count = 7;
  r.clock = hlc_time{77};
  return r;
}

client_reply sample_reply() {
  client_reply r;
  r.status = errc::try_again;
  r.text = "why";
  r.found = true;
  r.synced = false;
  r.level = consistency::weak;
  r.version = {hlc_time{1234}, actor_id{3}};
  r.expires_at = 55;
  r.clock = hlc_time{77};
  r.number = 66;
  r.value = "value";
  r.keys = {"k1", "k2"};
  return r;
}

/// Handles of actors that do nothing.
peer_roles sample_roles(caf::actor_system& sys) {
  const auto shard = [&sys]() -> storage_node_port {
    return sys.spawn([]() -> storage_node_port::behavior_type {
      return {[](const op_batch&) {}, [](const peer_batch&) {}};
    });
  };
  const synchronizer_port synchronizer =
    sys.spawn([]() -> synchronizer_port::behavior_type {
      return {[](const compare_offer&) {}, [](const slot_digests&) {},
              [](const slot_entries&) {}, [](const slot_wants&) {}};
    });
  return {member_id{1}, {shard(), shard()}, synchronizer};
}

/// A handle as CAF writes it: actor, "default", process, host.
template <class Handle>
std::string hex_of_handle(caf::actor_system& sys, const Handle& who) {
  const auto& node =
    static_cast<const caf::node_id::default_data&>(*sys.node());
  auto out =
    fmt::format("{:016x}00003e9aab9bac79{:08x}", who.id(), node.process_id());
  for (const auto b : node.host_id())
    out += fmt::format("{:02x}", b);
  return out;
}

template <class T>
void check_round_trip(fixture& f, const T& x) {
  const auto bytes = f.encode(x);
  T back;
  CHECK(f.decode(bytes, back) == caf::none);
  CHECK(f.encode(back) == bytes);
  // An empty one has other bytes.
  CHECK(f.encode(T{}) != bytes);
  // Through the type's name, as between processes.
  const auto m = f.through_message(x);
  REQUIRE(m.size() == 1);
  REQUIRE(m.template match_element<T>(0));
  CHECK(f.encode(m.template get_as<T>(0)) == bytes);
  // Cut off anywhere, it is refused.
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    T cut;
    if (f.decode(bytes.substr(0, n), cut) == caf::none)
      FAIL_CHECK("accepted " << n << " of " << bytes.size() << " bytes");
  }
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
  check_round_trip(f, sample_request());
  check_round_trip(f, sample_reply());
}

TEST_CASE("handles of a member's roles come back and their bytes are frozen") {
  fixture f;
  f.sys.await_actors_before_shutdown(false);
  const auto roles = sample_roles(f.sys);
  check_round_trip(f, roles);
  CHECK(hex(f.encode(roles))
        == "0000000102" + hex_of_handle(f.sys, roles.shards[0])
             + hex_of_handle(f.sys, roles.shards[1])
             + hex_of_handle(f.sys, roles.synchronizer));
  peer_roles back;
  REQUIRE(f.decode(f.encode(roles), back) == caf::none);
  CHECK(back.member == roles.member);
  CHECK((back.shards == roles.shards));
  CHECK((back.synchronizer == roles.synchronizer));
  for (const auto& s : roles.shards)
    caf::anon_send_exit(s, caf::exit_reason::kill);
  caf::anon_send_exit(roles.synchronizer, caf::exit_reason::kill);
  dynamic_cast<caf::scheduler::test_coordinator&>(f.sys.scheduler()).run();
}

TEST_CASE("the bytes of wire version 1 are frozen") {
  fixture f;
  STATIC_REQUIRE(wire_version == 1);
  CHECK(hex(f.encode(sample_ops()))
        == "00010000000000000007010203040506070800000000000000630200"
           "0000000000000b020000033039000000050000000300000005000001"
           "8bcfe568000000000000000015000000000000001640000000000000"
           "00000b0000000330390000000500000005000000000000018bcfe568"
           "000000000000000015000000000000001640000d6b657976616c7565"
           "6f74686572");
  CHECK(hex(f.encode(sample_replies()))
        == "00010000000000000008000000000000004d00000003000201000000"
           "000000000b0800050000000000000004d20000000300000000000000"
           "37000000000000004200000007077061796c6f6164");
  CHECK(hex(f.encode(sample_peer()))
        == "00010000000200010000000000000003000000000000000400000000"
           "00000005000000000000000600000000000000070000000000000008"
           "03610062");
  CHECK(hex(f.encode(
          compare_offer{member_id{1}, epoch{2}, 3, {incarnation{4}}, {{5, 6}}}))
        == "00000001000000000000000200000000000000030100000004010000"
           "0000000000050000000000000006");
  CHECK(
    hex(f.encode(slot_digests{
      member_id{1}, epoch{2}, 3, incarnation{4}, true, {slot_id{5}}, {{6, 7}}}))
    == "00000001000000000000000200000000000000030000000401010005"
       "0100000000000000060000000000000007");
  CHECK(hex(f.encode(sample_entries()))
        == "00000001000000000000000200000000000000030000000400050166"
           "017502026b31026b3202000000000000000100000000000000020000"
           "0000000000030000000000000004");
  CHECK(hex(f.encode(slot_wants{
          member_id{1}, epoch{2}, incarnation{3}, slot_id{4}, {"key"}}))
        == "00000001000000000000000200000003000401036b6579");
  CHECK(hex(f.encode(register_letter{member_id{1}, epoch{2}, "bytes"}))
        == "000000010000000000000002056279746573");
  CHECK(hex(f.encode(config_beat{member_id{1}, epoch{2}, hlc_time{3}}))
        == "0000000100000000000000020000000000000003");
  CHECK(hex(f.encode(config_fetch{member_id{1}, epoch{2}}))
        == "000000010000000000000002");
  CHECK(hex(f.encode(config_value{member_id{1}, epoch{2}, "bytes"}))
        == "000000010000000000000002056279746573");
  CHECK(hex(f.encode(sample_request()))
        == "0200020102026b73036b65790576616c75650000000000000037"
           "000000000000004200000007000000000000004d");
  CHECK(hex(f.encode(sample_reply()))
        == "08037768790100000000000000000004d2000000030000000000"
           "000037000000000000004d00000000000000420576616c756502"
           "026b31026b32");
}

TEST_CASE("a batch is well formed if its lengths and kinds make sense") {
  auto b = sample_ops();
  CHECK(well_formed(b));
  CHECK(well_formed(op_batch{}));
  SECTION("too few bytes") {
    b.bytes.pop_back();
    CHECK_FALSE(well_formed(b));
  }
  SECTION("too many bytes") {
    b.bytes.push_back('x');
    CHECK_FALSE(well_formed(b));
  }
  SECTION("lengths that overflow 32 bits") {
    b.ops[0].key_bytes = 0xffff'ffff;
    b.ops[1].key_bytes = 9;
    b.ops[0].value_bytes = 0;
    CHECK_FALSE(well_formed(b));
  }
  SECTION("unknown kind") {
    b.ops[1].kind = static_cast<op_kind>(op_kind_count);
    CHECK_FALSE(well_formed(b));
  }
  SECTION("unknown level") {
    b.ops[1].level = static_cast<consistency>(3);
    CHECK_FALSE(well_formed(b));
  }
  SECTION("a slot that does not exist") {
    b.ops[1].slot = slot_id{slot_count};
    CHECK_FALSE(well_formed(b));
    b.ops[1].slot = slot_id{0};
    b.ops[1].end_slot = slot_count + 1;
    CHECK_FALSE(well_formed(b));
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
