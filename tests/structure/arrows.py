#!/usr/bin/env python3
"""Checks that includes follow the arrows of docs/architecture.md, and that the sans-I/O cores stay sans-I/O."""
import os
import re
import sys

ROOT = os.environ.get("SOURCE_DIR") or os.path.join(os.path.dirname(__file__), "..", "..")

# A room may include itself and what is listed here. The value headers of wg count as its front door.
FRONT_DOOR = {"wg/tables.h", "wg/drop_reason.h", "wg/unreachable.h"}
MAY_INCLUDE = {
    "base": set(),
    "wg/protocol": {"base"},
    "wg/io": {"base", "wg/protocol"},
    "wg": {"base"},
    "routing": {"base"},
    "daemon": {"base", "routing", "daemon/config"},
    "topologies/lab": {"base", "daemon/config"},
    "topologies/lab/sim": {"base", "daemon/config", "routing", "topologies/lab"},
    "daemon/config": {"base", "routing", "daemon"},
}
# Single headers beyond those: what one room shows to another.
MAY_INCLUDE_FILE = {
    "wg/protocol": FRONT_DOOR,
    "wg/io": FRONT_DOOR,
    "daemon": FRONT_DOOR | {"wg/io/backend.h", "wg/io/uapi_server.h"},
    "daemon/config": {"wg/io/backend.h"},
    # The daemon's public pieces: the configuration, and the client's side of the control socket.
    "topologies/lab": {"daemon/control/" + name
                       for name in ("client.h", "event_level.h", "event_text.h", "format.h", "style.h", "table.h",
                                    "version.h")} | {"topologies/lab/sim/command.h"},
    "topologies/lab/sim": {"daemon/control/" + name for name in ("format.h", "style.h", "table.h")},
}
# Sans-I/O; base/system.h reads clocks, base/file_descriptor.h and base/timer_fd.h are about files.
CORES = ("wg/protocol", "routing")
FORBIDDEN_IN_CORES = [
    (r'#include\s+"base/(system|file_descriptor|timer_fd)\.h"', "reads a clock, the kernel's randomness or files"),
    (r"#include\s+<(sys/|netinet/|net/|linux/|unistd|fcntl|poll|time\.h|ctime|thread|condition_variable|future|random|iostream|fstream|filesystem|boost/)",
     "is input, output, a clock or a thread"),
    (r"(steady_clock|system_clock|high_resolution_clock)", "is a clock"),
    (r"\b(clock_gettime|gettimeofday|getrandom|randombytes_\w+|random_device|std::rand|::socket|::send|::recv|std::thread)\b",
     "is input, output, randomness or a thread"),
]
SOURCE = re.compile(r"\.(h|cpp)$")
MAX_LINES = 650


def room_of(path):
    for room in sorted(MAY_INCLUDE, key=len, reverse=True):
        if path == room or path.startswith(room + "/"):
            return room
    return None


def sources():
    for top in ("base", "wg", "routing", "daemon", "topologies", "tests"):
        for folder, _, names in os.walk(os.path.join(ROOT, top)):
            for name in sorted(names):
                if SOURCE.search(name):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)


def check(path, text):
    room = room_of(path)
    if text.count("\n") > MAX_LINES:
        yield f"{path}: {text.count(chr(10))} lines; a file of more than {MAX_LINES} has two subjects: split it"
    if path.endswith(".h") and not re.match(r"(//.*\n)+#pragma once\n", text):
        yield f"{path}:1: a header opens with a comment that says what it is, then #pragma once"
    if room is None:
        return
    for number, line in enumerate(text.splitlines(), 1):
        found = re.match(r'\s*#include\s+"([^"]+)"', line)
        if found:
            target = found.group(1)
            to = room_of(target)
            if to is None:
                yield f"{path}:{number}: {target} is no path from the root of the checkout"
            elif to != room and to not in MAY_INCLUDE[room] and target not in MAY_INCLUDE_FILE.get(room, ()):
                yield f"{path}:{number}: {room} must not include {target} (no arrow from {to} to {room})"
        if room in CORES:
            code = line.split("//")[0]
            for pattern, why in FORBIDDEN_IN_CORES:
                if re.search(pattern, code):
                    yield f"{path}:{number}: in a sans-I/O core: {code.strip()} {why}"


def self_test():
    """The checker must find what it is there to find."""
    bad = {
        "routing/x.cpp": '#include "wg/tables.h"\n',
        "daemon/x.cpp": '#include "wg/protocol/device.h"\n',
        "base/x.cpp": '#include "routing/router.h"\n',
        "wg/protocol/x.cpp": "auto t = std::chrono::steady_clock::now();\n",
        "routing/y.cpp": '#include "base/system.h"\n',
        "topologies/lab/x.cpp": '#include "daemon/node.h"\n',
        "topologies/lab/y.cpp": '#include "daemon/control/server.h"\n',
        "topologies/lab/sim/x.cpp": '#include "wg/tables.h"\n',
        "topologies/lab/z.cpp": '#include "topologies/lab/sim/network.h"\n',
        "daemon/config/x.cpp": '#include "wg/protocol/device.h"\n',
        "routing/z.h": "#pragma once\n",
        "routing/long.cpp": "\n" * (MAX_LINES + 1),
    }
    good = {
        "daemon/x.cpp": '#include "wg/io/backend.h"\n#include "routing/router.h"\n',
        "wg/io/x.cpp": '#include "wg/protocol/device.h"\n',
    }
    for path, text in bad.items():
        assert list(check(path, text)), f"not found: {path}: {text!r}"
    for path, text in good.items():
        assert not list(check(path, text)), f"wrongly found: {path}"


def main():
    self_test()
    problems, count = [], 0
    for path in sources():
        count += 1
        with open(os.path.join(ROOT, path), encoding="utf-8") as file:
            problems += check(path, file.read())
    assert count > 20, f"only {count} sources found below {ROOT}"
    for problem in problems:
        print(problem)
    print(f"{count} files, {len(problems)} problems")
    return 1 if problems else 0


sys.exit(main())
