"""Unmodified Redis clients: redis-py plain and cluster-aware, hiredis, redis-cli
and redis-benchmark."""

import os
import subprocess
import sys
import time
import unittest

import redis
from redis.cluster import ClusterNode, RedisCluster

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torc_cluster import Cluster, wait_until

HIREDIS_CLIENT = os.path.join(os.environ["TORC_BUILD_DIR"], "bin",
                              "hiredis_client")


class WithCluster(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=3, engine="memory").start()
        cls.addClassCleanup(cls.cluster.close)

    def client(self, node=1, **options):
        c = redis.Redis(port=self.cluster.resp_port + node - 1,
                        socket_timeout=60, **options)
        self.addCleanup(c.close)
        return c


class RedisPy(WithCluster):
    def test_strings_and_deadlines(self):
        r = self.client()
        self.assertTrue(r.set("py:a", "1", ex=100))
        self.assertEqual(r.get("py:a"), b"1")
        self.assertIn(r.ttl("py:a"), range(50, 101))
        self.assertTrue(r.persist("py:a"))
        self.assertEqual(r.ttl("py:a"), -1)
        self.assertEqual(r.ttl("py:none"), -2)
        self.assertTrue(r.expire("py:a", 50, nx=True))
        self.assertFalse(r.expire("py:a", 60, nx=True))
        self.assertTrue(r.expire("py:a", 60, gt=True))
        self.assertEqual(r.getex("py:a", persist=True), b"1")
        self.assertEqual(r.getdel("py:a"), b"1")
        self.assertIsNone(r.get("py:a"))
        r.psetex("py:short", 50, "x")
        wait_until(lambda: r.get("py:short") is None, 5, "it expires")
        self.assertEqual(r.exists("py:short"), 0)

    def test_set_with_get_and_keepttl(self):
        r = self.client()
        r.set("py:k", "old", px=90_000)
        self.assertEqual(r.set("py:k", "new", keepttl=True, get=True), b"old")
        self.assertGreater(r.pttl("py:k"), 60_000)
        self.assertEqual(r.getrange("py:k", 1, -1), b"ew")
        self.assertEqual(r.strlen("py:k"), 3)
        self.assertEqual(r.type("py:k"), b"string")

    def test_many_keys_over_many_slots(self):
        r = self.client(2)
        pairs = {f"py:many:{i}".encode(): b"v%d" % i for i in range(1000)}
        self.assertTrue(r.mset(pairs))
        self.assertEqual(r.mget(list(pairs)), list(pairs.values()))
        self.assertEqual(set(r.scan_iter(match="py:many:*", count=37)),
                         set(pairs))
        self.assertEqual(set(r.keys("py:many:*")), set(pairs))
        self.assertEqual(r.delete(*pairs), 1000)
        self.assertEqual(r.keys("py:many:*"), [])

    def test_pipeline_keeps_its_order(self):
        with self.client(3).pipeline(transaction=False) as p:
            for i in range(5000):
                p.set(f"py:p:{i % 7}", i).get(f"py:p:{i % 7}")
            answers = p.execute()
        self.assertEqual(answers[1::2], [b"%d" % i for i in range(5000)])

    def test_what_needs_the_strong_level_says_so(self):
        r = self.client()
        for refused in (lambda: r.incr("py:n"), lambda: r.append("py:n", "x"),
                        lambda: r.setnx("py:n", 1),
                        lambda: r.set("py:n", 1, nx=True),
                        lambda: r.pipeline().set("py:m", 1).execute()):
            with self.assertRaises(redis.ResponseError) as e:
                refused()
            self.assertIn("strong", str(e.exception))
        self.assertIsNone(r.get("py:n"))

    def test_server_commands(self):
        r = self.client(client_name="tester")
        self.assertTrue(r.ping())
        self.assertEqual(r.client_getname(), "tester")
        self.assertIn(r.client_id(), [int(c["id"]) for c in r.client_list()])
        info = r.info()
        self.assertEqual(info["cluster_enabled"], 1)
        for name in ("redis_version", "connected_clients", "used_memory",
                     "total_commands_processed", "tcp_port"):
            self.assertIn(name, info)
        self.assertIn("maxmemory", r.config_get("maxmemory"))
        names = self.cluster.redis_cli("config", "get", "*").split("\n")[::2]
        self.assertEqual(len(names), len(set(names)), "each setting once")
        self.assertGreater(r.command_count(), 50)
        self.assertAlmostEqual(r.time()[0], time.time(), delta=5)

    def test_wait_counts_the_other_replicas(self):
        r = self.client()
        r.set("py:waited", "1")
        self.assertEqual(r.wait(2, 5000), 2)
        for node in (1, 2, 3):
            self.assertEqual(self.client(node).get("py:waited"), b"1")

    def test_info_counts_each_keyspace(self):
        cluster = self.cluster
        cluster.cli("keyspace", "create", "counted", "--engine", "rocksdb")
        db = cluster.json("keyspace", "show", "counted")["db"]
        r = self.client(db=db)
        r.mset({f"k{i}": i for i in range(20)})
        r.set("expires", "1", ex=1000)
        self.assertEqual(r.wait(2, 5000), 2)

        def counted(node):
            mine = self.client(node).info("keyspace")[f"db{db}"]
            return (mine["keys"], mine["expires"]) == (21, 1) \
                and 900_000 < mine["avg_ttl"] <= 1_000_000
        for node in (1, 2, 3):
            wait_until(lambda n=node: counted(n), 10, f"n{node} counts")
        self.assertIn("db0", r.info("keyspace"))
        cluster.cli("keyspace", "drop", "counted", "--yes")
        for node in (1, 2, 3):
            wait_until(lambda n=node: f"db{db}" not in
                       self.client(n).info("keyspace"), 10, "it is gone")

    def test_resetstat_counts_anew_over_all_loops(self):
        r = self.client()
        for _ in range(10):
            r.get("py:missing")
        self.assertGreaterEqual(r.info("stats")["keyspace_misses"], 10)
        self.assertTrue(r.config_resetstat())
        stats = r.info("stats")
        self.assertEqual(stats["keyspace_misses"], 0)
        self.assertLess(stats["total_commands_processed"], 10)

    def test_flush_reaches_every_node(self):
        cluster = self.cluster
        cluster.cli("keyspace", "create", "flushed", "--engine", "memory")
        db = cluster.json("keyspace", "show", "flushed")["db"]
        r = self.client(db=db)
        r.mset({f"f{i}": i for i in range(100)})
        self.assertEqual(r.dbsize(), 100)
        self.client(2).set("py:kept", "1")
        r.flushdb()
        for node in (1, 2, 3):
            c = self.client(node, db=db)
            wait_until(lambda: c.dbsize() == 0, 10, "flushed")
            self.assertIsNone(c.get("f1"))
        self.assertEqual(self.client().get("py:kept"), b"1")


class ClusterAware(unittest.TestCase):
    """Two replicas on three nodes: slots differ in their nodes."""

    def test_redis_py_cluster_client_through_a_death(self):
        with Cluster(nodes=3, engine="memory", replicas=2) as cluster:
            r = RedisCluster(
                startup_nodes=[ClusterNode("127.0.0.1", cluster.resp_port)],
                socket_timeout=5)
            self.addCleanup(r.close)
            self.assertEqual(len(r.get_nodes()), 3)
            pairs = {f"c:{i}": b"%d" % i for i in range(500)}
            for key, value in pairs.items():
                self.assertTrue(r.set(key, value))
            for key, value in pairs.items():
                self.assertEqual(r.get(key), value)
            wait_until(lambda: all(m["self"]["hints"] == 0 for m in
                                   cluster.json("status")["members"]), 20,
                       "everything is replicated")
            # redis-py 4.3 asks its nodes for the slots in the order in which it
            # met them, and trips over a dead one that comes first (it copies
            # a lock): whatever cluster it talks to.
            last = list(r.nodes_manager.startup_nodes.values())[-1].port
            cluster.kill_node(last - cluster.resp_port + 1)
            living = next(n for n in (1, 2, 3)
                          if n != last - cluster.resp_port + 1)
            one = redis.Redis(port=cluster.resp_port + living - 1)

            def all_there():
                try:
                    return all(r.get(k) == v for k, v in pairs.items())
                except (redis.RedisError, OSError):
                    return False
            wait_until(all_there, 30, "the cluster client reads everything")
            self.assertEqual(one.mget(list(pairs)), list(pairs.values()))
            one.close()


class OtherClients(WithCluster):
    def test_hiredis(self):
        done = subprocess.run([HIREDIS_CLIENT, str(self.cluster.resp_port)],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.stdout, "ok\n")

    def test_redis_cli_speaks_both_protocols(self):
        c = self.cluster
        self.assertEqual(c.redis_cli("-3", "set", "cli:a", "x"), "OK\n")
        self.assertEqual(c.redis_cli("-2", "get", "cli:a", node=2), "x\n")
        self.assertEqual(c.redis_cli("-c", "get", "cli:a", node=3), "x\n")
        self.assertIn("cli:a", c.redis_cli("--scan", "--pattern", "cli:*"))
        self.assertIn("cluster_state:ok", c.redis_cli("cluster", "info"))
        slots = c.redis_cli("cluster", "slots")
        for node in (1, 2, 3):
            self.assertIn(str(c.resp_port + node - 1), slots)

    def test_redis_cli_finds_the_cluster_in_order(self):
        out = subprocess.run(
            ["redis-cli", "--cluster", "info", self.cluster.resp_address()],
            capture_output=True, text=True, timeout=30).stdout
        self.assertIn("[OK]", out)

    def test_redis_benchmark_plain_and_cluster(self):
        for more in ([], ["--cluster"]):
            done = subprocess.run(
                ["redis-benchmark", "-p", str(self.cluster.resp_port), "-n",
                 "2000", "-c", "20", "-P", "4", "-r", "100", "-t",
                 "ping,set,get,mset", "--csv", *more],
                capture_output=True, text=True, timeout=60)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertNotIn("rror", done.stdout + done.stderr)
            self.assertIn('"SET"', done.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=2)
