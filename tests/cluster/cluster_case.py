"""A test case with a cluster of three nodes, files and keyspaces of its own."""

import os
import tempfile
import unittest

from torc_cluster import Cluster


class ClusterCase(unittest.TestCase):
    """One cluster for all tests of the class."""

    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(nodes=3, engine="rocksdb", sync="os")
        cls.addClassCleanup(cls.cluster.close)
        cls.cluster.start()
        cls.folder = tempfile.mkdtemp(dir=cls.cluster.data)

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, content):
        with open(self.path(name), "wb") as file:
            file.write(content)
        return self.path(name)

    def read(self, path):
        with open(path, "rb") as file:
            return file.read()

    def keyspace(self, name, *flags):
        """A keyspace of the test's own."""
        self.cluster.cli("keyspace", "create", name, *flags)
        self.addCleanup(self.cluster.run, "keyspace", "drop", name, "--yes",
                        code=None)
        return name
