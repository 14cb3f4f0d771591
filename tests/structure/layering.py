"""Who may include and name what: the folder of a file says it."""

import re

from sources import CPP, code_only, includes

# The core is a function of its inputs: nothing that waits, tells the time,
# draws at random or talks to the outside.
_IMPURE_HEADERS = re.compile(
    r"^(caf|boost|asio|rocksdb|spdlog|openssl|sys|netinet|arpa|net)/|"
    r"^(thread|mutex|shared_mutex|condition_variable|future|semaphore|latch|"
    r"barrier|stop_token|chrono|ctime|time\.h|random|fstream|iostream|"
    r"filesystem|csignal|signal\.h|unistd\.h|fcntl\.h|poll\.h|netdb\.h|"
    r"pthread\.h)$")
_IMPURE_NAMES = re.compile(
    r"\b(system_clock|steady_clock|high_resolution_clock|gettimeofday|"
    r"clock_gettime|random_device|mt19937(?:_64)?|srand|getenv|"
    r"this_thread)\b")
_CORE = ("include/torc/core/", "actors/core/")

_ROLE = re.compile(r"^actors/([^/]+)/")

# What a layer may include of Torc's public headers; None is all of them.
_LAYERS = [
    (_CORE, ("torc/core/",)),
    (("include/torc/engine/", "actors/engine/"), ("torc/core/",
                                                  "torc/engine/")),
    (("include/torc/messages/", "actors/messages/"),
     ("torc/core/", "torc/engine/", "torc/messages/")),
]

_BASP = re.compile(r"basp", re.IGNORECASE)
_CAF_IO = re.compile(r"^caf/(io|openssl)/")
_BASP_FOLDER = "actors/cluster/"


def check_core(tree):
    """Core names no CAF, Boost, clock, thread, socket or random source."""
    for path in tree.paths(*_CORE, suffix=CPP):
        text = tree.files[path]
        for line, name in includes(text):
            if _IMPURE_HEADERS.search(name):
                yield f"{path}:{line}: core includes <{name}>"
        for number, line in enumerate(code_only(text).splitlines(), 1):
            for found in _IMPURE_NAMES.findall(line):
                yield f"{path}:{number}: core names {found}"


def check_roles(tree):
    """A folder under actors/ includes no other folder under actors/."""
    for path in tree.paths("actors/", suffix=CPP):
        own = _ROLE.match(path)
        for line, name in includes(tree.files[path]):
            other = _ROLE.match(name)
            if own and other and own.group(1) != other.group(1):
                yield (f"{path}:{line}: {own.group(1)} includes a header of "
                       f"{other.group(1)}")


def check_layers(tree):
    """Includes run one way: core, engine, messages, roles, programs; only the
    sources of the library see its private headers."""
    for path in tree.paths("include/", "actors/", "apps/", suffix=CPP):
        allowed = next((names for folders, names in _LAYERS
                        if path.startswith(folders)), None)
        for line, name in includes(tree.files[path]):
            if (allowed and name.startswith("torc/")
                    and not name.startswith(allowed)):
                yield f"{path}:{line}: includes {name} of a later layer"
            if not path.startswith("actors/") and name.startswith("actors/"):
                yield f"{path}:{line}: includes the private header {name}"


def check_basp(tree):
    """Nothing outside actors/cluster/ knows CAF's network layer."""
    for path in tree.paths("include/", "actors/", "apps/", suffix=CPP):
        if path.startswith(_BASP_FOLDER):
            continue
        text = tree.files[path]
        for line, name in includes(text):
            if _CAF_IO.search(name):
                yield f"{path}:{line}: includes <{name}>"
        for number, line in enumerate(code_only(text).splitlines(), 1):
            if _BASP.search(line):
                yield f"{path}:{number}: names BASP"
