#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "actors/storage_node/slot_table.hpp"
#include "torc/core/cluster_view.hpp"
#include "torc/engine/engine.hpp"
#include "torc/messages/operations.hpp"

namespace torc::storage {

/// Announces the keys of a batch to the memory engine, and their slots to the
/// figures, some operations ahead: most of a short operation's time would be
/// spent on waiting for memory.
class key_prefetch {
public:
  /// Operations that are announced together.
  static constexpr std::size_t ahead_max = 32;

  /// `ops` begin with the one whose key begins `bytes`; looks at the first
  /// `ahead_max` of them.
  void run(const cluster_view& view, const engine& memory,
           const slot_table& figures, std::span<const op> ops,
           std::string_view bytes);

private:
  std::array<std::string, ahead_max> stored_;
  std::array<std::string_view, ahead_max> keys_;
};

} // namespace torc::storage
