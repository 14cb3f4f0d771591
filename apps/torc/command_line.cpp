#include "apps/torc/command_line.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <functional>

#include <fmt/format.h>

#include "apps/torc/connection.hpp"

namespace torc::program {

namespace {

constexpr auto program_about =
  "Torc, a distributed data management system: a ring of storage nodes that\n"
  "keep replicated, versioned records, and doors for Redis and HTTP clients.";

constexpr auto exit_codes =
  "Exit codes:\n"
  "  0  done\n"
  "  1  failed; the message says why\n"
  "  2  the command line is wrong\n"
  "  3  the key or the keyspace does not exist\n"
  "  4  unknown: the write may or may not have been done\n"
  "  5  unavailable: no door or no replica answered; nothing was done\n"
  "\n"
  "Environment: TORC_ADDR and TORC_PASSWORD stand for --addr and --password.\n"
  "Every command has --help.";

constexpr char bracket_mark = '\x01';

/// `[...]` with any number of marks behind it.
bool is_bracketed(std::string_view text) {
  auto end = text.find_last_not_of(bracket_mark);
  return text.size() > 1 && text.front() == '[' && end != std::string_view::npos
         && text[end] == ']';
}

/// What the parser is given, last first, as it wants it.
std::vector<std::string> arguments_of(int argc, char** argv) {
  std::vector<std::string> out{argv + std::min(argc, 1), argv + argc};
  if (!out.empty() && out.front() == "del")
    for (std::size_t i = 1; i < out.size(); ++i)
      if (out[i - 1] != "--addr")
        guard_brackets(out[i]);
  std::reverse(out.begin(), out.end());
  return out;
}

/// A command, and those below it.
json to_document(const CLI::App& command) {
  json out{{"name", command.get_name()}, {"about", command.get_description()}};
  const std::function<bool(const CLI::App*)> all = [](auto) { return true; };
  for (auto below : command.get_subcommands(all))
    out["commands"].push_back(to_document(*below));
  return out;
}

} // namespace

void guard_brackets(std::string& argument) {
  if (is_bracketed(argument))
    argument += bracket_mark;
}

void unguard_brackets(std::string& argument) {
  if (is_bracketed(argument) && argument.back() == bracket_mark)
    argument.pop_back();
}

exit_code run_program(int argc, char** argv) {
  CLI::App app{program_about, "torc"};
  auto code = exit_code::ok;
  app.require_subcommand(1);
  app.footer(exit_codes);
  app.set_help_all_flag("--help-all", "Print the help of all commands");
  add_server_commands(app, code);
  add_client_commands(app, code);

  auto as_json = false;
  auto version = app.add_subcommand("version", "Print the version");
  version->add_flag("--json", as_json, "Print JSON");
  version->callback([&] { code = run_version(as_json); });

  std::vector<std::string> topic;
  auto help = app.add_subcommand("help", "Print the help of a command");
  help->add_option("command", topic, "Command, such as `ring show`");
  help->add_flag("--json", as_json, "Print the commands as JSON");
  help->callback([&] {
    CLI::App* found = &app;
    for (auto& word : topic) {
      auto named = found->get_subcommands(
        [&](const CLI::App* a) { return a->get_name() == word; });
      if (named.empty())
        throw CLI::ValidationError(
          fmt::format("there is no command '{}'", word));
      found = named.front();
    }
    if (as_json)
      print_json(to_document(*found));
    else
      fmt::print("{}", found->help("", CLI::AppFormatMode::Normal));
  });

  try {
    app.parse(arguments_of(argc, argv));
  } catch (const CLI::Success& e) {
    app.exit(e);
    return exit_code::ok;
  } catch (const CLI::ParseError& e) {
    fmt::print(stderr, "torc: {}\nRun 'torc help' to see what there is.\n",
               e.what());
    return exit_code::usage;
  } catch (const std::exception& e) {
    return fail(exit_code::failed, e.what());
  }
  if (std::fflush(stdout) != 0)
    return fail(exit_code::failed, "cannot write the output");
  return code;
}

} // namespace torc::program
