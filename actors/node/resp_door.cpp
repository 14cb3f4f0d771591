#include "actors/node/resp_door.hpp"

#include <caf/all.hpp>
#include <fmt/format.h>

#include "torc/loop.hpp"

namespace torc {
namespace {

constexpr std::int64_t connections_max_max = 1'000'000;

config_parameter constant(std::string name, std::string value) {
  return {std::move(name), [v = std::move(value)] { return v; }, nullptr};
}

} // namespace

result<std::unique_ptr<resp_door>> resp_door::open(caf::actor_system& sys,
                                                   const node_options& options,
                                                   resp_door_parts parts) {
  std::unique_ptr<resp_door> out{new resp_door(sys)};
  auto& shared = *(out->shared_ = std::make_shared<gateway_shared>());
  shared.node_name = options.name;
  shared.data_dir = options.data_dir;
  shared.resp_port = options.resp_listen.port;
  shared.figures = std::move(parts.figures);
  shared.set_password(options.password);
  out->add_parameters(options);
  for (std::size_t i = 0; i < parts.loops.size(); ++i)
    shared.counters.push_back(std::make_shared<gateway_counters>());
  dealer_options d;
  for (std::size_t i = 0; i < parts.loops.size(); ++i) {
    gateway_options g;
    g.self = parts.self;
    g.loop = static_cast<std::uint16_t>(i);
    g.wall = parts.wall;
    g.seed = parts.seed + i;
    g.max_skew_ms = options.max_skew_ms;
    g.shared = out->shared_;
    g.ring_manager = parts.ring_manager;
    out->gateways_.push_back(spawn_gateway(sys, parts.loops[i], std::move(g)));
    d.loops.push_back(&parts.loops[i]->io());
  }
  d.name = "RESP";
  d.listen = options.resp_listen;
  d.connections_max = out->connections_max_;
  d.refusal = "-ERR max number of clients reached\r\n";
  d.start = [gateways = out->gateways_](boost::asio::ip::tcp::socket s,
                                        connection_place place,
                                        std::size_t loop) {
    gateways[loop].accept(std::move(s), std::move(place));
  };
  auto dealer = socket_dealer::open(std::move(d));
  if (!dealer)
    return std::move(dealer).error();
  out->dealer_ = *std::move(dealer);
  return out;
}

void resp_door::add_parameters(const node_options& options) {
  auto& p = shared_->parameters;
  p.push_back(constant("bind", options.resp_listen.host));
  p.push_back({"maxclients",
               [this] { return fmt::to_string(connections_max_.load()); },
               [this](const std::string& text) -> result<void> {
                 const auto n = parse_setting(text, 1, connections_max_max);
                 if (!n)
                   return n.error();
                 connections_max_ = static_cast<std::size_t>(*n);
                 if (dealer_)
                   dealer_->set_connections_max(connections_max_);
                 return {};
               }});
}

resp_door::~resp_door() {
  stop();
}

void resp_door::stop() {
  if (dealer_)
    dealer_->stop();
  for (const auto& g : gateways_)
    caf::anon_send_exit(g.actor(), caf::exit_reason::user_shutdown);
  caf::scoped_actor self{sys_};
  for (const auto& g : gateways_)
    self->wait_for(g.actor());
  gateways_.clear();
}

const socket_address& resp_door::address() const noexcept {
  return dealer_->address();
}

void resp_door::collect(metrics_page& page) const {
  if (dealer_)
    dealer_->collect(page, "resp");
  shared_->collect(page);
}

} // namespace torc
