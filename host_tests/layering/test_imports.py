"""Imports point down only: the graph is read from the sources, and FLOORS is the map of the house.

What a module imports at its top lies on a lower floor or on its own, and nowhere do imports run in
a ring. What is imported inside a function (load on use: a board may never need it) lies no higher
either, but for what UP names. A module of the package's root gets its place here; a folder is one
floor.
"""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "lib" / "uipy"

FLOORS = (
    ("kern",),  # octets
    ("errors", "stat", "guard"),
    ("app", "source", "ring", "writer", "stream", "lines"),  # what applications are made of
    ("net",),  # up to the datagram
    ("tcp",),
    ("tcp.extra",),  # what is asked for
    ("frames", "poll", "timers", "stack"),
    ("__init__", "aio", "compat", "watch", "loop", "port"),
    ("host",),  # see UPSTAIRS
    ("sock",),
    ("doctor", "doctor_rows", "doctor_chip", "doctor_kinds", "doctor_net"),
)
# Loads on use what is asked for.
UP = {("tcp", "tcp.extra"), ("net", "tcp.extra"), ("stack", "host")}
KERNELS = {"kern.viper", "kern.plain", "kern.cpython"}  # one set of the wide kernels each

UPSTAIRS = ("apps", "host", "web")  # callbacks on the public names, each folder on its own floor
ON = {"apps": ("apps.",), "host": ("host.",), "web": ("web.", "apps.")}  # whom they may know
# What they may use besides the public names of `uipy` (uipy/__init__.py).
TOOLBOX = {"kern", "kern.ptr", "writer", "stream"}
# And who makes packets of its own: ICMP has no public name for that.
BELOW = {"host.ping": {"net.datagram", "net.front", "net.icmp", "stat"}}
# What a driver may use of the core: how a kernel is written, which is nothing on a board.
OF_KERNELS = {"kern.ptr"}


def place(path):
    """'tcp.send', 'apps.http', 'drivers.enc28j60': the module's name below uipy."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts)


def modules(*folders):
    """The files of these folders and of what lies in them; of the core if none is named."""
    if folders:
        return sorted(p for folder in folders for p in (PACKAGE / folder).rglob("*.py"))
    beside = {*modules(*UPSTAIRS, "drivers")}
    return sorted(p for p in PACKAGE.rglob("*.py") if p not in beside)


def known(name):
    """Is it a module of ours? A folder is its __init__."""
    path = PACKAGE / name.replace(".", "/")
    return path.with_suffix(".py").exists() or path.is_dir()


def imports(path, top=False):
    """(module below uipy, name or None) for each import of our own, wherever it stands, or only
    those that are done when the module is imported."""
    for node in _at_once(path) if top else ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "uipy":
                    yield alias.name.partition(".")[2] or "__init__", None
        elif isinstance(node, ast.ImportFrom):
            yield from _imported_from(path, node)


def _at_once(path):
    """The nodes outside of functions."""
    todo = [ast.parse(path.read_text())]
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            todo += ast.iter_child_nodes(node)


def _imported_from(path, node):
    if node.level:
        here = ("uipy", *path.relative_to(PACKAGE).with_suffix("").parts)[: -node.level]
        base = ".".join([*here, *filter(None, [node.module])])
    else:
        base = node.module
    if base.split(".")[0] != "uipy":
        return
    inside = base.partition(".")[2]
    for alias in node.names:
        whole = f"{inside}.{alias.name}".lstrip(".")
        if known(whole):  # `from . import congestion`
            yield whole, None
        else:
            yield inside or "__init__", alias.name


def outside(path):
    """Top names of what is imported from elsewhere."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def floor(name):
    """(its number, its name): of the longest entry that the module lies under."""
    every = [(n, folder) for n, folders in enumerate(FLOORS) for folder in folders]
    found = [(n, folder) for n, folder in every if f"{name}.".startswith(f"{folder}.")]
    assert found, f"{name} has no place in FLOORS (host_tests/layering/test_imports.py)"
    return max(found, key=lambda at: len(at[1]))


def public(package=""):
    """{name: home module} that a package's __init__.py offers."""
    for node in ast.parse((PACKAGE / package / "__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "_HOME":
            return ast.literal_eval(node.value)
    raise AssertionError(f"{package}/__init__.py has no _HOME")


@pytest.mark.parametrize("path", modules(), ids=place)
def test_core_imports_nothing_from_above(path):
    number, name = floor(place(path))
    at_once = set(imports(path, top=True))
    for target, what in set(imports(path)):
        there, other = floor(target)
        up = (name, other) in UP and (target, what) not in at_once
        assert there <= number or up, f"{place(path)} imports {target}"


@pytest.mark.parametrize("path", modules(*UPSTAIRS), ids=place)
def test_apps_know_public_names_only(path):
    for target, name in imports(path):
        ours = target.startswith(ON[place(path).split(".")[0]]) or target in TOOLBOX
        ours = ours or target in BELOW.get(place(path), ())
        assert ours or target == "__init__" or public().get(name) == target, (target, name)


@pytest.mark.parametrize("path", modules("drivers"), ids=place)
def test_drivers_import_nothing_of_the_core(path):
    for target, _ in imports(path):
        assert target.startswith("drivers") or target in OF_KERNELS, f"{place(path)}: {target}"


def test_nothing_is_imported_in_a_ring():
    graph = {place(p): {t for t, _ in imports(p, top=True)} for p in modules(".")}
    assert not ring(graph)


@pytest.mark.parametrize("path", modules("."), ids=place)
def test_only_kern_chooses_the_kernels(path):
    if place(path) != "kern":
        assert not KERNELS & {t for t, _ in imports(path)}


@pytest.mark.parametrize("path", modules(), ids=place)
def test_core_does_no_io(path):
    """No clock, no pins, no sockets; stack.py alone takes the system's entropy and prints what a
    callback raised, and poll.py takes the clock."""
    allowed = {"micropython", "uipy", "array"} | {
        "kern": {"sys"},
        "stack": {"os", "sys", "time", "traceback"},
        "poll": {"time"},
        "aio": {"asyncio", "time"},
        "loop": {"sys"},
        "port": {"io", "machine", "os", "time"},
        "sock.bio": {"io"},
        "sock.door": {"sys"},
        "sock.face": {"io"},
        "sock.args": {"os"},
        "sock.names": {"asyncio"},
        "sock.install": {"sys"},
        "sock.nic": {"machine"},  # LAN(spi=...) makes the driver
        "sock.tls": {"binascii", "gc", "sys", "tls"},
        "doctor": {"config", "sys", "time"},
        "doctor_rows": {"gc", "machine", "sys", "time"},
        "doctor_chip": {"machine", "time"},
        "doctor_kinds": {"time"},
    }.get(place(path), set())
    assert set(outside(path)) <= allowed


@pytest.mark.parametrize("package", ["", "apps", "host", "web", "drivers/wiznet"])
def test_public_names_are_at_home(package):
    for name, home in public(package).items():
        path = PACKAGE / package / home.replace(".", "/")
        path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
        names = {getattr(node, "name", None) for node in ast.parse(path.read_text()).body}
        assert name in names, (name, home)


def ring(graph):
    """The modules that cannot be put in the order of their imports; empty when all can."""
    left = {name: set(targets) for name, targets in graph.items()}
    while True:
        ready = [name for name, targets in left.items() if not targets & left.keys() - {name}]
        if not ready:
            return sorted(left)
        for name in ready:
            del left[name]


def test_the_reader_sees_a_ring():
    assert ring({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["a", "b", "c"]
    assert ring({"a": {"b"}, "b": {"c"}, "c": set()}) == []


def test_the_reader_sees_what_is_loaded_on_use():
    path = PACKAGE / "tcp" / "demux.py"
    later = {t for t, _ in imports(path)} - {t for t, _ in imports(path, top=True)}
    assert {t for t in later if t.startswith("tcp.extra.")}
    assert floor("tcp.extra.sack")[1] == "tcp.extra" and floor("tcp.send")[1] == "tcp"
