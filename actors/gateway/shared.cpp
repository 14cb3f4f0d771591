// What the gateways of a node share.
#include <algorithm>

#include "torc/gateway_shared.hpp"

namespace torc {

void gateway_counters::reset() noexcept {
  for (auto* n : {&commands, &connections, &errors, &bytes_in, &bytes_out,
                  &hits, &misses, &protocol_errors, &slow_readers, &forwarded})
    n->set(0);
  for (auto& n : calls)
    n.set(0);
  for (auto& n : calls_us)
    n.set(0);
  reads.reset();
  writes.reset();
}

void slow_log::add(entry e) {
  const std::lock_guard lock{mutex_};
  e.id = next_id_++;
  entries_.push_front(std::move(e));
  const auto most = max_len.load(std::memory_order_relaxed);
  while (entries_.size() > most)
    entries_.pop_back();
}

std::vector<slow_log::entry> slow_log::newest(std::size_t count) const {
  const std::lock_guard lock{mutex_};
  const auto n = std::min(count, entries_.size());
  return {entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(n)};
}

std::size_t slow_log::size() const {
  const std::lock_guard lock{mutex_};
  return entries_.size();
}

void slow_log::reset() {
  const std::lock_guard lock{mutex_};
  entries_.clear();
}

std::string client_record::name() const {
  const std::lock_guard lock{mutex_};
  return name_;
}

std::string client_record::lib_name() const {
  const std::lock_guard lock{mutex_};
  return lib_name_;
}

std::string client_record::lib_version() const {
  const std::lock_guard lock{mutex_};
  return lib_version_;
}

void client_record::set_name(std::string_view s) {
  const std::lock_guard lock{mutex_};
  name_.assign(s);
}

void client_record::set_lib_name(std::string_view s) {
  const std::lock_guard lock{mutex_};
  lib_name_.assign(s);
}

void client_record::set_lib_version(std::string_view s) {
  const std::lock_guard lock{mutex_};
  lib_version_.assign(s);
}

void client_directory::add(std::shared_ptr<client_record> r) {
  const std::lock_guard lock{mutex_};
  records_.emplace(r->id, std::move(r));
}

void client_directory::remove(std::uint64_t id) {
  const std::lock_guard lock{mutex_};
  records_.erase(id);
}

std::vector<std::shared_ptr<client_record>> client_directory::all() const {
  const std::lock_guard lock{mutex_};
  std::vector<std::shared_ptr<client_record>> out;
  out.reserve(records_.size());
  for (const auto& [id, r] : records_)
    out.push_back(r);
  return out;
}

std::size_t client_directory::size() const {
  const std::lock_guard lock{mutex_};
  return records_.size();
}

std::string gateway_shared::password() const {
  const std::lock_guard lock{mutex_};
  return password_;
}

void gateway_shared::set_password(std::string_view p) {
  const std::lock_guard lock{mutex_};
  password_.assign(p);
}

void gateway_shared::collect(metrics_page& page) const {
  const auto add = [&](std::string_view name, std::string_view help,
                       std::uint64_t x) {
    page.add_counter(name, help, {}, x);
  };
  for (const auto& c : counters) {
    add("torc_commands_total", "Commands of RESP clients.", c->commands.get());
    add("torc_connections_total", "RESP connections accepted.",
        c->connections.get());
    add("torc_command_errors_total", "Replies that are errors.",
        c->errors.get());
    add("torc_net_input_bytes_total", "Bytes from RESP clients.",
        c->bytes_in.get());
    add("torc_net_output_bytes_total", "Bytes to RESP clients.",
        c->bytes_out.get());
    add("torc_keyspace_hits_total", "Reads that found their key.",
        c->hits.get());
    add("torc_keyspace_misses_total", "Reads that did not.", c->misses.get());
    add("torc_protocol_errors_total",
        "Connections closed because of what they sent.",
        c->protocol_errors.get());
    add("torc_slow_readers_total",
        "Connections closed because they did not read.", c->slow_readers.get());
    add("torc_forwarded_operations_total", "Operations sent to another member.",
        c->forwarded.get());
    page.add_gauge("torc_clients", "RESP connections open.", {},
                   static_cast<double>(c->clients.get()));
    page.add_gauge("torc_operations_under_way",
                   "Operations of RESP clients not answered yet.", {},
                   static_cast<double>(c->under_way.get()));
    page.add_histogram("torc_operation_duration_seconds",
                       "Time from command to reply.", {{"kind", "read"}},
                       c->reads.snapshot());
    page.add_histogram("torc_operation_duration_seconds",
                       "Time from command to reply.", {{"kind", "write"}},
                       c->writes.snapshot());
  }
}

} // namespace torc
