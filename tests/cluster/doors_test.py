"""The doors under hostile and heavy clients, and under settings that would
open them too far."""

import concurrent.futures
import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import redis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torc_cluster import Cluster, PROGRAM, free_ports, wait_until

IDLE_CONNECTIONS = 10_000
MIB = 1024 * 1024
VALUE_BYTES = 8 * MIB


def resident_bytes(pid):
    with open(f"/proc/{pid}/statm", encoding="ascii") as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


class Doors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=1, engine="memory").start()
        cls.addClassCleanup(cls.cluster.close)

    def connect(self, timeout_s=20):
        s = socket.create_connection(("127.0.0.1", self.cluster.resp_port),
                                     timeout_s)
        self.addCleanup(s.close)
        return s

    def client(self):
        c = redis.Redis(port=self.cluster.resp_port, socket_timeout=60)
        self.addCleanup(c.close)
        return c

    def answer_and_end(self, data):
        """What the door says to `data` until it closes the connection."""
        s = self.connect()
        answer = b""
        try:
            s.sendall(data)
            while True:
                part = s.recv(65536)
                if not part:
                    return answer
                answer += part
        except ConnectionError:
            return answer

    def test_what_is_not_the_protocol_is_answered_and_closed(self):
        for data in (b"*1\r\n$-5\r\n", b"*1\r\n!3\r\nfoo\r\n",
                     b"*99999999\r\n", b"*2\r\n$3\r\nGET\r\n$999999999\r\n",
                     b"x" * 200_000, b"*1\r\n$4\r\nPINGxx", b"*-7x\r\n"):
            with self.subTest(data[:30]):
                answer = self.answer_and_end(data)
                self.assertTrue(answer.startswith(b"-ERR Protocol error"),
                                answer[:80])
        self.assertTrue(self.client().ping())

    def test_a_value_or_key_above_the_limit_harms_nobody(self):
        other = self.client()
        other.set("stays", "here")
        big = self.client()
        for key, size in (("big", 9 * 1024 * 1024), ("k" * 70_000, 1)):
            with self.assertRaises((redis.RedisError, OSError)):
                big.set(key, b"x" * size)
        self.assertEqual(other.get("stays"), b"here")
        whole = b"y" * (8 * 1024 * 1024)
        other.set("largest", whole)
        self.assertEqual(other.get("largest"), whole)

    def test_a_client_that_does_not_read_is_bounded(self):
        pid = self.cluster.pid(1)
        self.client().set("lump", b"z" * 1_000_000)
        before = resident_bytes(pid)
        s = self.connect()
        s.setblocking(False)
        asked = b"*2\r\n$3\r\nGET\r\n$4\r\nlump\r\n" * 1000
        end = time.monotonic() + 5
        sent = 0
        while time.monotonic() < end and sent < 4_000_000:
            try:
                sent += s.send(asked)
            except BlockingIOError:
                time.sleep(0.01)
            except OSError:
                break  # closed: a stated answer too
        grown = resident_bytes(pid) - before
        self.assertLess(grown, 150_000_000, f"grew by {grown}")
        self.assertTrue(self.client().ping())

    def test_replies_of_8_mib_to_a_client_that_does_not_read(self):
        """Thousands of GETs: the node holds what docs/admin_commands.md says,
        and others are served as before."""
        pid = self.cluster.pid(1)
        other = self.client()
        other.set("largest", b"l" * VALUE_BYTES)
        before = resident_bytes(pid)
        s = self.connect()
        s.setblocking(False)
        one = b"*2\r\n$3\r\nGET\r\n$7\r\nlargest\r\n"
        asked = one * 5000
        sent = 0
        grown = 0
        served = 0
        end = time.monotonic() + 8
        while time.monotonic() < end:
            try:
                if sent < len(asked):
                    sent += s.send(asked[sent:])
            except BlockingIOError:
                pass
            for _ in range(20):
                self.assertTrue(other.set("small", served))
                self.assertEqual(other.get("small"), b"%d" % served)
                served += 1
            grown = max(grown, resident_bytes(pid) - before)
        print(f"grew by {grown / MIB:.0f} MiB, {sent // len(one)} GETs were sent, "
              f"{served} others were served")
        self.assertGreater(sent // len(one), 1024)
        self.assertLess(grown, 160 * MIB)
        self.assertGreater(served, 100)
        # One that reads gets everything, however deep its pipeline is.
        reader = self.connect(60)
        count = 100
        reader.sendall(one * count)
        replies = reader.makefile("rb", MIB)
        for i in range(count):
            self.assertEqual(replies.readline(), b"$%d\r\n" % VALUE_BYTES,
                             f"reply {i}")
            self.assertEqual(len(replies.read(VALUE_BYTES + 2)),
                             VALUE_BYTES + 2, f"reply {i}")
        # Once nobody wants it the memory goes back.
        s.close()
        reader.close()
        wait_until(lambda: resident_bytes(pid) - before < 80 * MIB, 30,
                   "the memory is given back")

    def test_replies_that_many_connections_do_not_read(self):
        pid = self.cluster.pid(1)
        other = self.client()
        other.set("largest", b"l" * VALUE_BYTES)
        before = resident_bytes(pid)
        grown = 0
        closed_before = other.info("stats")[
            "client_output_buffer_limit_disconnections"]
        for _ in range(300):
            self.connect().sendall(b"GET largest\r\n" * 8)
            grown = max(grown, resident_bytes(pid) - before)
            self.assertTrue(other.ping())

        def closed():
            nonlocal grown
            grown = max(grown, resident_bytes(pid) - before)
            return other.info("stats")[
                "client_output_buffer_limit_disconnections"] - closed_before
        wait_until(lambda: closed() > 0, 60, "some are closed")
        end = time.monotonic() + 3
        while time.monotonic() < end:
            closed()
        loops = other.info("torc")["loops"]
        print(f"grew by {grown / MIB:.0f} MiB, {closed()} were closed")
        self.assertLess(grown, loops * (768 + 256) * MIB)
        self.assertEqual(len(other.get("largest")), VALUE_BYTES)

    def test_ten_thousand_idle_connections(self):
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if hard < IDLE_CONNECTIONS + 500:
            self.skipTest(f"only {hard} descriptors are allowed here")
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        pid = self.cluster.pid(1)
        before = resident_bytes(pid)
        idle = []
        try:
            for _ in range(IDLE_CONNECTIONS):
                idle.append(socket.create_connection(
                    ("127.0.0.1", self.cluster.resp_port), 20))
            one = self.client()
            wait_until(lambda: one.info("clients")["connected_clients"]
                       >= IDLE_CONNECTIONS, 30, "all are in")
            one.set("busy", "1")
            self.assertEqual(one.get("busy"), b"1")
            for s in idle[::500]:
                s.sendall(b"PING\r\n")
                self.assertEqual(s.recv(100), b"+PONG\r\n")
            grown = resident_bytes(pid) - before
            print(f"{grown / IDLE_CONNECTIONS:.0f} bytes per idle connection")
            self.assertLess(grown, IDLE_CONNECTIONS * 20_000)
        finally:
            for s in idle:
                s.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    def test_memory_limit_refuses_growth_and_nothing_else(self):
        folder = tempfile.mkdtemp(prefix="torc-oom-")
        self.addCleanup(subprocess.run, ["rm", "-rf", folder], check=False)
        with Cluster(nodes=1, engine="memory", data=folder) as first:
            config = first.config_file(1)
            port = first.resp_port
        with open(config, encoding="utf-8") as f:
            lines = [l for l in f if not l.startswith("memory_bytes_max")]
        at = next(i for i, l in enumerate(lines) if l.startswith("loops"))
        lines.insert(at, "memory_bytes_max = 16777216\n")
        with open(config, "w", encoding="utf-8") as f:
            f.writelines(lines)
        node = subprocess.Popen([PROGRAM, "node", "--config", config],
                                stderr=subprocess.DEVNULL)
        self.addCleanup(node.wait)
        self.addCleanup(node.terminate)
        r = redis.Redis(port=port, socket_timeout=60)
        self.addCleanup(r.close)

        def up():
            try:
                return r.set("first", "1")
            except redis.RedisError:
                return False
        wait_until(up, 30, "the node serves")
        with self.assertRaises(redis.ResponseError) as e:
            for i in range(1000):
                r.set(f"fill:{i}", b"f" * 100_000)
        self.assertTrue(str(e.exception).startswith("OOM"), e.exception)
        self.assertEqual(r.get("first"), b"1")
        self.assertEqual(r.delete("fill:0", "fill:1", "fill:2"), 3)
        self.assertTrue(r.set("small", "again"))


class LargeValuesOfOthers(unittest.TestCase):
    """One replica on three nodes: most reads go to another node and back."""

    def test_many_pipelines_through_one_door(self):
        with Cluster(nodes=3, engine="memory", replicas=1) as cluster:
            writer = redis.Redis(port=cluster.resp_port, socket_timeout=60)
            self.addCleanup(writer.close)
            keys = [f"large:{i}" for i in range(12)]
            for key in keys:
                writer.set(key, key.encode() * (VALUE_BYTES // len(key)))

            def read():
                with redis.Redis(port=cluster.resp_port,
                                 socket_timeout=60) as r:
                    p = r.pipeline(transaction=False)
                    for key in keys * 2:
                        p.get(key)
                    answers = p.execute()
                return [a[:len(k)] == k.encode() and
                        len(a) == VALUE_BYTES // len(k) * len(k)
                        for k, a in zip(keys * 2, answers)]
            with concurrent.futures.ThreadPoolExecutor(6) as pool:
                for done in [pool.submit(read) for _ in range(6)]:
                    self.assertEqual(done.result(120), [True] * 24)
            text = cluster.up.err.text()
            self.assertNotIn("closing the connection with", text)
            self.assertEqual(writer.mget(keys[:2])[0][:7], b"large:0")


class Binding(unittest.TestCase):
    """Doors beyond loopback need a password or a deliberate word."""

    def check(self, *more):
        first = free_ports(3)
        with tempfile.TemporaryDirectory(prefix="torc-bind-") as folder:
            secret = os.path.join(folder, "secret")
            with open(secret, "w", encoding="ascii") as f:
                f.write("0123456789abcdef0123456789abcdef")
            os.chmod(secret, 0o600)
            config = os.path.join(folder, "torc.toml")
            with open(config, "w", encoding="ascii") as f:
                f.write(f'name = "n1"\ndata_dir = "{folder}/data"\n'
                        f'cluster_secret_file = "{secret}"\n'
                        f'resp_listen = "0.0.0.0:{first}"\n'
                        f'[[founders]]\nname = "n1"\n'
                        f'door = "127.0.0.1:{first + 1}"\n'
                        f'resp = "127.0.0.1:{first}"\n'
                        f'http = "127.0.0.1:{first + 2}"\n')
            return subprocess.run(
                [PROGRAM, "node", "--config", config, "--check", *more],
                capture_output=True, text=True, timeout=30)

    def test_refused_without_a_password(self):
        done = self.check()
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("password", done.stderr)

    def test_taken_with_a_password_or_insecure(self):
        for more in (["--password", "s3cret"], ["--insecure"]):
            done = self.check(*more)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
