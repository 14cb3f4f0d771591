#!/usr/bin/env python3
"""Three processes of `torc node`: they meet, serve the same data at all doors,
survive kill -9, come back with what they missed, and end cleanly."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

PROGRAM = os.environ["TORC_PROGRAM"]
PATIENCE_S = 30
KEYS = 500


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [s.getsockname()[1] for s in sockets]
    for s in sockets:
        s.close()
    return ports


class Client:
    """Just enough RESP2: inline requests, one reply each."""

    def __init__(self, port):
        self.file = socket.create_connection(
            ("127.0.0.1", port), timeout=PATIENCE_S).makefile("rwb")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def __call__(self, *words):
        parts = [w.encode() for w in words]
        self.file.write(b"*%d\r\n" % len(parts))
        for p in parts:
            self.file.write(b"$%d\r\n%s\r\n" % (len(p), p))
        self.file.flush()
        return self.reply()

    def reply(self):
        line = self.file.readline().rstrip(b"\r\n").decode()
        if not line:
            raise ConnectionError("the door closed the connection")
        if line[0] == "$":
            if line == "$-1":
                return None
            size = int(line[1:])
            return self.file.read(size + 2)[:-2].decode()
        if line[0] == "*":
            return [self.reply() for _ in range(int(line[1:]))]
        return line


class Node:
    def __init__(self, root, index, founders, secret):
        self.name = f"n{index + 1}"
        self.door, self.resp, self.http = founders[index]
        self.config = os.path.join(root, f"{self.name}.toml")
        self.log = os.path.join(root, f"{self.name}.log")
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
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "node", "--config", self.config], stderr=log)

    def kill(self, how):
        self.process.send_signal(how)
        return self.process.wait(PATIENCE_S)

    def ready(self):
        try:
            with urllib.request.urlopen(
                    f"http://127.0.0.1:{self.http}/readyz",
                    timeout=PATIENCE_S) as r:
                return r.status == 200
        except (urllib.error.URLError, OSError):
            return False

    def client(self):
        return Client(self.resp)

    def log_from(self, offset):
        with open(self.log, encoding="utf-8", errors="replace") as f:
            f.seek(offset)
            return f.read()


def eventually(holds, what):
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(OSError):
            if holds():
                return
        time.sleep(0.05)
    raise AssertionError(f"not within {PATIENCE_S} s: {what}")


def check(condition, what):
    if not condition:
        raise AssertionError(what)


def has_all(node, value):
    with node.client() as c:
        return all(c("GET", f"key{i}") == value for i in range(KEYS))


def write_all(node, value):
    with node.client() as c:
        for i in range(KEYS):
            check(c("SET", f"key{i}", value) == "+OK",
                  f"SET key{i} at {node.name}")


def run(nodes):
    for n in nodes:
        n.start()
    for n in nodes:
        eventually(n.ready, f"{n.name} is ready")

    write_all(nodes[0], "one")
    for n in nodes:
        eventually(lambda n=n: has_all(n, "one"), f"{n.name} has all keys")

    # A second process on the directory is refused and names the first.
    second = subprocess.run(
        [PROGRAM, "node", "--config", nodes[0].config],
        capture_output=True, text=True, timeout=PATIENCE_S, check=False)
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
        size = os.path.getsize(nodes[2].log)
        nodes[2].start()
        eventually(lambda: "until its clock passes" in nodes[2].log_from(size),
                   "n3 waits for its clock")
        began = time.monotonic()
        code = nodes[2].kill(number)
        took = time.monotonic() - began
        check(code == 0, f"n3 ended its wait with {code}")
        check(took < 2, f"n3 took {took} s to end its wait")
        check("stopped before it began" in nodes[2].log_from(size),
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
        ports = free_ports(9)
        founders = [ports[i:i + 3] for i in range(0, 9, 3)]
        nodes = [Node(root, i, founders, secret) for i in range(3)]
        try:
            run(nodes)
        except BaseException:
            for n in nodes:
                with contextlib.suppress(OSError), open(
                        n.log, encoding="utf-8", errors="replace") as log:
                    sys.stderr.write(f"--- {n.name}\n{log.read()[-4000:]}\n")
            raise
        finally:
            for n in nodes:
                if n.process and n.process.poll() is None:
                    n.process.kill()
                    n.process.wait()
    print("three nodes: passed")


if __name__ == "__main__":
    main()
