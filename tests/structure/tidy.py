#!/usr/bin/env python3
"""tidy.py --build DIR [--jobs N] [PATH...]: clang-tidy over the sources.

Takes the commands of a clang build. A source is asked again only if it, a
header of Torc that it includes or .clang-tidy changed since it was clean.
"""

import argparse
import hashlib
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from sources import Tree, includes


def digests(tree):
    """Of each path: a hash over it and over all of Torc that it includes."""
    closures = {}

    def closure(path):
        if path not in closures:
            closures[path] = {path}
            for _, name in includes(tree.files[path]):
                for found in (name, f"include/{name}", f"tests/{name}"):
                    if found in tree.files:
                        closures[path] |= closure(found)
        return closures[path]

    def digest(path):
        state = hashlib.sha256()
        for name in sorted(closure(path) | {".clang-tidy"}):
            state.update(name.encode() + tree.files.get(name, "").encode())
        return state.hexdigest()

    return digest


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", required=True, type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("paths", nargs="*")
    args = parser.parse_args()

    root = Path(__file__).resolve().parents[2]
    tree = Tree.of_folder(root)
    digest = digests(tree)
    commands = json.loads((args.build / "compile_commands.json").read_text())
    sources = []
    for entry in commands:
        file = Path(entry["file"])
        if file.is_relative_to(root):
            path = file.relative_to(root).as_posix()
            if path in tree.files and path.startswith(
                    tuple(args.paths) or ("actors/", "apps/")):
                sources.append(path)

    cache_file = args.build / "tidy_clean.json"
    clean = (json.loads(cache_file.read_text()) if cache_file.exists() else {})
    todo = [p for p in sorted(set(sources)) if clean.get(p) != digest(p)]

    def tidy(path):
        return path, subprocess.run(
            ["clang-tidy", "--quiet", "-p", str(args.build), path],
            cwd=root, capture_output=True, text=True)

    failed = 0
    with ThreadPoolExecutor(args.jobs) as pool:
        for path, done in pool.map(tidy, todo):
            if done.returncode == 0:
                clean[path] = digest(path)
            else:
                failed += 1
                print(done.stdout.strip() or done.stderr.strip())
    cache_file.write_text(json.dumps(clean))
    print(f"clang-tidy: {len(todo)} sources asked, {failed} with findings")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
