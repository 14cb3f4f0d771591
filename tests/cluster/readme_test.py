#!/usr/bin/python3
"""Runs the commands that README.md shows, in order, and compares what they
print with what it shows.

A block that begins with ```console is a transcript: lines that begin with `$ `
are commands, a line that ends in a backslash goes on, what follows a command is
its output. In the output `<...>` stands for any text within a line and a line of
only `...` for any number of lines; how many blanks stand between words does not
count. The cluster runs on free ports: the default ones are replaced in commands
and outputs alike. A read at another node may lag behind an eventual write, so
that one is repeated for a while.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torc_cluster import Cluster

SOURCES = Path(os.environ["TORC_SOURCE_DIR"])
BUILD = Path(os.environ["TORC_BUILD_DIR"])
COMMAND_SECONDS_MAX = 60
LAG_SECONDS_MAX = 10


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
            text += ".*?".join(map(re.escape, squeezed(line).split("<...>")))
            text += r"\n"
    return re.compile(text)


def squeezed(line):
    return re.sub(r"[ \t]+", " ", line).rstrip()


class Tour(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="torc-readme-")
        self.addCleanup(self.folder.cleanup)
        os.symlink(BUILD, f"{self.folder.name}/build")
        self.cluster = Cluster(nodes=3, engine="rocksdb",
                               data=f"{self.folder.name}/data").start()
        self.addCleanup(self.cluster.close)
        first = (self.cluster.resp_port, self.cluster.http_port)
        self.ports = {6379 + i: first[0] + i for i in range(3)}
        self.ports.update({8080 + i: first[1] + i for i in range(3)})

    def moved(self, text):
        for default, port in self.ports.items():
            text = re.sub(rf"\b{default}\b", str(port), text)
        return text

    def environment(self):
        """redis-cli has no variable for its default port, so a wrapper gives
        it where the README's command names none."""
        wrapper = Path(self.folder.name) / "bin" / "redis-cli"
        wrapper.parent.mkdir(exist_ok=True)
        wrapper.write_text(f"""#!/bin/sh
case " $* " in *" -p "*) exec /usr/bin/redis-cli "$@" ;; esac
exec /usr/bin/redis-cli -p {self.ports[6379]} "$@"
""")
        wrapper.chmod(0o755)
        return {**os.environ, "PATH": f"{wrapper.parent}:{os.environ['PATH']}",
                "TORC_ADDR": f"127.0.0.1:{self.ports[6379]}"}

    def run_step(self, command, expected):
        until = time.monotonic() + LAG_SECONDS_MAX
        while True:
            done = subprocess.run(
                ["bash", "-c", command], stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, text=True, cwd=self.folder.name,
                env=self.environment(), timeout=COMMAND_SECONDS_MAX)
            printed = "".join(squeezed(line) + "\n"
                              for line in done.stdout.splitlines())
            if pattern(expected).fullmatch(printed):
                return
            if not command.startswith("redis-cli -p ") \
                    or time.monotonic() > until:
                break
        shown = "\n".join(expected)
        self.fail(f"$ {command}\nshown:\n{shown}\n"
                  f"printed (exit code {done.returncode}):\n{done.stdout}")

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
