// Calls of plain threads to a client actor of this process.
#include <caf/send.hpp>

#include "actors/client/replies.hpp"
#include "torc/client.hpp"

namespace torc {
namespace {

/// Answers even if the actor ends, or has ended, before it does.
class promise_of_reply {
public:
  promise_of_reply(client_backend::done_fn done, bool write)
    : done_(std::move(done)), write_(write) {}
  ~promise_of_reply() {
    if (done_)
      done_(write_
              ? replies::failure(errc::unknown_outcome,
                                 "the client ended before the answer: the "
                                 "write may or may not have been done")
              : replies::failure(errc::no_replica, "the client has ended"));
  }
  promise_of_reply(const promise_of_reply&) = delete;
  promise_of_reply& operator=(const promise_of_reply&) = delete;

  void answer(client_reply reply) {
    if (auto done = std::move(done_)) {
      done_ = nullptr;
      done(std::move(reply));
    }
  }

private:
  client_backend::done_fn done_;
  bool write_;
};

class actor_backend final : public client_backend {
public:
  explicit actor_backend(torc::client_actor actor) : actor_(std::move(actor)) {}

  void start(client_request request, done_fn done) override {
    auto promise = std::make_shared<promise_of_reply>(std::move(done),
                                                      is_write(request.kind));
    auto answer = std::make_shared<const std::function<void(client_reply)>>(
      [promise = std::move(promise)](client_reply reply) {
        promise->answer(std::move(reply));
      });
    caf::anon_send(actor_,
                   local::client_call{std::move(request), std::move(answer)});
  }

private:
  torc::client_actor actor_;
};

} // namespace

std::shared_ptr<client_backend> make_backend(client_actor actor) {
  return std::make_shared<actor_backend>(std::move(actor));
}

} // namespace torc
