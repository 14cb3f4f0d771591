#!/usr/bin/python3
"""Runs the commands that README.md shows, in order, and compares what they
print with what it shows.

A block that begins with ```console is a transcript: lines that begin with `$ `
are commands, a line that ends in a backslash goes on, what follows a command is
its output. In the output `<...>` stands for any text within a line and a line of
only `...` for any number of lines. The cluster runs on free ports: the default
ones are replaced in commands and outputs alike.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

PROGRAM = Path(os.environ["TORC_PROGRAM"])
SOURCES = Path(os.environ["TORC_SOURCE_DIR"])
BUILD = Path(os.environ["TORC_BUILD_DIR"])
DEFAULT_PORTS = (6379, 6380, 6381, 8080, 8081, 8082)
COMMAND_SECONDS_MAX = 60


def ports_in_a_row(count):
    """Below the range that the system deals out by itself."""
    for first in range(22000, 32000, count):
        try:
            for port in range(first, first + count):
                with socket.socket() as s:
                    s.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise RuntimeError("no free ports between 22000 and 32000")


def transcripts(text):
    """(heading, [(command, expected output lines)]) per console block."""
    heading = ""
    for part in re.split(r"^(#+ [^\n]*|```console\n.*?^```)$", text,
                         flags=re.MULTILINE | re.DOTALL):
        if part.startswith("#"):
            heading = part.lstrip("# ")
        elif part.startswith("```console"):
            yield heading, steps(part.splitlines()[1:-1])


def steps(lines):
    out = []
    for line in lines:
        if out and out[-1][0].endswith("\\"):
            out[-1] = (out[-1][0][:-1] + line.strip(), [])
        elif line.startswith("$ "):
            out.append((line[2:], []))
        else:
            out[-1][1].append(line)
    return out


def pattern(lines):
    text = ""
    for line in lines:
        if line.strip() == "...":
            text += r"(?:.*\n)*?"
        else:
            text += ".*?".join(re.escape(p) for p in
                               line.rstrip().split("<...>")) + r"[ \t]*\n"
    return re.compile(text)


class Tour(unittest.TestCase):
    def setUp(self):
        first = ports_in_a_row(6)
        self.ports = dict(zip(DEFAULT_PORTS, range(first, first + 6)))
        self.folder = tempfile.TemporaryDirectory(prefix="torc-readme-")
        self.addCleanup(self.folder.cleanup)
        os.symlink(SOURCES / "apps", f"{self.folder.name}/apps")
        os.symlink(BUILD, f"{self.folder.name}/build")
        self.start_cluster()

    def start_cluster(self):
        self.up = subprocess.Popen(
            [PROGRAM, "up", "--nodes=3", "--engine=rocksdb", "--data",
             f"{self.folder.name}/data", f"--resp-port={self.ports[6379]}",
             f"--http-port={self.ports[8080]}"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.addCleanup(self.stop_cluster)
        for line in self.up.stdout:
            if line == "ready\n":
                return
        self.fail("torc up ended before it was ready")

    def stop_cluster(self):
        self.up.send_signal(signal.SIGTERM)
        try:
            self.up.wait(15)
        finally:
            self.up.kill()
            self.up.stdout.close()

    def moved(self, text):
        for default, port in self.ports.items():
            text = re.sub(rf"\b{default}\b", str(port), text)
        return text

    def run_step(self, command, expected):
        done = subprocess.run(
            ["bash", "-c", command], stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True, cwd=self.folder.name,
            env={**os.environ,
                 "TORC_ADDR": f"127.0.0.1:{self.ports[6379]}"},
            timeout=COMMAND_SECONDS_MAX)
        printed = done.stdout
        if printed and not printed.endswith("\n"):
            printed += "\n"
        if not pattern(expected).fullmatch(printed):
            shown = "\n".join(expected)
            self.fail(f"$ {command}\nshown:\n{shown}\n"
                      f"printed (exit code {done.returncode}):\n{printed}")

    def test_every_command_prints_what_is_shown(self):
        ran = 0
        text = (SOURCES / "README.md").read_text()
        for heading, commands in transcripts(text):
            for command, expected in commands:
                with self.subTest(heading=heading, command=command):
                    self.run_step(self.moved(command),
                                  [self.moved(line) for line in expected])
                    ran += 1
        self.assertGreater(ran, 10, "the README has a tour")


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)
    unittest.main(verbosity=2)
