#include "torc/log.hpp"

#include <cstdio>
#include <fstream>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "actors/io/log_limiter.hpp"
#include "actors/io/log_text.hpp"
#include "support/catch.hpp"
#include "support/scratch_directory.hpp"

namespace torc {
namespace {

/// What goes to stderr while it lives.
class capture {
public:
  capture(log_format format, std::string name) {
    log::flush();
    before_ = ::dup(STDERR_FILENO);
    const int fd = ::open((dir_ / "log").c_str(), O_CREAT | O_WRONLY, 0600);
    ::dup2(fd, STDERR_FILENO);
    ::close(fd);
    log::configure(format, std::move(name));
  }
  ~capture() { end(); }

  /// The lines, without what changes from run to run: their times.
  std::vector<std::string> lines() {
    end();
    std::ifstream file{dir_ / "log"};
    std::vector<std::string> result;
    for (std::string line; std::getline(file, line);)
      result.push_back(line);
    return result;
  }

private:
  void end() {
    if (before_ < 0)
      return;
    log::configure(log_format::text, "");
    log::set_level(log_level::info);
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
    before_ = -1;
  }

  torc::test::scratch_directory dir_;
  int before_ = -1;
};

struct counted {
  int* formatted;
};

} // namespace
} // namespace torc

template <>
struct fmt::formatter<torc::counted> : fmt::formatter<int> {
  auto format(const torc::counted& c, fmt::format_context& ctx) const {
    return fmt::formatter<int>::format(++*c.formatted, ctx);
  }
};

namespace torc {

TEST_CASE("a line of text has time, level, node and component", "[log]") {
  capture c{log_format::text, "n1"};
  log::info("storage", "{} of {}", 3, "four");
  log::error("cluster", "bad\nbytes \x1b[31m");
  const auto lines = c.lines();
  REQUIRE(lines.size() == 2);
  // 2026-01-02T03:04:05.678Z
  CHECK(lines[0].size() > 25);
  CHECK(lines[0][10] == 'T');
  CHECK(lines[0].substr(23) == "Z info  n1 storage: 3 of four");
  CHECK(lines[1].substr(23) == "Z error n1 cluster: bad\\nbytes \\x1b[31m");
}

TEST_CASE("a line of JSON is one object", "[log]") {
  capture c{log_format::json, "n\"1"};
  log::warn("storage", "say \"{}\"", "a\\b\n\xff");
  log::event(log_level::info, "sync", "round done",
             {{"slots", 3},
              {"delta", -4L},
              {"peer", "n 2"},
              {"ok", true},
              {"share", 0.25},
              {"key", std::string{"\"\x01"}}});
  const auto lines = c.lines();
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("{\"time\":\"2"));
  CHECK(lines[0].substr(lines[0].find(",\"level"))
        == R"(,"level":"warn","node":"n\"1","component":"storage",)"
           R"("message":"say \"a\\b\u000a)"
           "\xef\xbf\xbd\\\"\"}");
  CHECK(lines[1].substr(lines[1].find(",\"level"))
        == R"(,"level":"info","node":"n\"1","component":"sync",)"
           R"("message":"round done","slots":3,"delta":-4,"peer":"n 2",)"
           R"("ok":true,"share":0.25,"key":"\"\u0001"})");
}

TEST_CASE("fields follow the message as text", "[log]") {
  capture c{log_format::text, ""};
  log::event(log_level::warn, "sync", "round done",
             {{"slots", 3u}, {"peer", "n 2"}, {"name", "plain"}, {"e", ""}});
  const auto lines = c.lines();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].substr(23)
        == "Z warn  sync: round done slots=3 peer=\"n 2\" name=plain e=\"\"");
}

TEST_CASE("a line below the level is not even formatted", "[log]") {
  capture c{log_format::text, "n1"};
  int formatted = 0;
  log::set_level(log_level::warn);
  log::info("a", "{}", counted{&formatted});
  log::debug("a", "{}", counted{&formatted});
  CHECK(formatted == 0);
  log::set_level(log_level::trace);
  CHECK(log::level() == log_level::trace);
  log::trace("a", "{}", counted{&formatted});
  CHECK(formatted == 1);
  log::set_level(log_level::off);
  log::error("a", "{}", counted{&formatted});
  CHECK(formatted == 1);
  CHECK(c.lines().size() == 1);
}

TEST_CASE("a place that floods is held back, others are not", "[log]") {
  capture c{log_format::text, "n1"};
  for (int i = 0; i < 10'000; ++i)
    log::info("flood", "line {}", i);
  log::info("calm", "heard");
  const auto lines = c.lines();
  CHECK(lines.size() >= log::site_burst + 1);
  // A slow machine refills the bucket meanwhile, by a little.
  CHECK(lines.size() < 2000);
  CHECK(lines[0].ends_with("flood: line 0"));
  CHECK(lines.back().ends_with("calm: heard"));
}

TEST_CASE("an endless message is cut", "[log]") {
  capture c{log_format::text, "n1"};
  log::info("a", "{}", std::string(1'000'000, 'x'));
  const auto lines = c.lines();
  REQUIRE(lines.size() == 1);
  CHECK(lines[0].size() < log::line_bytes_max + 100);
  CHECK(lines[0].ends_with("xxx..."));
}

TEST_CASE("lines of many threads stay whole", "[log]") {
  capture c{log_format::text, "n1"};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      const std::string text(200, static_cast<char>('a' + t));
      for (int i = 0; i < 20; ++i)
        log::info("t", "{}", text);
    });
  for (auto& t : threads)
    t.join();
  const auto lines = c.lines();
  CHECK(lines.size() == 80);
  for (const auto& line : lines) {
    const auto text = line.substr(line.find(" t: ") + 4);
    CHECK(text == std::string(200, text[0]));
  }
}

TEST_CASE("a limiter gives a burst and then a rate", "[log]") {
  log::limiter limits;
  const char* file = "a";
  std::uint32_t written = 0;
  for (int i = 0; i < 1000; ++i)
    written += limits.admit(file, 1, 5000).write ? 1 : 0;
  CHECK(written == log::site_burst);
  CHECK(limits.admit(file, 2, 5000).write); // another place

  // A second later: as many as the rate says, the first one tells the rest.
  auto v = limits.admit(file, 1, 6000);
  CHECK(v.write);
  CHECK(v.suppressed == 1000 - log::site_burst);
  written = 1;
  for (int i = 0; i < 1000; ++i)
    written += limits.admit(file, 1, 6000).write ? 1 : 0;
  CHECK(written == log::site_lines_per_second);

  // A clock that jumps back refills nothing, one far ahead fills it up.
  CHECK_FALSE(limits.admit(file, 1, 0).write);
  CHECK(limits.admit(file, 1, 1'000'000'000'000).write);
  written = 0;
  for (int i = 0; i < 1000; ++i)
    written += limits.admit(file, 1, 1'000'000'000'000).write ? 1 : 0;
  CHECK(written == log::site_burst - 1);
}

TEST_CASE("a limiter forgets no suppressed line", "[log]") {
  log::limiter limits;
  const char* file = "a";
  std::uint64_t written = 0;
  std::uint64_t said = 0;
  std::uint64_t asked = 0;
  // More places than the table holds, so that they take entries in turn.
  for (unsigned round = 0; round < 5; ++round)
    for (unsigned line = 0; line < 1000; ++line)
      for (int i = 0; i < 150; ++i, ++asked) {
        const auto v = limits.admit(file, line, 0);
        written += v.write ? 1 : 0;
        said += v.suppressed;
      }
  said += limits.take_unsaid();
  CHECK(written + said == asked);
  CHECK(limits.take_unsaid() == 0);
}

TEST_CASE("a value is quoted where it has to be", "[log]") {
  const auto plain = [](std::string_view text) {
    std::string out;
    log::append_plain_value(out, text);
    return out;
  };
  CHECK(plain("a") == "a");
  CHECK(plain("") == "\"\"");
  CHECK(plain("a b") == "\"a b\"");
  CHECK(plain("a=b") == "\"a=b\"");
  CHECK(plain("a\"b\\") == "\"a\\\"b\\\\\"");
  CHECK(plain("a\nb") == "\"a\\nb\"");
}

} // namespace torc
