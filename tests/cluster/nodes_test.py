#!/usr/bin/env python3
"""Three processes of `torc node`: they meet, serve the same data at all doors,
survive kill -9, come back with what they missed, and end cleanly."""

import os
import re
import signal
import sys
import tempfile
import time

import redis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torc_cluster import (PROGRAM, Process, free_ports, http_get, torc,
                          wait_until)

PATIENCE_S = 30
KEYS = 500
WAITS = re.compile(r"waits (\d+) ms until its clock passes")


class Node:
    def __init__(self, root, index, founders, secret):
        self.name = f"n{index + 1}"
        self.door, self.resp, self.http = founders[index]
        self.config = os.path.join(root, f"{self.name}.toml")
        lines = [f'name = "{self.name}"',
                 f'data_dir = "{os.path.join(root, self.name)}"',
                 f'cluster_secret_file = "{secret}"', "loops = 1",
                 'memory_bytes_max = "64MiB"', 'max_skew = "20s"']
        for i, (door, resp, http) in enumerate(founders):
            lines += ["[[founders]]", f'name = "n{i + 1}"',
                      f'door = "127.0.0.1:{door}"',
                      f'resp = "127.0.0.1:{resp}"',
                      f'http = "127.0.0.1:{http}"']
        with open(self.config, "w", encoding="utf-8") as f:
            f.write("\n".join(lines) + "\n")
        self.process = None

    def start(self):
        self.process = Process([PROGRAM, "node", "--config", self.config])

    def kill(self, how):
        return self.process.end(how, PATIENCE_S)

    def ready(self):
        return http_get(f"127.0.0.1:{self.http}", "/readyz")[0] == 200

    def client(self):
        return redis.Redis(port=self.resp, socket_timeout=PATIENCE_S,
                           decode_responses=True)


def eventually(holds, what):
    def answered():
        try:
            return holds()
        except redis.RedisError:
            return False
    wait_until(answered, PATIENCE_S, what)


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def has_all(node, value):
    with node.client() as c:
        return all(c.get(f"key{i}") == value for i in range(KEYS))


def write_all(node, value):
    with node.client() as c:
        for i in range(KEYS):
            check(c.set(f"key{i}", value), f"SET key{i} at {node.name}")


def run(nodes):
    for n in nodes:
        n.start()
    for n in nodes:
        eventually(n.ready, f"{n.name} is ready")

    write_all(nodes[0], "one")
    for n in nodes:
        eventually(lambda n=n: has_all(n, "one"), f"{n.name} has all keys")

    # A second process on the directory is refused and names the first.
    second = torc("node", "--config", nodes[0].config)
    check(second.returncode == 1, f"exit code {second.returncode}, not 1")
    check(str(nodes[0].process.pid) in second.stderr, second.stderr)

    # One is killed; the others go on, and it gets what it missed.
    nodes[1].kill(signal.SIGKILL)
    write_all(nodes[2], "two")
    check(has_all(nodes[2], "two"), "n3 has its own writes")
    eventually(lambda: has_all(nodes[0], "two"), "n1 has them too")
    nodes[1].start()
    eventually(nodes[1].ready, "n2 is ready again")
    eventually(lambda: has_all(nodes[1], "two"), "n2 has what it missed")

    # All are killed: everything is back.
    for n in nodes:
        n.kill(signal.SIGKILL)
    for n in nodes:
        n.start()
    for n in nodes:
        eventually(n.ready, f"{n.name} is ready after all were killed")
        check(has_all(n, "two"), f"{n.name} has all keys after that")

    # Killed, a node waits for its clock to pass the last stamps that it issued.
    # A signal ends that at once.
    for number in (signal.SIGTERM, signal.SIGINT):
        write_all(nodes[0], "more")
        nodes[2].kill(signal.SIGKILL)
        nodes[2].start()
        log = nodes[2].process.err
        line = log.wait_for(WAITS.search, PATIENCE_S)
        check(line, "n3 waits for its clock")
        began = time.monotonic()
        code = nodes[2].kill(number)
        took = time.monotonic() - began
        check(code == 0, f"n3 ended its wait with {code}")
        check(took * 1000 < int(WAITS.search(line).group(1)),
              f"n3 took {took} s to end its wait: {line}")
        check("stopped before it began" in log.text(),
              "n3 says that it stopped")
        nodes[2].start()
        eventually(nodes[2].ready, "n3 is ready after that")

    # A clean end takes seconds, and is none.
    for n in nodes:
        began = time.monotonic()
        code = n.kill(signal.SIGTERM)
        check(code == 0, f"{n.name} ended with {code}")
        check(time.monotonic() - began < 10, f"{n.name} took too long to end")


def main():
    with tempfile.TemporaryDirectory(prefix="torc-nodes-") as root:
        secret = os.path.join(root, "secret")
        with open(secret, "w", encoding="utf-8") as f:
            f.write("0123456789abcdef0123456789abcdef\n")
        os.chmod(secret, 0o600)
        first = free_ports(9)
        founders = [range(p, p + 3) for p in range(first, first + 9, 3)]
        nodes = [Node(root, i, founders, secret) for i in range(3)]
        try:
            run(nodes)
        except BaseException:
            for n in nodes:
                if n.process:
                    log = n.process.err.text()
                    sys.stderr.write(f"--- {n.name}\n{log[-4000:]}\n")
            raise
        finally:
            for n in nodes:
                if n.process and n.process.poll() is None:
                    n.kill(signal.SIGKILL)
    print("three nodes: passed")


if __name__ == "__main__":
    main()
