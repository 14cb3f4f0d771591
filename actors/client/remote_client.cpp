// Clients of a cluster that is reached through its RESP doors.
#include <memory>
#include <thread>

#include <caf/all.hpp>

#include "actors/client/remote_worker.hpp"
#include "actors/client/replies.hpp"

namespace torc {
namespace local {

/// What the backend's thread answered to a request of another actor.
struct remote_answer {
  std::uint64_t token = 0;
  client_reply reply;
};

} // namespace local
} // namespace torc

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(torc::local::remote_answer)

namespace torc {
namespace {

class remote_backend final : public client_backend {
public:
  explicit remote_backend(std::shared_ptr<remote_worker> worker)
    : worker_(std::move(worker)), thread_([w = worker_] { w->run(); }) {}

  ~remote_backend() override {
    worker_->end();
    // The last copy of a client may go in an answer, on the thread itself.
    if (thread_.get_id() == std::this_thread::get_id())
      thread_.detach();
    else
      thread_.join();
  }
  remote_backend(const remote_backend&) = delete;
  remote_backend& operator=(const remote_backend&) = delete;

  void start(client_request request, done_fn done) override {
    worker_->start(std::move(request), std::move(done));
  }

private:
  std::shared_ptr<remote_worker> worker_;
  std::thread thread_;
};

result<std::vector<socket_address>>
parse_doors(const std::vector<std::string>& addresses) {
  constexpr std::uint16_t resp_port = 6379;
  if (addresses.empty())
    return {errc::invalid_argument, "no address of a RESP door is given"};
  std::vector<socket_address> doors;
  for (const auto& text : addresses) {
    auto door = parse_address(text, resp_port);
    if (!door)
      return door.error();
    doors.push_back(std::move(*door));
  }
  return doors;
}

using remote_client_actor =
  client_actor::extend<caf::reacts_to<local::remote_answer>>;

/// Puts the answers of the backend's thread back among its own messages.
class remote_client : public remote_client_actor::base {
public:
  using super = remote_client_actor::base;

  remote_client(caf::actor_config& cfg, std::shared_ptr<client_backend> backend)
    : super(cfg), backend_(std::move(backend)) {}

  const char* name() const override { return "torc.client"; }

  behavior_type make_behavior() override {
    set_default_handler(caf::drop);
    return {
      [this](client_request& r) {
        const auto token = ++last_token_;
        auto promise = make_response_promise<client_reply>();
        promises_.emplace(token, promise);
        const auto me = caf::actor_cast<remote_client_actor>(this);
        backend_->start(std::move(r), [me, token](client_reply reply) {
          caf::anon_send(me, local::remote_answer{token, std::move(reply)});
        });
        return promise;
      },
      [this](local::client_call& c) {
        backend_->start(std::move(c.request),
                        [answer = std::move(c.done)](client_reply reply) {
                          (*answer)(std::move(reply));
                        });
      },
      [this](local::remote_answer& a) {
        const auto it = promises_.find(a.token);
        it->second.deliver(std::move(a.reply));
        promises_.erase(it);
      },
    };
  }

  void on_exit() override {
    for (auto& [token, promise] : promises_)
      promise.deliver(replies::failure(errc::unknown_outcome,
                                       "the client ended before the answer"));
    promises_.clear();
    backend_.reset();
  }

private:
  std::shared_ptr<client_backend> backend_;
  std::map<std::uint64_t, caf::typed_response_promise<client_reply>> promises_;
  std::uint64_t last_token_ = 0;
};

} // namespace

result<client> client::connect(std::vector<std::string> addresses,
                               client_options options) {
  auto doors = parse_doors(addresses);
  if (!doors)
    return doors.error();
  auto worker =
    std::make_shared<remote_worker>(std::move(*doors), std::move(options));
  if (const auto ready = worker->connect(); !ready)
    return ready.error();
  return client{std::make_shared<remote_backend>(std::move(worker))};
}

result<client_actor> spawn_client(caf::actor_system& sys,
                                  std::vector<std::string> addresses,
                                  client_options options) {
  auto doors = parse_doors(addresses);
  if (!doors)
    return doors.error();
  auto backend = std::make_shared<remote_backend>(
    std::make_shared<remote_worker>(std::move(*doors), std::move(options)));
  // On a thread of its own: it waits for the backend's when it ends.
  return client_actor{
    sys.spawn<remote_client, caf::detached>(std::move(backend))};
}

} // namespace torc
