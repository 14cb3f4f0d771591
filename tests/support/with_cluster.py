#!/usr/bin/env python3
"""with_cluster.py PROGRAM COMMAND...: runs COMMAND with the RESP doors of three
nodes as its last arguments, and ends them. Its exit code is COMMAND's."""

import os
import signal
import subprocess
import sys
import tempfile
import threading

sys.path.insert(0, os.path.join(
    os.path.dirname(os.path.abspath(__file__)), "..", "cluster"))
from torc_cluster import free_ports

NODES = 3
PATIENCE_S = 60


def wait_ready(process):
    for line in process.stdout:
        if line.strip() == "ready":
            return True
    return False


def main():
    program, command = sys.argv[1], sys.argv[2:]
    first = free_ports(2 * NODES)
    with tempfile.TemporaryDirectory(prefix="torc-test-") as root:
        nodes = subprocess.Popen(
            [program, "up", "--nodes", str(NODES), "--data", root, "--engine",
             "memory", "--loops", "1", "--resp-port", str(first),
             "--http-port", str(first + NODES)],
            stdout=subprocess.PIPE, text=True)
        # Nobody waits for ever for a line that does not come.
        timer = threading.Timer(PATIENCE_S, nodes.kill)
        timer.start()
        try:
            if not wait_ready(nodes):
                print("the cluster did not become ready", file=sys.stderr)
                return 1
            timer.cancel()
            doors = [f"127.0.0.1:{first + i}" for i in range(NODES)]
            return subprocess.run(command + doors, timeout=PATIENCE_S,
                                  check=False).returncode
        finally:
            timer.cancel()
            nodes.send_signal(signal.SIGTERM)
            nodes.wait(PATIENCE_S)


if __name__ == "__main__":
    sys.exit(main())
