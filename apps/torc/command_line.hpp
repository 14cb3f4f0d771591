#pragma once

#include "apps/torc/commands.hpp"

namespace CLI {
class App;
} // namespace CLI

namespace torc::program {

/// Reads the command line and runs the command that it names.
exit_code run_program(int argc, char** argv);

/// Adds `node`, `up` and `cert`. When one is given, `result` is set to what it
/// ended with.
void add_server_commands(CLI::App& app, exit_code& result);

/// Adds the commands that talk to a cluster.
void add_client_commands(CLI::App& app, exit_code& result);

/// The parser of the command line takes `[a,b]` for a list of two wherever
/// several values are allowed, and cannot be told otherwise. A key like that
/// gets a mark behind it, which `unguard_brackets` takes away again; exact for
/// all bytes.
void guard_brackets(std::string& argument);
void unguard_brackets(std::string& argument);

} // namespace torc::program
