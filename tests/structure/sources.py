"""The source tree as the rules see it: paths, texts, and C++ without comments.

A rule takes a Tree, so that its own test can plant a violation in a small one.
"""

import re
import subprocess
from pathlib import Path

CPP = (".hpp", ".cpp")


class Tree:
    """Maps a path, relative to the root and with slashes, to its text."""

    def __init__(self, files):
        self.files = dict(files)

    @classmethod
    def of_folder(cls, root):
        """What git tracks below `root`, and what it would: ignored files and
        files that are not text are left out."""
        root = Path(root)
        if (root / ".git").exists():
            listed = subprocess.run(
                ["git", "ls-files", "-co", "--exclude-standard"],
                cwd=root, check=True, capture_output=True, text=True)
            names = set(listed.stdout.splitlines())
        else:
            names = {p.relative_to(root).as_posix()
                     for p in root.rglob("*") if p.is_file()}
            names = {n for n in names
                     if not n.startswith(("build", "data/", ".cache/"))}
        files = {}
        for name in sorted(names):
            path = root / name
            try:
                files[name] = path.read_text(encoding="utf-8")
            except (UnicodeDecodeError, FileNotFoundError):
                continue
        return cls(files)

    def paths(self, *prefixes, suffix=""):
        """The paths that begin with one of `prefixes` and end with `suffix`,
        which may be a tuple."""
        return [p for p in self.files
                if (not prefixes or p.startswith(prefixes))
                and p.endswith(suffix)]

    def folders(self):
        """Every folder that holds a file, directly or deeper."""
        found = set()
        for path in self.files:
            parts = path.split("/")[:-1]
            for i in range(1, len(parts) + 1):
                found.add("/".join(parts[:i]))
        return found


_TOKEN = re.compile(
    r'//[^\n]*|/\*.*?\*/'
    r'|R"(?P<d>[^\s()\\]{0,16})\(.*?\)(?P=d)"'
    r'|"(?:\\.|[^"\\\n])*"'
    r"|(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+'",
    re.DOTALL)


def code_only(text):
    """C++ `text` with comments and literals blanked, every line kept. Paths in
    #include lines stay."""
    def blank(match):
        token = match.group(0)
        start = text.rfind("\n", 0, match.start()) + 1
        if text[start:match.start()].lstrip().startswith("#"):
            return token if token[0] == '"' else ""
        return "\n" * token.count("\n") if token[0] == "/" else (
            '""' + "\n" * token.count("\n"))
    return _TOKEN.sub(blank, text)


_INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)


def includes(text):
    """(line, path) of every #include in `text`."""
    return [(text.count("\n", 0, m.start(2)) + 1, m.group(2))
            for m in _INCLUDE.finditer(text)]
