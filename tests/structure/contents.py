"""Rules about what files say: messages, docs, test programs, commands."""

import fnmatch
import re
import textwrap

from sources import code_only

_STRUCT = re.compile(r"^struct\s+(\w+)", re.MULTILINE)
_INSPECT = re.compile(r"\binspect\(\s*\w+&\s*\w*,\s*([\w:]+)&")
_REGISTRATION = "actors/messages/registration.cpp"


def check_messages(tree):
    """Every message struct is registered with CAF, in one place: a type that is
    not fails only when it first travels."""
    registered = code_only(tree.files.get(_REGISTRATION, ""))
    for path in tree.paths("include/torc/messages/", suffix=".hpp"):
        code = code_only(tree.files[path])
        inspected = {name.split("::")[-1] for name in _INSPECT.findall(code)}
        for name in _STRUCT.findall(code):
            if name in inspected and not re.search(rf"\b{name}\b", registered):
                yield f"{path}: {name} is not in {_REGISTRATION}"


_TOP = ("include", "actors", "apps", "tests", "bench", "docs", "cmake", ".ci")
_CODE_SPAN = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


def check_docs(tree):
    """Docs name only files and folders that are there."""
    known = set(tree.files) | tree.folders()
    for path in tree.paths(suffix=".md"):
        text = tree.files[path]
        base = path.rpartition("/")[0]
        for link in _LINK.findall(text):
            if "://" not in link and not link.startswith("mailto:"):
                target = _joined(base, link)
                if target.rstrip("/") not in known:
                    yield f"{path}: link to {link}, which is not there"
        for span in _CODE_SPAN.findall(_FENCE.sub("", text)):
            name = span.rstrip("/")
            if (re.fullmatch(r"[\w.*/-]+", name) and "/" in name
                    and name.split("/")[0] in _TOP
                    and not _is_known(name, known)):
                yield f"{path}: names {span}, which is not there"


_SNIPPET = re.compile(r"^```cpp\n(.*?)^```", re.MULTILINE | re.DOTALL)


def _pieces(text):
    """The lines, without what indents all of them."""
    return textwrap.dedent(text).strip("\n").splitlines()


def check_snippets(tree):
    """C++ in docs is a piece of a program that a test builds and runs."""
    programs = [tree.files[p].splitlines() for p in
                tree.paths("apps/examples/", "tests/structure/consumer/",
                           suffix=".cpp")]
    for path in tree.paths(suffix=".md"):
        text = tree.files[path]
        for match in _SNIPPET.finditer(text):
            wanted = _pieces(match.group(1))
            if not any(_pieces("\n".join(lines[i:i + len(wanted)])) == wanted
                       for lines in programs for i in range(len(lines))):
                line = text.count("\n", 0, match.start()) + 1
                yield f"{path}:{line}: C++ that no example has"


def _joined(base, link):
    parts = base.split("/") if base and not link.startswith("/") else []
    for part in link.strip("/").split("/"):
        if part == "..":
            parts = parts[:-1]
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _is_known(name, known):
    if "*" in name:
        return any(fnmatch.fnmatchcase(k, name) for k in known)
    return name in known


_DEV_CALL = re.compile(r"\./dev ([a-z]+)")


def check_commands(tree):
    """Docs name only commands that ./dev has."""
    accepted = re.search(r"^\s*(build \|[^)]*)\)", tree.files.get("dev", ""),
                         re.MULTILINE)
    commands = set(re.findall(r"\w+", accepted.group(1))) if accepted else set()
    for path in tree.paths(suffix=".md"):
        for name in _DEV_CALL.findall(tree.files[path]):
            if name not in commands:
                yield f"{path}: ./dev {name} is no command"


_MACHINE_PATH = re.compile(r"(?<![\w.$}/-])/(work|root|home/\w+)/")


def check_machine_paths(tree):
    """No file names a place of one machine."""
    for path, text in tree.files.items():
        for match in _MACHINE_PATH.finditer(text):
            line = text.count("\n", 0, match.start()) + 1
            if not path.startswith("tests/data/"):
                yield f"{path}:{line}: names a path below {match.group(0)}"


_LEFTOVER = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")


def check_leftovers(tree):
    """Nothing is left for later in the sources; what is missing stands in the
    docs."""
    for path in tree.paths(
            "include/", "actors/", "apps/", "bench/", "cmake/", "tests/",
            suffix=(".hpp", ".cpp", ".cmake", ".sh", "CMakeLists.txt")):
        for number, line in enumerate(tree.files[path].splitlines(), 1):
            if _LEFTOVER.search(line):
                yield f"{path}:{number}: {line.strip()}"


_TEST_CASE = re.compile(r"^(TEST_CASE|SCENARIO|TEMPLATE_TEST_CASE)\w*\(",
                        re.MULTILINE)


def check_test_sources(tree, built):
    """Every *_test.cpp is compiled into a test program, and test cases are
    in no other source, where ctest would not select them. `built` are the paths
    of all sources of the build."""
    for path in tree.paths("tests/", suffix="_test.cpp"):
        if not any(file.endswith("/" + path) for file in built):
            yield f"{path}: in no test program"
    for path in tree.paths("tests/", suffix=".cpp"):
        if not path.endswith("_test.cpp") and _TEST_CASE.search(
                tree.files[path]):
            yield f"{path}: has test cases, so its name must end in _test.cpp"
