"""Bounds on files and functions, counted in lines.

Two numbers each: what to aim for, and what is refused. Between them lies what
may be there already; the ratchets say how many, and only go down.
"""

import re

from sources import CPP, code_only

FILE_LINES_AIM = 400
FILE_LINES_MAX = 450
FILES_OVER_AIM = 0

FUNCTION_LINES_AIM = 70
FUNCTION_LINES_MAX = 75
FUNCTIONS_OVER_AIM = 0

_SOURCES = CPP + (".py", ".sh", ".cmake", "CMakeLists.txt", "dev")

_SCOPE = re.compile(
    r"(^|[\s;{}])(namespace|class|struct|union|enum|extern\s*\"\")\b[^()]*$|"
    r"(^|\s)(class|struct)\s+(alignas\s*\([^)]*\)\s*)?[\w:<>, ]+"
    r"(\s+final)?\s*(:[^;{}]*)?$")
_INITIALISER = re.compile(r"\)\s*(noexcept\s*)?:(?!:)[^;{}]*[\w>]\s*$")


def functions(text):
    """(line, lines) of every outermost function body in C++ `text`, by
    matching braces: good enough for code that clang-format has laid out."""
    code = code_only(text)
    found = []
    depth_scopes = []  # one flag per open brace outside of functions
    header = ""
    i = 0
    while i < len(code):
        char = code[i]
        if char == "#" and not code[code.rfind("\n", 0, i) + 1:i].strip():
            while True:  # a directive and its continued lines
                end = code.find("\n", i)
                end = len(code) if end < 0 else end
                i = end
                if end == 0 or code[end - 1] != "\\" or end == len(code):
                    break
                i += 1
        elif char == "{":
            stop = _matching(code, i)
            if _INITIALISER.search(header):
                header += "()"
                i = stop
            elif ")" in header and not _SCOPE.search(header) and not (
                    header.rstrip().endswith("=")):
                start = i - len(header) + (len(header)
                                           - len(header.lstrip()))
                first = code.count("\n", 0, start) + 1
                last = code.count("\n", 0, stop) + 1
                found.append((first, last - first + 1))
                header = ""
                i = stop
            else:
                depth_scopes.append(i)
                header = ""
        elif char == "}":
            if depth_scopes:
                depth_scopes.pop()
            header = ""
        elif char == ";":
            header = ""
        else:
            header += char
        i += 1
    return found


def _matching(code, start):
    depth = 0
    for i in range(start, len(code)):
        if code[i] == "{":
            depth += 1
        elif code[i] == "}":
            depth -= 1
            if depth == 0:
                return i
    return len(code) - 1


def check_files(tree, over_aim=FILES_OVER_AIM):
    """No source file is longer than its bound."""
    over = []
    for path in tree.paths(suffix=_SOURCES):
        lines = tree.files[path].count("\n")
        if lines > FILE_LINES_MAX:
            yield f"{path}: {lines} lines, at most {FILE_LINES_MAX}"
        elif lines > FILE_LINES_AIM:
            over.append(f"{path}: {lines} lines, aim for {FILE_LINES_AIM}")
    if len(over) > over_aim:
        yield from over


def check_functions(tree, over_aim=FUNCTIONS_OVER_AIM):
    """No function is longer than its bound."""
    over = []
    for path in tree.paths(suffix=CPP):
        for line, lines in functions(tree.files[path]):
            place = f"{path}:{line}: a function of {lines} lines"
            if lines > FUNCTION_LINES_MAX:
                yield f"{place}, at most {FUNCTION_LINES_MAX}"
            elif lines > FUNCTION_LINES_AIM:
                over.append(f"{place}, aim for {FUNCTION_LINES_AIM}")
    if len(over) > over_aim:
        yield from over
