#pragma once

#include <deque>
#include <future>
#include <thread>
#include <utility>
#include <vector>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>

namespace torc::test {

/// Event loops without actors: some io_contexts with a thread each.
class io_threads {
public:
  explicit io_threads(std::size_t n) {
    for (std::size_t i = 0; i < n; ++i)
      loops_.emplace_back();
    for (auto& l : loops_)
      l.thread = std::thread{[&l] { l.io.run(); }};
  }
  ~io_threads() {
    for (auto& l : loops_) {
      l.work.reset();
      l.io.stop();
      l.thread.join();
    }
  }

  std::vector<boost::asio::io_context*> all() {
    std::vector<boost::asio::io_context*> result;
    for (auto& l : loops_)
      result.push_back(&l.io);
    return result;
  }

  /// Runs `f` on a loop and waits for it.
  template <class F>
  void run_on(std::size_t i, F f) {
    std::promise<void> done;
    boost::asio::post(loops_[i].io, [&] {
      f();
      done.set_value();
    });
    done.get_future().wait();
  }

private:
  struct loop {
    boost::asio::io_context io{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      work{io.get_executor()};
    std::thread thread;
  };

  std::deque<loop> loops_;
};

} // namespace torc::test
