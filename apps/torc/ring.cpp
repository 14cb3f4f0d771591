// `torc ring show` and `torc ring balance`.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apps/torc/member_report.hpp"
#include "apps/torc/ring_balance.hpp"
#include "apps/torc/table.hpp"

namespace torc::program {

namespace {

std::uint64_t number(const resp_value& map, std::string_view field) {
  return static_cast<std::uint64_t>(
    std::max<std::int64_t>(0, map.integer_of(field)));
}

std::size_t terminal_columns() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return size.ws_col;
  return 120;
}

std::vector<group_balance> read_groups(const resp_value& ring) {
  std::vector<group_balance> out;
  for (auto& g : ring.items_of("groups")) {
    group_balance group;
    group.id = number(g, "id");
    group.replicas = number(g, "replicas");
    for (auto& m : g.items_of("members")) {
      member_load load;
      load.id = number(m, "id");
      load.name = m.text_of("name");
      load.weight = m.real_of("weight", 1);
      load.slots = number(m, "slots");
      load.preferred = number(m, "preferred");
      group.members.push_back(std::move(load));
    }
    share_fairly(group);
    out.push_back(std::move(group));
  }
  return out;
}

void add_what_members_say(const cluster_report& report,
                          std::vector<group_balance>& groups) {
  std::map<std::uint64_t, const resp_value*> selves;
  for (auto& m : report.members)
    if (m.self)
      selves[number(m.seen, "id")] = &*m.self;
  for (auto& g : groups)
    for (auto& m : g.members)
      if (auto found = selves.find(m.id); found != selves.end()) {
        m.keys = number(*found->second, "keys");
        m.bytes = number(*found->second, "bytes");
      }
}

json to_document(const group_balance& g) {
  auto members = json::array();
  for (auto& m : g.members)
    members.push_back({{"id", m.id},
                       {"name", m.name},
                       {"weight", m.weight},
                       {"slots", m.slots},
                       {"preferred", m.preferred},
                       {"fair_slots", m.fair_slots},
                       {"load", m.load()},
                       {"keys", m.keys ? json(*m.keys) : json{}},
                       {"bytes", m.bytes ? json(*m.bytes) : json{}}});
  return {{"id", g.id},
          {"replicas", g.replicas},
          {"load_max", g.load_max()},
          {"members", std::move(members)}};
}

result<void> write_picture(const std::string& path, const std::string& text) {
  auto file = std::fopen(path.c_str(), "wb");
  auto ok = file != nullptr
            && std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (file != nullptr)
    ok = std::fclose(file) == 0 && ok;
  if (ok)
    return {};
  return {errc::io_error,
          fmt::format("cannot write {}: {}", path, std::strerror(errno))};
}

void print_group(const resp_value& group) {
  fmt::print("\n{} of every slot\n",
             group.integer_of("replicas") == 1
               ? std::string{"1 replica"}
               : fmt::format("{} replicas", group.integer_of("replicas")));
  table t{{"id", "name", "weight", "slots", "first of"}};
  for (auto& m : group.items_of("members"))
    t.add({std::to_string(m.integer_of("id")), std::string{m.text_of("name")},
           fmt::format("{:.2f}", m.real_of("weight", 1)),
           format_count(number(m, "slots")),
           format_count(number(m, "preferred"))});
  fmt::print("{}", t.to_text());
  auto& ranges = group.items_of("ranges");
  if (ranges.empty())
    return;
  table slots{{"first", "last", "replicas, preferred first"}};
  for (auto& r : ranges) {
    std::string ids;
    for (auto& id : r.items_of("replicas"))
      ids += fmt::format("{}{}", ids.empty() ? "" : " ", id.integer);
    slots.add({std::to_string(r.integer_of("first")),
               std::to_string(r.integer_of("last")), std::move(ids)});
  }
  fmt::print("{}", slots.to_text());
}

} // namespace

exit_code run_ring_show(const ring_command& c) {
  auto client = make_client(c.client);
  if (!client)
    return fail(c.client, exit_code::usage, client.error());
  resp_client::argv command{"TORC.ADMIN", "RING"};
  if (c.slots)
    command.push_back("SLOTS");
  auto ring = client->call(command);
  if (!ring)
    return fail(c.client, ring.error());
  if (c.client.json) {
    print_json(to_json(*ring));
    return exit_code::ok;
  }
  fmt::print("epoch {}, {} virtual nodes per unit of weight, {} slots\n",
             ring->integer_of("epoch"), ring->integer_of("virtual_nodes"),
             slot_count);
  for (auto& group : ring->items_of("groups"))
    print_group(group);
  return exit_code::ok;
}

exit_code run_ring_balance(const ring_command& c) {
  auto client = make_client(c.client);
  if (!client)
    return fail(c.client, exit_code::usage, client.error());
  auto ring = client->call({"TORC.ADMIN", "RING"});
  if (!ring)
    return fail(c.client, ring.error());
  auto report = ask_cluster(c.client);
  if (!report)
    return fail(c.client, report.error());
  auto groups = read_groups(*ring);
  add_what_members_say(*report, groups);
  auto epoch = number(*ring, "epoch");
  if (!c.svg.empty())
    if (auto ok = write_picture(c.svg, balance_svg(groups, epoch)); !ok)
      return fail(c.client, ok.error());
  if (c.client.json) {
    auto document = json::object();
    document["epoch"] = epoch;
    document["groups"] = json::array();
    for (auto& g : groups)
      document["groups"].push_back(to_document(g));
    if (!c.svg.empty())
      document["svg"] = c.svg;
    print_json(document);
    return exit_code::ok;
  }
  fmt::print("epoch {}\n", epoch);
  for (auto& g : groups)
    fmt::print("\n{}", balance_text(g, terminal_columns()));
  if (!c.svg.empty())
    fmt::print("\nwrote {}\n", c.svg);
  return exit_code::ok;
}

} // namespace torc::program
