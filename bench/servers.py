"""Servers that the benchmarks start on the loopback, and end by their pids."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path


_port_ranges = iter(range(21000, 32000, 50))


def free_ports(count):
    """`count` ports in a row that nobody listens on, below the ephemeral ones;
    never the same ones twice."""
    for first in _port_ranges:
        try:
            for port in range(first, first + count):
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
    raise RuntimeError("no free ports between 21000 and 32000")


def ask(port, command, timeout_s=5.0):
    """One inline command; the raw reply as far as it came in one piece."""
    with socket.create_connection(("127.0.0.1", port), timeout_s) as s:
        s.settimeout(timeout_s)
        s.sendall(command.encode() + b"\r\n")
        return s.recv(65536)


def wait_for(what, done, timeout_s):
    end = time.monotonic() + timeout_s
    while True:
        try:
            if done():
                return
        except OSError:
            pass
        if time.monotonic() > end:
            raise RuntimeError(f"{what}: not within {timeout_s} s")
        time.sleep(0.005)


def resident_bytes(pid):
    text = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text).group(1)) * 1024


class Server:
    """A process, or several, with the door for the load at `port`."""

    def __init__(self, label, port):
        self.label = label
        self.port = port
        self.folder = Path(tempfile.mkdtemp(prefix="torc-bench-"))
        self.processes = []

    def start(self, args):
        log = open(self.folder / f"log{len(self.processes)}.txt", "wb")
        process = subprocess.Popen(args, stdout=log, stderr=subprocess.STDOUT,
                                   cwd=self.folder)
        log.close()
        self.processes.append(process)
        return process

    def answers(self, port=None):
        return ask(port or self.port, "PING").startswith(b"+PONG")

    def logs(self):
        return "".join(p.read_text(errors="replace")[-2000:]
                       for p in sorted(self.folder.glob("log*.txt")))

    def stop(self):
        for p in self.processes:
            p.send_signal(signal.SIGTERM)
        for p in self.processes:
            try:
                p.wait(15)
            except subprocess.TimeoutExpired:
                p.kill()
                p.wait()
        self.processes.clear()

    def remove(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis(Server):
    """A Redis, with replicas of it if `replicas` is above zero."""

    def __init__(self, label, options=(), replicas=0):
        super().__init__(label, free_ports(replicas + 1))
        self.options = list(options)
        self.replicas = replicas

    def run(self):
        base = ["redis-server", "--bind", "127.0.0.1", "--save", ""]
        for i in range(self.replicas + 1):
            folder = self.folder / f"n{i}"
            folder.mkdir(exist_ok=True)
            args = base + ["--port", str(self.port + i), "--dir", str(folder)]
            args += self.options
            if i == 0:
                args += ["--repl-diskless-sync-delay", "0"]
            else:
                args += ["--replicaof", "127.0.0.1", str(self.port)]
            self.start(args)
            wait_for(self.label, lambda: self.answers(self.port + i), 20)
        wait_for("replicas", self.replicated, 20)
        return self

    def replicated(self):
        text = ask(self.port, "INFO replication").decode()
        return text.count("state=online") == self.replicas

    def pid(self):
        return self.processes[0].pid


class Torc(Server):
    """A cluster of `nodes` under `torc up`."""

    def __init__(self, label, program, nodes=1, loops=1, engine="memory",
                 sync="always"):
        super().__init__(label, free_ports(2 * nodes))
        self.args = [str(program), "up", "--nodes", str(nodes),
                     "--resp-port", str(self.port),
                     "--http-port", str(self.port + nodes),
                     "--data", str(self.folder / "data"), "--engine", engine,
                     "--sync", sync, "--loops", str(loops)]
        self.nodes = nodes

    def run(self):
        process = self.start(self.args)

        def ready():
            if process.poll() is not None:
                raise RuntimeError(f"{self.label} ended:\n{self.logs()}")
            return all(self.answers(self.port + i) for i in range(self.nodes)) \
                and "\nready\n" in "\n" + self.logs()

        wait_for(self.label, ready, 60)
        return self

    def pid(self):
        """Of the first node, a child of `torc up`."""
        parent = self.processes[0].pid
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        return int(children.split()[0])
