#include "torc/core/scan_page.hpp"

#include "support/catch.hpp"

using namespace torc;

namespace {

std::string page_of(const positioned_keys& keys) {
  std::string out;
  for (const auto& [at, key] : keys)
    append_to_scan_page(out, unpack_scan_position(at), key);
  return out;
}

const positioned_keys three{
  {pack({5, 7}), "a"}, {pack({5, 7}), ""}, {pack({6, 0}), "c"}};

} // namespace

TEST_CASE("a page of keys comes back", "[scan_page]") {
  positioned_keys out{{1, "before"}};
  REQUIRE(read_scan_page(page_of(three), {5, 0}, 7, out));
  REQUIRE(out.size() == 4);
  CHECK(positioned_keys(out.begin() + 1, out.end()) == three);
  CHECK(read_scan_page("", {5, 0}, 7, out));
  CHECK(out.size() == 4);
}

TEST_CASE("a page that was cut off adds nothing", "[scan_page]") {
  const auto page = page_of(three);
  positioned_keys out{{1, "before"}};
  std::size_t whole = 0;
  for (std::size_t n = 1; n < page.size(); ++n)
    if (read_scan_page(std::string_view{page}.substr(0, n), {5, 0}, 7, out)) {
      ++whole; // between two keys
      out.resize(1);
    } else {
      REQUIRE(out.size() == 1);
    }
  CHECK(whole == 2);
}

TEST_CASE("keys out of order or not asked for are refused", "[scan_page]") {
  positioned_keys out;
  CHECK_FALSE(read_scan_page(page_of(three), {5, 8}, 7, out));
  CHECK_FALSE(read_scan_page(page_of(three), {5, 0}, 6, out));
  CHECK_FALSE(read_scan_page(page_of({three[2], three[0]}), {5, 0}, 7, out));
  CHECK(out.empty());
}
