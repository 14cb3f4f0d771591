// Flags of the commands that talk to a cluster.
#include "apps/torc/command_line.hpp"

#include <CLI/CLI.hpp>
#include <memory>

namespace torc::program {

namespace {

// What each command ends with, for its help.
constexpr auto done_or_not = "Exit codes: 0 done, 1 failed, 2 wrong command "
                             "line, 5 no door or replica\nanswers.";
constexpr auto key_read = "Exit codes: 0 found, 1 failed, 2 wrong command "
                          "line, 3 no such key or keyspace,\n5 no door or "
                          "replica answers.";
constexpr auto key_write = "Exit codes: 0 done, 1 failed, 2 wrong command "
                           "line, 3 no such key or keyspace,\n4 unknown: may "
                           "or may not have been done, 5 no door or replica "
                           "answers, nothing\nwas done.";

void add_footer(CLI::App& a, const std::string& about, const char* codes) {
  a.footer(about.empty() ? codes : about + "\n\n" + codes);
}

void add_client(CLI::App& a, client_options& c, bool data) {
  a.add_option("--addr", c.addresses,
               "RESP doors host:port, separated by commas; the next is tried "
               "when one fails")
    ->delimiter(',')
    ->envname("TORC_ADDR")
    ->capture_default_str();
  a.add_option("--password", c.password, "Password of the RESP door")
    ->envname("TORC_PASSWORD");
  a.add_option("--timeout", c.timeout_ms, "Milliseconds for one request")
    ->capture_default_str();
  a.add_flag("--json", c.json, "Print JSON");
  if (data)
    a.add_option("--keyspace", c.keyspace, "Name or db number (default)");
}

void add_level(CLI::App& a, client_options& c) {
  a.add_option("--consistency", c.level,
               "eventual or weak; otherwise as the keyspace has it")
    ->check(CLI::IsMember({"eventual", "weak"}));
}

void add_keys(CLI::App& app, exit_code& code) {
  auto c = std::make_shared<key_command>();
  auto get = app.add_subcommand("get", "Print the value of a key");
  add_footer(*get,
             "Without --json the value's bytes are printed as they are, with a "
             "line end behind\nthem on a terminal only. With --json bytes that "
             "are not UTF-8 are value_base64.",
             key_read);
  add_client(*get, c->client, true);
  add_level(*get, c->client);
  get->add_option("key", c->key)->required();
  get->callback([c, &code] { code = run_get(*c); });

  auto set = app.add_subcommand("set", "Write a value");
  add_footer(*set,
             "What begins with a dash goes behind two: torc set -- key -5",
             key_write);
  add_client(*set, c->client, true);
  add_level(*set, c->client);
  set->add_option("key", c->key)->required();
  auto value = set->add_option("value", c->value);
  set->add_flag("--stdin", c->value_from_stdin, "Read the value from stdin")
    ->excludes(value);
  set->add_option("--ttl", c->ttl, "Time to live, such as 30s or 2h");
  set->callback([value, c, &code] {
    if (value->count() == 0 && !c->value_from_stdin)
      throw CLI::RequiredError("value or --stdin");
    code = run_set(*c);
  });

  auto del = app.add_subcommand("del", "Remove keys");
  add_footer(*del, "Keys are removed one by one; ends at the first failure.",
             "Exit codes: 0 some were there, 1 failed, 2 wrong command line, 3 "
             "none of them was\nthere, 4 unknown: may or may not have been "
             "done, 5 no door or replica answers.");
  add_client(*del, c->client, true);
  add_level(*del, c->client);
  del->add_option("key", c->keys)->required();
  del->callback([c, &code] {
    for (auto& key : c->keys)
      unguard_brackets(key);
    code = run_del(*c);
  });

  auto s = std::make_shared<scan_command>();
  auto scan = app.add_subcommand("scan", "List keys of the whole cluster");
  add_footer(*scan,
             "One key a line, in no order; with --json one object a line, with "
             "key or\nkey_base64. A key that is there all the time is listed.",
             key_read);
  add_client(*scan, s->client, true);
  scan->add_option("--match", s->match, "Pattern, such as user:*");
  scan->add_option("--limit", s->limit, "End after so many keys; 0: all");
  scan->callback([s, &code] { code = run_scan(*s); });
}

void add_files(CLI::App& app, exit_code& code) {
  auto formats = CLI::IsMember({"tsv", "csv", "jsonl"});
  auto l = std::make_shared<load_command>();
  auto load = app.add_subcommand("load", "Write the records of a file");
  add_footer(
    *load,
    "tsv: key TAB value [TAB ttl_ms], with \\t \\n \\r \\\\ as escapes\n"
    "csv: key,value[,ttl_ms] by RFC 4180\n"
    "jsonl: {\"key\": .., \"value\": .., \"ttl_ms\": ..}, or key_base64 and "
    "value_base64\n"
    "Without --format the file's name decides. Lines are written in order: of "
    "two with\none key the later wins. A write that a node could not take, or "
    "whose outcome is\nunknown, is sent again, at another member where that "
    "may help. Ctrl-C ends it with\nits counts.",
    "Exit codes: 0 every line is written, 1 some were refused or it ended "
    "early, 2 wrong\ncommand line, 3 no such keyspace, 4 some records may or "
    "may not be written, 5 it\ngave up since doors or replicas did not answer "
    "in time. The counts say what was\nwritten.");
  add_client(*load, l->client, true);
  add_level(*load, l->client);
  load->add_option("file", l->file, "Path, or - for stdin")->required();
  load->add_option("--format", l->format, "tsv, csv or jsonl")->check(formats);
  load->add_flag("--header", l->header, "Skip the first record");
  load->add_option("--wait-replicas", l->wait_replicas,
                   "Wait until so many other replicas have the writes");
  load->add_option("--rejects", l->rejects,
                   "Write all refused lines' numbers and reasons here");
  load
    ->add_option("--window", l->window, "Records under way at most, 1 to 65536")
    ->check(CLI::Range(1, 65536))
    ->capture_default_str();
  load
    ->add_option("--give-up", l->give_up_ms,
                 "Milliseconds without a success after which it ends")
    ->capture_default_str();
  load->callback([l, &code] { code = run_load(*l); });

  auto d = std::make_shared<dump_command>();
  auto dump = app.add_subcommand("dump", "Write records to a file");
  add_footer(*dump,
             "Writes what `torc load` reads. Keys that are written while it "
             "runs may or may not\nbe in it. The file takes its name when it "
             "is whole.",
             "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no such "
             "keyspace, 5 no door\nor replica answers.");
  add_client(*dump, d->client, true);
  dump->add_option("file", d->file, "Path, or - for stdout")
    ->capture_default_str();
  dump->add_option("--format", d->format, "tsv, csv or jsonl")->check(formats);
  dump->add_option("--match", d->match, "Pattern of the keys");
  dump->add_flag("--ttl", d->ttl, "Write the remaining times to live too");
  dump->callback([d, &code] { code = run_dump(*d); });
}

void add_keyspace(CLI::App& app, exit_code& code) {
  auto c = std::make_shared<keyspace_command>();
  auto keyspace = app.add_subcommand("keyspace", "Named sets of keys");
  keyspace->require_subcommand(1);
  auto action = [&](const char* name, const char* about, bool named) {
    auto a = keyspace->add_subcommand(name, about);
    add_client(*a, c->client, false);
    if (named)
      a->add_option("name", c->name)->required();
    add_footer(*a, "",
               named ? "Exit codes: 0 done, 1 failed (it exists already), 2 "
                       "wrong command line, 3 no such\nkeyspace, 4 unknown: "
                       "may or may not have been done, 5 no door or replica "
                       "answers."
                     : done_or_not);
    a->callback([c, name, &code] {
      c->action = name;
      code = run_keyspace(*c);
    });
    return a;
  };
  auto create = action("create", "Create a keyspace", true);
  create->add_option("--replicas", c->replicas, "Replicas of every key");
  create->add_option("--engine", c->engine)
    ->check(CLI::IsMember({"memory", "rocksdb"}));
  create->add_option("--consistency", c->client.level)
    ->check(CLI::IsMember({"eventual", "weak"}));
  create->add_option("--ttl", c->ttl, "Time to live of its keys, such as 1h");
  action("list", "List the keyspaces", false);
  action("show", "Show one keyspace", true);
  action("drop", "Drop a keyspace and its data", true)
    ->add_flag("--yes", c->yes, "Really");
}

void add_cluster(CLI::App& app, exit_code& code) {
  auto s = std::make_shared<client_options>();
  auto status = app.add_subcommand("status", "Show members and their state");
  add_footer(
    *status,
    "The second table is what each member says of itself; one that does "
    "not answer is\nnot in it. `marks` are bytes of deleted and expired keys "
    "that "
    "wait for collection.",
    done_or_not);
  add_client(*status, *s, false);
  status->callback([s, &code] { code = run_status(*s); });

  auto r = std::make_shared<ring_command>();
  auto ring = app.add_subcommand("ring", "Where the data lies");
  ring->require_subcommand(1);
  auto show = ring->add_subcommand("show", "Show what each member holds");
  add_footer(*show, "", done_or_not);
  add_client(*show, r->client, false);
  show->add_flag("--slots", r->slots, "List the replicas of all slots");
  show->callback([r, &code] { code = run_ring_show(*r); });
  auto balance = ring->add_subcommand("balance", "Show the load per member");
  add_footer(*balance,
             "A member's fair share is its part of all slot replicas by "
             "weight; keys and bytes\nare those that it holds in all "
             "keyspaces.",
             done_or_not);
  add_client(*balance, r->client, false);
  balance->add_option("--svg", r->svg, "Also write a picture to this file");
  balance->callback([r, &code] { code = run_ring_balance(*r); });

  auto c = std::make_shared<config_command>();
  auto config = app.add_subcommand("config", "Settings of one running node");
  config->require_subcommand(1);
  auto get = config->add_subcommand("get", "Print settings");
  add_client(*get, c->client, false);
  get->add_option("pattern", c->name, "Such as loglevel or *")->required();
  auto set = config->add_subcommand("set", "Change a setting until restart");
  add_client(*set, c->client, false);
  set->add_option("name", c->name)->required();
  set->add_option("value", c->value)->required();
  for (auto a : {get, set}) {
    add_footer(*a, "Settings are those of the one node that answers.",
               "Exit codes: 0 done, 1 failed, 2 wrong command line, 3 no such "
               "setting, 5 no door\nanswers.");
    a->callback([c, a, &code] {
      c->action = a->get_name();
      code = run_config(*c);
    });
  }
}

} // namespace

void add_client_commands(CLI::App& app, exit_code& code) {
  add_keys(app, code);
  add_files(app, code);
  add_keyspace(app, code);
  add_cluster(app, code);
}

} // namespace torc::program
