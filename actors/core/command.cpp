#include "torc/core/command.hpp"

#include <algorithm>

namespace torc {
namespace {

struct flag_name {
  std::uint16_t flag;
  std::string_view name;
};

constexpr flag_name flag_names[] = {
  {command_flag::write, "write"},     {command_flag::readonly, "readonly"},
  {command_flag::denyoom, "denyoom"}, {command_flag::admin, "admin"},
  {command_flag::no_auth, "no_auth"}, {command_flag::fast, "fast"},
};

std::size_t count_flags(const command_info& c) {
  return static_cast<std::size_t>(
    std::count_if(std::begin(flag_names), std::end(flag_names),
                  [&](const auto& n) { return c.has(n.flag); }));
}

} // namespace

std::string wrong_arity_text(const command_info& c) {
  return std::string{"ERR wrong number of arguments for '"}
    .append(c.name)
    .append("' command");
}

std::string unknown_command_text(const std::vector<std::string_view>& argv) {
  constexpr std::size_t text_max = 128;
  auto out = std::string{"ERR unknown command '"}
               .append(argv[0].substr(0, text_max))
               .append("', with args beginning with: ");
  std::string args;
  for (std::size_t i = 1; i < argv.size() && args.size() < text_max; ++i)
    args.append("'")
      .append(argv[i].substr(0, text_max - args.size()))
      .append("' ");
  return out.append(args);
}

std::string unknown_subcommand_text(const command_info& c,
                                    std::string_view name) {
  constexpr std::size_t text_max = 128;
  auto out = std::string{"ERR unknown subcommand '"}
               .append(name.substr(0, text_max))
               .append("'. Try ");
  for (const char x : c.name)
    out.push_back(x >= 'a' && x <= 'z' ? static_cast<char>(x - 32) : x);
  return out.append(" HELP.");
}

const command_info*
find_exact(const std::vector<std::string_view>& argv) noexcept {
  const auto* c = argv.empty() ? nullptr : find_command(argv[0]);
  if (c == nullptr || argv.size() < 2 || !c->has(command_flag::container))
    return c;
  return find_subcommand(c->id, argv[1]);
}

std::vector<std::size_t> key_positions(const command_info& c,
                                       std::size_t argc) {
  std::vector<std::size_t> out;
  if (c.first_key == 0 || c.key_step <= 0)
    return out;
  const auto last = c.last_key >= 0
                      ? static_cast<std::ptrdiff_t>(c.last_key)
                      : static_cast<std::ptrdiff_t>(argc) + c.last_key;
  for (std::ptrdiff_t i = c.first_key;
       i <= last && i < static_cast<std::ptrdiff_t>(argc); i += c.key_step)
    out.push_back(static_cast<std::size_t>(i));
  return out;
}

void write_command_info(resp_writer& w, const command_info& c) {
  w.array(10);
  w.bulk(c.name);
  w.integer(c.arity);
  w.set(count_flags(c));
  for (const auto& n : flag_names)
    if (c.has(n.flag))
      w.simple(n.name);
  w.integer(c.first_key);
  w.integer(c.last_key);
  w.integer(c.key_step);
  w.set(1); // ACL categories
  w.simple(std::string{"@"}.append(c.group));
  w.set(0); // tips
  if (c.first_key == 0) {
    w.set(0);
  } else { // one key specification, by range
    w.set(1);
    w.map(3);
    w.bulk("flags");
    w.set(1);
    w.simple(c.has(command_flag::write) ? "RW" : "RO");
    w.bulk("begin_search");
    w.map(2);
    w.bulk("type");
    w.bulk("index");
    w.bulk("spec");
    w.map(1);
    w.bulk("index");
    w.integer(c.first_key);
    w.bulk("find_keys");
    w.map(2);
    w.bulk("type");
    w.bulk("range");
    w.bulk("spec");
    w.map(3);
    w.bulk("lastkey");
    w.integer(c.last_key >= 0 ? c.last_key - c.first_key : c.last_key);
    w.bulk("keystep");
    w.integer(c.key_step);
    w.bulk("limit");
    w.integer(0);
  }
  if (!c.has(command_flag::container))
    return w.array(0);
  const auto subs = subcommands(c.id);
  w.array(subs.size());
  for (const auto& x : subs)
    write_command_info(w, x);
}

void write_command_docs(resp_writer& w, const command_info& c) {
  const bool container = c.has(command_flag::container);
  w.bulk(c.name);
  w.map(container ? 5 : 4);
  w.bulk("summary");
  w.bulk(c.summary);
  w.bulk("since");
  w.bulk("0.1.0");
  w.bulk("group");
  w.bulk(c.group);
  w.bulk("arguments");
  w.array(c.arguments.empty() ? 0 : 1);
  if (!c.arguments.empty()) {
    w.map(2);
    w.bulk("name");
    w.bulk(c.arguments);
    w.bulk("type");
    w.bulk("string");
  }
  if (!container)
    return;
  const auto subs = subcommands(c.id);
  w.bulk("subcommands");
  w.map(subs.size());
  for (const auto& x : subs)
    write_command_docs(w, x);
}

} // namespace torc
