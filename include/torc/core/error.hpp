#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "torc/core/assert.hpp"

namespace torc {

/// Why something was not done. A code exists only where some caller reacts to
/// it; the message beside it says what was wrong and what would be right.
enum class errc : std::uint8_t {
  invalid_argument = 1, ///< The caller's input; repeating it is useless.
  not_found = 2,        ///< The thing named does not exist.
  already_exists = 3,   ///< The thing to create exists.
  corrupt = 4,          ///< Stored or received bytes fail their checks.
  io_error = 5,         ///< The device or the file system refused.
  disk_full = 6,        ///< No space left; works again when there is some.
  memory_limit = 7,     ///< `memory_bytes_max` reached; deletes still work.
  try_again = 8,        ///< A bounded queue is full; nothing was done.
  no_replica = 9,       ///< No ready replica of the slot is reachable.
  unknown_outcome = 10, ///< May or may not have been done.
  stale_config = 11,    ///< Decided on a config that is no longer current.
  unsupported = 12,     ///< Not possible in this mode or version.
  refused = 13,         ///< Authentication or membership forbids it.
  timeout = 14,         ///< Surely not done within the time allowed.
  locked = 15,          ///< Another process owns the directory.
  not_ready = 16,       ///< This replica may not serve yet.
};

/// Name of a code in snake_case, for logs and `--json`.
std::string_view to_string(errc code) noexcept;

/// An error as a value.
struct error {
  errc code = errc::invalid_argument;
  std::string message;

  friend bool operator==(const error&, const error&) = default;
};

/// Either a value or an `error`. Access to the wrong one aborts.
template <class T>
class [[nodiscard]] result {
public:
  result(T value) : data_(std::in_place_index<0>, std::move(value)) {}
  result(torc::error e) : data_(std::in_place_index<1>, std::move(e)) {}
  result(errc code, std::string message)
    : data_(std::in_place_index<1>, torc::error{code, std::move(message)}) {}

  bool has_value() const noexcept { return data_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }

  T& value() & {
    TORC_ASSERT(has_value());
    return *std::get_if<0>(&data_);
  }
  const T& value() const& {
    TORC_ASSERT(has_value());
    return *std::get_if<0>(&data_);
  }
  T&& value() && {
    TORC_ASSERT(has_value());
    return std::move(*std::get_if<0>(&data_));
  }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T&& operator*() && { return std::move(*this).value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  const torc::error& error() const& {
    TORC_ASSERT(!has_value());
    return *std::get_if<1>(&data_);
  }
  torc::error&& error() && {
    TORC_ASSERT(!has_value());
    return std::move(*std::get_if<1>(&data_));
  }

private:
  std::variant<T, torc::error> data_;
};

/// Success without a value, or an `error`.
template <>
class [[nodiscard]] result<void> {
public:
  result() = default;
  result(torc::error e) : error_(std::move(e)), failed_(true) {}
  result(errc code, std::string message)
    : error_{code, std::move(message)}, failed_(true) {}

  bool has_value() const noexcept { return !failed_; }
  explicit operator bool() const noexcept { return !failed_; }

  const torc::error& error() const& {
    TORC_ASSERT(failed_);
    return error_;
  }
  torc::error&& error() && {
    TORC_ASSERT(failed_);
    return std::move(error_);
  }

private:
  torc::error error_;
  bool failed_ = false;
};

} // namespace torc
