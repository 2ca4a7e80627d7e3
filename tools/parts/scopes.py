"""Which name means what where: the part of the joining step (join.py) that knows Python's scopes.

A global name of a source module is a thing (its module, its name). Here every use of one is found
and, in a second pass, written as the joined module has it: the value of a constant, the thing's
name there, or `part.name` without its `part.`. A name that a function binds is its own affair.
"""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
INNER = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
_LEAVES = (ast.Name, ast.Constant, ast.expr_context)  # nothing below them has a name


class Refused(Exception):
    """What the step cannot do; the message has file and line."""


def at_once(nodes):
    """All nodes of these statements that belong to their scope: none inside a function, a class
    or a comprehension."""
    todo = [*nodes][::-1]
    more: list
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, _LEAVES):
            continue
        if isinstance(node, FUNCTIONS):
            more = [*node.args.defaults, *filter(None, node.args.kw_defaults)]
            more += getattr(node, "decorator_list", ())
        elif isinstance(node, ast.ClassDef):
            more = [*node.bases, *node.keywords, *node.decorator_list]
        elif isinstance(node, INNER):
            more = [node.generators[0].iter]
        else:
            more = [*ast.iter_child_nodes(node)]
        todo += more[::-1]


def twin(node):
    """A copy of the tree below a node; ten times as fast as copy.deepcopy."""
    new = type(node)()
    for name, value in vars(node).items():
        if isinstance(value, list):
            value = [twin(x) if isinstance(x, ast.AST) else x for x in value]
        elif isinstance(value, ast.AST):
            value = twin(value)
        vars(new)[name] = value
    return new


def bound(nodes):
    """Names that these statements bind in their scope, in order (a dict of None)."""
    found = {}
    for node in at_once(nodes):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            found[node.id] = None
        elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            found[node.name] = None
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            for alias in node.names:
                found[alias.asname or alias.name.split(".")[0]] = None
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found[node.name] = None
    return found.keys()


class _Scope:
    """A function, a class or a comprehension: its local names, and what of ours it imports."""

    def __init__(self, names=(), shared=(), is_class=False):
        self.globals = set(shared)
        self.names = set(names) - self.globals
        self.is_class = is_class
        self.lazy = {}  # {local name: thing}


def _scope_of(node):
    if isinstance(node, FUNCTIONS):
        a = node.args
        names = [x.arg for x in (*a.posonlyargs, *a.args, *a.kwonlyargs, a.vararg, a.kwarg) if x]
        body = [node.body] if isinstance(node, ast.Lambda) else node.body
    elif isinstance(node, ast.ClassDef):
        names, body = [], node.body
    else:
        return _Scope(bound(g.target for g in node.generators))
    shared = {n for x in at_once(body) if isinstance(x, ast.Global) for n in x.names}
    return _Scope([*names, *bound(body)], shared, isinstance(node, ast.ClassDef))


class Names(ast.NodeTransformer):
    """Visits a statement of the module m, a member of the part: notes what it uses
    (Part.use, Part.reserved), or rewrites it.
    """

    def __init__(self, part, m, rewrite):
        self.part = part
        self.m = m
        self.rewrite = rewrite
        self.scopes = []

    # What a name means

    def look(self, node, name):
        """A thing, or None: local, or a name of the language."""
        for depth, scope in enumerate(reversed(self.scopes)):
            if scope.is_class and depth:
                continue
            if name in scope.globals:
                break
            if name in scope.lazy:
                return scope.lazy[name]
            if name in scope.names:
                return None
        thing = self.part.thing(self.m, node, name)
        if thing is None:
            self.part.reserved.add(name)
        return thing

    def local(self):
        return set().union(*(s.names - s.lazy.keys() for s in self.scopes))

    def meant(self, node, thing, store=False):
        """What stands for a thing: a node; in the first pass only noted."""
        value = self.part.value(thing)
        if value:
            if store:
                self.m.refuse(node, "the constant %s is changed" % thing[1])
            return ast.copy_location(_literal(value[0]), node)
        if thing[0] and thing[1] is None:
            self.m.refuse(node, "the module %s is used as a value" % thing[0])
        if self._casts(thing):
            return ast.copy_location(ast.Name(thing[1], ast.Load()), node)
        self.part.use(thing, self.local())
        if not self.rewrite:
            return node
        ctx = node.ctx if isinstance(node, ast.Name) else ast.Load()
        return ast.copy_location(ast.Name(self.part.names[thing], ctx), node)

    def _casts(self, thing):
        return thing[0] and thing[0] not in self.part.house.modules

    def named(self, node, name):
        """The name of a binding at the top level of m, which may have changed."""
        thing = self.look(node, name)
        if thing is None or not self.rewrite:
            return name
        return self.part.names.get(thing, name)

    # Nodes

    def visit_Name(self, node):
        thing = self.look(node, node.id)
        if thing is None or self._elsewhere(thing):
            return node
        return self.meant(node, thing, store=not isinstance(node.ctx, ast.Load))

    def visit_Attribute(self, node):
        if isinstance(node.value, ast.Name):
            thing = self.look(node.value, node.value.id)
            if thing is not None and thing[0] and thing[1] is None:
                return self._of_module(node, thing)
        return self.generic_visit(node)

    def _of_module(self, node, thing):
        house = self.part.house
        wanted = house.find(self.m, node, thing[0], node.attr)
        if isinstance(node.ctx, ast.Load) and self._kept_lazy(node.value.id):
            if self.part.value(wanted):
                return self.meant(node, wanted)
            node.attr = self._there(house.part_of[wanted[0]], wanted)
            return node  # `import page` in a function, page.X
        if not isinstance(node.ctx, ast.Load):
            self.m.refuse(node, "%s is set in another module" % node.attr)
        return self.meant(node, wanted)

    def _kept_lazy(self, name):
        """Is this name a module of another part that this function imports?"""
        for scope in self.scopes:
            thing = scope.lazy.get(name)
            if thing and self._foreign(thing):
                return True
        return False

    def _foreign(self, thing):
        house = self.part.house
        return thing[0] in house.modules and house.part_of[thing[0]] != self.part.name

    def _elsewhere(self, thing):
        """Was it imported by this function, from another part? Then its local name stays."""
        lazily = any(thing in s.lazy.values() for s in self.scopes)
        return lazily and self._foreign(thing) and not self.part.value(thing)

    def visit_Global(self, node):
        node.names = [self.named(node, n) for n in node.names]
        for name in node.names if not self.rewrite else ():
            thing = self.look(node, name)
            if thing:
                self.meant(node, thing, store=True)
        return node

    def visit_ExceptHandler(self, node):
        if node.name and not self.scopes:
            node.name = self.named(node, node.name)
        return self.generic_visit(node)

    def visit_ImportFrom(self, node):
        if not self.scopes:  # of others' modules, under a condition
            for alias in node.names:
                name = self.named(node, alias.asname or alias.name)
                alias.asname = name if name != alias.name else None
            return node
        return self._lazily(node)

    visit_Import = visit_ImportFrom

    def _lazily(self, node):
        """An import in a function: what is in this part is there already, and what two parts have
        is two imports."""
        keep, house = {}, self.part.house
        for alias, (local, target) in zip(node.names, house.imported(self.m, node), strict=True):
            if not isinstance(target, tuple):
                return node
            thing = self.scopes[-1].lazy[local]
            if self.part.value(thing) or not self._foreign(thing):
                continue
            home, name = thing
            part = house.part_of[home]
            if name is None:
                if isinstance(node, ast.ImportFrom) or part != home:
                    self.m.refuse(node, "a module of another part as a value: import names")
                return node
            there = self._there(part, thing)
            names = keep.setdefault(part, [])
            names.append(ast.alias(there, local if local != there else None))
        made: list[ast.stmt] = [ast.ImportFrom(part, names, 0) for part, names in keep.items()]
        return [ast.copy_location(x, node) for x in made or [ast.Pass()]]

    def _there(self, part, thing):
        if not self.rewrite:
            return thing[1]
        return self.part.house.made[part].names[thing]

    # Scopes

    def _inside(self, node, fields):
        scope = _scope_of(node)
        if not isinstance(node, ast.ClassDef):
            self._lazy_of(node, scope)
        self.scopes.append(scope)
        for field in fields:
            self._field(node, field)
        self.scopes.pop()
        return node

    def _lazy_of(self, node, scope):
        house = self.part.house
        body = node.body if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) else []
        for x in at_once(body):
            if isinstance(x, (ast.Import, ast.ImportFrom)):
                for local, target in house.imported(self.m, x):
                    if isinstance(target, tuple):
                        scope.lazy[local] = house.find(self.m, x, *target)

    def _field(self, node, name):
        value = getattr(node, name, None)
        if isinstance(value, list):
            new = [self.visit(v) if isinstance(v, ast.AST) else v for v in value]
            new = [v for v in new if v is not None]
            if name == "body":  # a `pass` for an import that went
                new = [v for v in new if not isinstance(v, ast.Pass)] or [ast.Pass()]
            value[:] = new
        elif isinstance(value, ast.AST):
            setattr(node, name, self.visit(value))

    def visit_FunctionDef(self, node):
        if not self.scopes:
            node.name = self.named(node, node.name)
        self._field(node, "decorator_list")
        self._defaults(node)
        return self._inside(node, ("args", "returns", "body"))

    visit_AsyncFunctionDef = visit_FunctionDef

    def _defaults(self, node):
        """They are evaluated outside."""
        a = node.args
        a.defaults = [self.visit(x) for x in a.defaults]
        a.kw_defaults = [x and self.visit(x) for x in a.kw_defaults]

    def visit_arguments(self, node):
        for argument in (*node.posonlyargs, *node.args, *node.kwonlyargs):
            if argument.annotation is not None:
                argument.annotation = self.visit(argument.annotation)
        return node

    def visit_Lambda(self, node):
        self._defaults(node)
        return self._inside(node, ("args", "body"))

    def visit_ClassDef(self, node):
        if not self.scopes:
            node.name = self.named(node, node.name)
        for field in ("decorator_list", "bases", "keywords"):
            self._field(node, field)
        return self._inside(node, ("body",))

    def _comprehension(self, node):
        node.generators[0].iter = self.visit(node.generators[0].iter)
        scope = _scope_of(node)
        self.scopes.append(scope)
        for k, g in enumerate(node.generators):
            if k:
                g.iter = self.visit(g.iter)
            g.target = self.visit(g.target)
            g.ifs = [self.visit(x) for x in g.ifs]
        for field in ("elt", "key", "value"):
            self._field(node, field)
        self.scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension


def _literal(value):
    if isinstance(value, int) and not isinstance(value, bool) and value < 0:
        return ast.UnaryOp(ast.USub(), ast.Constant(-value))
    return ast.Constant(value)


def shown(path):
    """A path as a message names it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
