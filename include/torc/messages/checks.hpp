#pragma once

#include "torc/messages/operations.hpp"

namespace torc {

/// The parts of `well_formed(const op_batch&)`, for who answers what makes no
/// sense instead of dropping it. Pure.

/// True if the lengths of the operations add up to the bytes, so that keys and
/// values can be told apart. O(operations).
bool lengths_add_up(const op_batch& batch) noexcept;

/// True if kind, level and slots exist in this version.
bool well_formed(const op& o) noexcept;

} // namespace torc
