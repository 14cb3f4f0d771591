#pragma once

#include <chrono>
#include <set>
#include <thread>

#include "support/catch.hpp"
#include "torc/client.hpp"

namespace torc::test {

/// True as soon as `holds` does; false if it does not within ten seconds.
template <class F>
bool eventually(F holds) {
  for (int i = 0; i < 1000; ++i) {
    if (holds())
      return true;
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
  }
  return false;
}

// What any program may do with a client, whatever it is connected to. Writes
// into an empty keyspace, with one node's answers.
namespace client_program {

inline void values(client& c) {
  const auto none = c.get("k");
  REQUIRE(none);
  CHECK_FALSE(*none);

  const auto put = c.put("k", "v");
  REQUIRE(put);
  CHECK(put->changed);
  CHECK(put->info.level == consistency::eventual);
  CHECK(put->info.expires_at_ms == 0);
  CHECK(put->info.version.h.value != 0);
  CHECK(c.session() >= put->info.version.h);

  const auto got = c.get("k");
  REQUIRE(got);
  CHECK(got->value == "v");
  CHECK(got->info.version == put->info.version);

  const std::string binary{"\0\r\n\xff", 4};
  const auto weak = c.put(binary, binary, {.level = consistency::weak});
  REQUIRE(weak);
  CHECK(weak->info.level == consistency::weak);
  CHECK(c.get(binary)->value == binary);

  const auto removed = c.remove("k");
  REQUIRE(removed);
  CHECK(removed->found);
  CHECK(removed->changed);
  CHECK(removed->info.version > put->info.version);
  CHECK_FALSE(c.get("k")->value);
  CHECK_FALSE(c.remove("k")->found);
  REQUIRE(c.remove(binary));
}

inline void deadlines(client& c) {
  using namespace std::chrono_literals;
  const auto until = c.put("t", "v", {.ttl = 1h});
  REQUIRE(until);
  CHECK(until->info.expires_at_ms != 0);
  auto left = c.ttl("t");
  REQUIRE(left);
  REQUIRE(*left);
  CHECK(**left > 59min);
  CHECK(**left <= 1h);
  REQUIRE(c.put("t", "w", {.keep_deadline = true}));
  CHECK(c.get("t")->info.expires_at_ms == until->info.expires_at_ms);
  const auto sooner = c.expire("t", 2h, expire_when::earlier);
  REQUIRE(sooner);
  CHECK_FALSE(sooner->changed);
  CHECK(sooner->found);
  CHECK(c.expire("t", 2h)->changed);
  CHECK(c.persist("t")->changed);
  left = c.ttl("t");
  REQUIRE(left);
  CHECK_FALSE(*left);
  REQUIRE(c.expire("t", 0ms));
  CHECK_FALSE(c.get("t")->value);
  const auto nothing = c.ttl("t");
  REQUIRE_FALSE(nothing);
  CHECK(nothing.error().code == errc::not_found);
}

/// Many at once, answered in order; leaves a thousand keys.
inline void many(client& c) {
  std::vector<std::pair<std::string, std::string>> entries;
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; ++i) {
    keys.push_back("many:" + std::to_string(i));
    entries.emplace_back(keys.back(), std::to_string(i));
  }
  for (const auto& r : c.mput(entries))
    REQUIRE(r);
  const auto values = c.mget(keys);
  REQUIRE(values.size() == keys.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    REQUIRE(values[i]);
    CHECK(values[i]->value == entries[i].second);
  }
  auto last = c.async_put("same", "0");
  for (int i = 1; i < 100; ++i)
    last = c.async_put("same", std::to_string(i));
  REQUIRE(last.get());
  CHECK(c.get("same")->value == "99");
  REQUIRE(c.async_remove("same").get());

  std::set<std::string> found;
  std::uint64_t cursor = 0;
  do {
    const auto page = c.scan(cursor, 50);
    REQUIRE(page);
    found.insert(page->keys.begin(), page->keys.end());
    cursor = page->cursor;
  } while (cursor != 0);
  CHECK(found == std::set<std::string>(keys.begin(), keys.end()));
}

inline void errors(client& c) {
  const auto unknown = c.keyspace("nowhere").get("k");
  REQUIRE_FALSE(unknown);
  CHECK(unknown.error().code == errc::not_found);
  REQUIRE(c.put("plain", "v"));
  auto strong = c.with(consistency::strong);
  for (const auto& refused :
       {strong.put("k", "v"), strong.remove("plain"), strong.persist("plain"),
        strong.expire("plain", std::chrono::hours{1})}) {
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == errc::unsupported);
    CHECK_FALSE(refused.error().message.empty());
  }
  CHECK_FALSE(c.get("k")->value);
  const auto left = c.ttl("plain");
  REQUIRE(left);
  CHECK_FALSE(*left);
}

} // namespace client_program

inline void run_client_program(client c) {
  client_program::values(c);
  client_program::deadlines(c);
  client_program::many(c);
  client_program::errors(c);
}

} // namespace torc::test
