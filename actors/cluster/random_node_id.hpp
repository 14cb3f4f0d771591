#pragma once

#include <random>

#include <caf/actor_system.hpp>
#include <caf/node_id.hpp>
#include <unistd.h>

/// CAF 0.17 names a node by its MAC addresses and process id. In containers the
/// process id is 1 and MAC addresses repeat: two members could take each other
/// for themselves, and a restarted one for its former life, whose handles would
/// compare equal to the new ones.
///
/// `actor_system` lets a class of this name set the id, but CAF 0.17 does not
/// contain one. Its `init` runs after that of the network layer and before
/// anything starts.
namespace caf {
namespace net {

class middleman : public actor_system::module {
public:
  explicit middleman(actor_system& sys) : sys_(sys) {}

  static actor_system::module* make(actor_system& sys, detail::type_list<>) {
    return new middleman(sys);
  }

  void init(actor_system_config&) override {
    node_id::default_data::host_id_type host;
    std::random_device random;
    for (auto& byte : host)
      byte = static_cast<uint8_t>(random());
    auto id = make_node_id(static_cast<uint32_t>(::getpid()), host);
    sys_.node_.swap(id);
  }

  void start() override {
    // nop
  }

  void stop() override {
    // nop
  }

  id_t id() const override { return module::network_manager; }

  void* subtype_ptr() override { return this; }

private:
  actor_system& sys_;
};

} // namespace net
} // namespace caf
