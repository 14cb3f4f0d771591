#pragma once

namespace torc::detail {
/// Prints the broken invariant and aborts. A node that finds its own state
/// impossible must stop before it makes the state durable.
[[noreturn]] void assertion_failed(const char* condition, const char* file,
                                   int line) noexcept;
} // namespace torc::detail

/// Checks an invariant, in release builds too.
#define TORC_ASSERT(condition)                                                 \
  (static_cast<bool>(condition)                                                \
     ? static_cast<void>(0)                                                    \
     : ::torc::detail::assertion_failed(#condition, __FILE__, __LINE__))
