"""The stubs in typings/ are true, whole, and what the examples and the pages' programs are written
against."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STUBS = ROOT / "typings" / "uipy"
LIB = ROOT / "lib" / "uipy"
ALLOWED = ROOT / "typings" / "not-at-runtime.txt"
pytestmark = pytest.mark.slow  # in the second pass of `make test` nothing would be different

# What the programs of a page take for granted.
GIVEN = """\
from typing import Any
from uipy import App, Bytes, Device, Ring, Stack, UdpApp
from uipy.apps import Page, Site, View
from uipy.web import Events, Handler, Routes, WebApp, WebSockets

dev: Device
stack: Stack
site: Site
web: Routes
led: Any
board: Any
pins: Any
HTML = b""
"""
PAGES = ("README.md", "docs/callbacks.md")


def run(*arguments, **env):
    """mypy or stubtest; what it says, and whether it is content."""
    env = {**os.environ, **env}
    got = subprocess.run(
        [sys.executable, "-m", *arguments], cwd=ROOT, env=env, capture_output=True, text=True
    )
    return got.returncode == 0, got.stdout + got.stderr


def table(package):
    """The public names of a package."""
    for node in ast.parse((LIB / package / "__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME":
            return set(ast.literal_eval(node.value))
    raise AssertionError(package)


def named(stub):
    """What a stub defines or takes from others under the same name (`from x import A as A`)."""
    found = set()
    for node in ast.parse(stub.read_text()).body:
        if isinstance(node, ast.ImportFrom):
            found |= {a.name for a in node.names if a.asname == a.name}
        found.add(getattr(node, "name", None))
    return found


def blocks(page):
    """The programs of a page that use uipy by its own names."""
    found = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.S)
    return [text for text in found if "import socket" not in text]


def test_the_stubs_say_what_the_library_does():
    path = os.pathsep.join(["lib", "tools/shims"])
    good, said = run(
        "mypy.stubtest",
        "uipy",
        "--ignore-missing-stub",
        "--concise",
        "--allowlist",
        str(ALLOWED),
        PYTHONPATH=path,
        MYPYPATH="typings",
    )
    assert good, said


@pytest.mark.parametrize("package", ["", "apps", "host", "web", "drivers/wiznet"])
def test_every_public_name_has_its_stub(package):
    assert table(package) <= named(STUBS / package / "__init__.pyi")


@pytest.mark.parametrize("stub", sorted(STUBS.rglob("*.pyi")), ids=lambda p: p.stem)
def test_a_stub_stands_for_a_module(stub):
    path = LIB / stub.relative_to(STUBS).with_suffix(".py")
    assert path.exists() or stub.name == "_types.pyi"


def test_editors_are_told_that_there_are_types():
    assert (STUBS / "py.typed").exists()


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """A file for each program of the pages, and one that is wrong."""
    folder = tmp_path_factory.mktemp("programs")
    for page in PAGES:
        for k, text in enumerate(blocks(page)):
            (folder / ("%s_%d.py" % (Path(page).stem.replace("-", "_"), k))).write_text(
                GIVEN + text
            )
    (folder / "wrong.py").write_text(
        GIVEN
        + "class Dumb:\n    l2 = 14\n    mac = b''\n    mtu = 1500\n"
        + "    def link_up(self) -> bool:\n        return True\n"
        + "Stack(Dumb())\nstack.listen('80', site)\nstack.every(100, 'f')\n"
    )
    return folder


def test_devices_and_the_programs_of_the_pages_fit_the_stubs(programs):
    config = programs / "mypy.ini"
    config.write_text(
        "[mypy]\nmypy_path = typings:tools\ncheck_untyped_defs = True\nstrict_optional = False\n"
        "disable_error_code = var-annotated, no-redef\nexplicit_package_bases = True\n"
        "cache_dir = .mypy_cache/programs\n"
    )
    good, said = run("mypy", "--config-file", str(config), str(programs), "host_tests/stubs")
    found = [line for line in said.splitlines() if ": error: " in line]
    assert not [line for line in found if "wrong.py" not in line], said
    assert len(found) == 3 and not good, (
        said
    )  # it looks: a device that is none, a str for a number
