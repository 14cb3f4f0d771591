#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>

#include <sys/socket.h>

#include "torc/core/types.hpp"

namespace torc {

/// The authenticated connections that exist: at most one with each member.
///
/// Were there two, the network layer would go over from one that is lost to the
/// other without a word, and whoever counts on hearing of lost messages would
/// not. Thread-safe; leases may outlive this object.
class connections {
public:
  /// Stands for one connection while it exists. REQUIRES: released before its
  /// socket is closed.
  using lease = std::shared_ptr<void>;

  /// Null if there is a connection with this member already.
  lease add(member_id id, int fd) {
    const std::lock_guard lock{book_->mutex};
    if (!book_->sockets.emplace(id, fd).second)
      return nullptr;
    return {static_cast<void*>(book_.get()), [book = book_, id](void*) {
              const std::lock_guard again{book->mutex};
              book->sockets.erase(id);
            }};
  }

  /// Ends the connection with this member, if there is one: both sides will
  /// see its end, and the lease is released then.
  bool cut(member_id id) {
    const std::lock_guard lock{book_->mutex};
    const auto i = book_->sockets.find(id);
    if (i == book_->sockets.end())
      return false;
    ::shutdown(i->second, SHUT_RDWR);
    return true;
  }

  std::size_t size() const {
    const std::lock_guard lock{book_->mutex};
    return book_->sockets.size();
  }

private:
  struct book {
    std::mutex mutex;
    std::map<member_id, int> sockets;
  };

  std::shared_ptr<book> book_ = std::make_shared<book>();
};

} // namespace torc
