"""Reads MicroPython's objects in the memory of the emulated board: what a function is called, and
at which address the parts of the interpreter lie that the tracer wants to see entered.

Nothing is asked of the image but that it is a MicroPython 1.2x for a 32-bit machine: names come
from the pools of interned strings (py/qstr.h), functions from py/objfun.h, types from py/obj.h.
"""

_RAM, _HEAP, _RAM_END = 0x20000000, 0x20004000, 0x20040000  # the heap begins below the second
_FLASH, _FLASH_END = 0x10000000, 0x10200000
_SLOTS = 20  # of a type: behind base, flags, name and twelve indexes
_CALL = 10  # of a type: which slot is its call


class Objects:
    def __init__(self, chip):
        self.word, self.octet = chip.read_uint32, chip.read_uint8
        self._names = {}
        self._pool = 0

    def half(self, at):
        return self.octet(at) | self.octet(at + 1) << 8

    def call_of(self, obj):
        """-> the address of the C function that is run when obj is called."""
        kind = self.word(obj)
        return self.word(kind + _SLOTS + 4 * (self.octet(kind + _CALL) - 1)) & ~1

    # Interned strings

    def qstr(self, q):
        """-> the text of an interned string."""
        pool = self._pool or self._last_pool()
        while pool and q < self.word(pool + 4) & 0x7FFFFFFF:
            pool = self.word(pool)
        k = q - (self.word(pool + 4) & 0x7FFFFFFF) if pool else 0
        if not pool or k >= self.word(pool + 12):
            return "qstr %d" % q
        at, lengths = self.word(pool + 24 + 4 * k), self.word(pool + 20)
        return bytes(self.octet(at + i) for i in range(self.octet(lengths + k))).decode()

    def _last_pool(self):
        """The newest pool is named by a variable: the word from which the longest chain begins."""
        best, deepest = 0, 0
        for at in range(_RAM, _HEAP, 4):
            depth = self._chain(self.word(at))
            if depth > deepest:
                best, deepest = self.word(at), depth
        self._pool = best
        return best

    def _chain(self, pool):
        """How many strings a chain of pools has, 0 if it is none: each says how many went
        before."""
        total = None
        strings = 0
        for _ in range(99):
            if not (_RAM <= pool < _RAM_END or _FLASH <= pool < _FLASH_END) or pool & 3:
                return 0
            before, alloc, n = (self.word(pool + k) for k in (4, 8, 12))
            before &= 0x7FFFFFFF
            if not n or n >> 14 or alloc >> 14:
                return 0
            if total is not None and before + n != total:
                return 0
            strings += n
            total = before
            pool = self.word(pool)
            if not pool:
                return strings if not total else 0
        return 0

    # Functions

    def name(self, fun):
        """-> the name of a function of bytecode."""
        if fun not in self._names:
            at = self.word(fun + 12)
            for _ in range(2):  # two numbers of the prelude, in octets that end with one below 128
                while self.octet(at) & 0x80:
                    at += 1
                at += 1
            k = 0
            while self.octet(at) & 0x80:
                k = (k | self.octet(at) & 0x7F) << 7
                at += 1
            table = self.word(self.word(fun + 4) + 8)
            self._names[fun] = self.qstr(self.half(table + 2 * (k | self.octet(at))))
        return self._names[fun]

    def kernel(self, fun):
        """-> the name under which a kernel lies in its module."""
        if fun not in self._names:
            found = self._in_module(self.word(self.word(fun + 4) + 4), fun)
            self._names[fun] = found or "kernel %x" % fun
        return self._names[fun]

    def _in_module(self, names, value):
        return next((name for name, obj in self.table(names).items() if obj == value), None)

    def table(self, names):
        """-> {name: object} of a dictionary whose keys are interned strings."""
        first, n = self.word(names + 12), self.word(names + 8)
        rows = ((self.word(a), self.word(a + 4)) for a in range(first, first + 8 * n, 8))
        return {self.qstr(key >> 3): value for key, value in rows if key & 7 == 2}
