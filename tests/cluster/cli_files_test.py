"""`torc load` and `torc dump` on a cluster of three nodes."""

import os
import random
import sys
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from cluster_case import ClusterCase

FAILED, NOT_FOUND = 1, 3
ANY_BYTES = bytes(range(256))


class Files(ClusterCase):
    """Records in files of every format."""

    def make_records(self, count):
        """Records of any bytes; the same on every run."""
        draw = random.Random(7)
        records = {b"": b"empty key", b"empty value": b"",
                   ANY_BYTES: ANY_BYTES, b"tab\tkey": b"a\\tb\r\n\\",
                   b"quote\"d": b",\",\n", "ü".encode(): "€\u0085".encode(),
                   b"large": b"z" * 1_000_000}
        for i in range(count):
            records[f"key:{i}".encode()] = draw.randbytes(draw.randrange(40))
        return records

    def test_load_and_dump_round_trip_in_every_format(self):
        c = self.cluster
        records = self.make_records(2000)
        first = self.keyspace("round")
        escaped = bytearray()
        for key, value in records.items():
            for field, end in ((key, b"\t"), (value, b"\n")):
                escaped += (field.replace(b"\\", b"\\\\").replace(b"\t", b"\\t")
                            .replace(b"\n", b"\\n").replace(b"\r", b"\\r"))
                escaped += end
        report = c.json("load", self.write("begin.tsv", bytes(escaped)),
                        "--keyspace", first, "--wait-replicas", "2")
        self.assertEqual(report["written"], len(records))
        self.assertEqual(report["refused"], 0)
        source = first
        for form in ("tsv", "csv", "jsonl"):
            with self.subTest(form):
                dumped = self.path(f"dump.{form}")
                told = c.json("dump", dumped, "--keyspace", source)
                self.assertEqual(told["records"], len(records))
                self.assertEqual(told["bytes"], os.path.getsize(dumped))
                self.assertFalse(os.path.exists(dumped + ".part"))
                source = self.keyspace("round-" + form)
                again = c.json("load", dumped, "--keyspace", source,
                               "--wait-replicas", "2")
                self.assertEqual(again["written"], len(records))
        final = self.path("final.tsv")
        c.cli("dump", final, "--keyspace", source)
        self.assertEqual(sorted(self.read(final).splitlines()),
                         sorted(bytes(escaped).splitlines()))

    def test_dump_keeps_times_to_live(self):
        c = self.cluster
        space = self.keyspace("timed")
        c.cli("load", "-", "--format", "csv", "--keyspace", space,
              "--wait-replicas", "2", stdin=b"k,v,100000\nl,w\n")
        lines = c.cli("dump", "-", "--format", "csv", "--ttl", "--keyspace",
                      space).splitlines()
        self.assertEqual(sorted(x.split(b",")[0] for x in lines), [b"k", b"l"])
        ttl = int(next(x for x in lines if x.startswith(b"k")).split(b",")[2])
        self.assertTrue(50_000 < ttl <= 100_000, ttl)
        plain = c.cli("dump", "-", "--format", "csv", "--keyspace", space)
        self.assertEqual(sorted(plain.splitlines()), [b"k,v", b"l,w"])

    def test_refused_lines_are_named(self):
        c = self.cluster
        space = self.keyspace("refusing")
        file = self.write("bad.jsonl", b'{"key": "a", "value": "1"}\n'
                          b"no json\n"
                          b'{"key": "b", "value": "2"}\n'
                          b'{"key": "c"}\n'
                          b'{"key": "d", "value": "4", "ttl_ms": -1}\n')
        rejects = self.path("rejects")
        report = c.json("load", file, "--keyspace", space, "--rejects", rejects,
                        code=FAILED)
        self.assertEqual((report["written"], report["refused"]), (2, 3))
        self.assertEqual([r["line"] for r in report["refused_lines"]],
                         [2, 4, 5])
        lines = self.read(rejects).decode().splitlines()
        self.assertEqual([x.split("\t")[0] for x in lines], ["2", "4", "5"])
        self.assertEqual(lines[0].split("\t")[1], "is not JSON")
        done = c.run("load", file, "--keyspace", space, code=FAILED)
        self.assertIn(b"line 2 is not JSON", done.stderr)
        self.assertIn(b"2 records written", done.stdout)
        self.assertIn(b"3 lines refused", done.stdout)

    def test_the_later_of_two_lines_wins(self):
        c = self.cluster
        lines = b"".join(b"same\t%d\n" % i for i in range(3000))
        c.cli("load", "-", "--format", "tsv", stdin=lines)
        self.assertEqual(c.cli("get", "same"), b"2999")

    def test_load_says_what_it_cannot_read(self):
        c = self.cluster
        done = c.run("load", self.path("nosuch.tsv"), code=FAILED)
        self.assertIn(b"nosuch.tsv", done.stderr)
        c.cli("load", self.write("x.tsv", b""), "--keyspace", "nosuch",
              code=NOT_FOUND)
        self.assertEqual(c.json("load", self.path("x.tsv"))["records"], 0)

    def test_no_progress_bar_without_a_terminal(self):
        done = self.cluster.run("load", "-", "--format", "tsv",
                                stdin=b"a\tb\n" * 5000)
        self.assertEqual(done.stderr, b"")


if __name__ == "__main__":
    unittest.main(verbosity=2)
