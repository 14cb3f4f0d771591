// Which handler runs which command.
#include "actors/gateway/commands.hpp"

namespace torc::gateway {

handler handler_of(command_id id) noexcept {
  switch (id) {
  case command_id::ping: return run_ping;
  case command_id::echo: return run_echo;
  case command_id::quit: return run_quit;
  case command_id::reset: return run_reset;
  case command_id::hello: return run_hello;
  case command_id::auth: return run_auth;
  case command_id::client: return run_client;
  case command_id::select: return run_select;
  case command_id::readonly:
  case command_id::readwrite:
  case command_id::asking: return run_ok;
  case command_id::wait: return run_wait;
  case command_id::get: return run_get;
  case command_id::set: return run_set;
  case command_id::setex:
  case command_id::psetex: return run_setex;
  case command_id::getex: return run_getex;
  case command_id::getdel: return run_getdel;
  case command_id::mget: return run_mget;
  case command_id::mset: return run_mset;
  case command_id::strlen: return run_strlen;
  case command_id::getrange:
  case command_id::substr: return run_getrange;
  case command_id::del:
  case command_id::unlink: return run_del;
  case command_id::exists:
  case command_id::touch: return run_exists;
  case command_id::type: return run_type;
  case command_id::expire:
  case command_id::pexpire:
  case command_id::expireat:
  case command_id::pexpireat: return run_expire;
  case command_id::ttl:
  case command_id::pttl:
  case command_id::expiretime:
  case command_id::pexpiretime: return run_ttl;
  case command_id::persist: return run_persist;
  case command_id::scan: return run_scan;
  case command_id::keys: return run_keys;
  case command_id::randomkey: return run_randomkey;
  case command_id::object: return run_object;
  case command_id::command: return run_command;
  case command_id::info: return run_info;
  case command_id::config: return run_config;
  case command_id::dbsize: return run_dbsize;
  case command_id::time: return run_time;
  case command_id::flushdb:
  case command_id::flushall: return run_flush;
  case command_id::memory: return run_memory;
  case command_id::slowlog: return run_slowlog;
  case command_id::latency: return run_latency;
  case command_id::cluster: return run_cluster;
  case command_id::torc_get: return run_torc_get;
  case command_id::torc_set: return run_torc_set;
  case command_id::torc_del: return run_torc_del;
  case command_id::torc_admin: return run_torc_admin;
  case command_id::needs_strong: return run_needs_strong;
  }
  return run_needs_strong;
}

} // namespace torc::gateway
