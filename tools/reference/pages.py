"""What stands on which page of the reference. What is public is what the stubs in typings/ name;
each gets the docstring that it has in the library, and what an attribute is the comment behind its
first value.

The result is a package of the same name for pdoc, one module a page: nothing in it runs. As a
program: prints what is public and has no docstring.
"""

import ast
import importlib
import inspect
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "lib"), str(ROOT / "tools" / "shims"), str(ROOT / "tools")]

from reference.prose import markdown  # noqa: E402

STUBS = ROOT / "typings" / "uipy"

# Stubs whose names stand on another page than their own: where a program finds them, or hears of
# them.
ON = {
    "uipy": (
        "stack",
        "app",
        "tcp.conn",
        "net.udp",
        "source",
        "ring",
        "tcp.listen",
        "net.iface",
        "net.igmp",
        "net.reassembly",
        "net.redirect",
        "net.acd",
        "errors",
        "drivers.errors",
        "_types",
    ),
    "uipy.host": ("host", "host.dns_answer", "host.mdns_service"),
    "uipy.web": ("web", "web.request", "web.answer", "web.ws_conn"),
    "uipy.drivers": ("drivers.spidev", "drivers.bus"),
    "uipy.drivers.wiznet": ("drivers.wiznet.engine", "drivers.wiznet"),
    "uipy.drivers.slip": ("drivers.slip", "drivers.slip.console"),
}


DEFINED = (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

# What is read first; the other pages follow in the order of the alphabet.
FIRST = ("uipy", "uipy.stream", "uipy.lines", "uipy.timers", "uipy.apps", "uipy.web", "uipy.host")

# For type checkers alone: there is no such module, and the stub has the docstrings.
MUTE = ("_types",)

# Packages whose names have a home each; what its docstring says belongs to the first of them.
HOMES = ("apps", "host", "web")
INTRODUCED = {"Source": "uipy.source"}


def stub(name):
    """The path of a module's stub: 'tcp.conn' -> typings/uipy/tcp/conn.pyi."""
    path = STUBS / name.replace(".", "/")
    return path / "__init__.pyi" if path.is_dir() else path.with_suffix(".pyi")


def statements(path):
    """Those of a stub but its imports and its docstring: definitions, and what is said behind
    them."""
    body = ast.parse(path.read_text()).body
    return [
        s
        for k, s in enumerate(body)
        if not isinstance(s, (ast.Import, ast.ImportFrom)) and (k or not _is_text(s))
    ]


def definitions(path):
    """The statements of a stub that define a name."""
    return [s for s in statements(path) if not _is_text(s)]


def defined(statement):
    """The name that a statement defines."""
    if isinstance(statement, DEFINED):
        return statement.name
    target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
    return ast.unparse(target)


def pages():
    """{page: the stubs on it}, in the order of reading."""
    found = dict(ON)
    elsewhere = {name for names in ON.values() for name in names}
    for path in sorted(STUBS.rglob("*.pyi")):
        parts = path.relative_to(STUBS).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        if name and name not in elsewhere and definitions(path):
            found["uipy." + name] = (name,)
    order = [*FIRST, *sorted(found.keys() - set(FIRST))]
    return {page: found[page] for page in order}


def public():
    """(page, name, name of a member or None) of all that is public."""
    for page, names in pages().items():
        for name in names:
            for node in definitions(stub(name)):
                if not defined(node).startswith("_"):
                    yield page, defined(node), None
                    for member in getattr(node, "body", ()):
                        told = getattr(member, "name", "_")
                        if isinstance(node, ast.ClassDef) and not told.startswith("_"):
                            yield page, defined(node), told


def said(page, names):
    """{what is defined on a page: the object in the library}; what is for type checkers alone has
    none."""
    found = {}
    for name in names:
        if name in MUTE:
            continue
        module = importlib.import_module("uipy." + name)
        for node in definitions(stub(name)):
            found[defined(node)] = getattr(module, defined(node), None)
    return found


def told(page, names):
    """{(name, member or None)} of what has its docstring in the stub itself."""
    found = set()
    for name in names:
        for node in definitions(stub(name)):
            for thing in (node, *(getattr(node, "body", ()) or ())):
                if isinstance(thing, DEFINED) and ast.get_docstring(thing):
                    found.add((defined(node), None if thing is node else thing.name))
    return found


def introductions():
    """{a class: the module whose docstring it is to have behind its own}."""
    found = dict(INTRODUCED)
    for package in HOMES:
        table = importlib.import_module("uipy." + package)._HOME
        for name, home in table.items():
            whole = "uipy.%s.%s" % (package, home)
            if whole not in found.values():
                found[name] = whole
    return found


class Dresser(ast.NodeTransformer):
    """Puts the docstrings of the library into the definitions of a stub."""

    def __init__(self, things, before):
        self.things = things
        self.before = before  # {a class: what its module says of the subject}
        self.owner = None

    def visit_ClassDef(self, node):
        thing = self.things.get(node.name)
        self.owner, outer = thing, self.owner
        body = []
        for member, behind in zip(node.body, [*node.body[1:], None], strict=True):
            body.append(self.visit(member))
            if isinstance(member, ast.AnnAssign) and thing and not _is_text(behind):
                told = comment(thing, ast.unparse(member.target))
                if told:
                    body.append(ast.Expr(ast.Constant(told)))
        self.owner = outer
        node.body = body
        told = (vars(thing).get("__doc__") or "") if thing else ""
        if node.name in self.before:
            told = inspect.cleandoc(told) + "\n\n" + self.before[node.name]
        return documented(node, told)

    def visit_FunctionDef(self, node):
        things = self.owner.__dict__ if self.owner and node.name in self.owner.__dict__ else None
        if self.owner is None:
            thing = self.things.get(node.name)
        elif things:
            thing = things[node.name]
        else:
            thing = getattr(self.owner, node.name, None)
        return documented(node, thing and inspect.getdoc(getattr(thing, "fget", None) or thing))

    visit_AsyncFunctionDef = visit_FunctionDef


class Plain(ast.NodeTransformer):
    """`array[int]` cannot be evaluated before Python 3.12: `array`."""

    def visit_Subscript(self, node):
        self.generic_visit(node)
        return node.value if getattr(node.value, "id", None) == "array" else node


def documented(node, text):
    """The definition with this docstring, if it has none of its own."""
    if node.name == "__init__" and text == object.__init__.__doc__:
        text = None
    if ast.get_docstring(node) is None and text:
        rest = [s for s in node.body if not _is_dots(s)] if isinstance(node, ast.ClassDef) else []
        node.body = [ast.Expr(ast.Constant(markdown(text)))] + rest
    return node


def _is_text(s):
    return isinstance(s, ast.Expr) and isinstance(getattr(s.value, "value", None), str)


def _is_dots(s):
    return isinstance(s, ast.Expr) and getattr(s.value, "value", None) is ...


def comment(owner, name):
    """What stands behind the first value of an attribute, in its class or a base."""
    for kind in inspect.getmro(owner):
        if kind.__module__.startswith("uipy"):
            found = re.search(
                r"^ +(?:self\.)?%s(?:: [^=\n]+)? = .*?  # (.+(?:\n +# .+)*)" % re.escape(name),
                inspect.getsource(kind),
                re.M,
            )
            if found and "type: ignore" not in found.group(1):
                return re.sub(r"\n +# ", " ", found.group(1))
    return None


def introduction(page):
    """What a page begins with: the docstring of its module."""
    return importlib.import_module(page).__doc__


def module(page, names, home):
    """The text of a page's module. `home` says on which page a name stands."""
    things = said(page, names)
    before = {
        name: importlib.import_module(whole).__doc__
        for name, whole in introductions().items()
        if name in things and whole.startswith(page)
    }
    body, outside, types, bases = [], set(), {}, {}
    here = {defined(node) for name in names for node in definitions(stub(name))}
    for name in names:
        for node in ast.parse(stub(name).read_text()).body:
            if isinstance(node, ast.ImportFrom) and node.level:
                for alias in node.names:
                    types[alias.name] = home.get(alias.name)
            elif isinstance(node, (ast.Import, ast.ImportFrom)):
                outside.add(ast.unparse(node))
    for name in names:
        for node in statements(stub(name)):
            for base in getattr(node, "bases", ()):
                if getattr(base, "id", None) in types and base.id not in here:
                    bases[base.id] = home[base.id]
            dressed = Plain().visit(Dresser(things, before).visit(node))
            body.append(ast.unparse(ast.fix_missing_locations(dressed)))
    told = [repr(markdown(introduction(page))), "from __future__ import annotations"]
    told += ["from typing import TYPE_CHECKING", *sorted(outside)]
    told += ["from %s import %s" % (there, name) for name, there in bases.items()]
    later = [
        "    from %s import %s" % (there, name)
        for name, there in types.items()
        if there and name not in here and name not in bases
    ]
    if later:
        told += ["if TYPE_CHECKING:", *later]
    return "\n".join(told + body) + "\n"


def write(folder):
    """All pages as a package below `folder`."""
    every = pages()
    for page, names in every.items():
        # Of a name that two pages have (`Answer`), the page's own is meant.
        home = {}
        for other, theirs in every.items():
            for name in theirs:
                for node in definitions(stub(name)):
                    if defined(node) not in home or other == page:
                        home[defined(node)] = other
        path = folder / page.replace(".", "/") / "__init__.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(module(page, names, home))
    for path in folder.rglob("*"):
        if path.is_dir() and not (path / "__init__.py").exists():
            (path / "__init__.py").write_text("")


def bare():
    """The public classes and calls without a docstring."""
    every = pages()
    for page, name, member in public():
        thing = said(page, every[page]).get(name)
        if thing is not None and member:
            thing = getattr(thing, member, None)
        thing = getattr(thing, "fget", None) or thing
        if callable(thing) and not inspect.getdoc(thing):
            if (name, member) not in told(page, every[page]):
                yield ".".join(filter(None, (page, name, member)))


if __name__ == "__main__":
    lines = list(bare())
    print("".join(line + "\n" for line in lines), end="")
    sys.exit(bool(lines))
