// `torc status`.
#include <fmt/format.h>

#include "apps/torc/member_report.hpp"
#include "apps/torc/table.hpp"

namespace torc::program {

namespace {

std::string count_of(const resp_value& map, std::string_view field) {
  auto n = map.integer_of(field, -1);
  return n < 0 ? "-" : format_count(static_cast<std::uint64_t>(n));
}

std::string bytes_of(const resp_value& map, std::string_view field) {
  return format_bytes(static_cast<double>(map.integer_of(field)));
}

/// "ready", or why not.
std::string condition(const member_report& m) {
  if (m.self)
    return m.self->boolean_of("ready") ? "ready" : "starting";
  return m.seen.boolean_of("reachable") ? "door closed" : "unreachable";
}

json to_document(const cluster_report& r) {
  auto document = json::object();
  for (auto field : {"cluster_id", "epoch", "sync"})
    put_field(document, field, r.status);
  auto members = json::array();
  auto healthy = true;
  for (auto& m : r.members) {
    auto object = to_json(m.seen);
    object["self"] = m.self ? to_json(*m.self) : json{};
    healthy = healthy && condition(m) == "ready";
    members.push_back(std::move(object));
  }
  document["healthy"] = healthy;
  document["members"] = std::move(members);
  put_field(document, "keyspaces", r.status);
  return document;
}

void print_report(const cluster_report& r) {
  auto asked = r.status.find("self");
  fmt::print("cluster {}, epoch {}, sync {}\n",
             r.status.text_of("cluster_id", "?"), r.status.integer_of("epoch"),
             r.status.text_of("sync", "?"));
  if (asked != nullptr)
    fmt::print("as {} sees it\n", printable(asked->text_of("name")));
  fmt::print("\n");
  table members{{"id", "name", "state", "is", "resp", "http", "zone", "weight",
                 "version", "up"}};
  table loads{{"name", "keys", "bytes", "marks", "memory", "limit", "hints",
               "clients", "loops", "operations"}};
  for (auto& m : r.members) {
    auto& s = m.seen;
    auto text = [&s](std::string_view f) { return std::string{s.text_of(f)}; };
    auto uptime = m.self ? format_seconds(
                    static_cast<double>(m.self->integer_of("uptime_ms")) / 1000)
                         : "-";
    members.add({std::to_string(s.integer_of("id")), text("name"),
                 text("state"), condition(m), text("resp"), text("http"),
                 text("zone").empty() ? "-" : text("zone"),
                 fmt::format("{:.2f}", s.real_of("weight", 1)),
                 m.self ? std::string{m.self->text_of("version")} : "-",
                 uptime});
    if (m.self)
      loads.add({text("name"), count_of(*m.self, "keys"),
                 bytes_of(*m.self, "bytes"), bytes_of(*m.self, "dead_bytes"),
                 bytes_of(*m.self, "memory_bytes"),
                 bytes_of(*m.self, "memory_bytes_max"),
                 count_of(*m.self, "hints"), count_of(*m.self, "clients"),
                 count_of(*m.self, "loops"), count_of(*m.self, "operations")});
  }
  fmt::print("{}\n{}", members.to_text(), loads.to_text());
}

} // namespace

exit_code run_status(const client_options& c) {
  auto report = ask_cluster(c);
  if (!report)
    return fail(c, report.error());
  if (c.json)
    print_json(to_document(*report));
  else
    print_report(*report);
  return exit_code::ok;
}

} // namespace torc::program
