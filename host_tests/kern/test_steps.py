"""The kernels that carry a packet say the same on every Python: from their source on CPython, as
machine code on 64 bits, as plain Python on 32; those that calculate say what an oracle says."""

import importlib
import json
from typing import Any

import pytest
from lab.pythons import run_unix, run_wasm
from proof import steps, stepsoracle

MODULES = ("uipy.net.datagram", "uipy.tcp.row", "uipy.stat")
HOMES = {
    "front": "net", "icmp": "net", "udp": "net", "poll": "", "whose": "tcp", "rto": "tcp",
    "congestion": "tcp", "ack": "tcp", "text": "tcp", "emit": "tcp", "timers": "tcp",
    "reassembly": "net",
}  # fmt: skip


def where():
    """The places in the arrays."""
    from uipy.stat import NAMES

    found = {"COUNTERS": len(NAMES)}
    for name in MODULES:
        module = importlib.import_module(name)
        found.update({k: getattr(module, k) for k in names(module) if k.isupper()})
    return {k: v for k, v in found.items() if isinstance(v, int)}


def names(module):
    """A source module's names; one of the joined form has them behind a door."""
    door = getattr(module, "_names", None)
    return [*door["consts"], *door["names"]] if door else list(vars(module))


def sources():
    found = {}
    for name in steps.NAMES:
        module, own = name.split(".")
        home = ".".join(filter(None, ("uipy", HOMES[module], module)))
        found[name] = getattr(importlib.import_module(home), own)
    return found


def said_by(kernels, names=steps.NAMES):
    lines = []
    steps.run(kernels, where(), lambda *words: lines.append(" ".join(map(str, words))), names)
    return lines


@pytest.fixture(scope="module")
def truth():
    return said_by(sources())


@pytest.fixture(scope="module")
def layout(tmp_path_factory):
    path = tmp_path_factory.mktemp("steps") / "layout.json"
    path.write_text(json.dumps(where()))
    return path


def check(lines, truth):
    wrong = [(said, true) for said, true in zip(lines, truth, strict=True) if said != true]
    assert not wrong, f"{len(wrong)} differ; said / is: {wrong[0]}"


def test_machine_code_on_64_bits(truth, layout):
    check(run_unix(steps.__file__, layout).splitlines(), truth)


def on_32_bits(layout, *more):
    files = (("joined", "/lib"), (layout, "/layout.json"))
    return run_wasm(steps.__file__, "/layout.json", *more, files=files, heap=1 << 20).splitlines()


def test_plain_python_on_32_bits(truth, layout):
    check(on_32_bits(layout), truth)


def test_no_kernel_takes_heap_on_32_bits(layout):
    took = dict(line.split(" ")[::-1] for line in on_32_bits(layout, "heap"))
    assert took == dict.fromkeys(steps.NAMES, "0")


@pytest.mark.parametrize("name", stepsoracle.KNOWN)
def test_what_an_oracle_says(name):
    known: Any = stepsoracle.KNOWN[name]
    kernels = {name: lambda *args: known(where(), *args)}
    check(said_by(kernels, [name]), said_by(sources(), [name]))


def test_every_kernel_of_a_packet_is_asked():
    """All that is marked `@kernel` in net/, tcp/ and poll.py."""
    from lab.pythons import joined

    lib = joined().parents[2] / "lib" / "uipy"
    found = set()
    for path in (*(lib / "net").rglob("*.py"), *(lib / "tcp").rglob("*.py"), lib / "poll.py"):
        lines = path.read_text().split("\n")
        marked = [lines[k + 1] for k, line in enumerate(lines) if line == "@kernel"]
        found |= {"%s.%s" % (path.stem, line[4 : line.index("(")]) for line in marked}
    assert found == set(steps.NAMES)
