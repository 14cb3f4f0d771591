"""Runs a cluster of real processes for a test, and always ends it.

    with Cluster(nodes=3, engine="rocksdb") as cluster:
        cluster.cli("set", "key", "value")
        cluster.kill_node(2)
        cluster.restart_node(2)

Nodes are counted from 1. Everything is on the loopback, in a folder that goes
with the cluster unless one was given. The program is $TORC_PROGRAM.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

SOURCE_DIR = os.environ.get("TORC_SOURCE_DIR") or os.path.abspath(os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", ".."))
PROGRAM = os.environ.get("TORC_PROGRAM") or os.path.join(
    SOURCE_DIR, "build", "torc")
START_S = 60
STOP_S = 15
STEP_S = 0.05


def torc(*arguments, **environment):
    """Runs the program without a cluster; the completed process, with text."""
    env = {k: v for k, v in os.environ.items()
           if k not in ("TORC_ADDR", "TORC_PASSWORD")}
    env.update(environment)
    return subprocess.run([PROGRAM, *arguments], capture_output=True,
                          timeout=60, text=True, env=env, check=False)


class ClusterError(AssertionError):
    """The cluster did not do what the test needs."""


def _port_range_is_free(first, count):
    held = []
    try:
        for port in range(first, first + count):
            one = socket.socket()
            held.append(one)
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", port))
            one.listen(1)
    except OSError:
        return False
    finally:
        for one in held:
            one.close()
    return True


def free_ports(count, first=None):
    """The first of `count` ports in a row that nobody has.

    Below the range that the kernel gives to outgoing connections, so that they
    are still free when a node is started again.
    """
    start = first or 10_000 + (os.getpid() * 137) % 12_000
    for port in list(range(start, 22_000, count)) + list(
            range(10_000, start, count)):
        if _port_range_is_free(port, count):
            return port
    raise ClusterError(f"no {count} free ports in a row")


def wait_until(condition, timeout_s, what):
    """Waits for a true result of `condition` and returns it."""
    end = time.monotonic() + timeout_s
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > end:
            raise ClusterError(f"not within {timeout_s} s: {what}")
        time.sleep(STEP_S)


def http_get(address, path):
    """Status and body; status 0 if nobody answers."""
    try:
        with urllib.request.urlopen(f"http://{address}{path}",
                                    timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
    except OSError:
        return 0, ""


class Output:
    """Lines of a stream, read by a thread so that the writer never waits."""

    def __init__(self, stream):
        self._lines = []
        self._changed = threading.Condition()
        self._ended = False
        self._thread = threading.Thread(
            target=self._read, args=(stream,), daemon=True)
        self._thread.start()

    def _read(self, stream):
        with stream:
            for line in stream:
                with self._changed:
                    self._lines.append(line.rstrip("\n"))
                    self._changed.notify_all()
        with self._changed:
            self._ended = True
            self._changed.notify_all()

    def lines(self):
        with self._changed:
            return list(self._lines)

    def text(self):
        return "\n".join(self.lines())

    def wait_for(self, condition, timeout_s):
        """The first line for which `condition(line)` is true, else None."""
        end = time.monotonic() + timeout_s
        seen = 0
        with self._changed:
            while True:
                for line in self._lines[seen:]:
                    if condition(line):
                        return line
                seen = len(self._lines)
                left = end - time.monotonic()
                if self._ended or left <= 0:
                    return None
                self._changed.wait(left)

    def join(self):
        self._thread.join(STOP_S)


class Process:
    """A child whose output is collected: `.out` and `.err`."""

    def __init__(self, arguments):
        # Its own group: a Ctrl-C in the test's terminal goes to the test only.
        self.process = subprocess.Popen(
            arguments, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace",
            start_new_session=True)
        self.out = Output(self.process.stdout)
        self.err = Output(self.process.stderr)

    @property
    def pid(self):
        return self.process.pid

    def poll(self):
        return self.process.poll()

    def wait(self, timeout_s):
        try:
            code = self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise ClusterError(
                f"did not end within {timeout_s} s: {self.process.args}\n"
                f"{self.err.text()}") from None
        self.out.join()
        self.err.join()
        return code

    def end(self, number=signal.SIGTERM, timeout_s=STOP_S):
        """Sends a signal and waits; kills what does not end. The exit code."""
        if self.poll() is None:
            self.process.send_signal(number)
        try:
            return self.wait(timeout_s)
        except ClusterError:
            self.process.kill()
            self.wait(timeout_s)
            raise


class Cluster:
    """`torc up` on free ports.

    Options other than those below become flags of `torc up`: `replicas=1` is
    `--replicas 1`.
    """

    def __init__(self, nodes=3, data=None, log_level="info", **flags):
        self.nodes = nodes
        self._own_data = data is None
        self.data = data or tempfile.mkdtemp(prefix="torc-test-")
        self.flags = dict(flags, log_level=log_level)
        first = free_ports(2 * nodes)
        self.resp_port = first
        self.http_port = first + nodes
        self.up = None
        self.restarted = {}

    # -- life -------------------------------------------------------------------

    def start(self, timeout_s=START_S):
        """Starts `torc up` and waits for its line `ready`."""
        self.start_without_waiting()
        if self.up.out.wait_for(lambda line: line == "ready", timeout_s) is None:
            text = self.up.err.text()
            code = self.up.poll()
            self.stop(check=False)
            raise ClusterError(
                f"torc up was not ready (exit code {code}):\n{text}")
        return self

    def start_without_waiting(self):
        arguments = [PROGRAM, "up", "--data", self.data,
                     "--nodes", str(self.nodes),
                     "--resp-port", str(self.resp_port),
                     "--http-port", str(self.http_port)]
        for name, value in self.flags.items():
            arguments += ["--" + name.replace("_", "-"), str(value)]
        self.up = Process(arguments)

    def stop(self, check=True, number=signal.SIGTERM):
        """Ends everything. The exit code of `torc up`; None if it ended before.

        With `check`, nodes that were restarted must end well too.
        """
        codes = {}
        for node, process in list(self.restarted.items()):
            if process.poll() is None:
                codes[node] = process.end()
            del self.restarted[node]
        code = None
        if self.up is not None and self.up.poll() is None:
            code = self.up.end(number)
        self.up = None
        if check and any(codes.values()):
            raise ClusterError(f"nodes ended with {codes}")
        return code

    def close(self):
        try:
            self.stop(check=False)
        finally:
            if self._own_data:
                shutil.rmtree(self.data, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(self, *exception):
        self.close()

    # -- single nodes -----------------------------------------------------------

    def config_file(self, node):
        return os.path.join(self.data, f"n{node}", "torc.toml")

    def pid(self, node):
        """The process of a node that lives."""
        if node in self.restarted:
            return self.restarted[node].pid
        # The table of doors: node, pid, resp, ...
        for line in self.up.out.lines():
            words = line.split()
            if words[:1] == [f"n{node}"]:
                return int(words[1])
        raise ClusterError(f"torc up does not show n{node}")

    def kill_node(self, node, number=signal.SIGKILL):
        """Sends a signal to one node and waits until it is gone."""
        pid = self.pid(node)
        os.kill(pid, number)
        if node in self.restarted:
            self.restarted.pop(node).wait(STOP_S)
            return
        name = f"n{node} (pid {pid}) died"
        if self.up.err.wait_for(lambda line: name in line, STOP_S) is None:
            raise ClusterError(f"torc up did not say that {name}")

    def restart_node(self, node, wait=True, flags=()):
        """Starts `torc node` for one that was killed."""
        self.restarted[node] = Process(
            [PROGRAM, "node", "--config", self.config_file(node), *flags])
        if wait:
            self.wait_ready(node)

    def wait_ready(self, node, timeout_s=START_S):
        def ready():
            process = self.restarted.get(node)
            if process is not None and process.poll() is not None:
                raise ClusterError(f"n{node} ended with {process.poll()}:\n"
                                   f"{process.err.text()}")
            return self.http(node, "/readyz")[0] == 200
        wait_until(ready, timeout_s, f"n{node} ready")

    # -- talking to it ----------------------------------------------------------

    def resp_address(self, node=1):
        return f"127.0.0.1:{self.resp_port + node - 1}"

    def http(self, node, path):
        """Status and body; status 0 if nobody answers."""
        return http_get(f"127.0.0.1:{self.http_port + node - 1}", path)

    def cli(self, *arguments, node=1, code=0, stdin=b"", timeout_s=60):
        """Runs `torc`, expects the exit code, and returns stdout as bytes."""
        return self.run(*arguments, node=node, code=code, stdin=stdin,
                        timeout_s=timeout_s).stdout

    def run(self, *arguments, node=1, code=0, stdin=b"", timeout_s=60):
        """Runs `torc`; the completed process, with bytes."""
        environment = dict(os.environ, TORC_ADDR=self.resp_address(node))
        done = subprocess.run(
            [PROGRAM, *arguments], input=stdin, capture_output=True,
            timeout=timeout_s, env=environment, check=False)
        if code is not None and done.returncode != code:
            raise ClusterError(
                f"torc {' '.join(map(str, arguments))}: exit code "
                f"{done.returncode}, not {code}\n"
                f"{done.stdout.decode(errors='replace')}\n"
                f"{done.stderr.decode(errors='replace')}")
        return done

    def json(self, *arguments, node=1, code=0, stdin=b"", timeout_s=60):
        """Runs `torc ... --json` and parses what it prints."""
        return json.loads(self.cli(*arguments, "--json", node=node, code=code,
                                   stdin=stdin, timeout_s=timeout_s))

    def redis_cli(self, *arguments, node=1, stdin=None, timeout_s=60):
        """Runs redis-cli against one node and returns its stdout as text."""
        done = subprocess.run(
            ["redis-cli", "-p", str(self.resp_port + node - 1), *arguments],
            input=stdin, capture_output=True, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise ClusterError(f"redis-cli {arguments}: {done.stderr!r}")
        return done.stdout.decode(errors="surrogateescape")
