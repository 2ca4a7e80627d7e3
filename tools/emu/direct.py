"""Calls a kernel of the emulated board from outside, one by one, with arguments of ours.

    kern = Kernels(image); kern.csum(bytearray(b"..."), 0, 20, 0)

Arguments are written into the board's memory as the objects that they are there, the processor
starts at the interpreter's call of the function and runs until it returns; what it wrote is read
back into the arguments. Nothing of MicroPython stands between two calls: ten thousand take
seconds. Octets before and behind each buffer are looked at, too: a kernel that writes past its
argument is found.
"""

import functools
import json
from array import array

from parts import join

from . import boot, content
from .meter import MARK
from .objects import Objects

_ROOM = 16384  # octets, as in on_board/kernels.py
_GUARD = b"\xa7" * 16
_LONGEST = 2_000_000  # instructions of one call


@functools.cache
def _names():
    """{name in uipy.kern: (joined module, name there)}: two modules may have had the same one."""
    return json.loads((join.build("cpython") / "names.json").read_text())["uipy.kern"]["names"]


class Overrun(Exception):
    """A kernel wrote where no argument is, or did not come back."""


class Kernels:
    """What `uipy.kern` has is an attribute, like there; `call` calls the kernels of any joined
    module by their names in it; `modules` has {module: {name: address}}.
    """

    def __init__(self, image, kind="enc28j60", strict=False):
        files = content.script("kernels", kind, image=image)
        self.mcu, _ = boot.board(image, files, kind, strict)
        self.core, self.chip = self.mcu.core, self.mcu.chip
        self.objects = Objects(self.chip)
        self._halted = False
        self.chip.gpio[MARK].add_listener(self._edge)
        self.mcu.run_for(8, lambda: self._halted or ">>>" in self.mcu.console.text)
        said = self.mcu.console.text
        if not self._halted or "\r\nhere " not in said:
            raise boot.Stuck("the board did not get to its kernels; it said:\n%s" % said)
        words = [line.split() for line in said.splitlines()]
        known, self._viper, self._arena, samples = next(
            [int(x, 16) for x in w[1:]] for w in words if w[:1] == ["here"]
        )
        self._find({w[1]: int(w[2], 16) for w in words if w[:1] == ["module"]})
        items = [self.objects.word(samples + 8 + 4 * k) for k in range(6)]
        self._values = dict(zip(items[:3], (None, False, True), strict=True))
        self._types = [self.objects.word(x) for x in items[3:]]
        self._codes = [self.objects.word(x + 4) & 0xFF for x in items[3:]]
        self._stand(known)
        self.calls = 0

    def _edge(self, state, before):
        self._halted = self._halted or state == 1
        self.mcu.stop()

    def _find(self, modules):
        """Which function a name is: a type of its own says what is machine code."""
        kind = self.objects.word(self._viper)
        self.modules = {}
        for module, names in modules.items():
            functions = self.objects.table(names).items()
            self.modules[module] = {
                name: f
                for name, f in functions
                if f & 3 == 0 and f and self.objects.word(f) == kind
            }

    def _stand(self, known):
        """Runs to a call of the known function: there a function may be called."""
        call = self.objects.call_of(known)
        while self.core.pc != call or self.core.registers[0] != known:
            self.mcu.step()
        self._return = self.core.lr & ~1
        self._stack = self.core.sp
        self._entry = self.objects.call_of(self._viper)

    def __getattr__(self, name):
        if name not in _names():
            raise AttributeError(name)
        module, there = _names()[name]
        return lambda *args: self.call(module, there, *args)

    def call(self, module, name, *args):
        f = self.modules[module][name]
        self.calls += 1
        self._at = 4 * len(args) + 16
        self._there = {}  # id of an argument: (the argument, its object, address, octets)
        for k, arg in enumerate(args):
            self.chip.write_uint32(self._arena + 4 * k, self._object(arg))
        self._run(f, len(args), name)
        for arg, _, at, data in self._there.values():
            self._back(name, arg, at, data)
        result = self.core.registers[0]
        if result & 1:
            return (result >> 1) - ((result & 0x80000000) and 1 << 31)
        if result not in self._values:
            raise Overrun("%s%r gives an object at %x" % (name, args, result))
        return self._values[result]

    def _run(self, f, n, name):
        core = self.core
        r = core.registers
        core.sp = self._stack
        r[0], r[1], r[2], r[3] = f, n, 0, self._arena
        core.lr = self._return | 1
        core.pc = self._entry
        go, end, left = core.execute_instruction, self._return, _LONGEST
        while (
            core.pc != end or core.sp != self._stack
        ):  # a kernel that it calls returns there, too
            go()
            left -= 1
            if not left:
                raise Overrun("%s does not come back" % name)

    # Arguments

    def _object(self, arg):
        """-> the word that is this argument on the board."""
        if arg is None or isinstance(arg, bool):
            return next(k for k, v in self._values.items() if v is arg)
        if isinstance(arg, int):
            assert -(1 << 30) <= arg < 1 << 30, arg
            return (arg << 1 | 1) & 0xFFFFFFFF
        if id(arg) not in self._there:
            self._there[id(arg)] = (arg, *self._put(arg))
        return self._there[id(arg)][1]

    def _put(self, arg):
        """A buffer, with a guard on each side -> (object, address of its octets, octets)."""
        what = 0
        if isinstance(arg, array):
            what = {2: 1, 4: 2}[arg.itemsize]
        data = bytes(arg)
        # The end of a view is the end of what it is of: so it lies as far from an aligned address.
        odd = memoryview(arg.obj).nbytes - len(arg) & 3 if isinstance(arg, memoryview) else 0
        obj = self._arena + self._at
        items = obj + 16 + len(_GUARD) + odd
        self._at = items + len(data) + len(_GUARD) + 19 - self._arena & ~15
        assert self._at <= _ROOM, "arguments of more than %d octets" % _ROOM
        size = arg.itemsize if what else 1
        head = (self._types[what], self._codes[what], len(data) // size, items)
        for k, word in enumerate(head):
            self.chip.write_uint32(obj + 4 * k, word)
        at = items - len(_GUARD) - 0x20000000
        whole = _GUARD + data + _GUARD
        self.chip.sram[at : at + len(whole)] = whole
        return obj, items, data

    def _back(self, name, arg, at, data):
        at -= 0x20000000
        n = len(data)
        sram = self.chip.sram
        if not sram[at - 16 : at] == sram[at + n : at + n + 16] == _GUARD:
            raise Overrun("%s wrote past a buffer of %d octets" % (name, n))
        now = bytes(sram[at : at + n])
        if now == data:
            return
        if isinstance(arg, bytes):
            raise Overrun("%s wrote into bytes" % name)
        if isinstance(arg, array):
            arg[:] = array(arg.typecode, now)
        else:
            arg[:] = now
