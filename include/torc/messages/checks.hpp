#pragma once

#include "torc/messages/operations.hpp"

namespace torc {

// Of a batch of operations that came from another process: two checks, since
// what makes no sense is answered one by one where it can be.

/// True if the lengths of the operations add up to the bytes, so that keys and
/// values can be told apart: check it before walking a batch. O(operations).
bool lengths_add_up(const op_batch& batch) noexcept;

/// True if kind, level and slots exist in this version.
bool well_formed(const op& o) noexcept;

} // namespace torc
