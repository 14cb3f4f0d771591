// How the answers of replicas become replies.
#include <string>

#include "actors/gateway/core.hpp"

namespace torc::gateway {
namespace {

constexpr std::size_t slow_argument_bytes = 128;

std::int64_t as_integer(std::uint64_t x) noexcept {
  return static_cast<std::int64_t>(x);
}

/// -2: no such key, -1: no deadline.
std::int64_t time_left(shape how, bool found, unix_ms deadline, unix_ms now) {
  if (!found)
    return -2;
  if (deadline == 0)
    return -1;
  const auto left = deadline > now ? deadline - now : 0;
  switch (how) {
  case shape::ttl: return as_integer((left + 500) / 1000);
  case shape::pttl: return as_integer(left);
  case shape::expiretime: return as_integer((deadline + 500) / 1000);
  default: return as_integer(deadline);
  }
}

void write_version(resp_writer& w, const torc::tag& t) {
  w.bulk("version");
  if (t.h.value == 0)
    return w.null();
  w.bulk(std::to_string(t.h.value).append("-").append(
    std::to_string(t.actor.value)));
}

void write_level(resp_writer& w, const op_reply& r, bool wrote) {
  w.bulk("level");
  const bool synced = (r.flags & reply_flag::not_synced) == 0;
  if (r.level == consistency::weak || (!wrote && !synced))
    w.bulk("weak"); // also what was read before it was durable
  else
    w.bulk(synced ? "eventual" : "eventual (not synced)");
}

void write_clock(resp_writer& w, const answer& a) {
  w.bulk("clock");
  w.integer(as_integer(a.clock.value));
}

void write_torc(resp_writer& w, shape how, const answer& a) {
  const auto& r = a.reply;
  const bool found = (r.flags & reply_flag::found) != 0;
  const bool changed = (r.flags & reply_flag::changed) != 0;
  switch (how) {
  case shape::torc_get:
    w.map(5);
    w.bulk("value");
    if (found)
      w.bulk(a.payload);
    else
      w.null();
    write_version(w, found ? r.tag : torc::tag{});
    write_level(w, r, false);
    write_clock(w, a);
    w.bulk("expires_at_ms");
    return w.integer(found ? as_integer(r.expires_at) : 0);
  case shape::torc_set:
    w.map(4);
    write_version(w, r.tag);
    write_level(w, r, true);
    write_clock(w, a);
    w.bulk("expires_at_ms");
    return w.integer(as_integer(r.expires_at));
  default:
    w.map(4);
    w.bulk("found");
    w.boolean(found);
    write_version(w, changed ? r.tag : torc::tag{});
    write_level(w, r, changed);
    return write_clock(w, a);
  }
}

} // namespace

void core::reply_shaped(session& s, std::uint64_t slot, const answer& a) {
  auto& place = s.ring.at(slot);
  const auto& r = a.reply;
  auto w = writer(s, slot);
  if (r.status != no_error) {
    counters_.errors.add();
    w.error(error_line(r.status, a.payload));
    return finish(s, slot, a.key);
  }
  const bool found = (r.flags & reply_flag::found) != 0;
  switch (place.how) {
  case shape::none: TORC_ASSERT(false); break;
  case shape::ok: w.simple("OK"); break;
  case shape::bulk:
    (found ? counters_.hits : counters_.misses).add();
    [[fallthrough]];
  case shape::old_bulk:
    if (found)
      w.bulk(a.payload);
    else
      w.null();
    break;
  case shape::found: w.integer(found ? 1 : 0); break;
  case shape::changed:
    w.integer((r.flags & reply_flag::changed) != 0 ? 1 : 0);
    break;
  case shape::length: w.integer(found ? as_integer(r.number) : 0); break;
  case shape::type: w.simple(found ? "string" : "none"); break;
  case shape::ttl:
  case shape::pttl:
  case shape::expiretime:
  case shape::pexpiretime:
    w.integer(time_left(place.how, found, r.expires_at, now_));
    break;
  case shape::torc_get:
  case shape::torc_set:
  case shape::torc_del: write_torc(w, place.how, a); break;
  }
  finish(s, slot, a.key);
}

void core::note_latency(session& s, const reply_ring::slot& slot,
                        std::string_view key) {
  const auto took_us = now_us_ > slot.start_us ? now_us_ - slot.start_us : 0;
  const auto& command = *slot.command;
  if (command.first_key != 0)
    (command.has(command_flag::write) ? counters_.writes : counters_.reads)
      .record(took_us * 1000);
  if (!shared().slowlog.is_slow(took_us))
    return;
  std::vector<std::string> argv{std::string{command.name}};
  if (!key.empty())
    argv.emplace_back(key.substr(0, slow_argument_bytes));
  shared().slowlog.add(
    {0, now_, took_us, std::move(argv), s.record->address, s.record->name()});
}

std::string error_line(errc code, std::string_view text) {
  std::string_view word = "ERR";
  switch (code) {
  case errc::try_again: word = "TRYAGAIN"; break;
  case errc::no_replica:
  case errc::stale_config:
  case errc::timeout: word = "CLUSTERDOWN"; break;
  case errc::not_ready: word = "LOADING"; break;
  case errc::disk_full:
  case errc::io_error: word = "MISCONF"; break;
  case errc::memory_limit:
    return "OOM command not allowed when used memory > 'maxmemory'.";
  case errc::unknown_outcome: word = "UNKNOWN"; break;
  case errc::not_found: word = "NOTFOUND"; break;
  case errc::already_exists: word = "EXISTS"; break;
  default: break;
  }
  return std::string{word}.append(" ").append(text);
}

} // namespace torc::gateway
