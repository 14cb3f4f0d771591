"""Commands of `torc` on a cluster of three nodes."""

import json
import os
import sys
import unittest
import xml.etree.ElementTree

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster_case import ClusterCase
from torc_cluster import wait_until

FAILED, USAGE, NOT_FOUND = 1, 2, 3
ANY_BYTES = bytes(range(256))


class Commands(ClusterCase):
    """Commands on a cluster of three nodes."""

    # -- keys ---------------------------------------------------------------------

    def test_set_get_del(self):
        c = self.cluster
        written = c.json("set", "a", "1")
        self.assertEqual(written["key"], "a")
        self.assertRegex(written["version"], r"^\d+-\d+$")
        self.assertTrue(written["level"].startswith("eventual"))
        self.assertEqual(written["expires_at_ms"], 0)
        self.assertEqual(c.cli("get", "a"), b"1")
        read = c.json("get", "a")
        self.assertEqual(read["value"], "1")
        self.assertEqual(read["version"], written["version"])
        self.assertIn(b"written, eventual", c.cli("set", "a", "2"))
        gone = c.json("del", "a", "nosuch")
        self.assertEqual(gone["deleted"], 1)
        self.assertEqual([k["found"] for k in gone["keys"]], [True, False])
        self.assertEqual(c.run("get", "a", code=NOT_FOUND).stdout, b"")
        error = c.json("get", "a", code=NOT_FOUND)["error"]
        self.assertEqual(error["code"], "not_found")
        c.cli("del", "a", code=NOT_FOUND)

    def test_every_node_answers(self):
        c = self.cluster
        for node in (1, 2, 3):
            c.cli("set", f"from{node}", str(node), node=node)
        for node in (1, 2, 3):
            self.assertEqual(
                wait_until(lambda n=node: c.run("get", f"from{n}", node=n % 3 + 1,
                                                code=None).stdout, 10, "value"),
                str(node).encode())

    def test_arguments_are_taken_as_they_are(self):
        c = self.cluster
        for key in ("[a,b]", "{x}", "two words", "a,b", "%", '"q"', "ümlaut",
                    "keyspace", "get"):
            with self.subTest(key):
                c.cli("set", key, "[v,w]")
                self.assertEqual(c.cli("get", key), b"[v,w]")
                self.assertEqual(c.json("del", key)["deleted"], 1)
        c.cli("set", "empty", "")
        self.assertEqual(c.json("get", "empty")["value"], "")
        c.cli("set", "--", "minus", "-5")
        self.assertEqual(c.cli("get", "minus"), b"-5")

    def test_binary_values(self):
        c = self.cluster
        c.cli("set", "bytes", "--stdin", stdin=ANY_BYTES)
        self.assertEqual(c.cli("get", "bytes"), ANY_BYTES)
        self.assertIn("value_base64", c.json("get", "bytes"))

    def test_a_value_beyond_the_limit(self):
        done = self.cluster.run("set", "big", "--stdin", code=FAILED,
                                stdin=b"x" * (8 * 1024 * 1024 + 1))
        self.assertIn(b"8388608", done.stderr)

    def test_ttl(self):
        c = self.cluster
        written = c.json("set", "soon", "v", "--ttl", "1h")
        self.assertGreater(written["expires_at_ms"], 0)
        self.assertGreater(int(c.redis_cli("TTL", "soon")), 3500)
        c.cli("set", "gone", "v", "--ttl", "1ms")
        wait_until(lambda: c.run("get", "gone", code=None).returncode
                   == NOT_FOUND, 10, "expired")

    def test_consistency(self):
        c = self.cluster
        self.assertEqual(c.json("set", "w", "v", "--consistency", "weak")
                         ["level"], "weak")

    def test_scan(self):
        space = self.keyspace("scanned")
        c = self.cluster
        keys = {f"k{i}" for i in range(50)} | {"other"}
        lines = "".join(f"{key}\tv\n" for key in sorted(keys)).encode()
        c.cli("load", "-", "--format", "tsv", "--keyspace", space,
              "--wait-replicas", "2", stdin=lines)
        found = c.cli("scan", "--keyspace", space).decode().split("\n")
        self.assertEqual(found.pop(), "")
        self.assertEqual(set(found), keys)
        matching = c.cli("scan", "--keyspace", space, "--match", "k1*", "--json")
        self.assertEqual({json.loads(x)["key"] for x in matching.splitlines()},
                         {k for k in keys if k.startswith("k1")})
        limited = c.cli("scan", "--keyspace", space, "--limit", "7")
        self.assertEqual(len(limited.splitlines()), 7)

    # -- keyspaces and settings -----------------------------------------------------

    def test_keyspaces(self):
        c = self.cluster
        made = c.json("keyspace", "create", "logs", "--replicas", "2",
                      "--consistency", "weak", "--ttl", "1h")
        self.assertEqual((made["name"], made["replicas"], made["consistency"],
                          made["default_ttl_ms"]), ("logs", 2, "weak", 3600000))
        listed = c.json("keyspace", "list")
        self.assertEqual([k["name"] for k in listed if k["name"] == "default"],
                         ["default"])
        self.assertIn(made, listed)
        self.assertEqual(c.json("keyspace", "show", "logs"), made)
        self.assertIn(b"logs", c.cli("keyspace", "list"))
        again = c.json("keyspace", "create", "logs", code=FAILED)
        self.assertEqual(again["error"]["code"], "already_exists")
        c.cli("set", "k", "in logs", "--keyspace", "logs")
        self.assertEqual(c.cli("get", "k", "--keyspace", str(made["db"])),
                         b"in logs")
        self.assertGreater(c.json("get", "k", "--keyspace", "logs")
                           ["expires_at_ms"], 0)
        refused = c.run("keyspace", "drop", "logs", code=USAGE)
        self.assertIn(b"--yes", refused.stderr)
        self.assertEqual(c.json("keyspace", "drop", "logs", "--yes")["name"],
                         "logs")
        c.cli("keyspace", "show", "logs", code=NOT_FOUND)
        c.cli("get", "k", "--keyspace", "logs", code=NOT_FOUND)
        c.cli("keyspace", "drop", "default", "--yes", code=FAILED)

    def test_config(self):
        c = self.cluster
        self.assertEqual(c.json("config", "get", "loglevel")["loglevel"],
                         "info")
        self.assertEqual(c.json("config", "set", "loglevel", "debug"),
                         {"loglevel": "debug"})
        c.cli("config", "set", "loglevel", "info")
        self.assertIn(b"loglevel", c.cli("config", "get", "*"))
        c.cli("config", "get", "nosuch", code=NOT_FOUND)
        c.cli("config", "set", "nosuch", "1", code=FAILED)

    # -- the cluster ------------------------------------------------------------------

    def test_status(self):
        c = self.cluster
        status = wait_until(
            lambda: (lambda s: s if s["healthy"] else None)(c.json("status")),
            20, "a healthy cluster")
        self.assertEqual([m["name"] for m in status["members"]],
                         ["n1", "n2", "n3"])
        for member in status["members"]:
            self.assertTrue(member["reachable"])
            self.assertTrue(member["self"]["ready"])
            self.assertEqual(member["self"]["name"], member["name"])
            self.assertIn(str(self.cluster.resp_port + member["id"] - 1),
                          member["resp"])
        text = c.cli("status").decode()
        self.assertIn(status["cluster_id"], text)
        self.assertEqual(text.count("ready"), 3)

    def test_ring(self):
        c = self.cluster
        ring = c.json("ring", "show", "--slots")
        group = ring["groups"][0]
        self.assertEqual(group["replicas"], 3)
        self.assertEqual([m["slots"] for m in group["members"]], [16384] * 3)
        covered = [s for r in group["ranges"]
                   for s in range(r["first"], r["last"] + 1)]
        self.assertEqual(covered, list(range(16384)))
        self.assertIn(b"16,384", c.cli("ring", "show"))

    def test_ring_balance(self):
        c = self.cluster
        picture = self.path("ring.svg")
        balance = c.json("ring", "balance", "--svg", picture)
        self.assertEqual(len(balance["groups"][0]["members"]), 3)
        self.assertLessEqual(balance["groups"][0]["load_max"], 1.05)
        root = xml.etree.ElementTree.parse(picture).getroot()
        self.assertTrue(root.tag.endswith("svg"))
        text = "".join(root.itertext())
        for name in ("n1", "n2", "n3", "fair share"):
            self.assertIn(name, text)
        shown = c.cli("ring", "balance").decode()
        self.assertEqual(shown.count("of fair"), 3)
        self.assertIn("█", shown)
        self.assertIn(b"cannot write",
                      c.run("ring", "balance", "--svg",
                            self.path("no/such.svg"), code=FAILED).stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
