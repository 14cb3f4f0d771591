"""The program `torc` without a cluster: help, exit codes, certificates."""

import json
import os
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torc_cluster import PROGRAM, SOURCE_DIR, free_ports, torc

FAILED, USAGE, NOT_FOUND, UNAVAILABLE = 1, 2, 3, 5


class CommandLine(unittest.TestCase):
    """What needs no cluster."""

    COMMANDS = ("node", "up", "cert", "cert init", "cert issue", "get", "set",
                "del", "scan", "load", "dump", "status", "ring", "ring show",
                "ring balance", "keyspace", "keyspace create", "keyspace list",
                "keyspace show", "keyspace drop", "config", "config get",
                "config set", "version", "help")

    def test_every_command_has_help_with_its_exit_codes(self):
        for command in self.COMMANDS:
            with self.subTest(command):
                done = torc(*command.split(), "--help")
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("torc " + command, done.stdout)
                if command not in ("cert", "ring", "keyspace", "config",
                                   "version", "help"):
                    self.assertIn("Exit codes:", done.stdout)
                helped = torc("help", *command.split())
                self.assertEqual(helped.returncode, 0, helped.stderr)
                self.assertIn("Usage:", helped.stdout)

    def test_every_command_that_ends_by_itself_prints_json(self):
        for command in self.COMMANDS:
            if command not in ("node", "up", "cert", "ring", "keyspace",
                               "config"):
                with self.subTest(command):
                    done = torc(*command.split(), "--help")
                    self.assertIn("--json", done.stdout)

    def test_the_help_is_json_too(self):
        def below(command, prefix=""):
            for c in command.get("commands", ()):
                self.assertRegex(c["about"], r"^[A-Z][^\n]+$")
                yield prefix + c["name"]
                yield from below(c, prefix + c["name"] + " ")

        done = torc("help", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(sorted(below(json.loads(done.stdout))),
                         sorted(self.COMMANDS))
        done = torc("help", "ring", "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        ring = json.loads(done.stdout)
        self.assertEqual(ring["name"], "ring")
        self.assertEqual(list(below(ring)), ["show", "balance"])

    def test_the_help_lists_commands_and_exit_codes(self):
        done = torc("--help")
        self.assertEqual(done.returncode, 0)
        for command in self.COMMANDS:
            self.assertIn(command.split()[0], done.stdout)
        for code in range(6):
            self.assertRegex(done.stdout, rf"(?m)^ *{code}  \S")

    def test_a_wrong_command_line_ends_with_2(self):
        for arguments in ([], ["nosuch"], ["get"], ["get", "a", "b"],
                          ["set", "k"], ["ring"], ["keyspace", "create"],
                          ["load", "x.tsv", "--window", "0"],
                          ["load", "x.tsv", "--format", "xml"],
                          ["get", "k", "--consistency", "strong"],
                          ["get", "k", "--addr", "a:b:c"],
                          ["set", "k", "v", "--ttl", "soon"],
                          ["set", "k", "v", "--ttl", "0"],
                          ["load", "x.unknown"], ["dump"],
                          ["help", "nosuch"], ["up", "--nodes", "x"]):
            with self.subTest(arguments):
                done = torc(*arguments)
                self.assertEqual(done.returncode, USAGE, done.stdout)
                self.assertTrue(done.stderr.startswith("torc: "), done.stderr)

    def test_version(self):
        with open(os.path.join(SOURCE_DIR, "CMakeLists.txt")) as lists:
            version = re.search(r"project\(Torc VERSION ([0-9.]+)",
                                lists.read()).group(1)
        self.assertEqual(torc("version").stdout, f"torc {version}\n")
        self.assertEqual(json.loads(torc("version", "--json").stdout),
                         {"name": "torc", "version": version})

    def test_nobody_at_the_door_ends_with_5(self):
        port = free_ports(1)
        for arguments in (["get", "k"], ["set", "k", "v"], ["del", "k"],
                          ["scan"], ["status"], ["ring", "show"],
                          ["keyspace", "list"], ["dump", "x.tsv"]):
            with self.subTest(arguments):
                done = torc(*arguments, "--timeout", "200", "--json",
                            TORC_ADDR=f"127.0.0.1:{port}")
                self.assertEqual(done.returncode, UNAVAILABLE, done.stderr)
                self.assertIn(str(port), done.stderr)
                error = json.loads(done.stdout)["error"]
                self.assertEqual(error["exit_code"], UNAVAILABLE)

    def test_certificates(self):
        with tempfile.TemporaryDirectory() as folder:
            made = os.path.join(folder, "certs")
            done = torc("cert", "issue", "n1", "--dir", made)
            self.assertEqual(done.returncode, NOT_FOUND, done.stderr)
            done = torc("cert", "init", "--dir", made, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            key = json.loads(done.stdout)["key"]
            self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
            done = torc("cert", "issue", "n1", "--dir", made, "--json")
            self.assertEqual(done.returncode, 0, done.stderr)
            issued = json.loads(done.stdout)
            checked = subprocess.run(
                ["openssl", "verify", "-CAfile", os.path.join(made, "ca.crt"),
                 issued["certificate"]], capture_output=True, text=True,
                timeout=60, check=False)
            self.assertEqual(checked.returncode, 0, checked.stderr)
            self.assertEqual(torc("cert", "init", "--dir", made).returncode,
                             FAILED)
            self.assertEqual(
                torc("cert", "issue", "a b", "--dir", made).returncode, USAGE)


if __name__ == "__main__":
    unittest.main(verbosity=2)
