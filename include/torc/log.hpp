#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <fmt/core.h>

#include "torc/node_options.hpp"

/// Logs on stderr, as text or JSON lines. Thread-safe.
///
/// A line below the level costs one load and nothing else. A written line goes
/// into a bounded queue that a thread of its own empties, so a stalled stderr
/// never blocks a caller: the oldest lines are lost, and counted. A place in
/// the code that floods is held to a rate (`lines_per_second`, with bursts),
/// and a later line says how many were left out.
namespace torc::log {

/// Lines that one place in the code may write at once.
inline constexpr std::uint32_t site_burst = 100;
/// Lines per second that one place may write in the long run.
inline constexpr std::uint32_t site_lines_per_second = 10;
/// A message is cut here.
inline constexpr std::size_t line_bytes_max = 8 * 1024;

namespace detail {

extern std::atomic<log_level> threshold;

/// The place in the code that writes. Lines of one place count as equal.
struct site {
  const char* file;
  unsigned line;
};

/// A format string, checked by the compiler, that knows where it stands.
template <class... Ts>
struct format_site {
  template <class S>
  requires std::convertible_to<const S&, std::string_view>
  consteval format_site(const S& text, const char* file = __builtin_FILE(),
                        unsigned line = __builtin_LINE())
    : format(text), where{file, line} {}

  fmt::format_string<Ts...> format;
  site where;
};

void vwrite(site where, log_level level, std::string_view component,
            fmt::string_view format, fmt::format_args args);

template <class... Ts>
using format_of = std::type_identity_t<format_site<Ts...>>;

} // namespace detail

/// Once, before threads start. `name` of the member goes into every line.
void configure(log_format format, std::string name);

/// At any time.
void set_level(log_level level) noexcept;
log_level level() noexcept;

/// Waits until every line written so far has left. Called at the process's end
/// by itself; a program that ends by a signal calls it before.
void flush();

inline bool enabled(log_level level) noexcept {
  return level >= detail::threshold.load(std::memory_order_relaxed);
}

/// Writes a line if the level is on. `component` says who speaks (`storage`,
/// `cluster`, ...).
template <class... Ts>
void write(log_level level, std::string_view component,
           detail::format_of<Ts...> f, Ts&&... xs) {
  if (enabled(level))
    detail::vwrite(f.where, level, component, f.format,
                   fmt::make_format_args(xs...));
}

template <class... Ts>
void trace(std::string_view component, detail::format_of<Ts...> f, Ts&&... xs) {
  write(log_level::trace, component, f, std::forward<Ts>(xs)...);
}

template <class... Ts>
void debug(std::string_view component, detail::format_of<Ts...> f, Ts&&... xs) {
  write(log_level::debug, component, f, std::forward<Ts>(xs)...);
}

template <class... Ts>
void info(std::string_view component, detail::format_of<Ts...> f, Ts&&... xs) {
  write(log_level::info, component, f, std::forward<Ts>(xs)...);
}

template <class... Ts>
void warn(std::string_view component, detail::format_of<Ts...> f, Ts&&... xs) {
  write(log_level::warn, component, f, std::forward<Ts>(xs)...);
}

template <class... Ts>
void error(std::string_view component, detail::format_of<Ts...> f, Ts&&... xs) {
  write(log_level::error, component, f, std::forward<Ts>(xs)...);
}

/// One `key=value` of an event. Refers to its value: use it in a call only.
class field {
public:
  enum class kind : std::uint8_t { text, integer, natural, real, boolean };

  field(std::string_view key, std::string_view value)
    : key_(key), text_(value), kind_(kind::text) {}
  field(std::string_view key, const char* value)
    : field(key, std::string_view{value}) {}
  field(std::string_view key, const std::string& value)
    : field(key, std::string_view{value}) {}
  field(std::string_view key, bool value)
    : key_(key), natural_(value ? 1 : 0), kind_(kind::boolean) {}
  field(std::string_view key, double value)
    : key_(key), real_(value), kind_(kind::real) {}
  template <std::integral T>
  field(std::string_view key, T value) : key_(key) {
    if constexpr (std::is_signed_v<T>) {
      integer_ = value;
      kind_ = kind::integer;
    } else {
      natural_ = value;
      kind_ = kind::natural;
    }
  }

  std::string_view key() const noexcept { return key_; }
  kind type() const noexcept { return kind_; }
  std::string_view text() const noexcept { return text_; }
  std::int64_t integer() const noexcept { return integer_; }
  std::uint64_t natural() const noexcept { return natural_; }
  double real() const noexcept { return real_; }

private:
  std::string_view key_;
  union {
    std::string_view text_;
    std::int64_t integer_;
    std::uint64_t natural_;
    double real_;
  };
  kind kind_;
};

namespace detail {
void write_event(site where, log_level level, std::string_view component,
                 std::string_view message, std::initializer_list<field> fields);
} // namespace detail

/// A fixed message with fields beside it: `message key=value ...` as text, one
/// member per field as JSON. Keys are [a-z0-9_]+ and none of time, level, node,
/// component, message.
inline void event(log_level level, std::string_view component,
                  std::string_view message, std::initializer_list<field> fields,
                  const char* file = __builtin_FILE(),
                  unsigned line = __builtin_LINE()) {
  if (enabled(level))
    detail::write_event({file, line}, level, component, message, fields);
}

} // namespace torc::log
