#!/usr/bin/env python3
"""Holds the include lines against the house of design section 3.

    scripts/check_layers.py ROOT        prints one line a violation and ends with 1 if there is any
    scripts/check_layers.py --self-test plants each kind of violation in a small tree and expects to see it

Checked: a layer includes only the layers its row names, and CMakeLists.txt says the same; a library's headers are
included by the layer that owns it alone, system headers by posix alone; a header is in include/ exactly when another
layer includes it; no file includes itself by a detour; no file is longer than 800 lines.
"""

import re
import sys
import tempfile
from pathlib import Path

UP_TO_3 = "base wire dedup crypto text ingress core storage control posix"
LAYERS = {
    "base": "",
    "wire": "base",
    "dedup": "base",
    "crypto": "base",
    "text": "base",
    "ingress": "base wire dedup crypto",
    "core": "base wire crypto text",
    "storage": "base wire text",
    "control": "base wire",
    "posix": "base",
    "rendezvous": "base wire crypto text",
    "runtime": UP_TO_3 + " rendezvous",
    "irc": UP_TO_3,
    "daemon": UP_TO_3 + " runtime rendezvous irc",
    "client": "base text control posix",
}
LAYERS = {layer: set(below.split()) for layer, below in LAYERS.items()}

# Whose headers begin so, belong to these layers alone.
LIBRARIES = {
    "tl/": {"base"},
    "xxhash.h": {"dedup"},
    "sodium": {"crypto"},
    "utf8proc.h": {"text"},
    "unicode/": {"text"},
    "sqlite3": {"storage"},
    "nlohmann/": {"control"},
    "openssl/": {"runtime"},
    "qrencode.h": {"client"},
    "natpmp.h": {"posix"},
    "miniupnpc/": {"posix"},
    "CLI/": {"daemon", "client"},
    "toml++/": {"daemon"},
    "spdlog/": {"daemon"},
    "fmt/": {"daemon"},
    "readline/": {"client"},
    "doctest/": set(),
}

# The headers of C++20 that any layer may include; <csignal> is the system's business, so posix alone has it.
STANDARD = set(
    """algorithm any array atomic barrier bit bitset cassert cctype cerrno cfenv cfloat charconv chrono cinttypes climits
    clocale cmath codecvt compare complex concepts condition_variable coroutine cstdarg cstddef cstdint cstdio cstdlib
    cstring ctime cuchar cwchar cwctype deque exception execution expected filesystem format forward_list fstream
    functional future initializer_list iomanip ios iosfwd iostream istream iterator latch limits list locale map memory
    memory_resource mutex new numbers numeric optional ostream queue random ranges ratio regex scoped_allocator semaphore
    set shared_mutex source_location span sstream stack stdexcept stop_token streambuf string string_view strstream
    syncstream system_error thread tuple type_traits typeindex typeinfo unordered_map unordered_set utility valarray
    variant vector version""".split()
)
# What reads a clock's device, a disk or a random device, or starts a thread, stays out of the protocol.
SANS_IO = {"core", "rendezvous"}
NOT_IN_CORE = set("condition_variable filesystem fstream future iostream mutex random shared_mutex thread".split())

LINES_MAX = 800
LINES_WISHED = 450
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.MULTILINE)
INSTALLED = {"include/p2pmesh/embedded_node.h"}


def layer_of(path):
    """The layer of a path relative to the root, or None."""
    parts = path.split("/")
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ["include", "p2pmesh"] and len(parts) > 3:
        return parts[2]
    return None


def source_files(root):
    found = []
    for top in ("include", "src"):
        for path in (root / top).rglob("*"):
            if path.suffix in (".h", ".cc"):
                found.append(path.relative_to(root).as_posix())
    return sorted(found)


def resolve(root, including, quoted, name):
    """The file of ours that an include line means, as a path relative to the root, or None for a foreign header."""
    if name.startswith("p2pmesh/"):
        return "include/" + name
    beside = (root / including).parent / name
    if quoted:
        if beside.exists():
            return beside.resolve().relative_to(root.resolve()).as_posix()
        layer = layer_of(including)
        return f"src/{layer}/{name}" if layer else None
    return None


def check_foreign(path, layer, name):
    for prefix, owners in LIBRARIES.items():
        if name.startswith(prefix):
            if layer in owners:
                return None
            owner = " and ".join(sorted(owners)) or "tests"
            return f"{path}: <{name}> belongs to {owner}, not to {layer}"
    if name in STANDARD:
        if layer in SANS_IO and name in NOT_IN_CORE:
            return f"{path}: {layer} has no use for <{name}>: it takes inputs and the time and appends outputs"
        return None
    if layer == "posix":
        return None
    return f"{path}: <{name}> is a system header, and only posix includes those"


def check_own(path, layer, target, root):
    if not (root / target).exists():
        return f"{path}: includes {target}, which is not there"
    other = layer_of(target)
    if other == layer:
        if target.startswith("src/") and path.startswith("include/"):
            return f"{path}: a public header includes {target}, which other layers cannot see"
        return None
    if other is None:
        return f"{path}: includes {target}, which is in no layer"
    if other not in LAYERS.get(layer, set()):
        return f"{path}: {layer} may not include {other} ({target})"
    if target.startswith("src/"):
        return f"{path}: includes {target} of another layer, which is not in include/"
    return None


def check_places(edges):
    """A header is in include/ exactly when another layer includes it, by itself or through another public header."""
    needed = set()
    for path, targets in edges.items():
        needed |= {t for t in targets if layer_of(t) != layer_of(path)}
    waiting = list(needed | INSTALLED)
    while waiting:
        for target in edges.get(waiting.pop(), ()):
            if target not in needed:
                needed.add(target)
                waiting.append(target)
    for path in edges:
        if path.startswith("include/") and path not in needed and path not in INSTALLED:
            yield f"{path}: no other layer includes it, so its place is src/{layer_of(path)}/"


def check_cycles(edges):
    state = {}
    for start in edges:
        if start in state:
            continue
        stack = [(start, iter(edges[start]))]
        state[start] = "open"
        while stack:
            path, rest = stack[-1]
            target = next(rest, None)
            if target is None:
                state[path] = "done"
                stack.pop()
            elif state.get(target) == "open":
                way = [p for p, _ in stack]
                yield "includes in a circle: " + " -> ".join(way[way.index(target):] + [target])
            elif target not in state and target in edges:
                state[target] = "open"
                stack.append((target, iter(edges[target])))


def check_cmake(root):
    cmake = root / "CMakeLists.txt"
    if not cmake.exists():
        return
    for call in re.finditer(r"^p2pmesh_layer\(([^)]*)\)", cmake.read_text(), re.MULTILINE):
        words = call.group(1).split()
        layer, rest = words[0], words[1:]
        depends = set()
        for word in rest[1:] if rest[:1] == ["DEPENDS"] else []:
            if word == "LIBRARIES":
                break
            depends.add(word)
        if layer not in LAYERS:
            yield f"CMakeLists.txt: there is no layer {layer}"
            continue
        for extra in sorted(depends - LAYERS[layer]):
            yield f"CMakeLists.txt: {layer} may not depend on {extra}"


def check(root):
    """All violations of the tree at root, and a sentence about the files' lengths."""
    violations = []
    edges = {}
    lengths = []
    for path in source_files(root):
        text = (root / path).read_text()
        lengths.append(text.count("\n"))
        if lengths[-1] > LINES_MAX:
            violations.append(f"{path}: {lengths[-1]} lines, and {LINES_MAX} are the limit")
        layer = layer_of(path)
        if layer is None and path not in INSTALLED or layer is not None and layer not in LAYERS:
            violations.append(f"{path}: is in no layer")
            continue
        edges[path] = []
        for bracket, name in INCLUDE.findall(text):
            target = resolve(root, path, bracket == '"', name)
            if target is None:
                fault = check_foreign(path, layer, name)
            else:
                fault = check_own(path, layer, target, root) if layer else None
                edges[path].append(target)
            if fault:
                violations.append(fault)
    violations += check_places(edges)
    violations += check_cycles(edges)
    violations += check_cmake(root)
    lengths.sort()
    summary = "no files"
    if lengths:
        long = sum(1 for length in lengths if length > LINES_WISHED)
        summary = (
            f"{len(lengths)} files, median {lengths[len(lengths) // 2]} lines, longest {lengths[-1]}, "
            f"{long} over {LINES_WISHED}"
        )
    return violations, summary


def plant(files):
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for path, text in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_text(text)
        return check(root)[0]


SOUND = {
    "include/p2pmesh/base/bytes.h": "#include <vector>\n",
    "src/base/bytes.cc": '#include "p2pmesh/base/bytes.h"\n',
    "include/p2pmesh/wire/frame.h": '#include "p2pmesh/base/bytes.h"\n',
    "src/wire/codec.h": '#include "p2pmesh/base/bytes.h"\n',
    "src/wire/frame.cc": '#include "codec.h"\n#include "p2pmesh/wire/frame.h"\n',
    "src/core/node.cc": '#include "p2pmesh/wire/frame.h"\n',
    "src/posix/socket.cc": "#include <sys/socket.h>\n",
    "src/storage/store.cc": "#include <sqlite3.h>\n",
    "CMakeLists.txt": "p2pmesh_layer(base)\np2pmesh_layer(wire DEPENDS base LIBRARIES x::y)\n",
}

PLANTED = [
    ("may not include", {"src/wire/codec.cc": '#include "p2pmesh/core/heads.h"\n', "include/p2pmesh/core/heads.h": ""}),
    ("may not include", {"src/base/up.cc": '#include "p2pmesh/wire/frame.h"\n'}),
    ("belongs to storage", {"src/core/sql.cc": "#include <sqlite3.h>\n"}),
    ("belongs to tests", {"src/core/test.cc": "#include <doctest/doctest.h>\n"}),
    ("only posix", {"src/runtime/link.cc": "#  include <unistd.h>\n"}),
    ("core has no use", {"src/core/race.cc": "#include <thread>\n"}),
    ("rendezvous has no use", {"src/rendezvous/race.cc": "#include <thread>\n"}),
    ("may not include", {"src/rendezvous/up.cc": '#include "p2pmesh/storage/s.h"\n', "include/p2pmesh/storage/s.h": ""}),
    ("no other layer includes it", {"include/p2pmesh/wire/alone.h": ""}),
    ("not in include/", {"src/core/reach.cc": '#include "../wire/codec.h"\n'}),
    ("other layers cannot see", {"include/p2pmesh/wire/frame.h": '#include "../../../src/wire/codec.h"\n'}),
    ("in a circle", {"src/wire/a.h": '#include "b.h"\n', "src/wire/b.h": '#include "a.h"\n'}),
    ("which is not there", {"src/wire/lost.cc": '#include "lost.h"\n'}),
    ("is in no layer", {"src/misc/thing.cc": ""}),
    ("lines, and 800", {"src/wire/long.cc": "\n" * 801}),
    ("may not depend on", {"CMakeLists.txt": "p2pmesh_layer(wire DEPENDS base core)\n"}),
]


def self_test():
    wrong = [f"the sound tree: {violation}" for violation in plant(SOUND)]
    for expected, files in PLANTED:
        violations = plant({**SOUND, **files})
        if not any(expected in violation for violation in violations):
            wrong.append(f"planted {files}, expected '{expected}', saw {violations}")
    return wrong


def main(arguments):
    if arguments == ["--self-test"]:
        violations, summary = self_test(), f"{len(PLANTED)} planted violations"
    elif len(arguments) == 1 and Path(arguments[0]).is_dir():
        violations, summary = check(Path(arguments[0]))
    else:
        print(__doc__, file=sys.stderr)
        return 64
    for violation in violations:
        print(violation)
    print(f"{summary}; {len(violations)} violations")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
