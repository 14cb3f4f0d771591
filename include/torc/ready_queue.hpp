#pragma once

#include <atomic>
#include <cstddef>
#include <mutex>
#include <utility>
#include <vector>

#include "torc/core/assert.hpp"

namespace torc {

/// A queue of pointers that grows to what it once held. One thread.
template <class T>
class pointer_ring {
public:
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  void push(T* x) {
    if (size_ == slots_.size())
      grow();
    slots_[(first_ + size_++) & (slots_.size() - 1)] = x;
  }

  /// REQUIRES: not empty.
  T* pop() noexcept {
    TORC_ASSERT(size_ > 0);
    --size_;
    return slots_[first_++ & (slots_.size() - 1)];
  }

private:
  void grow() {
    std::vector<T*> next(slots_.empty() ? 16 : slots_.size() * 2);
    for (std::size_t i = 0; i < size_; ++i)
      next[i] = slots_[(first_ + i) & (slots_.size() - 1)];
    slots_ = std::move(next);
    first_ = 0;
  }

  std::vector<T*> slots_; ///< A power of two, or none.
  std::size_t first_ = 0; ///< Modulo the number of slots.
  std::size_t size_ = 0;
};

/// What is ready to run on a loop: a ring of the owning thread's own, without
/// a lock, and an inbox for all others. Everything in it is there once, so the
/// number of things that can be ready bounds it.
///
/// Invariant: while something is inside, a wake-up is owed or under way. Who
/// gets `true` from a push owes one: a call of the owner that pops.
template <class T>
class ready_queue {
public:
  /// By the owner. True: nothing woke the owner yet.
  bool push_own(T* x) {
    own_.push(x);
    return !std::exchange(woken_, true);
  }

  /// By any other thread. True: the inbox was empty.
  bool push(T* x) {
    const std::lock_guard lock{mutex_};
    inbox_.push_back(x);
    waiting_.store(true, std::memory_order_release);
    return inbox_.size() == 1;
  }

  /// By the owner: takes in what other threads pushed, behind what is there.
  void collect() {
    if (!waiting_.load(std::memory_order_acquire))
      return;
    {
      const std::lock_guard lock{mutex_};
      inbox_.swap(taken_);
      waiting_.store(false, std::memory_order_relaxed);
    }
    for (T* x : taken_)
      own_.push(x);
    taken_.clear();
  }

  /// By the owner, after `collect`. Null: nothing is ready.
  T* pop() {
    if (own_.empty())
      collect();
    return own_.empty() ? nullptr : own_.pop();
  }

  /// By the owner when it stops popping for now. True: something is left, and
  /// the caller owes the wake-up; what lies in the inbox has one by its pusher.
  bool rest() noexcept {
    woken_ = !own_.empty();
    return woken_;
  }

  /// By the owner when it begins to pop: its own pushes need no wake-up.
  void wake() noexcept { woken_ = true; }

private:
  pointer_ring<T> own_;
  bool woken_ = false;
  std::vector<T*> taken_; ///< Empty between calls; keeps its memory.

  std::atomic<bool> waiting_{false}; ///< The inbox is not empty.
  std::mutex mutex_;
  std::vector<T*> inbox_;
};

} // namespace torc
