#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include <fmt/core.h>

#include "torc/node_options.hpp"

/// Logs on stderr, as text or JSON lines. Thread-safe. A line below the level
/// costs one load.
namespace torc::log {

namespace detail {
extern std::atomic<log_level> threshold;
void write(log_level level, std::string_view component, std::string text);
} // namespace detail

/// Once, before threads start. `name` of the member goes into every line.
void configure(log_format format, std::string name);

/// At any time.
void set_level(log_level level) noexcept;
log_level level() noexcept;

/// `trace` ... `off`; nothing known: `fallback`.
std::string_view to_string(log_level level) noexcept;
bool parse_level(std::string_view text, log_level& out) noexcept;

inline bool enabled(log_level level) noexcept {
  return level >= detail::threshold.load(std::memory_order_relaxed);
}

template <class... Ts>
void debug(std::string_view component, fmt::format_string<Ts...> f, Ts&&... xs) {
  if (enabled(log_level::debug))
    detail::write(log_level::debug, component,
                  fmt::format(f, std::forward<Ts>(xs)...));
}

template <class... Ts>
void info(std::string_view component, fmt::format_string<Ts...> f, Ts&&... xs) {
  if (enabled(log_level::info))
    detail::write(log_level::info, component,
                  fmt::format(f, std::forward<Ts>(xs)...));
}

template <class... Ts>
void warn(std::string_view component, fmt::format_string<Ts...> f, Ts&&... xs) {
  if (enabled(log_level::warn))
    detail::write(log_level::warn, component,
                  fmt::format(f, std::forward<Ts>(xs)...));
}

template <class... Ts>
void error(std::string_view component, fmt::format_string<Ts...> f, Ts&&... xs) {
  if (enabled(log_level::error))
    detail::write(log_level::error, component,
                  fmt::format(f, std::forward<Ts>(xs)...));
}

} // namespace torc::log
