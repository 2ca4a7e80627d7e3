"""Small files, and functions of a screen; a kernel, which does a whole step, has two screens."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = [p for d in ("lib", "firmware", "tools") for p in sorted((ROOT / d).rglob("*.py"))]
LINES = 420  # about 400
SCREEN = 48  # from its docstring to its end
KERNEL = 2 * SCREEN
LONG = {
    "kern/viper.py mac",  # HalfSipHash, in 16-bit halves and without a call
    "enc28j60/frames.py frames",  # a driver's generator: a call a part would cost as much as it
    "wiznet/engine.py frames",  # likewise
    "tcp/arrivals.py arrivals",  # the way of a plain segment, in one piece; a generator
    "tcp/send.py segments",  # and that of one built: eight calls a segment were its price
    "tcp/whose.py whose",  # a kernel: the header and the row are looked at once
    "uipy/loop.py _comes",  # what the scheduler calls, likewise
    "uipy/poll.py _turns",  # the poll loop's generator: its locals are its state
}


def is_kernel(function):
    return any(ast.unparse(d) in ("kernel", "micropython.viper") for d in function.decorator_list)


def functions(path):
    """(name, lines, how many it may have) of every function of a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            name = "%s/%s %s" % (path.parent.name, path.name, node.name)
            lines = node.end_lineno - node.body[0].lineno + 1
            yield name, lines, KERNEL if is_kernel(node) else SCREEN


def test_there_is_something_to_measure():
    found = {name: (n, most) for name, n, most in functions(ROOT / "lib/uipy/kern/viper.py")}
    assert len(FILES) > 80 and found["kern/viper.py mac"][0] > SCREEN
    assert found["kern/viper.py csum"][1] == KERNEL


def test_what_may_be_long_is_there_and_long():
    found = {name: n for path in FILES for name, n, _ in functions(path)}
    assert {name for name in LONG if found.get(name, 0) > SCREEN} == LONG


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_file_and_its_functions_are_short(path):
    assert path.read_text().count("\n") <= LINES
    assert not [f for f, n, most in functions(path) if n > most and f not in LONG]
