"""Copies of a constant agree.

`_X = const(...)` takes no RAM on a board but cannot be imported by another module there, so a
constant is written out in each file that uses it. In the core and its applications a name has one
value, but for the fields of a layer's own headers and rows (OF_A_LAYER), which agree within TCP.
A driver agrees with the drivers that it is built on (two chips may well differ).
"""

import ast
from pathlib import Path

import pytest
from layering.test_imports import PACKAGE, imports, modules, place
from uipy.stat import NAMES

CORE = modules() + modules("apps")
TCP = [p for p in modules() if p.stem.startswith("tcp") or p.stem == "conn"]
# Names of a header's or a row's fields: every layer has its own.
OF_A_LAYER = {"_DST", "_HEAD", "_LEN", "_LIFE_MS", "_PROTO", "_SRC", "_STATE", "_SUM", "_TOS"}
OF_A_LAYER |= {"_TRIES", "_TTL", "_SIZE"}
# Names of one file's own table.
OF_A_FILE = {"_SIZE", "_TRIES"}
OF_A_DRIVER = {"_LONGEST"}


def consts(path):
    """{name: value} of the constants in a file."""
    found = {}
    for node in ast.parse(path.read_text()).body:
        if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
            continue
        if getattr(node.value.func, "id", None) == "const":
            expression = compile(ast.Expression(node.value.args[0]), str(path), "eval")
            found[node.targets[0].id] = eval(expression, {"__builtins__": {}, "len": len}, found)
    return found


def differing(paths, exempt=()):
    """One line for each private name with two values."""
    first, wrong = {}, []
    for path in paths:
        for name, value in consts(path).items():
            where, other = first.setdefault(name, (path.stem, value))
            if other != value and name not in exempt:
                wrong.append(f"{name}: {other} in {where}, {value} in {path.stem}")
    return wrong


def test_core_and_applications_agree():
    assert differing(CORE, OF_A_LAYER) == []


def test_tcp_agrees():
    assert differing(TCP, OF_A_FILE) == []


@pytest.mark.parametrize("path", modules("drivers"), ids=place)
def test_a_driver_agrees_with_what_it_is_built_on(path):
    below = {PACKAGE / (t.replace(".", "/") + ".py") for t, _ in imports(path)}
    for other in below:
        assert differing([path, other], OF_A_DRIVER) == []


@pytest.mark.parametrize("path", CORE, ids=place)
def test_counters_have_their_names(path):
    for name, value in consts(path).items():
        if name.startswith("_N_"):
            assert name[3:].lower() in NAMES, name
            assert NAMES.index(name[3:].lower()) == value, name


def test_names_are_unique():
    assert len(set(NAMES)) == len(NAMES)


def test_the_comments_in_stat_count_right():
    lines = [
        w for w in Path(PACKAGE / "stat.py").read_text().splitlines() if w.startswith('    "')
    ]
    assert [w.split('"')[1] for w in lines] == list(NAMES)
    assert [int(w.split("#")[1].split()[0]) for w in lines] == list(range(len(NAMES)))


def test_two_values_are_seen(tmp_path):
    for name, value in (("a", "1 << 3"), ("b", "9")):
        text = f"from micropython import const\n_X = const({value})\n"
        (tmp_path / f"{name}.py").write_text(text)
    a, b = (consts(tmp_path / f"{name}.py") for name in "ab")
    assert (a, b) == ({"_X": 8}, {"_X": 9})
    assert differing([tmp_path / "a.py", tmp_path / "b.py"]) == ["_X: 8 in a, 9 in b"]
