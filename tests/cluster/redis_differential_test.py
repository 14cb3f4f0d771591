"""The same command lines, valid and invalid, to a Redis 7.0 server and to a
Torc node: replies must be the same, but for the differences listed below. The
lines are those of redis_lines/, split as a shell does it and sent in order of
the files' names; cluster.txt goes to a Redis server of a cluster of its own.
bytes.txt has bytes that are hardly commands, escaped; a PING follows each.

The server's program comes with Debian's redis-tools: redis-check-rdb is the
same file, and what it does goes by its name.
"""

import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torc_cluster import Cluster, Process, free_ports, wait_until

# -- intended differences ---------------------------------------------------------
# What a line's reply is where it is not Redis's: (lines, why, Torc's reply). The
# patterns match whole lines and whole replies, as `text_of` writes them. A line
# whose replies are the same after all, or a row that no line needs, is an error
# too: the list does not rot.
STRONG = "-ERR '[a-z]+' is an atomic read-modify-write: it needs the strong .*"
OUT_OF_RANGE = "-ERR invalid expire time in '[a-z]+' command"
DIFFERENCES = [
    (r"(INCR|DECR|INCRBY|DECRBY|INCRBYFLOAT|APPEND|GETSET|SETNX|MSETNX|SETRANGE"
     r"|MULTI|EXEC|DISCARD|WATCH|UNWATCH)( .*)?",
     "atomic read-modify-writes come with the strong level", STRONG),
    (r"SET \S+ \S+.* (NX|XX)\b.*", "the same for the options of SET",
     "-ERR SET with NX or XX is an atomic read-modify-write: .*"),
    (r"P?EXPIRE(AT)? \S+ 92233\d+", "deadlines reach to the year 6429",
     OUT_OF_RANGE),
    (r"SET \S+ \S+ PXAT 9223372036854775807", "the same", OUT_OF_RANGE),
    (r"SELECT 1", "keyspaces are made by TORC.ADMIN KEYSPACE CREATE, not by "
     "being selected", "-ERR DB index is out of range"),
    (r"OBJECT IDLETIME (k|n)", "reads write nothing, so nobody knows",
     "-ERR idle times are not tracked by this server"),
    (r"CONFIG REWRITE", "torc.toml belongs to the operator",
     r"-ERR unknown subcommand 'REWRITE'\. Try CONFIG HELP\."),
    (r"CONFIG GET databases", "as many as keyspaces may be",
     r"\[databases, \d+\]"),
    (r"GETEX missing EX (0|abc)",
     "options are checked before anybody looks for the key", "-ERR .*"),
    (r"CONFIG SET slowlog-max-len -1|CONFIG SET maxclients 0",
     "other upper bounds", "-ERR CONFIG SET failed .* - argument must be "
     "between . and 10*0 inclusive"),
    (r"CONFIG SET loglevel nosuch", "our own levels beside Redis's",
     "-ERR CONFIG SET failed .* - .*debug.*"),
    (r"CLIENT SETINFO .*|CLIENT NO-TOUCH on",
     "newer than Redis 7.0, and clients send it unasked", r"\+OK"),
    (r"CLIENT CONSISTENCY weak", "Torc's own", r"\+OK"),
    (r"LATENCY GRAPH x|CLIENT PAUSE 1|MEMORY STATS", "not served",
     r"-ERR unknown subcommand '[A-Z]+'\. Try [A-Z]+ HELP\."),
]

# Lines whose replies are compared by their shape alone: types, and lengths of
# arrays other than of maps' values.
BY_SHAPE = {
    "TIME": "time goes on",
    "CLIENT ID": "counted by each server",
    "MEMORY USAGE k": "each in its own way",
    "MEMORY USAGE k SAMPLES 0": "each in its own way",
    "MEMORY USAGE k SAMPLES 5": "each in its own way",
    "COMMAND COUNT": "Redis has more",
    "CLUSTER MYID": "each its own",
}

# Lines of which only the type of the reply is compared: texts for people, and
# lists whose lengths are each server's own.
BY_TYPE = re.compile(
    r"\S+ HELP|\S+ DOCTOR|INFO.*|CLIENT (INFO|LIST.*)|CLUSTER (INFO|NODES|SLOTS"
    r"|SHARDS)|HELLO( [23].*)?|COMMAND|COMMAND (LIST|DOCS.*|INFO get)"
    r"|CONFIG GET \*|LATENCY HISTOGRAM|SLOWLOG GET.*", re.IGNORECASE)

# Replies without an order.
AS_SETS = re.compile(r"KEYS .*|SCAN .*|CONFIG GET .*|COMMAND LIST FILTERBY .*")


class Simple(str):
    """A status reply."""


class Failure(str):
    """An error reply."""


class Map(list):
    """A RESP3 map: keys and values in turns."""


class Client:
    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 20)
        self.file = self.socket.makefile("rb")

    def close(self):
        self.file.close()
        self.socket.close()

    def send(self, *words):
        parts = [w.encode("utf-8", "surrogateescape") for w in words]
        self.socket.sendall(b"*%d\r\n" % len(parts) + b"".join(
            b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))

    def __call__(self, *words):
        self.send(*words)
        return self.reply()

    def reply(self):
        line = self.file.readline().decode("utf-8", "surrogateescape")
        if not line.endswith("\r\n"):
            return None if line else EOFError
        kind, rest = line[0], line[1:-2]
        if kind == "+":
            return Simple(rest)
        if kind == "-":
            return Failure(rest)
        if kind == ":":
            return int(rest)
        if kind == "#":
            return rest == "t"
        if kind == ",":
            return float(rest)
        if kind == "_" or rest == "-1":
            return None
        if kind in "$=":
            data = self.file.read(int(rest) + 2)[:-2]
            text = data.decode("utf-8", "surrogateescape")
            return text[4:] if kind == "=" else text
        if kind in "*~>":
            return [self.reply() for _ in range(int(rest))]
        if kind == "%":
            return Map(self.reply() for _ in range(2 * int(rest)))
        raise AssertionError(f"not a reply: {line!r}")


def text_of(reply):
    """A reply on one line."""
    if reply is EOFError:
        return "(closed)"
    if isinstance(reply, Simple):
        return f"+{reply}"
    if isinstance(reply, Failure):
        return f"-{reply}"
    if isinstance(reply, list):
        return "[" + ", ".join(text_of(x) for x in reply) + "]"
    return repr(reply) if not isinstance(reply, str) else reply


def shape_of(reply):
    if isinstance(reply, list):
        return type(reply), [shape_of(x) for x in reply]
    return type(reply)


def sorted_deeply(reply):
    if isinstance(reply, list):
        return sorted((sorted_deeply(x) for x in reply), key=text_of)
    return reply


def same(line, ours, theirs):
    if type(ours) is not type(theirs):
        return False
    if isinstance(ours, Failure):
        return ours == theirs
    if line in BY_SHAPE:
        return shape_of(ours) == shape_of(theirs)
    if BY_TYPE.fullmatch(line):
        return True
    if AS_SETS.fullmatch(line):
        return sorted_deeply(ours) == sorted_deeply(theirs)
    return ours == theirs


class RedisServer:
    """Redis's server on a free port of the loopback, with nothing kept."""

    def __init__(self, folder, *more):
        program = shutil.which("redis-server") or os.path.join(
            folder, "redis-server")
        if not os.path.exists(program):
            os.symlink(shutil.which("redis-check-rdb"), program)
        self.port = free_ports(1)
        self.process = Process(
            [program, "--port", str(self.port), "--bind", "127.0.0.1",
             "--save", "", "--appendonly", "no", "--dir", folder, *more])
        wait_until(self.answers, 20, "Redis answers")

    def answers(self):
        try:
            c = Client(self.port)
        except OSError:
            return False
        try:
            return c("PING") == "PONG"
        finally:
            c.close()


def lines_of(pattern):
    """The lines of some files of redis_lines/, in the order of their names."""
    folder = pathlib.Path(__file__).with_name("redis_lines")
    return [line for path in sorted(folder.glob(pattern))
            for line in path.read_text().splitlines()]


class Differential(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.mkdtemp(prefix="torc-redis-")
        cls.addClassCleanup(shutil.rmtree, folder, ignore_errors=True)
        cls.redis = cls.start_redis(folder)
        cluster_folder = os.path.join(folder, "cluster")
        os.mkdir(cluster_folder)
        cls.redis_cluster = cls.start_redis(cluster_folder,
                                            "--cluster-enabled", "yes")
        c = Client(cls.redis_cluster.port)
        c("CLUSTER", "ADDSLOTSRANGE", "0", "16383")
        wait_until(lambda: "cluster_state:ok" in c("CLUSTER", "INFO"), 20,
                   "Redis's cluster is up")
        c.close()
        cls.torc = Cluster(nodes=1, engine="memory").start()
        cls.addClassCleanup(cls.torc.close)
        cls.used = set()

    @classmethod
    def start_redis(cls, folder, *more):
        server = RedisServer(folder, *more)
        cls.addClassCleanup(server.process.end)
        return server

    def both(self, redis=None):
        out = (Client(self.torc.resp_port), Client((redis or self.redis).port))
        for c in out:
            self.addCleanup(c.close)
        return out

    def compare(self, line, ours, theirs):
        """What is wrong with our reply; None: nothing."""
        for number, (pattern, why, expected) in enumerate(DIFFERENCES):
            if not re.fullmatch(pattern, line):
                continue
            if same(line, ours, theirs):
                continue
            self.used.add(number)
            if not re.fullmatch(expected, text_of(ours), re.DOTALL):
                return f"{line}\n  is to differ ({why}) as {expected}\n" \
                       f"  Torc:  {text_of(ours)[:300]}"
            return None
        if same(line, ours, theirs):
            return None
        return f"{line}\n  Torc:  {text_of(ours)[:300]}\n" \
               f"  Redis: {text_of(theirs)[:300]}"

    def run_lines(self, pattern, ours, theirs):
        """Says the command lines of some files of redis_lines/, in order."""
        wrong = []
        count = 0
        for line in lines_of(pattern):
            line = line.strip()
            if not line or line.startswith("# "):
                continue
            words = shlex.split(line)
            count += 1
            wrong.append(self.compare(line, ours(*words), theirs(*words)))
        return count, [w for w in wrong if w]

    def test_commands(self):
        for protocol in ("2", "3"):
            ours, theirs = self.both()
            for c in (ours, theirs):
                c("HELLO", protocol)
                c("FLUSHALL")
            count, wrong = self.run_lines("[1-9]_*.txt", ours, theirs)
            self.assertGreater(count, 300)
            self.assertFalse(wrong, f"RESP{protocol}:\n" + "\n".join(wrong))
            print(f"RESP{protocol}: {count} lines")
        unused = [row for i, row in enumerate(DIFFERENCES)
                  if i not in self.used]
        self.assertFalse(unused, "differences that are none")

    def test_cluster_commands(self):
        for protocol in ("2", "3"):
            ours, theirs = self.both(self.redis_cluster)
            for c in (ours, theirs):
                c("HELLO", protocol)
                c("FLUSHALL")
            _, wrong = self.run_lines("cluster.txt", ours, theirs)
            self.assertFalse(wrong, f"RESP{protocol}:\n" + "\n".join(wrong))

    def test_bytes(self):
        """What is hardly a command, and whether the connection lives on."""
        wrong = []
        for line in lines_of("bytes.txt"):
            data = line.encode().decode("unicode_escape").encode("latin-1")
            answers = []
            for c in self.both():
                c.socket.settimeout(20)
                c.socket.sendall(data + b"*1\r\n$4\r\nPING\r\n")
                got = []
                while not got or got[-1] not in ("PONG", EOFError):
                    try:
                        got.append(c.reply())
                    except ConnectionError:
                        got.append(EOFError)
                answers.append([text_of(x) for x in got])
            if answers[0] != answers[1]:
                wrong.append(f"{data[:60]!r}\n  Torc:  {answers[0]}\n"
                             f"  Redis: {answers[1]}")
        self.assertFalse(wrong, "\n".join(wrong))

    def test_command_table(self):
        """Arity, flags and key positions of all commands that both have."""
        ours, theirs = self.both()
        wrong = []
        names = [n for n in ours("COMMAND", "LIST")
                 if not n.startswith("torc.")]
        self.assertGreater(len(names), 50)
        for name in names:
            a = ours("COMMAND", "INFO", name)[0]
            b = theirs("COMMAND", "INFO", name)[0]
            if b is None:
                # Newer than 7.0, or Torc's own.
                if name not in ("client|setinfo", "client|no-touch",
                                "client|consistency"):
                    wrong.append(f"{name}: Redis has none")
                continue
            if a[:2] + a[3:6] != b[:2] + b[3:6]:
                wrong.append(f"{name}: {a[:2] + a[3:6]}, Redis "
                             f"{b[:2] + b[3:6]}")
            for flag in ("write", "readonly", "denyoom", "no_auth"):
                if (flag in a[2]) != (flag in b[2]):
                    wrong.append(f"{name}: flag {flag}")
        self.assertFalse(wrong, "\n".join(wrong))

    def test_replies_that_are_switched_off(self):
        replies = []
        for c in self.both():
            for line in ("CLIENT REPLY SKIP", "SET k 1", "GET k",
                         "CLIENT REPLY OFF", "PING", "GET k", "NOSUCH",
                         "CLIENT REPLY SKIP", "CLIENT REPLY ON", "PING"):
                c.send(*line.split())
            replies.append([text_of(c.reply()) for _ in range(3)])
        self.assertEqual(replies[0], replies[1])

    def test_passwords(self):
        """Without a name that is no command: strangers are not told which are,
        where Redis tells them."""
        replies = []
        for c in self.both():
            got = [c("CONFIG", "SET", "requirepass", "secret")]
            other = Client(c.socket.getpeername()[1])
            for line in ("PING", "GET k", "HELLO 3", "AUTH wrong",
                         "AUTH default wrong", "AUTH nobody secret",
                         "HELLO 3 AUTH default wrong", "CONFIG GET requirepass",
                         "AUTH default secret", "PING", "RESET", "PING",
                         "AUTH secret", "PING"):
                got.append(other(*line.split()))
            other.close()
            got.append(c("CONFIG", "SET", "requirepass", ""))
            replies.append([text_of(x) for x in got])
        self.assertEqual(replies[0], replies[1])


if __name__ == "__main__":
    unittest.main(verbosity=2)
