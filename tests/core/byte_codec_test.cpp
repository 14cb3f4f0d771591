#include "torc/core/byte_codec.hpp"

#include "support/catch.hpp"

using namespace torc;

namespace {

std::string written(std::uint64_t x) {
  std::string out;
  byte_writer{out}.varint(x);
  return out;
}

} // namespace

TEST_CASE("integers are little-endian and come back", "[byte_codec]") {
  std::string out;
  byte_writer w{out};
  w.u8(0xfe);
  w.u16(0x0102);
  w.u32(0x03040506);
  w.u64(0x0708090a0b0c0d0e);
  w.bytes("abc");
  w.bytes("");
  CHECK(out
        == std::string("\xfe\x02\x01\x06\x05\x04\x03"
                       "\x0e\x0d\x0c\x0b\x0a\x09\x08\x07\x03"
                       "abc\0",
                       20));
  byte_reader r{out};
  CHECK(r.u8() == 0xfe);
  CHECK(r.u16() == 0x0102);
  CHECK(r.u32() == 0x03040506);
  CHECK(r.u64() == 0x0708090a0b0c0d0e);
  CHECK(r.bytes() == "abc");
  CHECK_FALSE(r.done());
  CHECK(r.bytes().empty());
  CHECK(r.done());
}

TEST_CASE("varints of all lengths come back", "[byte_codec]") {
  for (unsigned bit = 0; bit < 64; ++bit)
    for (const auto x : {(1ull << bit) - 1, 1ull << bit, (1ull << bit) + 1}) {
      const auto bytes = written(x);
      byte_reader r{bytes};
      REQUIRE(r.varint() == x);
      REQUIRE(r.done());
    }
  CHECK(written(0).size() == 1);
  CHECK(written(127).size() == 1);
  CHECK(written(128).size() == 2);
  CHECK(written(~0ull).size() == 10);
}

TEST_CASE("a varint above 64 bits or without an end is refused",
          "[byte_codec]") {
  for (const auto& bytes :
       {std::string(10, '\xff'), std::string(9, '\xff') + "\x02",
        std::string(20, '\x80'), std::string("\x80"), std::string{}}) {
    byte_reader r{bytes};
    CHECK(r.varint() == 0);
    CHECK_FALSE(r.ok());
  }
}

TEST_CASE("a varint that is longer than need be is refused", "[byte_codec]") {
  for (const auto& bytes :
       {std::string("\x82\0", 2), std::string("\x80\0", 2),
        std::string("\xff\x80\0", 3), std::string(9, '\xff') + '\0'}) {
    byte_reader r{bytes};
    CHECK(r.varint() == 0);
    CHECK_FALSE(r.ok());
  }
  const std::string zero(1, '\0');
  byte_reader r{zero};
  CHECK(r.varint() == 0);
  CHECK(r.done());
}

TEST_CASE("a cut-off input fails for good and gives zero", "[byte_codec]") {
  std::string whole;
  byte_writer w{whole};
  w.u32(7);
  w.bytes("hello");
  w.u64(9);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    byte_reader r{std::string_view{whole}.substr(0, n)};
    (void)r.u32();
    (void)r.bytes();
    CHECK(r.u64() == 0);
    CHECK_FALSE(r.ok());
    CHECK(r.u8() == 0);
    CHECK(r.rest().empty());
    CHECK_FALSE(r.done());
  }
}

TEST_CASE("a length beyond the input is refused however large",
          "[byte_codec]") {
  for (const auto n : {4ull, 1ull << 32, ~0ull}) {
    const auto bytes = written(n) + "abc";
    byte_reader r{bytes};
    CHECK(r.bytes().empty());
    CHECK_FALSE(r.ok());
  }
}

TEST_CASE("a checksum finds every changed bit", "[byte_codec]") {
  std::string bytes = "prefix";
  bytes += "some bytes";
  append_checksum(bytes, 6);
  const auto sealed = bytes.substr(6);
  REQUIRE(checked_body(sealed) == "some bytes");
  for (std::size_t i = 0; i < sealed.size() * 8; ++i) {
    auto bad = sealed;
    bad[i / 8] = static_cast<char>(bad[i / 8] ^ (1 << (i % 8)));
    CHECK(checked_body(bad) == std::nullopt);
  }
  for (std::size_t n = 0; n < sealed.size(); ++n)
    CHECK(checked_body(std::string_view{sealed}.substr(0, n)) == std::nullopt);
}
