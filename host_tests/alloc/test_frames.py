"""Functions of the hot path have VM frames of 11 words or less: a longer one comes from the heap.

Which functions these are is seen by running the hot path here, from the sources; how long their
frames are, in what mpy-cross makes of the joined form, where a function may have another name.
"""

import ast
import sys
from pathlib import Path

import pytest
from lab.pythons import compile_mpy
from parts import join
from parts.scopes import at_once
from parts.sources import House, sources
from proof import hotpath
from sizes import mpyinfo, sizes

# Modules with some of them, so that an empty trace does not pass.
# UDP and TCP take theirs in generators, an echo is answered by kernels; these are called.
SURELY = {"uipy.net.arp", "uipy.poll", "uipy.ring", "uipy.stream"}
SURELY |= {"uipy.apps.echo", "uipy.tcp.conn"}


def names(path):
    """{line where a function begins: its dotted name}. Kernels, which are native, are left out,
    and generators, whose frame is taken once and for all.
    """
    found = {}

    def walk(node, parents):
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (ast.FunctionDef, ast.ClassDef)):
                name = (*parents, child.name)
                native = any(ast.unparse(d) == "kernel" for d in child.decorator_list)
                if native or any(isinstance(n, ast.Yield) for n in at_once(child.body)):
                    continue
                first = child.decorator_list[0] if child.decorator_list else child
                found[first.lineno] = ".".join(name)
                walk(child, name)
            else:
                walk(child, parents)

    walk(ast.parse(path.read_text()), ())
    return found


def called(what):
    """(source module, function) that what() calls; the kernels are native on a board."""
    codes = set()

    def see(frame, event, arg):
        if event == "call":
            codes.add(frame.f_code)

    before = sys.getprofile()
    sys.setprofile(see)
    try:
        what()
    finally:
        sys.setprofile(before)
    paths = {
        str(path): name for name, path in sources().items() if not name.startswith("uipy.kern")
    }
    tables = {path: names(Path(path)) for path in paths}
    return {
        (paths[c.co_filename], tables[c.co_filename][c.co_firstlineno])
        for c in codes
        if c.co_filename in paths and c.co_firstlineno in tables[c.co_filename]
    }


def hot():
    rounds = hotpath.Rounds(hotpath.Echo)
    rounds.many(3, rounds.hot)
    return called(lambda: rounds.many(50, rounds.hot))


@pytest.fixture(scope="module")
def frames():
    """{(source module, function): words} of the package; native ones, which have no name, are
    left out."""
    try:
        joined = {(part, f.name): f.frame for part, f in sizes.functions(sizes.parts())}
    except sizes.Missing as lack:
        pytest.skip(str(lack))
    found = {}
    for module, told in join.names(House(sources(), "viper")).items():
        for name, (part, there) in told["names"].items():
            for (where, dotted), words in joined.items():
                if where == part and dotted.partition(".")[0] == there:
                    found[module, name + dotted[len(there) :]] = words
    return found


def test_hot_functions_have_short_frames(frames):
    functions = hot()
    assert {module for module, _ in functions} >= SURELY
    assert functions <= set(frames)
    long = {name: frames[name] for name in functions if frames[name] > mpyinfo.LIMIT}
    assert not long


def test_a_long_frame_is_read(tmp_path):
    source = tmp_path / "long.py"
    variables = [f"v{k}" for k in range(12)]
    source.write_text(
        f"def f(a):\n    {' = '.join(variables)} = a\n    return {' + '.join(variables)}\n"
    )
    mpy = compile_mpy(source, tmp_path / "long.mpy")
    f = mpyinfo.Mpy(mpy.read_bytes()).functions[1]
    assert f.name == "f"
    assert f.frame > 13  # the argument, 12 locals, 2 words of stack at least


def test_try_takes_three_words(tmp_path):
    source = tmp_path / "guard.py"
    frames = []
    for text in (
        "def f():\n    g()\n",
        "def f():\n    try:\n        g()\n    finally:\n        h()\n",
    ):
        source.write_text(text)
        mpy = compile_mpy(source, tmp_path / "guard.mpy")
        frames.append(mpyinfo.Mpy(mpy.read_bytes()).functions[1].frame)
    assert frames[1] >= frames[0] + 3
