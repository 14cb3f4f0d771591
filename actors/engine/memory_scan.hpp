#pragma once

#include <span>

#include "actors/engine/memory_column.hpp"

namespace torc {

/// Visits `range` of `column` in byte order of the keys, as it was before the
/// changes in `undone` (oldest first; the first set that knows a key decides).
///
/// Works through one table at a time: a heap over its keys yields them in
/// order, so a visitor that stops early does not pay for sorting the rest.
void scan_as_of(const memory_column& column,
                std::span<const undo_set* const> undone, key_range range,
                const scan_visitor& visit);

} // namespace torc
