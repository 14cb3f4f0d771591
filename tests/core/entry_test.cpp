#include "torc/core/entry.hpp"

#include <algorithm>
#include <map>
#include <random>

#include "core/encoded_entry.hpp"
#include "core/numbered.hpp"
#include "support/catch.hpp"
#include "torc/core/byte_codec.hpp"
#include "torc/core/limits.hpp"

using namespace torc;
using torc::test::encoded;

namespace {

version simple_version() {
  version v;
  v.tag = {hlc_time{0x1122334455667788}, actor_id{3}};
  v.value = "value";
  return v;
}

key_state simple_state() {
  key_state s;
  s.rec.versions = {simple_version()};
  return s;
}

key_state full_state() {
  auto s = simple_state();
  s.rec.versions[0].expires_at = 0x0102030405060708;
  s.cb = {epoch{5}, hlc_time{6}, member_id{7}, 8};
  s.clean = true;
  s.tf = hlc_time{9};
  s.rec.ctx = {{actor_id{1}, hlc_time{10}},
               {strong_context_actor, hlc_time{11}}};
  s.rec.ops.entries = {{{12, 13, hlc_time{15}}, true},
                       {{12, 14, hlc_time{16}}, false}};
  s.rec.ops.floor = hlc_time{14};
  return s;
}

key_state sibling_state() {
  auto s = full_state();
  version tomb;
  tomb.tag = {hlc_time{0x1122334455667789}, actor_id{2}};
  tomb.tombstone = true;
  s.rec.versions.push_back(tomb);
  return s;
}

key_state empty_with_ops() {
  key_state s;
  s.rec.ops.floor = hlc_time{3};
  return s;
}

std::string sealed(std::string body) {
  append_checksum(body);
  return body;
}

/// What version 1 of the format wrote. Never change these: they are on disks.
std::map<std::string, std::pair<key_state, std::string>> golden() {
  const std::string tag("\x88\x77\x66\x55\x44\x33\x22\x11\x03\x00\x00\x00", 12);
  const std::string tag2("\x89\x77\x66\x55\x44\x33\x22\x11\x02\x00\x00\x00",
                         12);
  const std::string deadline("\x08\x07\x06\x05\x04\x03\x02\x01", 8);
  const std::string tf("\x09\0\0\0\0\0\0\0", 8);
  const std::string cb(
    "\x05\0\0\0\0\0\0\0\x06\0\0\0\0\0\0\0\x07\0\0\0\x08\0\0\0", 24);
  const std::string ctx("\x02"
                        "\x01\0\0\0\x0a\0\0\0\0\0\0\0"
                        "\0\0\0\x80\x0b\0\0\0\0\0\0\0",
                        25);
  const std::string ops(
    "\x0e\0\0\0\0\0\0\0\x02"
    "\x0c\0\0\0\0\0\0\0\x0d\0\0\0\0\0\0\0\x0f\0\0\0\0\0\0\0\x01"
    "\x0c\0\0\0\0\0\0\0\x0e\0\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\x00",
    59);
  const auto z = [](const char* s, std::size_t n) { return std::string(s, n); };
  return {
    {"simple", {simple_state(), sealed(z("\x01\0\0", 3) + tag + "value")}},
    {"full",
     {full_state(), sealed(z("\x01\x1f\x04", 3) + tag + deadline + tf + cb + ctx
                           + ops + "value")}},
    {"siblings",
     {sibling_state(),
      sealed(z("\x01\x3f", 2) + tf + cb + ctx + ops + "\x02\x04" + tag
             + deadline + "\x05value\x01" + tag2 + z("\0", 1))}},
    {"no version",
     {empty_with_ops(), sealed(z("\x01\x30\x03\0\0\0\0\0\0\0\0\0", 12))}},
  };
}

std::mt19937& random_source() {
  static std::mt19937 random{11};
  return random;
}

std::uint32_t draw(std::uint32_t below) {
  return static_cast<std::uint32_t>(random_source()() % below);
}

/// A random lww state over few tags, so that equal and unequal ones meet.
key_state random_state() {
  key_state s;
  if (draw(10) != 0) {
    version v;
    v.tag = {hlc_time{1 + draw(3)}, actor_id{1 + draw(2)}};
    v.tombstone = v.tag.h.value == 2;
    v.expires_at = v.tag.h.value == 3 ? 50 : 0;
    v.expired = v.expires_at != 0 && draw(2) == 0;
    if (v.live())
      v.value = test::numbered("v", v.tag.h.value * 10 + v.tag.actor.value);
    s.rec.versions.push_back(v);
  }
  if (draw(3) == 0)
    s.rec.ops.floor = hlc_time{1 + draw(3)};
  if (draw(3) == 0)
    s.cb = {epoch{1}, hlc_time{1 + draw(3)}, member_id{1}, 0};
  s.clean = !s.cb.none() && draw(2) == 0;
  if (draw(3) == 0)
    s.tf = hlc_time{1 + draw(5)};
  return s;
}

/// Protocol 6, `merge`, word by word.
key_state plain_merge(const key_state& mine, const key_state& other,
                      hlc_time floor) {
  const auto j = join(conflict_policy::lww, mine.rec, other.rec);
  auto out = mine;
  const bool c = other.clean;
  if (other.cb > mine.cb)
    out.clean = c && j == other.rec;
  else if (other.cb == mine.cb)
    out.clean = (mine.clean && j == mine.rec) || (c && j == other.rec);
  else
    out.clean = mine.clean && j == mine.rec;
  out.cb = std::max(mine.cb, other.cb);
  if (j != mine.rec)
    out.tf = floor;
  out.rec = j;
  return out;
}

} // namespace

TEST_CASE("entries have these bytes, and these bytes load for ever",
          "[entry]") {
  for (const auto& [name, x] : golden()) {
    INFO(name);
    CHECK(encoded(x.first) == x.second);
    const auto back = decode_entry(x.second);
    REQUIRE(back);
    CHECK(*back == x.first);
  }
}

TEST_CASE("a bit that rots, a cut and a byte too much are found", "[entry]") {
  for (const auto& [name, x] : golden()) {
    INFO(name);
    const auto& bytes = x.second;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
      auto bad = bytes;
      bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
      const auto seen = view_entry(bad);
      REQUIRE_FALSE(seen);
      REQUIRE(seen.error().code == errc::corrupt);
      REQUIRE_FALSE(decode_entry(bad));
      REQUIRE(entry_fingerprint("k", bad) == record_id{});
    }
    for (std::size_t n = 0; n < bytes.size(); ++n)
      REQUIRE_FALSE(view_entry(std::string_view{bytes}.substr(0, n)));
    REQUIRE_FALSE(view_entry(bytes + '\0'));
  }
}

TEST_CASE("an entry of a later format is refused and says why", "[entry]") {
  for (const auto& [name, x] : golden()) {
    INFO(name);
    auto later = x.second.substr(0, x.second.size() - 4);
    later[0] = 2;
    const auto r = decode_entry(sealed(later));
    REQUIRE_FALSE(r);
    CHECK_THAT(r.error().message, test::contains("unknown format version"));
  }
}

TEST_CASE("bytes with a right checksum that are no entry are refused",
          "[entry]") {
  const auto refused = [](std::string body) {
    const auto bytes = sealed(std::move(body));
    const auto seen = view_entry(bytes);
    const auto read = decode_entry(bytes);
    return !seen && !read && seen.error().code == errc::corrupt
           && read.error().code == errc::corrupt;
  };
  const std::string head("\0\1\0\0\0\0\0\0\0\1\0\0\0", 13);
  const auto z = [](const char* s, std::size_t n) { return std::string(s, n); };
  CHECK(refused(""));
  CHECK(refused(z("\x01", 1)));
  CHECK(refused(z("\x01\0", 2)));                           // no head
  CHECK(refused(z("\x02\0", 2) + head));                    // a later format
  CHECK(refused(z("\0\0", 2) + head));                      // an impossible one
  CHECK(refused(z("\x01\x40", 2) + head));                  // unknown presence
  CHECK(refused(z("\x01\0", 2) + "\x08" + head.substr(1))); // unknown flag
  CHECK(refused(z("\x01\0", 2) + "\x10" + head.substr(1))); // unknown type
  // What is said to be there must be there, and not be empty.
  CHECK(refused(z("\x01\0", 2) + "\x04" + head.substr(1)
                + z("\0\0\0\0\0\0\0\0", 8)));
  CHECK(refused(z("\x01\x01", 2) + head + z("\0\0\0\0\0\0\0\0", 8)));
  CHECK(refused(z("\x01\x02", 2) + head + std::string(24, '\0')));
  CHECK(refused(z("\x01\x08", 2) + head + z("\0", 1)));
  CHECK(refused(z("\x01\x10", 2) + head + std::string(9, '\0')));
  // Counts beyond their bounds, and beyond what is there.
  CHECK(refused(z("\x01\x08\0", 3) + head.substr(1) + "\xff\xff\xff\xff\x0f"));
  CHECK(refused(z("\x01\x20\xff\xff\xff\xff\x0f", 7)));
  CHECK(refused(z("\x01\x20\x02", 3) + head + z("\0", 1)));
  CHECK(refused(z("\x01\x20\x01", 3) + head + z("\0", 1))); // one is not many
  // Out of order: versions, context, operations.
  CHECK(refused(z("\x01\x20\x02", 3) + head + z("\0", 1) + head + z("\0", 1)));
  const std::string entry1("\2\0\0\0\1\0\0\0\0\0\0\0", 12);
  CHECK(refused(z("\x01\x08", 2) + head + "\x02" + entry1 + entry1));
  const std::string op1("\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0\1",
                        25);
  const std::string floor4("\4\0\0\0\0\0\0\0", 8);
  const std::string floor5("\5\0\0\0\0\0\0\0", 8);
  CHECK_FALSE(refused(z("\x01\x10", 2) + head + floor4 + "\x01" + op1));
  CHECK(refused(z("\x01\x10", 2) + head + floor4 + "\x02" + op1 + op1));
  CHECK(refused(z("\x01\x10", 2) + head + floor5 + "\x01" + op1));
  CHECK(refused(z("\x01\x10", 2) + head + floor4 + "\x01" + op1.substr(0, 24)
                + "\x02"));
}

TEST_CASE("a simple entry is seen in place", "[entry]") {
  version_head head;
  head.tag = {hlc_time{4}, actor_id{5}};
  head.expires_at = 100;
  std::string bytes = "before";
  encode_simple_entry(bytes, head, std::string_view("a\0b", 3));
  const auto entry = std::string_view{bytes}.substr(6);
  const auto seen = view_entry(entry);
  REQUIRE(seen);
  CHECK(seen->simple);
  CHECK(seen->head.tag == head.tag);
  CHECK(seen->head.expires_at == 100);
  CHECK(seen->value == std::string_view("a\0b", 3));
  CHECK(seen->value.data() > entry.data()); // no copy
  CHECK(seen->head.visible(99));
  CHECK_FALSE(seen->head.visible(100));
  key_state s;
  s.rec.versions.push_back(
    {head.tag, 100, value_type::string, false, false, std::string("a\0b", 3)});
  CHECK(encoded(s) == entry);
}

TEST_CASE("a view of more than one version shows the largest tag", "[entry]") {
  const auto bytes = encoded(sibling_state());
  const auto seen = view_entry(bytes);
  REQUIRE(seen);
  CHECK_FALSE(seen->simple);
  CHECK(seen->head.tombstone);
  CHECK(seen->head.tag == sibling_state().rec.versions[1].tag);
  // Decided operations without a version are no value.
  const auto none = view_entry(encoded(empty_with_ops()));
  REQUIRE(none);
  CHECK_FALSE(none->simple);
  CHECK_FALSE(none->head.visible(0));
}

TEST_CASE("states come back as they were stored", "[entry]") {
  for (int i = 0; i < 5000; ++i) {
    const auto s = random_state();
    const auto back = decode_entry(encoded(s));
    REQUIRE(back);
    REQUIRE(*back == s);
  }
  auto large = simple_state();
  large.rec.versions[0].value.assign(limits::value_bytes_max, 'x');
  const auto back = decode_entry(encoded(large));
  REQUIRE(back);
  CHECK(*back == large);
}

TEST_CASE("merging entries is the protocol's merge", "[entry]") {
  for (int i = 0; i < 20'000; ++i) {
    const auto mine = random_state();
    const auto other = random_state();
    const hlc_time floor{draw(2) * 7};
    const auto stored = mine.empty() && mine.tf.value == 0 ? "" : encoded(mine);
    const auto merged =
      merge_entries(conflict_policy::lww, stored, encoded(other), floor);
    REQUIRE(merged);
    const auto wanted = plain_merge(mine, other, floor);
    if (!*merged) {
      REQUIRE(wanted == mine);
      continue;
    }
    const auto got = decode_entry(**merged);
    REQUIRE(got);
    if (!stored.empty() || wanted.rec != mine.rec)
      REQUIRE(*got == wanted);
    REQUIRE(got->rec == wanted.rec);
    REQUIRE(got->cb == wanted.cb);
  }
}

TEST_CASE("replicas that merge the same entries agree", "[entry]") {
  for (int round = 0; round < 500; ++round) {
    std::vector<std::string> pushes;
    for (int i = 0; i < 5; ++i)
      pushes.push_back(encoded(random_state()));
    const auto fold = [&] {
      std::string stored;
      for (const auto& p : pushes) {
        auto next = merge_entries(conflict_policy::lww, stored, p, {});
        REQUIRE(next);
        if (*next)
          stored = **next;
      }
      return stored;
    };
    const auto a = fold();
    std::shuffle(pushes.begin(), pushes.end(), random_source());
    pushes.push_back(pushes.front()); // once more changes nothing
    const auto b = fold();
    REQUIRE(entry_fingerprint("key", a) == entry_fingerprint("key", b));
    REQUIRE(decode_entry(a)->rec == decode_entry(b)->rec);
  }
}

TEST_CASE("a merge names the side that is corrupt", "[entry]") {
  auto bad = encoded(simple_state());
  bad.back() = static_cast<char>(bad.back() ^ 1);
  const auto good = encoded(full_state());
  for (const hlc_time floor : {hlc_time{}, hlc_time{5}}) {
    for (const auto& [stored, received] :
         {std::pair{bad, good}, {good, bad}, {std::string{}, bad}}) {
      const auto r =
        merge_entries(conflict_policy::lww, stored, received, floor);
      REQUIRE_FALSE(r);
      CHECK(r.error().code == errc::corrupt);
    }
  }
  const auto nothing = merge_entries(conflict_policy::lww, good, "", {});
  REQUIRE(nothing);
  CHECK_FALSE(*nothing);
}

TEST_CASE("a fingerprint covers key, record and cb, not tf and clean",
          "[entry]") {
  const auto of = [](const key_state& s, std::string_view key = "key") {
    return entry_fingerprint(key, encoded(s));
  };
  const auto s = simple_state();
  auto x = s;
  x.tf = hlc_time{4};
  CHECK(of(x) == of(s)); // the long way round gives the same
  x.rec.versions[0].value = "other";
  CHECK(of(x) == of(s));
  CHECK(of(s, "kez") != of(s));
  x = s;
  x.cb = {epoch{1}, hlc_time{1}, member_id{1}, 0};
  CHECK(of(x) != of(s));
  auto y = x;
  y.clean = true;
  CHECK(of(y) == of(x));
  x = s;
  ++x.rec.versions[0].tag.h.value;
  CHECK(of(x) != of(s));
  x = s;
  x.rec.versions[0].expired = true;
  CHECK(of(x) != of(s));
  x = s;
  x.rec.ops.floor = hlc_time{1};
  CHECK(of(x) != of(s));
  // Golden: replicas of different builds compare these.
  CHECK(of(s) == record_id{0x0581dff2c5c73a53u, 0x8d277593a8a0350fu});
}
