"""The kernels for the host tests, checked: same names, and each call complains about what a board
would suffer in silence. UIPY_CHECKED=1 installs them (host_tests/conftest.py), on lib/ as it is.

Machine code looks at nothing, and CPython hides much: b[-1] is the last octet, a slice that is too
long makes a bytearray grow. A `Fault` says that

    an index is below 0 or behind the end, or a pointer has items of another size than its cast
    an octet is not 0..255, a half 0..65535, a word of `ptr32` read below 0, or a number that a
    kernel is given, computes on the way or returns is no small int of a 32-bit board (2**30)
    a kernel gives a pointer to another kernel (it must give the object), or returns what it does
    not say
    an octet of the packet buffer is read that is neither the frame's nor was written since, or a
    word of `seg` or `out` that nobody has written for this frame

A fault in a callback is caught there (guard.py), so each is also kept in `faults`; a fixture of
conftest.py fails the test that has caused one.
"""

import ast
import functools
import importlib.util
import inspect
import sys
import textwrap
from array import array
from pathlib import Path
from typing import Any

KERN = Path(__file__).resolve().parents[2] / "lib" / "uipy" / "kern"
TOP = 1 << 30
HEADERS = 34  # octets of the longest that `front` looks at
# Who may read a number below 0 through ptr32: only its low 32 bits count there. `emit`: O_REL is
# -1 in a keep-alive.
SIGNED = ("emit",)

faults: list[str] = []


class Fault(AssertionError):
    """A kernel does what must not happen on a board."""


def fault(text, *values):
    text = text % values
    frame = sys._getframe(1)
    while frame and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    if frame:
        text += " (%s, line %d)" % (frame.f_code.co_name, frame.f_lineno)
    faults.append(text)
    raise Fault(text)


def small(x):
    """x, if it takes no heap on a 32-bit board."""
    if x.__class__ is not int and x.__class__ is not bool:
        fault("a kernel computes %r", x)
    if not -TOP <= x < TOP:
        fault("%d is no small int", x)
    return x


# --- pointers ---


class View8:
    """What `ptr8` makes of an object."""

    SIZE, LEAST, MOST = 1, 0, 0xFF
    __slots__ = ("b", "n")

    def __init__(self, b):
        if isinstance(b, View8):
            fault("a pointer is given on: a kernel takes the object")
        try:
            size = 1 if isinstance(b, (bytes, bytearray)) else memoryview(b).itemsize
        except TypeError:
            fault("%r is no buffer", b)
        if size != self.SIZE:
            fault("%s has items of %d octets, not of %d", type(b).__name__, size, self.SIZE)
        self.b = b
        self.n = len(b)

    def __getitem__(self, i):
        if i.__class__ is not int or not 0 <= i < self.n:
            fault("reads [%s] of %d", i, self.n)
        return self.b[i]

    def __setitem__(self, i, v):
        if i.__class__ is not int or not 0 <= i < self.n:
            fault("writes [%s] of %d", i, self.n)
        if v.__class__ is not int or not self.LEAST <= v <= self.MOST:
            fault("writes %s at [%d], of %d octets", v, i, self.SIZE)
        self.b[i] = v


class View16(View8):
    SIZE, MOST = 2, 0xFFFF
    __slots__ = ()


class View32(View8):
    SIZE, LEAST, MOST = 4, -TOP, TOP - 1
    __slots__ = ()

    def __getitem__(self, i):
        v = View8.__getitem__(self, i)
        # 64 bits do not see the sign, 32 bits no bit above
        if not 0 <= v < TOP and sys._getframe(1).f_code.co_name not in SIGNED:
            fault("reads %d through ptr32 at [%d]", v, i)
        return v


ptr8, ptr16, ptr32 = View8, View16, View32


# --- what was never written ---


class Packet(bytearray):
    """The packet buffer. `known` has 1 for each octet that is the frame's, or was written."""

    def follow(self, books):
        self.books = books
        self.known = bytearray(len(self))
        return self

    def __getitem__(self, i):
        known = self.known
        if i.__class__ is slice:
            first, last, step = i.indices(len(self))
            if i.stop is not None and step == 1 and known.find(0, first, last) >= 0:
                fault("octets %d to %d are read, %d was never written",
                      first, last, known.find(0, first, last))  # fmt: skip
        elif not known[i]:
            fault("octet %d is read and was never written", i)
        return bytearray.__getitem__(self, i)

    def __setitem__(self, i, v):
        if self.books.sealed:
            first = i.start or 0 if i.__class__ is slice else i
            if first < self.books.sealed:
                self.books.forget()
        bytearray.__setitem__(self, i, v)
        if i.__class__ is slice:
            if len(self) != len(self.known):
                fault("a slice store makes the buffer %d octets long", len(self))
            first, last, _ = i.indices(len(self))
            self.known[first:last] = b"\1" * max(last - first, 0)
        else:
            self.known[i] = 1


class Words(array):
    """`seg` or `out`: words that somebody has to write before they are read."""

    def follow(self, name, always):
        self.name, self.always = name, always
        self.forget()
        return self

    def forget(self):
        self.known = set(self.always)

    def __getitem__(self, i):
        if i not in self.known:
            fault("%s[%s] is read and was not written for this frame", self.name, i)
        return array.__getitem__(self, i)

    def __setitem__(self, i, v):
        array.__setitem__(self, i, v)
        self.known.add(i)


class Books:
    """What a stack knows of the frame at hand."""

    def __init__(self):
        self.buf = self.seg = self.out = None
        self.sealed = 0  # a frame is complete, up to there: the next write begins another

    def forget(self):
        self.sealed = 0
        if self.buf is not None:
            self.buf.known = bytearray(len(self.buf))
            self.buf.known[:2] = b"\1\1"  # no frame's; a driver keeps them as they are
        for words in (self.seg, self.out):
            if words is not None:
                words.forget()


def _books(stack):
    return stack.__dict__.setdefault("books of the checked kernels", Books())


def _attribute(name, make):
    """A place of Stack whose first value is replaced by one that is watched."""

    def put(stack, value):
        books = _books(stack)
        value = make(value, books)
        setattr(books, name, value)
        stack.__dict__["watched " + name] = value

    return property(lambda stack: stack.__dict__["watched " + name], put)


def watch(stack_class, always_seg, always):
    """Every stack's buffer, `seg` and `out` from now on; `always`: what they keep."""

    def buf(value, books):
        return Packet(value).follow(books)

    def seg(value, books):
        words = Words("i", value).follow("seg", ())
        words.always = always_seg  # the first value has to be written too
        words.books = books
        return words

    def out(value, books):
        words = Words("i", value).follow("out", always)
        words.books = books
        return words

    def env(value, books):
        _env[id(value)] = value, books
        return value

    for make in (buf, seg, out, env):
        setattr(stack_class, make.__name__, _attribute(make.__name__, make))


_env: dict = {}


def _tick(args):
    found = _env.get(id(args[0]))
    if found and found[0] is args[0]:
        found[1].forget()


def _front(args):
    books = getattr(args[3], "books", None)
    if books:
        books.forget()
        n = args[1]
        if n + 2 > len(books.buf):
            fault("a frame of %d octets in a buffer of %d", n, len(books.buf))
        # It looks at the places of both headers before it knows that they were received.
        n = min(max(n, HEADERS), len(books.buf) - 2)
        books.buf.known[2 : 2 + n] = b"\1" * n


def _front_done(args, result):
    books = getattr(args[3], "books", None)
    if books and args[1] < HEADERS:
        books.buf.known[2 + max(args[1], 0) : 2 + HEADERS] = bytes(HEADERS - max(args[1], 0))


def _head(args, result):
    books = getattr(args[3], "books", None)
    if books:
        hole = books.buf.known.find(0, 2, 2 + result)
        if hole >= 0:
            fault("octet %d of the frame that leaves was never written", hole)
        books.sealed = 2 + result


BEFORE = {"uipy.poll.tick": _tick, "uipy.net.front.front": _front}
BEHIND = {"uipy.net.front.front": _front_done, "uipy.net.front.head": _head}


# --- kernels ---


class _Watched(ast.NodeTransformer):
    """Puts `small(...)` around each result of an operator."""

    def visit_BinOp(self, node):
        self.generic_visit(node)
        return ast.Call(ast.Name("small", ast.Load()), [node], [])

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        if isinstance(node.op, ast.Not):
            return node
        return ast.Call(ast.Name("small", ast.Load()), [node], [])

    def visit_AugAssign(self, node):
        self.generic_visit(node)
        if not isinstance(node.target, ast.Name):
            return node  # a store into memory, which is looked at there
        value = ast.BinOp(ast.Name(node.target.id, ast.Load()), node.op, node.value)
        return ast.Assign([node.target], ast.Call(ast.Name("small", ast.Load()), [value], []))


def _watched(f):
    """f, compiled again with a look at each number on its way."""
    lines, first = inspect.getsourcelines(f)
    tree = ast.parse(textwrap.dedent("".join(lines)))
    ast.increment_lineno(tree, first - 1)
    own: Any = tree.body[0]
    own.decorator_list = []
    own.returns = None
    for arg in own.args.args:
        arg.annotation = None
    own.body = [_Watched().visit(s) for s in own.body]
    outer: Any = ast.parse("def outer(small):\n    return " + own.name).body[0]
    outer.body.insert(0, own)
    tree.body = [outer]
    ast.fix_missing_locations(tree)
    names = {}
    exec(compile(tree, f.__code__.co_filename, "exec"), f.__globals__, names)
    return names["outer"](small)


def kernel(f):
    """Stands in for kern/ptr.py's decorator."""
    kinds = dict(f.__annotations__)
    result = kinds.pop("return", None)
    order = inspect.getfullargspec(f).args
    casts = [kinds[a] if kinds.get(a) in (View8, View16, View32) else None for a in order]
    numbers = [k for k, a in enumerate(order) if kinds.get(a) is int]
    name = f.__module__ + "." + f.__name__
    before, behind = BEFORE.get(name), BEHIND.get(name)
    run = _watched(f)
    if len(order) > 5:
        raise Fault("%s has %d arguments: a frame of more than 11 words" % (name, len(order)))

    @functools.wraps(f)
    def checked(*args):
        if before:
            before(args)
        for k in numbers:
            small(args[k])
        for cast, arg in zip(casts, args, strict=True):
            if cast is None and isinstance(arg, View8):
                fault("%s is given a pointer: it takes the object", name)
        said = run(
            *[arg if cast is None else cast(arg) for cast, arg in zip(casts, args, strict=True)]
        )
        if result is None:
            if said is not None:
                fault("%s returns %r and says nothing of it", name, said)
        else:
            small(said)
        if behind:
            behind(args, said)
        return said

    return checked


# --- the wide four ---


def _span(b, i, n, what):
    small(i)
    small(n)
    if isinstance(b, View8):
        fault("%s is given a pointer: it takes the object", what)
    if i < 0 or n < 0 or i + n > len(b):
        fault("%s of [%d:%d] of %d", what, i, i + n, len(b))
    return b


def wide(plain):
    """Checked `csum`, `copy`, `find` and `mac` around those of a module."""

    def csum(b, i, n, acc):
        _span(b, i, n, "csum")
        if n >= 32764 or acc < 0 or small(acc) + (n // 2 + 1) * 0xFFFF >= TOP:
            fault("csum of %d octets to %d: too much for 30 bits", n, acc)
        return small(plain.csum(b, i, n, acc))

    def copy(d, i, s, j, n):
        _span(d, i, n, "copy to")
        _span(s, j, n, "copy from")
        if isinstance(d, bytes):
            fault("copy to bytes, which may lie in flash")
        plain.copy(d, i, s, j, n)

    def find(tab, size, rows, b, i):
        _span(tab, 0, size * rows, "find in")
        _span(b, i, 4, "find of")
        if size < 4:
            fault("find of 4 octets in rows of %d", size)
        return small(plain.find(tab, size, rows, b, i))

    def mac(key, b, i, n, at):
        _span(key, 0, 8, "mac's key")
        _span(b, i, n, "mac")
        _span(b, at, 8, "mac to")
        plain.mac(key, b, i, n, at)

    return csum, copy, find, mac


def _module(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def install():
    """From now on uipy is imported with the checked kernels."""
    if "uipy" in sys.modules:
        raise RuntimeError("uipy was imported before its checked kernels")
    casts = _module("uipy.kern.ptr", KERN / "ptr.py")
    casts.kernel, casts.ptr8, casts.ptr16, casts.ptr32 = kernel, ptr8, ptr16, ptr32
    four = _module("uipy.kern.cpython", KERN / "cpython.py")
    four.csum, four.copy, four.find, four.mac = wide(_module("unchecked", KERN / "cpython.py"))
    sys.modules["uipy.kern.ptr"] = casts
    sys.modules["uipy.kern.cpython"] = four
    from uipy.net.datagram import OUT_ID, OUT_TOS, OUT_TTL, OUT_WHOLE, ROW
    from uipy.stack import Stack

    watch(Stack, (ROW,), (OUT_TTL, OUT_TOS, OUT_ID, OUT_WHOLE))
