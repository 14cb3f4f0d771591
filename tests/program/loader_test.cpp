#include "support/scripted_server.hpp"

#include <atomic>
#include <map>
#include <mutex>

#include <fmt/format.h>

#include "apps/torc/record_loader.hpp"

using namespace torc;
using namespace torc::program;
using namespace torc::test;

namespace {

using argv = scripted_server::argv;

/// A store behind a door: `fail` says what the n-th SET (from 1) is answered
/// with, empty for what a store would answer.
struct store {
  std::mutex mutex;
  std::map<std::string, std::string> data;
  int sets = 0;
  int waits = 0;
  std::int64_t replicas = 2;
  std::function<std::string(int n, const argv&)> fail;

  scripted_server::script script() {
    return [this](const argv& c) {
      std::lock_guard lock{mutex};
      if (c[0] == "HELLO")
        return hello_reply();
      if (c[0] == "WAIT") {
        ++waits;
        return fmt::format(":{}\r\n", replicas);
      }
      ++sets;
      auto failure = fail ? fail(sets, c) : std::string{};
      if (!failure.empty())
        return failure;
      data[c[1]] = c[2];
      return std::string{"+OK\r\n"};
    };
  }
};

file_record record_of(std::string key, std::string value, std::uint64_t line) {
  file_record r;
  r.key = std::move(key);
  r.value = std::move(value);
  r.line = line;
  return r;
}

struct load_run {
  resp_client client;
  std::vector<std::string> refusals;
  record_loader loader;

  load_run(std::vector<socket_address> doors, loader_options o)
    : client(options_of(std::move(doors))),
      loader(client, o, [this](auto line, auto& why) {
        refusals.push_back(fmt::format("{}: {}", line, why));
      }) {}

  static resp_client_options options_of(std::vector<socket_address> doors) {
    resp_client_options o;
    o.addresses = std::move(doors);
    o.request_ms = 2'000;
    return o;
  }

  /// Keys k0 to k(count-1), two records each: the second value wins.
  result<void> load_pairs(int count) {
    if (auto ok = client.connect(); !ok)
      return ok;
    std::uint64_t line = 0;
    for (int i = 0; i < count; ++i)
      for (auto value : {"old", "new"})
        if (auto ok =
              loader.add(record_of(fmt::format("k{}", i), value, ++line));
            !ok)
          return ok;
    return loader.finish();
  }
};

bool all_new(store& s, int count) {
  std::lock_guard lock{s.mutex};
  if (s.data.size() != static_cast<std::size_t>(count))
    return false;
  for (auto& [key, value] : s.data)
    if (value != "new")
      return false;
  return true;
}

} // namespace

TEST_CASE("records are written in windows", "[loader]") {
  store s;
  scripted_server server{s.script()};
  load_run run{{server.address()}, {.window = 7}};
  REQUIRE(run.load_pairs(500));
  CHECK(run.loader.counts().records == 1000);
  CHECK(run.loader.counts().written == 1000);
  CHECK(run.loader.counts().retried == 0);
  CHECK(all_new(s, 500));
}

TEST_CASE("a full queue delays records and never swaps them", "[loader]") {
  store s;
  s.fail = [](int n, const argv&) {
    return std::string{n % 3 == 0 && n < 600 ? "-TRYAGAIN full\r\n" : ""};
  };
  scripted_server server{s.script()};
  load_run run{{server.address()}, {.window = 64}};
  REQUIRE(run.load_pairs(100));
  CHECK(run.loader.counts().written == 200);
  CHECK(run.loader.counts().retried > 0);
  CHECK(all_new(s, 100));
}

TEST_CASE("a node that dies is survived at the next door", "[loader]") {
  store dying;
  dying.fail = [](int n, const argv&) {
    return std::string{n > 150 ? scripted_server::hang_up : ""};
  };
  store live;
  scripted_server first{dying.script()};
  scripted_server second{live.script()};
  load_run run{{first.address(), second.address()}, {.window = 32}};
  REQUIRE(run.load_pairs(200));
  CHECK(run.loader.counts().written == 400);
  CHECK(run.loader.counts().unknown_resent > 0);
  CHECK(run.loader.counts().unknown == 0);
  // What either door acknowledged is there, with the later value.
  auto merged = dying.data;
  for (auto& [key, value] : live.data)
    merged[key] = value;
  CHECK(merged.size() == 200);
  for (auto& [key, value] : merged)
    CHECK(value == "new");
}

TEST_CASE("an unknown outcome is counted and sent again", "[loader]") {
  store s;
  s.fail = [](int n, const argv&) {
    return std::string{n == 5 ? "-UNKNOWN timed out\r\n" : ""};
  };
  scripted_server server{s.script()};
  load_run run{{server.address()}, {.window = 16}};
  REQUIRE(run.load_pairs(20));
  CHECK(run.loader.counts().written == 40);
  CHECK(run.loader.counts().unknown_resent == 1);
  CHECK(all_new(s, 20));
}

TEST_CASE("a refused record is told with its line", "[loader]") {
  store s;
  s.fail = [](int n, const argv&) {
    return std::string{n == 3 ? "-ERR invalid expire time\r\n" : ""};
  };
  scripted_server server{s.script()};
  load_run run{{server.address()}, {.window = 4}};
  REQUIRE(run.load_pairs(5));
  CHECK(run.loader.counts().written == 9);
  CHECK(run.loader.counts().refused == 1);
  CHECK(run.refusals == std::vector<std::string>{"3: ERR invalid expire time"});
}

TEST_CASE("a full memory ends the load with exact counts", "[loader]") {
  store s;
  s.fail = [](int n, const argv&) {
    return std::string{n > 20 ? "-OOM limit\r\n" : ""};
  };
  scripted_server server{s.script()};
  load_run run{{server.address()}, {.window = 8}};
  auto done = run.load_pairs(100);
  REQUIRE_FALSE(done);
  CHECK(done.error().code == errc::memory_limit);
  CHECK(done.error().message == "line 21: OOM limit");
  auto& n = run.loader.counts();
  CHECK(n.written == 20);
  CHECK(n.unknown == 0);
  CHECK(n.written + n.not_written == n.records);
}

TEST_CASE("it gives up when nothing succeeds", "[loader]") {
  store s;
  s.fail = [](int n, const argv&) {
    return std::string{n > 4 ? scripted_server::hang_up : ""};
  };
  scripted_server server{s.script()};
  load_run run{{server.address()}, {.window = 4, .give_up_ms = 300}};
  REQUIRE_FALSE(run.load_pairs(10));
  auto& n = run.loader.counts();
  CHECK(n.unknown > 0);
  CHECK(n.written >= 4);
  CHECK(n.written + n.unknown + n.not_written == n.records);
}

TEST_CASE("each window waits for its replicas", "[loader]") {
  store s;
  scripted_server server{s.script()};
  load_run run{{server.address()}, {.window = 10, .wait_replicas = 2}};
  REQUIRE(run.load_pairs(20));
  CHECK(run.loader.counts().written == 40);
  CHECK(s.waits == 4);
}

TEST_CASE("too few replicas are an error, the writes stay", "[loader]") {
  store s;
  s.replicas = 1;
  scripted_server server{s.script()};
  load_run run{{server.address()},
               {.window = 10, .wait_replicas = 2, .give_up_ms = 50}};
  auto done = run.load_pairs(20);
  REQUIRE_FALSE(done);
  CHECK(done.error().message.find("only 1 of 2") != std::string::npos);
  CHECK(run.loader.counts().written == 10);
}

TEST_CASE("writes whose WAIT was lost are sent again", "[loader]") {
  store dying;
  store live;
  scripted_server first{[&](const argv& c) {
    return c[0] == "WAIT" ? std::string{scripted_server::hang_up}
                          : dying.script()(c);
  }};
  scripted_server second{live.script()};
  load_run run{{first.address(), second.address()},
               {.window = 10, .wait_replicas = 1}};
  REQUIRE(run.load_pairs(5));
  CHECK(run.loader.counts().written == 10);
  CHECK(run.loader.counts().unknown_resent == 10);
  CHECK(all_new(live, 5));
}

TEST_CASE("a window that spans two connections is sent again as a whole",
          "[loader]") {
  // WAIT counts what its own connection wrote.
  const std::string failure = GENERATE(
    as<std::string>{}, scripted_server::hang_up, "-CLUSTERDOWN no replica\r\n");
  store dying;
  dying.fail = [&](int n, const argv&) {
    return n > 3 ? failure : std::string{};
  };
  store live;
  scripted_server first{dying.script()};
  scripted_server second{live.script()};
  load_run run{{first.address(), second.address()},
               {.window = 10, .wait_replicas = 1}};
  REQUIRE(run.load_pairs(5));
  CHECK(run.loader.counts().written == 10);
  CHECK(run.loader.counts().unknown_resent >= 3);
  CHECK(dying.waits == 0);
  CHECK(live.waits == 1);
  CHECK(all_new(live, 5));
}

TEST_CASE("it stops when it is told to, though nobody answers", "[loader]") {
  std::atomic<int> asked{0};
  loader_options o;
  o.window = 10;
  o.give_up_ms = 600'000;
  o.stop = [&] { return ++asked > 1; };
  store s;
  if (GENERATE(false, true)) { // it tries again
    s.fail = [](int n, const argv&) {
      return std::string{n > 4 ? scripted_server::hang_up : ""};
    };
  } else { // it waits for replicas
    o.wait_replicas = 2;
    s.replicas = 1;
  }
  scripted_server server{s.script()};
  load_run run{{server.address()}, o};
  const auto done = run.load_pairs(20);
  REQUIRE_FALSE(done);
  CHECK(done.error().message == "interrupted");
  CHECK(asked == 2);
  auto& n = run.loader.counts();
  CHECK(n.written + n.unknown + n.not_written == n.records);
}
