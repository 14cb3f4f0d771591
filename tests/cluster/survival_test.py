"""Nodes die with kill -9: no acknowledged write is missing, clients of the
living are routed around the dead, who comes back has what it missed.

The data is real: Debian's UnicodeData.txt and its largest word list.
"""

import os
import statistics
import sys
import tempfile
import threading
import time
import unittest

import redis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torc_cluster import Cluster, Process, PROGRAM, wait_until

UNICODE_DATA = "/usr/share/unicode/UnicodeData.txt"
WORDS = "/usr/share/dict/american-english-insane"
KEYS_PER_READ = 500
CONVERGE_S = 120
WRITES = 50


def escaped(text):
    """A field of a tsv file."""
    return (text.replace("\\", "\\\\").replace("\t", "\\t")
            .replace("\n", "\\n").replace("\r", "\\r"))


def unicode_records():
    with open(UNICODE_DATA, encoding="utf-8") as f:
        for line in f:
            point, _, rest = line.rstrip("\n").partition(";")
            yield "U+" + point, rest


def word_records():
    with open(WORDS, encoding="utf-8") as f:
        for number, line in enumerate(f):
            word = line.rstrip("\n")
            yield "word:" + word, f"{number} {word[::-1]}"


def write_tsv(path, records):
    with open(path, "w", encoding="utf-8") as f:
        for key, value in records.items():
            f.write(f"{escaped(key)}\t{escaped(value)}\n")


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def read_through_redis_cli(cluster, node, keys):
    """Values in order; redis-cli prints a missing one as an empty line."""
    lines = []
    for i in range(0, len(keys), KEYS_PER_READ):
        lines.append("MGET " + " ".join(map(quoted, keys[i:i + KEYS_PER_READ])))
    out = cluster.redis_cli(node=node, stdin="\n".join(lines).encode() + b"\n",
                            timeout_s=300)
    return out.encode(errors="surrogateescape").decode().split("\n")[:-1]


def missing(cluster, node, records):
    """Keys that `node` does not answer as they were written."""
    keys = list(records)
    values = read_through_redis_cli(cluster, node, keys)
    if len(values) != len(keys):
        raise AssertionError(f"{len(values)} answers to {len(keys)} keys: "
                             f"{values[:3]} ...")
    return [k for k, v in zip(keys, values) if v != records[k]]


class Survival(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="torc-survival-")
        self.addCleanup(self.folder.cleanup)

    def file(self, name, records):
        path = os.path.join(self.folder.name, name)
        write_tsv(path, records)
        return path

    def assert_whole(self, cluster, node, records):
        lost = missing(cluster, node, records)
        self.assertEqual(lost[:5], [], f"{len(lost)} of {len(records)} keys are "
                         f"not on node {node} as they were written")

    def assert_becomes_whole(self, cluster, node, records):
        """Replication to a node goes on after a load has ended."""
        wait_until(lambda: not missing(cluster, node, records), CONVERGE_S,
                   f"node {node} has all records")

    def doors(self, cluster):
        return ",".join(cluster.resp_address(n) for n in (1, 2, 3))

    def test_real_data_is_read_back_from_every_node(self):
        records = dict(unicode_records())
        self.assertGreater(len(records), 30_000)
        with Cluster(nodes=3, engine="rocksdb") as cluster:
            report = cluster.json("load", self.file("unicode.tsv", records),
                                  "--wait-replicas", "2", timeout_s=300)
            self.assertEqual(report["written"], len(records))
            for node in (1, 2, 3):
                self.assert_whole(cluster, node, records)

    def test_killed_during_a_load_then_restarted_then_all_killed(self):
        records = dict(word_records())
        self.assertGreater(len(records), 600_000)
        path = self.file("words.tsv", records)
        with Cluster(nodes=3, engine="rocksdb") as cluster:
            loading = Process([PROGRAM, "load", path, "--json", "--addr",
                               self.doors(cluster)])
            self.addCleanup(loading.process.kill)
            client = redis.Redis(port=cluster.resp_port, socket_timeout=60)
            wait_until(lambda: client.dbsize() > len(records) // 5, 120,
                       "a fifth is loaded")
            self.assertIsNone(loading.poll(), "the load still runs")
            cluster.kill_node(2)
            self.assertEqual(loading.wait(300), 0, loading.err.text())
            for node in (1, 3):
                self.assert_becomes_whole(cluster, node, records)

            cluster.restart_node(2)
            self.assert_becomes_whole(cluster, 2, records)

            for node in (1, 2, 3):
                cluster.kill_node(node)
            for node in (1, 2, 3):
                cluster.restart_node(node, wait=False)
            for node in (1, 2, 3):
                cluster.wait_ready(node)
            for node in (1, 2, 3):
                self.assert_whole(cluster, node, records)

    def test_clients_of_the_living_are_routed_around_the_dead(self):
        """Two replicas on three nodes: a third of the keys have none on node 1,
        so that it has to forward; their first replica dies."""
        with Cluster(nodes=3, engine="memory", replicas=2) as cluster:
            client = redis.Redis(port=cluster.resp_port, socket_timeout=60)
            keys = [f"route:{i}" for i in range(300)]
            client.ping()
            for key in keys:
                client.set(key, "before")
            cluster.kill_node(2)
            times = []
            for number, key in enumerate(keys):
                steps = [lambda: client.set(key, "after"),
                         lambda: client.get(key)]
                # Either kind may be the first to meet the dead node.
                for step in steps if number % 2 else reversed(steps):
                    begin = time.monotonic()
                    self.repeat_until_taken(step)
                    times.append(time.monotonic() - begin)
            median, slowest = statistics.median(times), max(times)
            print(f"after the death: median {median * 1000:.1f} ms, slowest "
                  f"{slowest * 1000:.0f} ms")
            self.assertLess(median, 1)
            # A second is what is promised; the rest is for a busy machine.
            self.assertLess(slowest, 10)
            self.assertEqual(client.mget(keys), [b"after"] * len(keys))

    @staticmethod
    def repeat_until_taken(step):
        while True:
            try:
                step()
                return
            except redis.ResponseError as e:
                # A write under way when its coordinator died: nobody knows.
                if not str(e).startswith("UNKNOWN"):
                    raise

    @staticmethod
    def wait_for_writes(writers):
        """Until each of them has written some more."""
        goals = [(w, len(w.acknowledged) + WRITES) for w in writers]
        wait_until(lambda: all(len(w.acknowledged) >= n for w, n in goals),
                   CONVERGE_S, f"{WRITES} more writes at each door")

    def test_no_acknowledged_write_is_lost_by_any_death(self):
        """Writers note what was acknowledged while nodes die and return."""
        with Cluster(nodes=3, engine="rocksdb") as cluster:
            stop = threading.Event()
            writers = [Writer(cluster, node, stop) for node in (1, 2, 3)]
            for w in writers:
                w.start()
            try:
                for node in (3, 2, 1):
                    self.wait_for_writes(writers)
                    cluster.kill_node(node)
                    self.wait_for_writes(w for w in writers if w.node != node)
                    cluster.restart_node(node)
            finally:
                stop.set()
                for w in writers:
                    w.join()
            acknowledged = {}
            for w in writers:
                acknowledged.update(w.acknowledged)
            for node in (1, 2, 3):
                self.assert_becomes_whole(cluster, node, acknowledged)


class Writer(threading.Thread):
    """Writes keys of its own at one door, once each."""

    def __init__(self, cluster, node, stop):
        super().__init__()
        self.node = node
        self.port = cluster.resp_port + node - 1
        self.stop = stop
        self.acknowledged = {}

    def run(self):
        client = redis.Redis(port=self.port, socket_timeout=60)
        number = 0
        while not self.stop.is_set():
            number += 1
            key, value = f"w{self.node}:{number}", f"v{number}"
            try:
                client.set(key, value)
                self.acknowledged[key] = value
            except (redis.RedisError, OSError):
                time.sleep(0.02)


if __name__ == "__main__":
    unittest.main(verbosity=2)
