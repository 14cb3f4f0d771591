// Every type that travels between processes, in one place. Names are part of
// the wire format: they travel in each message, so they are short, and they do
// not change within a wire version.
#include <caf/actor_system_config.hpp>

#include "torc/messages/client.hpp"
#include "torc/messages/interfaces.hpp"

namespace torc {
namespace {

/// Payloads of messages between members.
void register_payloads(caf::actor_system_config& cfg) {
  cfg.add_message_type<op>("t.op");
  cfg.add_message_type<op_batch>("t.ops");
  cfg.add_message_type<op_reply>("t.re");
  cfg.add_message_type<op_reply_batch>("t.res");
  cfg.add_message_type<peer_batch>("t.peer");
  cfg.add_message_type<record_id>("t.rid");
  cfg.add_message_type<compare_offer>("t.cmp");
  cfg.add_message_type<slot_digests>("t.dig");
  cfg.add_message_type<slot_entries>("t.ent");
  cfg.add_message_type<slot_wants>("t.want");
  cfg.add_message_type<register_letter>("t.reg");
  cfg.add_message_type<config_beat>("t.beat");
  cfg.add_message_type<config_fetch>("t.fetch");
  cfg.add_message_type<config_value>("t.conf");
  cfg.add_message_type<peer_roles>("t.roles");
  cfg.add_message_type<client_request>("t.creq");
  cfg.add_message_type<client_reply>("t.crep");
}

/// Handles that travel inside of messages.
void register_ports(caf::actor_system_config& cfg) {
  cfg.add_message_type<storage_node_port>("t.Store");
  cfg.add_message_type<gateway_port>("t.Gate");
  cfg.add_message_type<synchronizer_port>("t.Sync");
  cfg.add_message_type<ring_manager_port>("t.Ring");
  cfg.add_message_type<client_port>("t.Client");
}

} // namespace

void register_messages(caf::actor_system_config& cfg) {
  register_payloads(cfg);
  register_ports(cfg);
}

} // namespace torc
