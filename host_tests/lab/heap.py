"""Scripts that count heap on MicroPython (tools/proof/heap.py), run on 32 bits and on 64.

counted(script, BITS[0])      lines `octets what`, the last of which must be seen to take some
walked(script, on_32_bits)    lines `path octets reached`, of which none takes any
"""

import shutil

import pytest
from interpreters import ROOT

from lab.pythons import run_unix, run_wasm

BITS = ("32 bits", "heap lock")
_WITH = ("proof/heap.py", "proof/conn.py", "proof/hotpath.py", "wire/null.py")
_FILES = tuple(("tools/" + name, "/lib/" + name) for name in _WITH)
_HEAP = 2 << 20


def counted(script, which, files=(), path=()):
    """How many lines there were. The last says "leaky", so that the count is known to work; of the
    others none takes heap. `files` and `path`: what the script wants besides the library.
    """
    if which == BITS[0]:
        said = run_wasm(script, files=(*files, ("joined", "/lib"), *_FILES), heap=_HEAP)
    else:
        said = run_unix(script, path=("joined", "tools", *path))
    found = [line.split(" ", 1) for line in said.splitlines()]
    assert found[-1][1] == "leaky" and int(found.pop()[0]) > 0, "the count is broken"
    assert not [what for octets, what in found if int(octets)], said
    return len(found)


def on_32_bits(script, *paths):
    return run_wasm(script, *paths, files=(("joined", "/lib"), *_FILES), heap=_HEAP)


def on_64_bits(script, *paths, library="joined"):
    return run_unix(script, *paths, path=(library, "tools"), heap="8M")


def walked(said):
    """-> {path: (octets, what was reached)}"""
    lines = [line.split() for line in said.splitlines()]
    return {name: (int(octets), set(reached)) for name, octets, *reached in lines}


def get_there(script, run, paths):
    """All of {path: what it reaches} are walked, get there and take no heap."""
    got = walked(run(script))
    assert set(got) == set(paths)
    assert {name: octets for name, (octets, _) in got.items() if octets} == {}
    for name, want in paths.items():
        assert set(want.split()) <= got[name][1], name


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """A copy of the library that may be broken."""
    place = tmp_path_factory.mktemp("broken")
    shutil.copytree(ROOT / "lib" / "uipy", place / "uipy")
    return place


def is_seen(script, sources, file, function, paths):
    """An allocation as the first thing that a function does is seen in these paths."""
    target = sources / "uipy" / file
    text = target.read_text()
    target.write_text(_with_allocation(text, function))
    try:
        got = walked(on_64_bits(script, *paths.split(), library=sources))
    finally:
        target.write_text(text)
    assert all(octets for octets, _ in got.values()), got
    assert set(got) == set(paths.split())


def _with_allocation(text, function):
    """The function begins with an allocation, behind its docstring."""
    lines = text.splitlines()
    at = [i for i, line in enumerate(lines) if line.strip().startswith(f"def {function}(")]
    assert len(at) == 1, function
    i = at[0]
    indent = len(lines[i]) - len(lines[i].lstrip()) + 4
    while not lines[i].endswith(":"):
        i += 1
    i += 1
    if lines[i].strip().startswith('"""'):
        while not lines[i].endswith('"""') or lines[i].strip() == '"""':
            i += 1
        i += 1
    return "\n".join([*lines[:i], " " * indent + "bytearray(9)", *lines[i:], ""])
