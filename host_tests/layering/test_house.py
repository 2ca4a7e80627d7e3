"""Small files, and functions of a screen."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = [p for d in ("lib", "firmware", "tools") for p in sorted((ROOT / d).rglob("*.py"))]
LINES = 420  # about 400
SCREEN = 48  # from its docstring to its end
LONG = {
    "_kern_viper.py mac",  # HalfSipHash, in 16-bit halves and without a call
    "http_request.py complete",  # a kernel: a call for each part costs more than the line
    "frames.py frames",  # a driver's generator: a call for each part would cost as much as the part
}


def functions(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield "%s %s" % (path.name, node.name), node.end_lineno - node.body[0].lineno + 1


def test_there_is_something_to_measure():
    assert len(FILES) > 80 and "_kern_viper.py mac" in dict(
        functions(ROOT / "lib/uipy/kern/viper.py")
    )


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_file_and_its_functions_are_short(path):
    assert path.read_text().count("\n") <= LINES
    assert not [(f, n) for f, n in functions(path) if n > SCREEN and f not in LONG]
