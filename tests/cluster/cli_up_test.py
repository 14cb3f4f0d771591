"""`torc up`: starts, deaths and restarts of a cluster."""

import json
import os
import signal
import socket
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torc_cluster import Cluster, ClusterError, PROGRAM, Process, torc, wait_until

FAILED = 1


class Lives(unittest.TestCase):
    """Starts, deaths and restarts of a cluster."""

    def cluster(self, **options):
        made = Cluster(**options)
        self.addCleanup(made.close)
        return made

    def test_ready_stop_and_start_again(self):
        c = self.cluster(nodes=3)
        c.start()
        lines = c.up.out.lines()
        self.assertEqual(lines[0].split()[:3], ["node", "pid", "resp"])
        self.assertEqual(lines.count("ready"), 1)
        for node in (1, 2, 3):
            self.assertEqual(c.http(node, "/readyz")[0], 200)
            self.assertIn("PONG", c.redis_cli("PING", node=node))
        secret = os.path.join(c.data, "secret")
        self.assertEqual(os.stat(secret).st_mode & 0o777, 0o600)
        c.cli("set", "kept", "yes")
        pids = [c.pid(n) for n in (1, 2, 3)]
        cluster_id = c.json("status")["cluster_id"]
        self.assertEqual(c.stop(number=signal.SIGINT), 0)
        for pid in pids:
            self.assertFalse(os.path.exists(f"/proc/{pid}"), pid)
        c.start()
        self.assertEqual(c.json("status")["cluster_id"], cluster_id)
        self.assertEqual(c.cli("get", "kept"), b"yes")
        self.assertEqual(c.stop(), 0)

    def test_a_dead_child_is_named_and_can_come_back(self):
        c = self.cluster(nodes=3)
        c.start()
        c.cli("set", "k", "v")
        c.kill_node(2)
        self.assertIn("SIGKILL", c.up.err.text())
        self.assertEqual(c.cli("get", "k"), b"v")
        c.cli("set", "while away", "v")
        c.restart_node(2)
        wait_until(lambda: c.run("get", "while away", node=2, code=None).stdout
                   == b"v", 20, "n2 has what it missed")
        self.assertEqual(c.stop(), 0)

    def test_nodes_end_with_a_killed_parent(self):
        c = self.cluster(nodes=2, replicas=2)
        c.start()
        pids = [c.pid(n) for n in (1, 2)]
        c.up.end(signal.SIGKILL)
        c.up = None
        wait_until(lambda: not any(os.path.exists(f"/proc/{p}") for p in pids),
                   15, "the nodes end")
        c.start()
        self.assertEqual(c.stop(), 0)

    def test_load_survives_the_death_of_its_node(self):
        c = self.cluster(nodes=3, sync="os")
        c.start()
        count = 300_000
        path = os.path.join(c.data, "many.tsv")
        with open(path, "w") as file:
            for i in range(count):
                file.write(f"key{i}\t{i}\n")
        load = Process([PROGRAM, "load", path, "--json", "--addr",
                        c.resp_address(1)])
        self.addCleanup(load.end)
        wait_until(lambda: int(c.redis_cli("DBSIZE", node=2)) > 2000, 30,
                   "the load is under way")
        self.assertIsNone(load.poll(), load.err.text())
        c.kill_node(1)
        self.assertEqual(load.wait(180), 0, load.err.text())
        report = json.loads(load.out.text())
        self.assertEqual(report["written"], count)
        self.assertEqual(report["unknown"], 0)
        self.assertGreater(report["unknown_resent"] + report["retried"], 0)
        c.restart_node(1)

        def all_there():
            # -TRYAGAIN while a node still counts what it has on the disk.
            return all(c.redis_cli("DBSIZE", node=n).strip() == str(count)
                       for n in (1, 2, 3))
        wait_until(all_there, 120, "every key on every node")

    def test_a_taken_port_is_told(self):
        c = self.cluster(nodes=2, replicas=2)
        with socket.socket() as taken:
            taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            taken.bind(("127.0.0.1", c.resp_port + 1))
            taken.listen(1)
            with self.assertRaisesRegex(
                    ClusterError,
                    f"port {c.resp_port + 1} of node n2 is taken"):
                c.start()

    def test_another_setting_is_refused(self):
        c = self.cluster(nodes=1, replicas=1, engine="memory")
        c.start()
        self.assertEqual(c.stop(), 0)
        c.flags["engine"] = "rocksdb"
        with self.assertRaisesRegex(ClusterError, "the cluster has memory"):
            c.start()

    def test_a_stop_while_starting(self):
        c = self.cluster(nodes=3)
        c.start_without_waiting()
        self.assertIsNotNone(
            c.up.out.wait_for(lambda line: line.startswith("n3"), 30))
        self.assertEqual(c.stop(), 0)

    def test_two_on_one_folder(self):
        c = self.cluster(nodes=1, replicas=1)
        c.start()
        done = torc("up", "--data", c.data)
        self.assertEqual(done.returncode, FAILED)
        self.assertIn("torc: ", done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
