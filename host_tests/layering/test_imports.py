"""Imports point down only: the graph is read from the sources, and LEVELS is the map of the house.

A module imports modules of lower levels. A new module gets its place here; one without one fails.
"""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[2] / "lib" / "uipy"

LEVELS = (
    # The bottom: octets.
    {"_kern_viper", "_kern_py", "_kern_cpython"},
    {"kern", "errors", "stat"},
    # What applications are made of.
    {"app", "source", "ring", "writer"},
    {"stream"},
    # Up to the datagram.
    {"arp", "iface", "reasm"},
    {"eth", "icmp", "ipv4", "udp", "dhcp_row"},
    # TCP: the row, then what reads and writes one, then whole segments, then the tables.
    {"tcp_row", "tcp_opt", "tcp_cc", "tcp_rtt", "tcp_flight", "watch"},
    {"conn", "tcp_call", "tcp_seg", "tcp_ts"},
    {"tcp_icmp", "tcp_open", "tcp_urg", "tcp_ecn", "tcp_sack"},
    {"tcp_out", "tcp_time", "tcp_text", "tcp_ack", "tcp_check"},
    {"tcp_in", "tcp_pool"},
    {"tcp_half", "tcp_wait", "tcp_cookie"},
    {"tcp"},
    # The top.
    {"stack"},
    {"__init__", "aio", "compat_uip"},
    {"compat_psock", "compat_udp"},
)

# What an application may use besides the public names of `uipy` (uipy/__init__.py).
TOOLBOX = {"kern", "writer", "stream"}


def place(path):
    """'tcp_in', 'apps.http', 'drivers.enc28j60': the module's name below uipy."""
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def modules(folder="."):
    return sorted((PACKAGE / folder).glob("*.py"))


def known(name):
    """Is it a module of ours? `apps` and the like are their __init__."""
    path = PACKAGE / name.replace(".", "/")
    return path.with_suffix(".py").exists() or path.is_dir()


def imports(path):
    """(module below uipy, name or None) for each import of our own, wherever it stands."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "uipy":
                    yield alias.name.partition(".")[2] or "__init__", None
        elif isinstance(node, ast.ImportFrom):
            yield from _imported_from(path, node)


def _imported_from(path, node):
    if node.level:
        here = ("uipy", *place(path).split("."))[: -node.level]
        base = ".".join([*here, *filter(None, [node.module])])
    else:
        base = node.module
    if base.split(".")[0] != "uipy":
        return
    inside = base.partition(".")[2]
    for alias in node.names:
        whole = f"{inside}.{alias.name}".lstrip(".")
        if known(whole):  # `from . import tcp_cc`
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


def level(name):
    found = [n for n, names in enumerate(LEVELS) if name in names]
    assert found, f"{name} has no place in LEVELS (host_tests/layering/test_imports.py)"
    return found[0]


def public():
    """{name: home module} that uipy/__init__.py offers."""
    for node in ast.parse((PACKAGE / "__init__.py").read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == "_HOME":
            return ast.literal_eval(node.value)
    raise AssertionError("uipy/__init__.py has no _HOME")


@pytest.mark.parametrize("path", modules(), ids=place)
def test_core_imports_lower_levels_only(path):
    for target, _ in imports(path):
        assert "." not in target, f"the core imports {target}"
        assert level(target) < level(place(path)), f"{place(path)} imports {target}"


@pytest.mark.parametrize("path", modules("apps"), ids=place)
def test_apps_know_public_names_only(path):
    for target, name in imports(path):
        ours = target.startswith("apps.") or target in TOOLBOX
        assert ours or target == "__init__" or public().get(name) == target, (target, name)


def test_apps_have_no_cycles():
    graph = {place(p): {t for t, _ in imports(p)} for p in modules("apps")}
    assert not cycle(graph)


@pytest.mark.parametrize("path", modules("drivers"), ids=place)
def test_drivers_import_nothing_of_the_core(path):
    for target, _ in imports(path):
        assert target.startswith("drivers."), f"{place(path)} imports {target}"


def test_drivers_have_no_cycles():
    graph = {place(p): {t for t, _ in imports(p)} for p in modules("drivers")}
    assert not cycle(graph)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=place)
def test_only_kern_chooses_the_kernels(path):
    if place(path) != "kern":
        assert not [t for t, _ in imports(path) if t.startswith("_kern_")]


@pytest.mark.parametrize("path", modules(), ids=place)
def test_core_does_no_io(path):
    """No clock, no pins, no sockets; stack.py alone takes the clock and the system's entropy."""
    allowed = {"micropython", "uipy"}
    allowed |= {"kern": {"sys"}, "stack": {"os", "time"}, "aio": {"asyncio", "time"}}.get(
        place(path), set()
    )
    assert set(outside(path)) <= allowed


def test_public_names_are_at_home():
    for name, home in public().items():
        tree = ast.parse((PACKAGE / (home.replace(".", "/") + ".py")).read_text())
        assert name in {getattr(node, "name", None) for node in tree.body}, (name, home)


def cycle(graph, path=()):
    """A list of modules that import each other in a ring, or None."""
    for name in [path[-1]] if path else list(graph):
        for target in graph.get(name, ()):
            if target in path:
                return [*path[path.index(target) :], target]
            found = cycle(graph, (*(path or (name,)), target))
            if found:
                return found
    return None


def test_the_reader_sees_a_cycle():
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]
    assert cycle({"a": {"b"}, "b": {"c"}, "c": set()}) is None
