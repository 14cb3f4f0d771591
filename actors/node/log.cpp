#include "torc/log.hpp"

#include <chrono>
#include <ctime>
#include <mutex>

#include <unistd.h>

namespace torc::log {
namespace {

constexpr std::string_view names[] = {"trace", "debug", "info",
                                      "warn",  "error", "off"};

/// At most this many lines a second leave; what is more is counted and said.
constexpr std::uint32_t lines_per_second_max = 1000;

struct state {
  std::mutex mutex;
  log_format format = log_format::text;
  std::string name;
  std::int64_t second = 0;
  std::uint32_t lines = 0;
  std::uint64_t suppressed = 0;
};

state& the_state() {
  static state s;
  return s;
}

void append_json(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto b = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\')
      out.append(1, '\\').push_back(c);
    else if (b < 0x20 || b == 0x7f)
      out.append(fmt::format("\\u{:04x}", b));
    else
      out.push_back(c);
  }
}

std::string timestamp(std::chrono::system_clock::time_point now) {
  using namespace std::chrono;
  const auto ms = duration_cast<milliseconds>(now.time_since_epoch()).count();
  const auto seconds = static_cast<std::time_t>(ms / 1000);
  std::tm t{};
  ::gmtime_r(&seconds, &t);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z",
                     t.tm_year + 1900, t.tm_mon + 1, t.tm_mday, t.tm_hour,
                     t.tm_min, t.tm_sec, ms % 1000);
}

void emit(const state& s, log_level level, std::string_view component,
          std::string_view text, std::chrono::system_clock::time_point now) {
  const auto word = names[static_cast<std::size_t>(level)];
  std::string line;
  if (s.format == log_format::json) {
    line = fmt::format(R"({{"time":"{}","level":"{}","node":")", timestamp(now),
                       word);
    append_json(line, s.name);
    line.append("\",\"component\":\"");
    append_json(line, component);
    line.append("\",\"message\":\"");
    append_json(line, text);
    line.append("\"}\n");
  } else {
    line = fmt::format("{} {:5} {} {}: {}\n", timestamp(now), word, s.name,
                       component, text);
  }
  // One write per line: lines of several processes do not mix.
  [[maybe_unused]] const auto n = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace

std::atomic<log_level> detail::threshold{log_level::info};

void detail::write(log_level level, std::string_view component,
                   std::string text) {
  const auto now = std::chrono::system_clock::now();
  const auto second =
    std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch())
      .count();
  auto& s = the_state();
  const std::lock_guard lock{s.mutex};
  if (second != s.second) {
    if (s.suppressed > 0)
      emit(s, log_level::warn, "log",
           fmt::format("{} lines were suppressed", s.suppressed), now);
    s.second = second;
    s.lines = 0;
    s.suppressed = 0;
  }
  if (++s.lines > lines_per_second_max) {
    ++s.suppressed;
    return;
  }
  emit(s, level, component, text, now);
}

void configure(log_format format, std::string name) {
  auto& s = the_state();
  const std::lock_guard lock{s.mutex};
  s.format = format;
  s.name = std::move(name);
}

void set_level(log_level level) noexcept {
  detail::threshold.store(level, std::memory_order_relaxed);
}

log_level level() noexcept {
  return detail::threshold.load(std::memory_order_relaxed);
}

std::string_view to_string(log_level level) noexcept {
  return names[static_cast<std::size_t>(level)];
}

bool parse_level(std::string_view text, log_level& out) noexcept {
  for (std::size_t i = 0; i < std::size(names); ++i)
    if (names[i] == text) {
      out = static_cast<log_level>(i);
      return true;
    }
  return false;
}

} // namespace torc::log
