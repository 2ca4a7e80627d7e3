"""Joins the modules of a part into one module, as a board gets them: `make parts`.

A module costs a board 143 octets of RAM, a name that one module imports from another 8 or more,
a constant that another module can import as much again. So the source stays in small files, and a
board gets one module a part (house rule 16). This step writes build/parts/VARIANT/, a tree that
goes where lib/ and firmware/ would go:

    viper     boards, and MicroPython on a PC: native kernels
    plain     ports without a native emitter: every kernel is plain Python
    cpython   the host: the test suite runs on this form too (UIPY_PARTS=1)

What is a part: PARTS below, and three rules. A part takes in what its modules import at their top.
What is imported inside a function ("load on use") is a part of its own, and takes in what only it
imports. What two parts import is a part of its own.

What happens on the way: the modules follow one another in the order of their imports; `NAME =
const(...)` is evaluated, put in where it is used and dropped; imports within the part, docstrings
and annotations go; a private name that two files have gets the second file's name in front. What
it cannot do it refuses, with the file and the line.
"""

import argparse
import ast
import hashlib
import json
import os
import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from parts.scopes import ROOT, Names, Refused, bound, shown, twin
from parts.sources import CASTS, KERN, TABLE, VARIANTS, House, const_call, sources
from parts.table import DOORS, FACES

OUT = ROOT / "build" / "parts"
# Names of the language that a part finds among its own: MicroPython looks through the whole table
# of a module's names before it looks at the language's, 3000 cycles and more for a large part.
NEAR = ("bool", "isinstance", "len", "max", "min", "range")
DEFINITIONS = (ast.FunctionDef, ast.ClassDef, ast.Assign)


class Part:
    """The text of a part, and under which names it has what its modules define."""

    def __init__(self, house, name):
        self.house = house
        self.name = name
        self.members = [house.modules[n] for n in house.parts[name]]
        self.used = {}  # {thing: names that are local where it is used}
        self.reserved = set()  # names of the language that are used
        self.imports = []  # things of other parts, in the order of their first use
        for m in self.members:
            for statement in self._kept(m):
                Names(self, m, rewrite=False).visit(statement)
        for thing in sorted(self._faces(), key=str):  # the same text each time
            self.use(thing, ())
        self.names = self._named()

    # A thing is (module, name), or ("", the import as text) of others' modules.

    def thing(self, m, node, name):
        """What a global name of m means: a thing, or None for a name of the language."""
        if name in m.imports:
            return self.house.find(m, node, *m.imports[name])
        if name in m.outside:
            return ("", m.outside[name])
        return (m.name, name) if name in m.own else None

    def value(self, thing):
        """(value,) of a constant."""
        home, name = thing
        there = self.house.modules.get(home)
        return self.house.const(there, name) if there and name else None

    def use(self, thing, local):
        """A thing is used at a place where these names are local."""
        home = thing[0]
        if home and self.house.part_of[home] != self.name and thing not in self.used:
            self.imports.append(thing)
        self.used.setdefault(thing, set()).update(local)

    def _kept(self, m):
        """m's statements without imports and constants, nor the table of a package all of which
        is here; the mark of a constant that is no number goes.
        """
        here = all(self.house.part_of.get(home) == self.name for home in m.homes.values())
        gone = {*m.consts, *((TABLE, "__getattr__") if m.homes and here else ())}
        for s in m.tree.body:
            names = bound([s])
            if isinstance(s, (ast.Import, ast.ImportFrom)) or (names and names <= gone):
                continue
            s = twin(s)
            call = const_call(s)
            if call is not None:
                s.value = call.args[0]
            yield s

    def _named(self):
        """{thing: its name in the part}."""
        kept = [(m.name, name) for m in self.members for s in self._kept(m) for name in bound([s])]
        things = list(dict.fromkeys(kept))
        things += [t for t in self.imports if t not in things]
        things += [t for t in self.used if not t[0] and t not in things]
        wanted = self._promised() | self._faces()
        things.sort(key=lambda t: t not in wanted)
        names, taken = {}, set(self.reserved)
        for thing in things:
            for name in _candidates(thing):
                if name not in taken and name not in self.used.get(thing, ()):
                    break
            if thing in wanted and name != thing[1]:
                m = self.house.modules[thing[0]]
                m.refuse(m.own[thing[1]], "the public name %s is taken" % thing[1])
            taken.add(name)
            names[thing] = name
        return names

    def _faces(self):
        """Things that a program finds in a module which imports them for that: they keep their
        names."""
        faces = [m for m in self.members if m.name.startswith(FACES)]
        return {self.thing(m, m.tree, name) for m in faces for name in m.imports}

    def _promised(self):
        """Things that a package's table offers: they keep their names."""
        found = set()
        for m in self.house.modules.values():
            for name, home in m.homes.items():
                there = self.house.modules.get(home)
                if there is None:
                    m.refuse(m.own[TABLE], "there is no module %s" % home)
                found.add(self.house.find(m, m.own[TABLE], home, name))
        return found

    def text(self):
        """The joined module. What the first source does before it imports anything of ours stays
        before it (main.py sets the collector's threshold).
        """
        lines = ["# Made by `make parts`; the source is in the files named."]
        outside = sorted({t[1] for t in self.used if not t[0]}, key=_import_order)
        lines += [self._outside(line) for line in outside]
        if self.house.variant != "cpython":
            lines += ["%s = %s" % (name, name) for name in NEAR if name in self.reserved]
        early = self._early()
        lines += [ast.unparse(self._statement(self.members[0], s)) for s in early]
        lines += self._froms()
        for m in self.members:
            body = [s for s in self._kept(m) if s.lineno not in {e.lineno for e in early}]
            lines += ["", "# " + shown(m.path)] if body else []
            lines += [ast.unparse(self._statement(m, s)) for s in body]
            early = []
        return "\n".join(lines) + "\n"

    def _early(self):
        m = self.members[0]
        ours = [
            s.lineno
            for s in m.tree.body
            if isinstance(s, (ast.Import, ast.ImportFrom))
            and any(isinstance(target, tuple) for _, target in self.house.imported(m, s))
        ]
        return [s for s in self._kept(m) if ours and s.lineno < ours[0]]

    def _froms(self):
        house, froms = self.house, {}
        for home, name in self.imports:
            part = house.part_of[home]
            there = parts_of(house)[part].names[home, name]
            here = self.names[home, name]
            froms.setdefault(part, []).append(there if there == here else f"{there} as {here}")
        return ["from %s import %s" % (p, ", ".join(names)) for p, names in froms.items()]

    def _outside(self, line):
        name, statement = self.names["", line], ast.parse(line).body[0]
        alias = statement.names[0]
        if name != (alias.asname or alias.name):
            alias.asname = name
        return ast.unparse(statement)

    def _statement(self, m, statement):
        if m.homes and bound([statement]) == {TABLE}:
            self._homes(m, statement.value)
        return _bare(Names(self, m, rewrite=True).visit(statement))

    def _homes(self, m, table):
        """A package's table leads to the parts."""
        for key, value in zip(table.keys, table.values, strict=True):
            home = self.house.find(m, table, m.homes[key.value], key.value)[0]
            part = self.house.part_of[home]
            if not part.startswith(m.name + "."):
                m.refuse(value, "%s comes to lie in %s" % (key.value, part))
            value.value = part[len(m.name) + 1 :]


def _bare(statement):
    """`a, b = b, a` without parentheses: with them MicroPython makes a tuple, and takes heap."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            if isinstance(node.value, ast.Tuple) and len(node.value.elts) > 1:
                node.value = ast.Name(", ".join(ast.unparse(e) for e in node.value.elts))
    return statement


def _candidates(thing):
    """Names for a thing, the best first: its own, then with its module's in front."""
    home, name = thing
    if not home:  # `import time`, `from time import sleep as x`
        alias = ast.parse(name).body[0].names[0]
        name = alias.asname or alias.name.split(".")[0]
        home = "of"
    yield name
    stem = home.split(".")[-1]
    yield "%s%s_%s" % ("_" if name.startswith("_") else "", stem, name.lstrip("_"))
    k = 2
    while True:
        yield "%s_%d" % (name, k)
        k += 1


def _import_order(line):
    return line.startswith("from"), line


def parts_of(house):
    """{name: Part} of a house, made once."""
    if not house.made:
        house.made = {name: Part(house, name) for name in house.parts}
    return house.made


# The tree


def doors(house):
    """{dotted name: text} of the modules that programs know by name and that lie in another part
    than their own. A door takes RAM only when it is used."""
    found = {}
    for name in DOORS:
        m = house.modules.get("uipy." + name)
        if m is None or house.part_of[m.name] == m.name:
            continue
        part = house.part_of[m.name]
        names, values = [], []
        for name in [*m.own, *(m.imports if m.name == KERN else ())]:
            home, there = house.find(m, m.tree, *m.imports.get(name, (m.name, name)))
            value = house.const(house.modules[home], there)
            plain = isinstance(house.modules[home].own.get(there), DEFINITIONS)
            if name.startswith("_") or not plain:
                continue
            if value:
                values.append("%s = %r" % (name, value[0]))
            else:
                here = parts_of(house)[part].names[home, there]
                names.append(name if here == name else "%s as %s" % (here, name))
        lines = ["from %s import %s" % (part, ", ".join(names))] if names else []
        found[m.name] = "\n".join(lines + values) + "\n"
    return found


def where(name, names):
    """'uipy/core.py' for uipy.core; a package, where further names lie below it."""
    package = any(other.startswith(name + ".") for other in names)
    return name.replace(".", "/") + ("/__init__.py" if package else ".py")


def tree(variant, paths=None, table=None):
    """{path: text} of the whole tree of a variant."""
    house = House(sources() if paths is None else paths, variant, table)
    texts = {name: part.text() for name, part in parts_of(house).items()}
    texts.update(doors(house))
    files = {where(name, texts): text for name, text in texts.items()}
    for f in [f for f, text in files.items() if not _code(text) and not f.endswith("__init__.py")]:
        del files[f]  # a folder's docstring
    if variant == "cpython":
        files["names.json"] = json.dumps(names(house), indent=1)
    return files


def _code(text):
    return any(line and not line.startswith("#") for line in text.splitlines())


def names(house):
    """{source module: {"file", "part", "names": {name: (module, name there)}, "consts"}}, for
    those who ask for a source module by its name (host_tests/lab/joined_form.py)."""
    found, made = {}, parts_of(house)
    for m in house.modules.values():
        here, consts = {}, {}
        for name in [*m.own, *m.imports, *m.outside]:
            home, there = thing = made[house.part_of[m.name]].thing(m, m.tree, name)
            if home == CASTS:
                continue
            part = house.part_of[home] if home else house.part_of[m.name]
            value = house.const(house.modules[home], there) if home and there else None
            if value:
                consts[name] = value[0]
            elif there is None:
                here[name] = (home, None)
            elif thing in made[part].names:
                here[name] = (part, made[part].names[thing])
        found[m.name] = {
            "file": str(m.path),
            "package": m.package,
            "part": house.part_of[m.name],
            "names": here,
            "consts": consts,
            "homes": m.homes,
        }
    return found


def build(variant, out=OUT):
    """Writes the tree of a variant, unless it is there; returns its folder."""
    folder = Path(out) / variant
    stamp, made_from = folder / "made.from", digest()
    if stamp.exists() and stamp.read_text() == made_from:
        return folder
    files = {**tree(variant), "made.from": made_from}
    for name, text in files.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            new = path.with_name("%s.%d" % (path.name, os.getpid()))
            new.write_text(text)
            new.replace(path)  # at once: another process may be reading
    for path in folder.rglob("*.*"):
        if path.suffix in (".py", ".json") and path.relative_to(folder).as_posix() not in files:
            path.unlink()
    return folder


def digest():
    """A number for the sources and for this step."""
    paths = [*sources().values(), *sorted(Path(__file__).parent.glob("*.py"))]
    return hashlib.sha256(b"".join(str(p).encode() + p.read_bytes() for p in paths)).hexdigest()


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--variant", choices=VARIANTS, help="this one only")
    args = parser.parse_args(argv)
    try:
        for variant in [args.variant] if args.variant else VARIANTS:
            folder = build(variant)
            print("%s: %d files" % (shown(folder), len(list(folder.rglob("*.py")))))
    except Refused as said:
        sys.exit(str(said))


if __name__ == "__main__":
    main()
