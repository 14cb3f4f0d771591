#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include "torc/core/types.hpp"

namespace torc {

/// Counts the authenticated connections of each member. Thread-safe; leases may
/// outlive this object.
class leases {
public:
  /// Of one member, both ways: one in use, some that are about to end.
  static constexpr std::size_t per_member_max = 16;

  /// Counts one connection until the pointer is gone.
  std::shared_ptr<void> take(member_id id) {
    const std::lock_guard lock{book_->mutex};
    ++book_->open[id];
    ++book_->total;
    // Not null, else nobody could tell it from no lease.
    return {static_cast<void*>(book_.get()),
            [book = book_, id](void*) { release(*book, id); }};
  }

  bool is_full(member_id id) const {
    const std::lock_guard lock{book_->mutex};
    const auto i = book_->open.find(id);
    return i != book_->open.end() && i->second >= per_member_max;
  }

  std::size_t total() const {
    const std::lock_guard lock{book_->mutex};
    return book_->total;
  }

private:
  struct book {
    std::mutex mutex;
    std::map<member_id, std::size_t> open;
    std::size_t total = 0;
  };

  static void release(book& b, member_id id) {
    const std::lock_guard lock{b.mutex};
    --b.total;
    if (const auto i = b.open.find(id); --i->second == 0)
      b.open.erase(i);
  }

  std::shared_ptr<book> book_ = std::make_shared<book>();
};

} // namespace torc
