#pragma once

#include <mutex>
#include <vector>

namespace torc {

/// What is ready to run on a loop. `push` from any thread; `take` from one.
/// The lock is held for a push_back or a swap; on the loop's own thread it is
/// not contended.
template <class T>
class ready_queue {
public:
  /// True if the queue was empty: then its owner has to be woken.
  bool push(T* x) {
    const std::lock_guard lock{mutex_};
    items_.push_back(x);
    return items_.size() == 1;
  }

  /// Moves everything that is ready into `out`, which is empty before.
  void take(std::vector<T*>& out) {
    const std::lock_guard lock{mutex_};
    items_.swap(out);
  }

private:
  std::mutex mutex_;
  std::vector<T*> items_;
};

} // namespace torc
