#include "torc/http_door.hpp"

#include <future>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/post.hpp>
#include <fmt/format.h>

#include "actors/io/http_session.hpp"
#include "torc/core/assert.hpp"
#include "torc/socket_dealer.hpp"

namespace torc {
namespace {

constexpr std::string_view refusal =
  "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 21\r\n"
  "Content-Type: text/plain; charset=utf-8\r\nRetry-After: 1\r\n"
  "Connection: close\r\n\r\ntoo many connections\n";

/// 200 if there is nothing to say against it, else 503 with the reason.
http::response verdict(const std::string& reason) {
  if (reason.empty())
    return {200, "ok\n"};
  return {503, reason + "\n"};
}

http::response route(const http_sources& sources, const http::request& r) {
  if (r.path == "/healthz")
    return verdict(sources.unhealthy());
  if (r.path == "/readyz")
    return verdict(sources.unready());
  if (r.path == "/metrics")
    return {200, sources.metrics(), metrics_page::content_type};
  return {404, "no such page; there are /healthz, /readyz and /metrics\n"};
}

} // namespace

struct http_door::state {
  http_options options;
  std::vector<std::shared_ptr<http::session_group>> groups; ///< Per loop.
  std::unique_ptr<socket_dealer> dealer;
  bool stopped = false;
};

result<std::unique_ptr<http_door>> http_door::open(http_options options,
                                                   http_sources sources) {
  TORC_ASSERT(!options.loops.empty());
  TORC_ASSERT(sources.unhealthy && sources.unready && sources.metrics);
  auto s = std::make_unique<state>();
  const http::session_options limits{header_bytes_max, options.idle_timeout,
                                     options.request_timeout,
                                     options.write_timeout};
  const auto shared = std::make_shared<const http_sources>(std::move(sources));
  for (std::size_t i = 0; i < options.loops.size(); ++i)
    s->groups.push_back(std::make_shared<http::session_group>(
      limits, [shared](const http::request& r) { return route(*shared, r); }));
  dealer_options d;
  d.name = "HTTP";
  d.listen = options.listen;
  d.connections_max = options.connections_max;
  d.refusal = refusal;
  d.loops = options.loops;
  d.start = [groups = s->groups](boost::asio::ip::tcp::socket socket,
                                 connection_place place, std::size_t loop) {
    groups[loop]->start(std::move(socket), std::move(place));
  };
  s->options = std::move(options);
  auto dealer = socket_dealer::open(std::move(d));
  if (!dealer)
    return dealer.error();
  s->dealer = std::move(*dealer);
  return std::unique_ptr<http_door>{new http_door{std::move(s)}};
}

http_door::http_door(std::unique_ptr<state> s) : state_(std::move(s)) {}

http_door::~http_door() {
  stop();
}

void http_door::stop() {
  if (std::exchange(state_->stopped, true))
    return;
  state_->dealer->stop();
  for (std::size_t i = 0; i < state_->groups.size(); ++i) {
    std::promise<void> closed;
    boost::asio::post(*state_->options.loops[i], [&, i] {
      state_->groups[i]->close_all();
      closed.set_value();
    });
    closed.get_future().wait();
  }
}

const socket_address& http_door::address() const noexcept {
  return state_->dealer->address();
}

void http_door::collect(metrics_page& page) const {
  const auto& statuses = http::session_group::statuses;
  for (std::size_t i = 0; i < statuses.size(); ++i) {
    std::uint64_t sum = 0;
    for (const auto& g : state_->groups)
      sum += g->answers(i);
    const auto status =
      statuses[i] == 0 ? std::string{"other"} : std::to_string(statuses[i]);
    page.add_counter("torc_http_answers_total",
                     "Answers of the HTTP door by status.",
                     {{"status", status}}, sum);
  }
  state_->dealer->collect(page, "http");
}

} // namespace torc
