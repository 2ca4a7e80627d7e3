"""The source modules as the joining step (join.py) sees them: what each binds at its top, from
where, and which names are constants.
"""

import ast
import builtins

from parts import table
from parts.scopes import ROOT, Refused, at_once, bound, shown

VARIANTS = ("viper", "plain", "cpython")
KERN = "uipy.kern"
KERNELS = tuple("%s.%s" % (KERN, v) for v in VARIANTS)
CASTS = KERN + ".ptr"
FIRMWARE = (
    "check",
    "clock",
    "main",
    "network_page",
    "page",
    "place",
    "safe",
    "status",
    "watchdog",
)
TABLE = "_HOME"  # of a package: {name: module}, each imported when it is first asked for


class Module:
    """One source file: what its top level binds, and from where."""

    def __init__(self, name, path, tree=None):
        self.name = name
        self.path = path
        self.package = path.stem == "__init__"
        self.tree = tree or ast.parse(path.read_text(), str(path))
        self.tree.lineno = 1
        self.homes = {}  # of a package with a TABLE: {name: dotted module}
        self.imports = {}  # {local name: (module, name)} of ours; name None: the module itself
        self.outside = {}  # {local name: the import, as text} of others' modules
        self.own = {}  # {name: the statement that binds it}
        self.consts = {}  # {name: value} of what is folded

    def refuse(self, node, text):
        raise Refused("%s:%d: %s" % (shown(self.path), node.lineno, text))

    def home_of(self, node):
        """The dotted module that an ImportFrom names."""
        if not node.level:
            return node.module
        here = self.name.split(".")
        up = here[: len(here) + self.package - node.level]
        return ".".join([*up, *([node.module] if node.module else [])])


def sources(lib=ROOT / "lib", firmware=ROOT / "firmware"):
    """{dotted name: path} of all that is joined."""
    found = {}
    for path in sorted(lib.rglob("*.py")):
        parts = path.relative_to(lib).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    for name in FIRMWARE:
        if (firmware / (name + ".py")).exists():
            found[name] = firmware / (name + ".py")
    return found


class House:
    """All source modules, read for one variant."""

    def __init__(self, paths, variant, parts=None):
        self.variant = variant
        self.kernels = "%s.%s" % (KERN, variant)
        self.made = {}
        dropped = {CASTS, *KERNELS} - {self.kernels}
        self.modules = {n: Module(n, p) for n, p in paths.items() if n not in dropped}
        for m in self.modules.values():
            if m.name == KERN:
                self._choose(m)
            _lighten(m.tree, variant)
            self._read(m)
        for m in self.modules.values():
            for name in m.own:
                self.const(m, name)
        self.parts = table.partition(self, table.PARTS if parts is None else parts)
        self.part_of = {name: part for part, names in self.parts.items() for name in names}

    # Reading

    def _choose(self, m):
        """The statement of kern/__init__.py that chooses becomes an import of this variant's."""
        for k, statement in enumerate(m.tree.body):
            imports = [n for n in ast.walk(statement) if isinstance(n, ast.ImportFrom)]
            if imports and all(m.home_of(n) in KERNELS for n in imports):
                new = ast.ImportFrom(self.kernels, imports[0].names, 0)
                m.tree.body[k] = ast.copy_location(new, statement)

    def _read(self, m):
        m.outside["micropython"] = "import micropython"  # of the kernels' decorators
        for statement in m.tree.body:
            if isinstance(statement, (ast.Import, ast.ImportFrom)):
                for local, target in self.imported(m, statement):
                    self._bind(m, statement, local, target)
            else:
                self._nested(m, statement)
                for name in bound([statement]):
                    m.own.setdefault(name, statement)
        offered = m.own.get(TABLE)
        if offered is not None and m.package:
            homes = ast.literal_eval(offered.value)
            m.homes = {n: "%s.%s" % (m.name, home) for n, home in homes.items()}

    def _nested(self, m, statement):
        for node in at_once([statement]):
            if isinstance(node, (ast.Import, ast.ImportFrom)) and any(
                isinstance(target, tuple) for _, target in self.imported(m, node)
            ):
                m.refuse(node, "an import of ours under a condition")

    def _bind(self, m, statement, local, target):
        if isinstance(target, tuple):
            if m.imports.get(local, target) != target:
                m.refuse(statement, "%s is imported twice, from different places" % local)
            m.imports[local] = target
        else:
            m.outside[local] = target

    def imported(self, m, node):
        """(local name, target) for each name of an import; the target of ours is (module, name),
        of others' the import as text."""
        for alias in node.names:
            local = alias.asname or alias.name
            if isinstance(node, ast.Import):
                if alias.name in self.modules:
                    if "." in alias.name or (alias.name == "uipy" and not alias.asname):
                        m.refuse(node, "`import %s`: write `from ... import ...`" % alias.name)
                    yield local, (alias.name, None)
                    continue
                yield local.split(".")[0], ast.unparse(ast.Import([alias]))
                continue
            home = m.home_of(node)
            whole = "%s.%s" % (home, alias.name)
            if alias.name == "*":
                m.refuse(node, "a star import: name what is wanted")
            elif whole in self.modules:
                yield local, (whole, None)
            elif home == CASTS:
                yield local, (CASTS, alias.name)
            elif home in self.modules:
                yield local, (home, alias.name)
            elif home.split(".")[0] == "uipy":
                m.refuse(node, "there is no module %s" % home)
            else:
                yield local, ast.unparse(ast.ImportFrom(home, [alias], 0))

    # Looking up

    def find(self, m, node, home, name):
        """(module, name) of a definition, behind re-exports and tables; `name` None stays."""
        seen = []
        while name is not None and home != CASTS:
            if (home, name) in seen:
                m.refuse(node, "%s is imported in a ring" % name)
            seen.append((home, name))
            there = self.modules[home]
            if name in there.imports:
                home, name = there.imports[name]
            elif name in there.own or name in there.outside:
                break
            elif name in there.homes:
                home = there.homes[name]
            else:
                m.refuse(node, "%s has no %s" % (home, name))
        return home, name

    def const(self, m, name):
        """The value of m's constant, (value,); None if it is none that can be folded."""
        if name in m.consts:
            return (m.consts[name],)
        call = const_call(m.own.get(name))
        if call is None:
            return None
        value = self._value(m, call.args[0], name)
        if not isinstance(value, (int, str)):
            return None
        m.consts[name] = value
        return (value,)

    def _value(self, m, expression, busy):
        names = {n.id for n in ast.walk(expression) if isinstance(n, ast.Name)}
        known = {}
        for name in names:
            if name == busy:
                m.refuse(expression, "%s is made from itself" % name)
            if name in m.own or name in m.imports:
                known[name] = self._known(m, expression, name)
        safe = {"__builtins__": {n: getattr(builtins, n) for n in ("len", "min", "max", "ord")}}
        try:
            return eval(compile(ast.Expression(expression), str(m.path), "eval"), safe, known)
        except Exception as wrong:
            return m.refuse(expression, "const(%s): %s" % (ast.unparse(expression), wrong))

    def _known(self, m, node, name):
        """The value of a name in a constant's expression: a constant or a literal."""
        home, name = self.find(m, node, *m.imports.get(name, (m.name, name)))
        there = self.modules[home]
        value = self.const(there, name)
        if value:
            return value[0]
        statement = there.own.get(name)
        call = const_call(statement)
        try:
            return ast.literal_eval(call.args[0] if call else statement.value)
        except (ValueError, AttributeError):
            return m.refuse(node, "%s is neither a constant nor a literal" % name)

    # Imports between modules

    def needs(self, m):
        """Modules that m imports at its top."""
        found = []
        for local, (home, name) in m.imports.items():
            home = self.find(m, m.tree, home, name)[0]
            if name is not None and home in self.modules and self._folded(m, local):
                continue
            if home in self.modules and home not in found:
                found.append(home)
        return found

    def _folded(self, m, local):
        home, name = self.find(m, m.tree, *m.imports[local])
        return name is not None and self.const(self.modules[home], name) is not None

    def later(self, m):
        """Modules that m imports in its functions, or offers in a table."""
        found = set(m.homes.values())
        for node in ast.walk(m.tree):
            if isinstance(node, (ast.Import, ast.ImportFrom)) and node not in m.tree.body:
                for _, target in self.imported(m, node):
                    if isinstance(target, tuple) and target[0] in self.modules:
                        found.add(self.find(m, node, *target)[0])
        return found


def const_call(statement):
    """The call of `NAME = const(...)`."""
    if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
        call = statement.value
        if isinstance(call.func, ast.Name) and call.func.id == "const" and len(call.args) == 1:
            return call
    return None


def _lighten(tree, variant):
    """Takes out annotations and what a board does not need: docstrings (the host's tests read
    some) and, where kernels are no native code, their decorators and casts.
    """
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            read = variant == "cpython" and not isinstance(node, ast.Module)
            if not read and ast.get_docstring(node, clean=False) is not None:
                del node.body[0]
                if not node.body and not isinstance(node, ast.Module):
                    node.body.append(ast.Pass())
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if variant != "viper":
                node.decorator_list = [d for d in node.decorator_list if not _native(d)]
            else:
                node.decorator_list = [_viper(d) for d in node.decorator_list]
            if not any(_native(d) for d in node.decorator_list):
                node.returns = None
                for argument in ast.walk(node.args):
                    if isinstance(argument, ast.arg):
                        argument.annotation = None
    if variant != "viper":
        _Uncast().visit(tree)


def _native(decorator):
    return ast.unparse(decorator) in ("kernel", "micropython.viper", "micropython.native")


def _viper(decorator):
    """`@kernel` (kern/ptr.py) is `@micropython.viper` on a board."""
    if ast.unparse(decorator) != "kernel":
        return decorator
    new = ast.Attribute(ast.Name("micropython", ast.Load()), "viper", ast.Load())
    return ast.fix_missing_locations(ast.copy_location(new, decorator))


class _Uncast(ast.NodeTransformer):
    """`ptr8(b)` is `b`."""

    def visit_Call(self, node):
        self.generic_visit(node)
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        return node.args[0] if name in ("ptr8", "ptr16", "ptr32", "uint") else node
