#include "torc/core/config_codec.hpp"

#include <random>

#include "core/config_examples.hpp"
#include "support/catch.hpp"
#include "torc/core/byte_codec.hpp"

using namespace torc;
using namespace torc::test;

namespace {

std::string broken(const cluster_config& c) {
  const auto checked = check_config(c);
  const auto decoded = decode_config(encode_config(c));
  // What may not be, is not read from another member either.
  CHECK(decoded.has_value() == checked.has_value());
  if (checked)
    return "";
  CHECK(checked.error().code == errc::invalid_argument);
  CHECK(decoded.error().code == errc::corrupt);
  return checked.error().message;
}

template <class Change>
std::string broken_by(Change change) {
  auto c = rich_config();
  change(c);
  return broken(c);
}

/// The smallest config, with a group that one member holds.
cluster_config smallest_config() {
  cluster_config c;
  c.epoch = epoch{3};
  for (std::uint8_t i = 0; i < 16; ++i)
    c.id.bytes[i] = i;
  c.members = {{member_id{1}, "n1", "d:1", "r:1", "h:1", "z", 100, {}}};
  c.lost = {member_id{5}};
  c.voters = {member_id{1}};
  c.changes = {{300, member_id{1}}};
  placement_group g;
  g.id = 0;
  g.replicas = 3;
  g.assignments = {{epoch{2}, {member_id{1}}, {}, {}}};
  g.slots.assign(slot_count, 0);
  c.groups = {g};
  keyspace_info k;
  k.name = "default";
  k.inc = incarnation{1};
  k.replicas = 3;
  c.keyspaces = {k};
  c.next_incarnation = incarnation{2};
  c.hlc = hlc_time{0x0102030405060708};
  c.founders_digest = 0x1112131415161718;
  return c;
}

} // namespace

TEST_CASE("a config has these bytes", "[config_codec]") {
  const auto z = [](const char* s, std::size_t n) { return std::string(s, n); };
  auto bytes = z("\1\3", 2) + z("\0\1\2\3\4\5\6\7\x8\x9\xa\xb\xc\xd\xe\xf", 16)
               + z("\1\1\2n1\3d:1\3r:1\3h:1\1z\x64\0", 21) // members
               + z("\1\5", 2)                              // lost
               + z("\1\1\0\0\0", 5)                        // voters
               + z("\1\xac\2\1", 4)                        // changes
               + z("\1\0\3\0\1\2\1\1\0\0\0\x80\x80\1", 14) // groups
               + z("\1\7default\0\1\0\3\1\0\1\0\0", 18)    // keyspaces
               + z("\2\0\x96\1\xf4\3", 6)                  // settings
               + z("\x8\7\6\5\4\3\2\1", 8)
               + z("\x18\x17\x16\x15\x14\x13\x12\x11", 8);
  append_checksum(bytes);
  CHECK(encode_config(smallest_config()) == bytes);
  const auto back = decode_config(bytes);
  REQUIRE(back);
  CHECK(*back == smallest_config());
}

TEST_CASE("configs come back whole", "[config_codec]") {
  for (const auto& c :
       {rich_config(), config_of(1), config_of(40, true), smallest_config()}) {
    const auto back = decode_config(encode_config(c));
    REQUIRE(back);
    CHECK(*back == c);
  }
}

TEST_CASE("the largest cluster's config is read", "[config_codec]") {
  const auto c = config_of(limits::members_max);
  const auto bytes = encode_config(c);
  CHECK(bytes.size() < config_bytes_max / 10);
  const auto back = decode_config(bytes);
  REQUIRE(back);
  CHECK(*back == c);
}

TEST_CASE("a config that rots or is cut is refused", "[config_codec]") {
  const auto bytes = encode_config(smallest_config());
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    auto bad = bytes;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    const auto r = decode_config(bad);
    REQUIRE_FALSE(r);
    REQUIRE(r.error().code == errc::corrupt);
  }
  for (std::size_t n = 0; n < bytes.size(); ++n)
    REQUIRE_FALSE(decode_config(std::string_view{bytes}.substr(0, n)));
}

TEST_CASE("hostile configs with right checksums are refused or sound",
          "[config_codec]") {
  const auto good = encode_config(rich_config());
  const auto body = good.substr(0, good.size() - checksum32_bytes);
  std::mt19937 random{23};
  std::size_t accepted = 0;
  for (int i = 0; i < 4000; ++i) {
    auto bad = body;
    for (auto n = 1 + random() % 3; n > 0; --n)
      bad[random() % bad.size()] = static_cast<char>(random());
    if (random() % 4 == 0)
      bad.resize(random() % bad.size());
    append_checksum(bad);
    const auto r = decode_config(bad);
    if (!r)
      continue;
    ++accepted;
    REQUIRE(check_config(*r));
    REQUIRE(decode_config(encode_config(*r)).value() == *r);
  }
  CHECK(accepted > 0);
  // Counts that promise more than there is.
  std::string many("\1\1", 2);
  many.append(16, '\0').append("\xe8\7", 2); // 1000 members
  append_checksum(many);
  CHECK_FALSE(decode_config(many));
  std::string version = body;
  version[0] = 2;
  append_checksum(version);
  const auto later = decode_config(version);
  REQUIRE_FALSE(later);
  CHECK_THAT(later.error().message, contains("format version"));
  CHECK_FALSE(decode_config(body + "x"));
  CHECK_FALSE(decode_config(std::string(config_bytes_max + 1, '\1')));
}

TEST_CASE("every rule of a config has words of its own", "[config_codec]") {
  CHECK(broken(rich_config()).empty());
  using c_t = cluster_config;
  const auto& says = [](auto change, const char* text) {
    const auto got = broken_by(change);
    INFO(got);
    CHECK(got.find(text) != std::string::npos);
  };
  says([](c_t& c) { c.epoch = epoch{0}; }, "epochs begin");
  says([](c_t& c) { c.next_incarnation = incarnation{0}; }, "incarnations");
  says([](c_t& c) { c.max_skew_ms = 0; }, "max_skew_ms");
  says([](c_t& c) { c.virtual_nodes = 0; }, "virtual_nodes");
  says([](c_t& c) { c.members.clear(); }, "1 to 1000 members");
  says([](c_t& c) { std::swap(c.members[0], c.members[1]); }, "ordered by id");
  says([](c_t& c) { c.members[1].name = "n1"; }, "two members are named");
  says([](c_t& c) { c.members[1].name = "n 1"; }, "a name has");
  says([](c_t& c) { c.members[1].door = "a b"; }, "an address");
  says([](c_t& c) { c.members[1].zone = "a\n"; }, "a zone");
  says([](c_t& c) { c.members[1].weight = 0; }, "weight");
  says([](c_t& c) { c.lost = {member_id{3}}; }, "is lost");
  says([](c_t& c) { c.lost = {member_id{9}, member_id{8}}; }, "out of order");
  says([](c_t& c) { c.voters.clear(); }, "voters must be members");
  says([](c_t& c) { c.voters = {member_id{8}}; }, "voters must be members");
  says([](c_t& c) { c.voters_next = c.voters; }, "the present ones");
  says(
    [](c_t& c) {
      c.parent_voters = {member_id{2}, member_id{1}};
    },
    "out of order");
  says([](c_t& c) { c.changes.assign(2, {1, member_id{1}}); }, "remembered");
  says(
    [](c_t& c) {
      c.changes = {{~std::uint64_t{0}, member_id{1}}};
    },
    "impossible ballot");
  says([](c_t& c) { c.groups[0].assignments[0].q = epoch{99}; }, "lies ahead");
  says([](c_t& c) { c.groups[0].assignments[0].reps.clear(); }, "replicas");
  says([](c_t& c) { c.groups[0].assignments[0].reps.assign(2, member_id{1}); },
       "twice");
  says([](c_t& c) { c.groups[0].assignments[0].reps = {member_id{7}}; },
       "no member");
  says(
    [](c_t& c) {
      c.groups[0].assignments[0].drain = {c.groups[0].assignments[0].reps[0]};
    },
    "twice");
  says([](c_t& c) { c.groups[0].slots.back() = 9999; }, "has no list");
  says([](c_t& c) { c.groups[0].slots.pop_back(); }, "does not say who");
  says([](c_t& c) { c.groups[1].id = c.groups[0].id; }, "out of order");
  says([](c_t& c) { c.groups[1].replicas = c.groups[0].replicas; },
       "of one kind");
  says([](c_t& c) { c.keyspaces[1].name = "default"; }, "two keyspaces");
  says([](c_t& c) { c.keyspaces[1].db = 0; }, "ordered by db");
  says([](c_t& c) { c.keyspaces[1].db = 256; }, "db must be below");
  says([](c_t& c) { c.keyspaces[1].inc = c.keyspaces[0].inc; }, "shares");
  says([](c_t& c) { c.keyspaces[1].inc = c.next_incarnation; },
       "no such incarnation");
  says([](c_t& c) { c.keyspaces[1].group = 7; }, "no such placement group");
  says([](c_t& c) { c.keyspaces[1].policy = conflict_policy::siblings; },
       "survives a restart");
}

TEST_CASE("cluster ids are written in hex", "[config]") {
  cluster_id id;
  for (std::uint8_t i = 0; i < 16; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(i * 17);
  CHECK(to_string(id) == "00112233445566778899aabbccddeeff");
  CHECK(parse_cluster_id(to_string(id)) == id);
  CHECK(parse_cluster_id("00112233445566778899AABBCCDDEEFF") == id);
  CHECK_FALSE(parse_cluster_id(""));
  CHECK_FALSE(parse_cluster_id("00112233445566778899aabbccddeef"));
  CHECK_FALSE(parse_cluster_id("00112233445566778899aabbccddeefg"));
  CHECK_FALSE(parse_cluster_id("00112233445566778899aabbccddeeff0"));
}
