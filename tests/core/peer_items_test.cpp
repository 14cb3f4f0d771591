#include "torc/core/peer_items.hpp"

#include <vector>

#include "support/catch.hpp"
#include "torc/core/stored_key.hpp"

using namespace torc;

namespace {

/// Slot 7629 is that of `k`.
const std::string key("\0\0\0\1\x1d\xcdk\0\0\0", 10);

std::string one_of_each() {
  std::string out;
  append_push(out, hlc_time{0x0102030405060708}, key, "entry");
  append_pull(out, incarnation{9}, "from", 2, 4);
  append_pull_end(out, incarnation{9}, "", true);
  return out;
}

std::size_t count_items(std::string_view bytes, bool& damaged) {
  peer_item_reader r{bytes};
  peer_item x;
  std::size_t n = 0;
  while (r.next(x))
    ++n;
  damaged = r.damaged();
  return n;
}

} // namespace

TEST_CASE("items of a peer batch have these bytes", "[peer_items]") {
  CHECK(one_of_each()
        == std::string("\1\x08\7\6\5\4\3\2\1\x0a", 10) + key + "\5entry"
             + std::string("\2\x09\0\0\0\2\0\4\0\4", 10) + "from"
             + std::string("\3\x09\0\0\0\1\0", 7));
}

TEST_CASE("items come back in order", "[peer_items]") {
  const auto bytes = one_of_each();
  peer_item_reader r{bytes};
  peer_item x;
  REQUIRE(r.next(x));
  CHECK(x.kind == peer_item_kind::push);
  CHECK(x.floor == hlc_time{0x0102030405060708});
  CHECK(x.key == key);
  CHECK(x.entry == "entry");
  REQUIRE(r.next(x));
  CHECK(x.kind == peer_item_kind::pull);
  CHECK(x.inc == incarnation{9});
  CHECK(x.key == "from");
  CHECK(x.shard == 2);
  CHECK(x.shards == 4);
  REQUIRE(r.next(x));
  CHECK(x.kind == peer_item_kind::pull_end);
  CHECK(x.inc == incarnation{9});
  CHECK(x.key.empty());
  CHECK(x.fresh);
  CHECK_FALSE(r.next(x));
  CHECK_FALSE(r.damaged());
  CHECK_FALSE(r.next(x));
}

TEST_CASE("a batch that is cut is damaged, after its whole items",
          "[peer_items]") {
  const auto bytes = one_of_each();
  std::vector<std::size_t> ends;
  std::string part;
  append_push(part, hlc_time{0x0102030405060708}, key, "entry");
  ends.push_back(part.size());
  append_pull(part, incarnation{9}, "from", 2, 4);
  ends.push_back(part.size());
  ends.push_back(bytes.size());
  for (std::size_t n = 0; n <= bytes.size(); ++n) {
    bool damaged = false;
    std::size_t whole = 0;
    bool at_end = n == 0;
    for (const auto e : ends) {
      whole += n >= e ? 1 : 0;
      at_end = at_end || n == e;
    }
    CHECK(count_items(std::string_view{bytes}.substr(0, n), damaged) == whole);
    CHECK(damaged == !at_end);
  }
}

TEST_CASE("items that mean nothing are refused", "[peer_items]") {
  const auto damaged = [](std::string_view bytes) {
    bool out = false;
    count_items(bytes, out);
    return out;
  };
  CHECK(damaged(std::string_view("\0", 1)));
  CHECK(damaged("\x04"));
  CHECK(damaged("\xff"));
  std::string s;
  append_push(s, {}, key.substr(0, stored_prefix_bytes), "entry");
  CHECK(damaged(s)); // no key behind the prefix
  s.clear();
  append_push(s, {}, std::string("\0\0\0\1\xff\xff", 6) + "k", "entry");
  CHECK(damaged(s)); // no such slot
  for (const auto& other :
       {std::string("\0\0\0\1\x1d\xcdl\0\0\0", 10), // of another slot
        key.substr(0, 9), key + "element", key + '\0'}) {
    s.clear();
    append_push(s, {}, other, "entry");
    CHECK(damaged(s));
  }
  s.clear();
  append_pull(s, incarnation{1}, "", 0, 0);
  CHECK(damaged(s));
  s.clear();
  append_pull(s, incarnation{1}, "", 4, 4);
  CHECK(damaged(s));
  // A length far beyond the end.
  CHECK(damaged(std::string("\1\0\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"
                            "\xff\x01",
                            19)));
}
