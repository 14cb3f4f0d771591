// What the gateways of a node share.
#include <algorithm>

#include "torc/gateway_shared.hpp"

namespace torc {

namespace {

/// The counters that statistics have under the same names.
struct counted {
  counter gateway_counters::*from;
  std::uint64_t gateway_statistics::*to;
};
constexpr counted counted_members[] = {
  {&gateway_counters::commands, &gateway_statistics::commands},
  {&gateway_counters::connections, &gateway_statistics::connections},
  {&gateway_counters::errors, &gateway_statistics::errors},
  {&gateway_counters::bytes_in, &gateway_statistics::bytes_in},
  {&gateway_counters::bytes_out, &gateway_statistics::bytes_out},
  {&gateway_counters::hits, &gateway_statistics::hits},
  {&gateway_counters::misses, &gateway_statistics::misses},
  {&gateway_counters::protocol_errors, &gateway_statistics::protocol_errors},
  {&gateway_counters::slow_readers, &gateway_statistics::slow_readers},
  {&gateway_counters::forwarded, &gateway_statistics::forwarded},
};

latency_snapshot difference(latency_snapshot x,
                            const latency_snapshot& earlier) noexcept {
  for (std::size_t i = 0; i < x.counts.size(); ++i)
    x.counts[i] -= earlier.counts[i];
  x.sum_ns -= earlier.sum_ns;
  return x;
}

} // namespace

void gateway_statistics::add(const gateway_counters& c) noexcept {
  for (const auto& m : counted_members)
    this->*m.to += (c.*m.from).get();
  for (std::size_t i = 0; i < calls.size(); ++i) {
    calls[i] += c.calls[i].get();
    calls_us[i] += c.calls_us[i].get();
  }
  reads += c.reads.snapshot();
  writes += c.writes.snapshot();
}

gateway_statistics
gateway_statistics::since(const gateway_statistics& earlier) const noexcept {
  auto out = *this;
  for (const auto& m : counted_members)
    out.*m.to -= earlier.*m.to;
  // Figures may be somewhat older than those of a reset meanwhile.
  out.expired_keys -= std::min(out.expired_keys, earlier.expired_keys);
  for (std::size_t i = 0; i < calls.size(); ++i) {
    out.calls[i] -= earlier.calls[i];
    out.calls_us[i] -= earlier.calls_us[i];
  }
  out.reads = difference(reads, earlier.reads);
  out.writes = difference(writes, earlier.writes);
  return out;
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

gateway_statistics
gateway_shared::all_statistics(const node_figures& now) const {
  gateway_statistics out;
  for (const auto& c : counters)
    out.add(*c);
  out.expired_keys = now.expired_keys;
  return out;
}

gateway_statistics gateway_shared::statistics() const {
  return statistics(figures_now());
}

gateway_statistics gateway_shared::statistics(const node_figures& now) const {
  const std::lock_guard lock{mutex_};
  return all_statistics(now).since(reset_at_);
}

void gateway_shared::reset_statistics() {
  const auto now = figures_now();
  const std::lock_guard lock{mutex_};
  reset_at_ = all_statistics(now);
}

bool gateway_shared::serving() const noexcept {
  return std::all_of(counters.begin(), counters.end(),
                     [](const auto& c) { return c->serving.get() != 0; });
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
