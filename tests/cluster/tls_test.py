"""Three nodes that know each other by certificates, set up by the commands and
the configuration that docs/operations.md shows: they replicate, and who has
other certificates is refused with a reason on both sides."""

import datetime
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import unittest

import redis

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from torc_cluster import (PROGRAM, Process, SOURCE_DIR, free_ports, http_get,
                          wait_until)

PATIENCE_S = 40
NAMES = ("n1", "n2", "n3")


def shown_in_the_docs():
    """The commands that make certificates, and the lines for torc.toml."""
    with open(os.path.join(SOURCE_DIR, "docs", "operations.md"),
              encoding="utf-8") as f:
        lines = f.read().splitlines()
    commands = [shlex.split(l, comments=True) for l in lines
                if l.startswith("    torc cert ")]
    begin = lines.index("    [tls]")
    end = next(i for i in range(begin, len(lines)) if not lines[i].strip())
    return commands, "\n".join(l[4:] for l in lines[begin:end]) + "\n"


def run(arguments, folder):
    subprocess.run(arguments, cwd=folder, check=True, capture_output=True,
                   timeout=60)


def make_certificates(folder):
    """As the docs say, for all three: folder/ca/."""
    (init, issue), _ = shown_in_the_docs()
    run([PROGRAM, *init[1:]], folder)
    for name in NAMES:
        run([PROGRAM, *[name if w == "n1" else w for w in issue[1:]]], folder)


def issue_with_end(folder, name, end, out):
    """A member's certificate that is valid until `end`: by openssl, since torc
    makes none that ends soon."""
    def utc(moment):
        return moment.strftime("%y%m%d%H%M%SZ")
    os.mkdir(out)
    shutil.copy(os.path.join(folder, "ca", "ca.crt"), out)
    config = os.path.join(out, "openssl.cnf")
    with open(config, "w", encoding="ascii") as f:
        f.write(f"""
[ca]
default_ca = torc
[torc]
database = {out}/index.txt
new_certs_dir = {out}
rand_serial = yes
default_md = sha256
policy = policy
x509_extensions = member
[policy]
commonName = supplied
[req]
distinguished_name = name
[name]
[member]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectAltName = DNS:{name}
""")
    with open(os.path.join(out, "index.txt"), "w", encoding="ascii"):
        pass
    run(["openssl", "req", "-config", config, "-new", "-nodes", "-newkey",
         "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-subj", f"/CN={name}",
         "-keyout", f"{name}.key", "-out", f"{name}.csr"], out)
    run(["openssl", "ca", "-config", config, "-batch", "-notext",
         "-cert", f"{folder}/ca/ca.crt", "-keyfile", f"{folder}/ca/ca.key",
         "-startdate", utc(end - datetime.timedelta(days=1)),
         "-enddate", utc(end), "-in", f"{name}.csr", "-out", f"{name}.crt"],
        out)


class Certificates(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="torc-tls-")
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        make_certificates(self.folder)
        self.port = free_ports(9)
        self.running = {}
        self.addCleanup(self.end_all)

    def end_all(self):
        for process in self.running.values():
            if process.poll() is None:
                process.end()

    # A node's ports: door, RESP, HTTP.
    def address(self, name, what):
        return f"127.0.0.1:{self.port + 3 * NAMES.index(name) + what}"

    def config(self, name, files=None, above=""):
        """Writes torc.toml; certificates from `files`, else from ca/."""
        home = os.path.join(self.folder, name)
        os.makedirs(home, exist_ok=True)
        _, tls = shown_in_the_docs()
        tls = tls.replace("/etc/torc", files or f"{self.folder}/ca")
        text = (f'name = "{name}"\ndata_dir = "{home}/data"\nloops = 1\n'
                f"{above}{tls.replace('/n1.', f'/{name}.')}")
        for n in NAMES:
            text += (f'[[founders]]\nname = "{n}"\n'
                     f'door = "{self.address(n, 0)}"\n'
                     f'resp = "{self.address(n, 1)}"\n'
                     f'http = "{self.address(n, 2)}"\n')
        path = os.path.join(home, "torc.toml")
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def start(self, name, **how):
        self.running[name] = Process(
            [PROGRAM, "node", "--config", self.config(name, **how)])

    def stop(self, name):
        self.assertEqual(self.running.pop(name).end(), 0)

    def get(self, name, path):
        return http_get(self.address(name, 2), path)

    def wait_for_peers(self, name, count):
        def met():
            self.assertIsNone(self.running[name].poll(),
                              self.running[name].err.text())
            return f"torc_peers_up {count}\n" in self.get(name, "/metrics")[1] \
                and self.get(name, "/readyz")[0] == 200
        wait_until(met, PATIENCE_S, f"{name} has {count} peers")

    def client(self, name):
        c = redis.Redis(port=int(self.address(name, 1).split(":")[1]),
                        socket_timeout=60)
        self.addCleanup(c.close)
        return c

    def expect_log(self, name, pattern):
        err = self.running[name].err
        if err.wait_for(lambda l: re.search(pattern, l), PATIENCE_S) is None:
            self.fail(f"{name} does not say {pattern}:\n{err.text()[-3000:]}")

    def start_all(self):
        for name in NAMES:
            self.start(name)
        for name in NAMES:
            self.wait_for_peers(name, 2)

    def test_writes_replicate(self):
        self.start_all()
        for name in NAMES:
            c = self.client(name)
            for i in range(100):
                c.set(f"{name}:{i}", f"value {i}")
            self.assertEqual(c.wait(2, 20_000), 2)
        keys = [f"{name}:{i}" for name in NAMES for i in range(100)]
        expected = [b"value %d" % i for _ in NAMES for i in range(100)]
        for name in NAMES:
            self.assertEqual(self.client(name).mget(keys), expected)
        # One goes and comes back: links are made anew, and it has what it
        # missed.
        self.stop("n2")
        self.client("n3").set("missed", "1")
        self.start("n2")
        self.wait_for_peers("n2", 2)
        wait_until(lambda: self.client("n2").get("missed") == b"1",
                   PATIENCE_S, "n2 has what it missed")
        for name in NAMES:
            self.stop(name)

    def test_a_foreign_authority(self):
        foreign = os.path.join(self.folder, "foreign")
        os.mkdir(foreign)
        make_certificates(foreign)
        for name in ("n1", "n2"):
            self.start(name)
        self.start("n3", files=f"{foreign}/ca")
        for name in ("n1", "n2"):
            self.wait_for_peers(name, 1)
            self.expect_log(name, "cannot connect with member 3 'n3' .*its "
                                  "certificate is not accepted")
        self.expect_log("n3", "refused a stranger from .*unknown ca")
        self.expect_log("n3", "cannot connect with member 1 'n1' .*its "
                              "certificate is not accepted")
        self.assertNotEqual(self.get("n3", "/readyz")[0], 200)
        # It is told what is wrong as soon as it is put right.
        self.stop("n3")
        self.start("n3")
        for name in NAMES:
            self.wait_for_peers(name, 2)

    def test_an_expired_certificate(self):
        now = datetime.datetime.now(datetime.timezone.utc)
        over = os.path.join(self.folder, "over")
        issue_with_end(self.folder, "n3", now - datetime.timedelta(hours=1),
                       over)
        done = subprocess.run(
            [PROGRAM, "node", "--config", self.config("n3", files=over)],
            capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("n3.crt: certificate has expired", done.stderr)
        # One that ends while the node runs: who connects after that refuses it.
        # It is made once the other one is up: what is left to be done while it
        # is valid is little.
        self.start("n1")
        wait_until(lambda: self.get("n1", "/metrics")[0] == 200, PATIENCE_S,
                   "n1 is up")
        soon = os.path.join(self.folder, "soon")
        end = (datetime.datetime.now(datetime.timezone.utc)
               + datetime.timedelta(seconds=30))
        issue_with_end(self.folder, "n3", end, soon)
        self.start("n3", files=soon)
        self.wait_for_peers("n1", 1)
        self.stop("n1")
        wait_until(lambda: datetime.datetime.now(datetime.timezone.utc)
                   > end + datetime.timedelta(seconds=2), 60, "it is over")
        self.start("n1")
        self.expect_log("n1", "cannot connect with member 3 'n3' .*its "
                              "certificate is not accepted: certificate has "
                              "expired")
        self.expect_log("n3", "refused a stranger from .*expired")

    def test_the_certificate_of_another_member(self):
        # It sees that by itself.
        files = os.path.join(self.folder, "mixed")
        shutil.copytree(os.path.join(self.folder, "ca"), files)
        for suffix in ("crt", "key"):
            shutil.copy(f"{files}/n2.{suffix}", f"{files}/n3.{suffix}")
        done = subprocess.run(
            [PROGRAM, "node", "--config", self.config("n3", files=files)],
            capture_output=True, text=True, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("n3.crt: not issued for 'n3'", done.stderr)
        # And so do the others: n2 stands at the address of n3.
        self.start("n1")
        self.start("n2",
                   above=f'door_listen = "{self.address("n3", 0)}"\n')
        self.expect_log("n1", "cannot connect with member 3 'n3' .*(reached|"
                              "this is|proved to be).*'n2'")
        self.expect_log("n2", "refused a member from .*'n3'.*'n2'")


if __name__ == "__main__":
    unittest.main(verbosity=2)
