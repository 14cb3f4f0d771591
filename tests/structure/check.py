#!/usr/bin/env python3
"""check.py RULE [--source DIR] [--build DIR]: one rule over the repository.

Prints what breaks it, a line each, and fails if there is any.
"""

import argparse
import json
import re
import subprocess
import sys
from pathlib import Path

import contents
import layering
import sizes
from sources import CPP, Tree


def check_format(tree, root):
    """Every C++ source is as clang-format lays it out."""
    files = tree.paths(suffix=CPP)
    for i in range(0, len(files), 40):
        done = subprocess.run(
            ["clang-format", "--dry-run", "-Werror", *files[i:i + 40]],
            cwd=root, capture_output=True, text=True)
        first = {}
        for line in done.stderr.splitlines():
            if ": error: " in line:
                path, number = line.split(":")[:2]
                first.setdefault(path, number)
        for path, number in first.items():
            yield f"{path}:{number}: not formatted from here on"
        if done.returncode != 0 and not first:
            yield done.stderr.strip() or "clang-format failed"


def check_shell(tree, root):
    """Every shell script passes shellcheck."""
    scripts = [p for p, text in tree.files.items()
               if text.startswith(("#!/usr/bin/env bash", "#!/bin/bash",
                                   "#!/bin/sh"))]
    done = subprocess.run(["shellcheck", "-f", "gcc", *scripts], cwd=root,
                          capture_output=True, text=True)
    yield from done.stdout.splitlines()


def built_sources(build):
    """All sources that are compiled, alone or as parts of a merged one."""
    sources = []
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = Path(entry["file"])
        if path.parent.parent.name == "merged":
            sources += re.findall(r'#include "(.*)"', path.read_text())
        else:
            sources.append(str(path))
    return ["/" + s.lstrip("/") for s in sources]


RULES = {
    "core": lambda tree, args: layering.check_core(tree),
    "roles": lambda tree, args: layering.check_roles(tree),
    "layers": lambda tree, args: layering.check_layers(tree),
    "basp": lambda tree, args: layering.check_basp(tree),
    "files": lambda tree, args: sizes.check_files(tree),
    "functions": lambda tree, args: sizes.check_functions(tree),
    "messages": lambda tree, args: contents.check_messages(tree),
    "docs": lambda tree, args: contents.check_docs(tree),
    "snippets": lambda tree, args: contents.check_snippets(tree),
    "commands": lambda tree, args: contents.check_commands(tree),
    "machine_paths": lambda tree, args: contents.check_machine_paths(tree),
    "leftovers": lambda tree, args: contents.check_leftovers(tree),
    "test_sources": lambda tree, args: contents.check_test_sources(
        tree, built_sources(Path(args.build))),
    "format": lambda tree, args: check_format(tree, args.source),
    "shell": lambda tree, args: check_shell(tree, args.source),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rule", choices=RULES)
    parser.add_argument("--source", default=Path(__file__).parents[2])
    parser.add_argument("--build", default="build")
    args = parser.parse_args()
    broken = list(RULES[args.rule](Tree.of_folder(args.source), args))
    for line in broken:
        print(line)
    print(f"{args.rule}: {len(broken)} violations")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
