#include "torc/core/hello.hpp"

#include "support/catch.hpp"

using namespace torc;

namespace {

hello example() {
  hello h;
  for (std::uint8_t i = 0; i < 16; ++i)
    h.cluster.bytes[i] = i;
  h.member = member_id{2};
  h.shards = 4;
  h.wall = 1'800'000'000'000;
  h.founders_digest = 0x1122334455667788;
  return h;
}

hello_expectation expectation() {
  cluster_config c;
  c.epoch = epoch{7};
  c.members = {{member_id{1}, "n1", "", "", "", "", 100, {}},
               {member_id{2}, "n2", "", "", "", "", 100, {}}};
  c.lost = {member_id{5}};
  hello_expectation mine;
  mine.own = example();
  mine.own.member = member_id{1};
  mine.max_skew_ms = 500;
  mine.config = std::make_shared<const cluster_config>(std::move(c));
  return mine;
}

std::string refusal(const hello& peer) {
  const auto r = check_hello(peer, expectation());
  if (r)
    return "";
  CHECK(r.error().code == errc::refused);
  return r.error().message;
}

} // namespace

TEST_CASE("a hello has these bytes and comes back", "[hello]") {
  const auto bytes = encode_hello(example());
  CHECK(bytes
        == std::string("\x01" // format
                       "\x01\x00"
                       "\x00\x01\x02\x03\x04\x05\x06\x07"
                       "\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
                       "\x02\x00\x00\x00"
                       "\x04\x00"
                       "\x00\x50\x5c\x18\xa3\x01\x00\x00"
                       "\x88\x77\x66\x55\x44\x33\x22\x11",
                       41));
  const auto back = decode_hello(bytes);
  REQUIRE(back);
  CHECK(*back == example());
}

TEST_CASE("a hello that is cut off, too long or senseless is refused",
          "[hello]") {
  const auto bytes = encode_hello(example());
  for (std::size_t n = 0; n < bytes.size(); ++n)
    CHECK_FALSE(decode_hello(std::string_view{bytes}.substr(0, n)));
  CHECK_FALSE(decode_hello(bytes + "x"));
  CHECK_FALSE(decode_hello(std::string(1024, '\1')));
  for (const auto id : {0u, strong_actor_bit, ~0u}) {
    auto h = example();
    h.member = member_id{id};
    CHECK_FALSE(decode_hello(encode_hello(h)));
  }
  auto h = example();
  h.shards = 0;
  CHECK_FALSE(decode_hello(encode_hello(h)));
}

TEST_CASE("a hello of another format says which", "[hello]") {
  auto bytes = encode_hello(example());
  bytes[0] = 9;
  const auto r = decode_hello(bytes);
  REQUIRE_FALSE(r);
  CHECK(r.error().code == errc::refused);
  CHECK_THAT(r.error().message, test::contains("format 9"));
}

TEST_CASE("members that fit are let in", "[hello]") {
  CHECK(refusal(example()).empty());
  auto new_here = example();
  new_here.cluster = {};
  CHECK(refusal(new_here).empty());
  for (const auto wall : {example().wall - 500, example().wall + 500}) {
    auto h = example();
    h.wall = wall;
    CHECK(refusal(h).empty());
  }
}

TEST_CASE("each reason to refuse a peer has its own words", "[hello]") {
  auto h = example();
  h.cluster.bytes[15] = 0xff;
  CHECK_THAT(refusal(h),
             test::contains("cluster 000102030405060708090a0b0c0d0eff"));
  h = example();
  ++h.version;
  CHECK_THAT(refusal(h), test::contains("wire version"));
  h = example();
  ++h.founders_digest;
  CHECK_THAT(refusal(h), test::contains("founders"));
  for (const auto wall : {example().wall - 501, example().wall + 501}) {
    h = example();
    h.wall = wall;
    CHECK_THAT(refusal(h), test::contains("501 ms"));
  }
  h = example();
  h.member = member_id{3};
  CHECK_THAT(refusal(h), test::contains("member 3 is not in the config"));
  h.member = member_id{5};
  CHECK_THAT(refusal(h), test::contains("member 5 is listed as lost"));
}

TEST_CASE("without a config no member is unknown", "[hello]") {
  auto mine = expectation();
  mine.config = nullptr;
  auto h = example();
  h.member = member_id{9};
  CHECK(check_hello(h, mine));
}
