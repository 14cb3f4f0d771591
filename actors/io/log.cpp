#include "torc/log.hpp"

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <mutex>

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/null_mutex.h>
#include <spdlog/details/thread_pool.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <unistd.h>

#include "actors/io/log_limiter.hpp"
#include "actors/io/log_text.hpp"

namespace torc::log {
namespace {

/// Lines that wait for stderr at most; then the oldest are lost.
constexpr std::size_t queue_lines_max = 4096;

/// Writes a line with one call, so lines of several processes do not mix.
void write_all(const char* data, std::size_t size) {
  while (size > 0) {
    const auto n = ::write(STDERR_FILENO, data, size);
    if (n > 0) {
      data += n;
      size -= static_cast<std::size_t>(n);
    } else if (errno == EAGAIN) {
      pollfd p{STDERR_FILENO, POLLOUT, 0};
      ::poll(&p, 1, 1000);
    } else if (errno != EINTR) {
      return; // nobody is there to tell
    }
  }
}

class stderr_sink
  : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  void sink_it_(const spdlog::details::log_msg& msg) override {
    spdlog::memory_buf_t line;
    formatter_->format(msg, line);
    write_all(line.data(), line.size());
  }
  void flush_() override {}
};

/// Where lines go. Lives for ever: threads may write until the very end.
struct backend {
  std::mutex mutex;
  log_format format = log_format::text;
  std::string name;
  limiter limits;
  std::shared_ptr<spdlog::details::thread_pool> pool;
  std::shared_ptr<spdlog::async_logger> logger;
  std::size_t overruns = 0; ///< Of `pool`, as far as said.
  bool ended = false;       ///< The process ends: lines go out at once.
  std::string line;         ///< Reused.
};

void at_exit();

backend& the_backend() {
  static auto* b = [] {
    std::atexit(at_exit);
    return new backend;
  }();
  return *b;
}

std::shared_ptr<spdlog::sinks::sink> make_sink(log_format format) {
  auto sink = std::make_shared<stderr_sink>();
  const char* pattern = format == log_format::json
                          ? "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",%v}"
                          : "%Y-%m-%dT%H:%M:%S.%eZ %v";
  sink->set_formatter(std::make_unique<spdlog::pattern_formatter>(
    pattern, spdlog::pattern_time_type::utc, "\n"));
  return sink;
}

void start(backend& b) {
  b.pool = std::make_shared<spdlog::details::thread_pool>(queue_lines_max, 1);
  b.logger = std::make_shared<spdlog::async_logger>(
    b.name, make_sink(b.format), b.pool,
    spdlog::async_overflow_policy::overrun_oldest);
  b.logger->set_level(spdlog::level::trace);
  b.overruns = 0;
}

/// REQUIRES: the lock. All that was written leaves before it returns.
void stop(backend& b) {
  b.logger.reset();
  b.pool.reset();
}

void begin_line(backend& b, log_level level, std::string_view component) {
  const auto word = torc::to_string(level);
  b.line.clear();
  if (b.format == log_format::json) {
    b.line.append("\"level\":\"").append(word).append("\",\"node\":\"");
    append_json(b.line, b.name);
    b.line.append("\",\"component\":\"");
    append_json(b.line, component);
    b.line.append("\",\"message\":\"");
    return;
  }
  b.line.append(word).append(6 - word.size(), ' ');
  if (!b.name.empty()) {
    append_plain(b.line, b.name);
    b.line.push_back(' ');
  }
  append_plain(b.line, component);
  b.line.append(": ");
}

void put_message(backend& b, std::string_view text) {
  const bool cut = text.size() > line_bytes_max;
  text = text.substr(0, line_bytes_max);
  if (b.format == log_format::json) {
    append_json(b.line, text);
    b.line.append(cut ? "...\"" : "\"");
  } else {
    append_plain(b.line, text);
    b.line.append(cut ? "..." : "");
  }
}

void put_number(std::string& out, const field& f) {
  auto to = std::back_inserter(out);
  switch (f.type()) {
  case field::kind::integer: fmt::format_to(to, "{}", f.integer()); break;
  case field::kind::natural: fmt::format_to(to, "{}", f.natural()); break;
  case field::kind::real: fmt::format_to(to, "{}", f.real()); break;
  case field::kind::boolean: out.append(f.natural() ? "true" : "false"); break;
  case field::kind::text: break;
  }
}

/// JSON has no infinity and no NaN; as text in quotes they are said anyway.
bool needs_quotes(const field& f) {
  return f.type() == field::kind::text
         || (f.type() == field::kind::real && !(f.real() - f.real() == 0.0));
}

void put_field(backend& b, const field& f) {
  const bool json = b.format == log_format::json;
  b.line.append(json ? ",\"" : " ").append(f.key()).append(json ? "\":" : "=");
  const auto text =
    f.text().substr(0, f.type() == field::kind::text ? line_bytes_max : 0);
  if (f.type() == field::kind::text && !json) {
    append_plain_value(b.line, text);
    return;
  }
  const bool quotes = json && needs_quotes(f);
  b.line.append(quotes ? "\"" : "");
  if (f.type() == field::kind::text)
    append_json(b.line, text);
  else
    put_number(b.line, f);
  b.line.append(quotes ? "\"" : "");
}

spdlog::level::level_enum spdlog_level(log_level level) {
  return static_cast<spdlog::level::level_enum>(level);
}

void end_line(backend& b, log_level level) {
  if (b.ended) {
    spdlog::details::log_msg msg{b.name, spdlog_level(level), b.line};
    make_sink(b.format)->log(msg);
    return;
  }
  if (!b.logger)
    start(b);
  b.logger->log(spdlog_level(level), b.line);
}

void report(backend& b, std::string_view text) {
  begin_line(b, log_level::warn, "log");
  put_message(b, text);
  end_line(b, log_level::warn);
}

/// Threads that still run may write: from here on without the queue, whose
/// thread must not outlive `main`.
void at_exit() {
  auto& b = the_backend();
  const std::lock_guard lock{b.mutex};
  if (const auto n = b.limits.take_unsaid(); n > 0)
    report(b, fmt::format("{} repeated lines were left out", n));
  stop(b);
  b.ended = true;
}

std::int64_t monotonic_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(steady_clock::now().time_since_epoch())
    .count();
}

/// False if this place has to be silent. REQUIRES: the lock.
bool admit(backend& b, detail::site where) {
  const auto verdict = b.limits.admit(where.file, where.line, monotonic_ms());
  if (!verdict.write)
    return false;
  if (verdict.suppressed > 0)
    report(b, fmt::format("{} lines like the next one were left out",
                          verdict.suppressed));
  if (b.pool && b.pool->overrun_counter() > b.overruns) {
    const auto lost = b.pool->overrun_counter() - b.overruns;
    b.overruns += lost;
    report(b, fmt::format("{} lines were lost: stderr is slow", lost));
  }
  return true;
}

} // namespace

std::atomic<log_level> detail::threshold{log_level::info};

void detail::vwrite(site where, log_level level, std::string_view component,
                    fmt::string_view format, fmt::format_args args) {
  fmt::memory_buffer text;
  auto& b = the_backend();
  {
    const std::lock_guard lock{b.mutex};
    if (!admit(b, where))
      return;
  }
  // A user's formatter may log too, so it runs without the lock.
  fmt::vformat_to(std::back_inserter(text), format, args);
  const std::lock_guard lock{b.mutex};
  begin_line(b, level, component);
  put_message(b, {text.data(), text.size()});
  end_line(b, level);
}

void detail::write_event(site where, log_level level,
                         std::string_view component, std::string_view message,
                         std::initializer_list<field> fields) {
  auto& b = the_backend();
  const std::lock_guard lock{b.mutex};
  if (!admit(b, where))
    return;
  begin_line(b, level, component);
  put_message(b, message);
  for (const auto& f : fields)
    put_field(b, f);
  end_line(b, level);
}

void configure(log_format format, std::string name) {
  auto& b = the_backend();
  const std::lock_guard lock{b.mutex};
  stop(b);
  b.format = format;
  b.name = std::move(name);
}

void flush() {
  auto& b = the_backend();
  const std::lock_guard lock{b.mutex};
  stop(b);
}

void set_level(log_level level) noexcept {
  detail::threshold.store(level, std::memory_order_relaxed);
}

log_level level() noexcept {
  return detail::threshold.load(std::memory_order_relaxed);
}

} // namespace torc::log
