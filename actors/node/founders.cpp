#include "actors/node/founders.hpp"

#include <cmath>
#include <random>

namespace torc {
namespace {

cluster_id draw_cluster_id() {
  std::random_device source;
  cluster_id id;
  do
    for (auto& b : id.bytes)
      b = static_cast<std::uint8_t>(source());
  while (id == cluster_id{});
  return id;
}

} // namespace

std::vector<member_info> founders_of(const node_options& options) {
  std::vector<member_info> out;
  for (const auto& f : options.founders) {
    member_info m;
    m.id = member_id{static_cast<std::uint32_t>(out.size() + 1)};
    m.name = f.name;
    m.door = to_string(f.door);
    m.resp = to_string(f.resp);
    m.http = to_string(f.http);
    m.zone = f.zone;
    m.weight = static_cast<std::uint32_t>(std::lround(f.weight * 100.0));
    out.push_back(std::move(m));
  }
  return out;
}

founding founding_of(const node_options& options) {
  founding f;
  f.id = draw_cluster_id();
  f.founders = founders_of(options);
  f.default_keyspace.replicas = static_cast<std::uint16_t>(options.replicas);
  f.default_keyspace.engine = options.engine;
  f.default_keyspace.default_level = options.default_level;
  f.default_keyspace.default_ttl_ms = options.default_ttl_ms;
  f.sync = options.sync;
  f.virtual_nodes = options.virtual_nodes;
  f.max_skew_ms = options.max_skew_ms;
  return f;
}

std::shared_ptr<const cluster_members> members_of(const node_options& options) {
  cluster_members out;
  std::uint32_t id = 0;
  for (const auto& f : options.founders)
    out.push_back({member_id{++id}, f.name, f.door});
  return std::make_shared<const cluster_members>(std::move(out));
}

std::shared_ptr<const cluster_members> members_of(const cluster_config& c) {
  cluster_members out;
  for (const auto& m : c.members)
    if (auto door = parse_address(m.door); door)
      out.push_back({m.id, m.name, *std::move(door)});
  return std::make_shared<const cluster_members>(std::move(out));
}

} // namespace torc
