"""Every kernel of the joined core and applications on the emulated RP2040, with the arguments that
real traffic gives it, against the same kernel as plain Python.

    python tools/emu/traffic.py IMAGE [--strict]

A stack of the joined form (CPython's) has the traffic of tools/proof/hotpath.py: ARP, ping, UDP,
data and ACKs, HTTP; each call of a kernel is made a second time, of the machine code in the
emulator, with copies of the arguments. Results and what was written must be equal.
"""

import argparse
import importlib
import sys
from array import array
from collections import Counter
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("tools", "tools/shims")]

from parts import join

from emu import boot, content
from emu.direct import Kernels, Overrun

_ROUNDS = 4


def _copy(arg):
    if isinstance(arg, memoryview) and arg.itemsize > 1:
        return array(arg.format, arg)
    if isinstance(arg, memoryview):  # as far from an aligned address as the original
        whole = bytearray(memoryview(arg.obj).nbytes)
        view = memoryview(whole)[len(whole) - len(arg) :]
        view[:] = arg
        return view
    return type(arg)(arg.typecode, arg) if isinstance(arg, array) else type(arg)(arg)


class Both:
    """Wraps the kernels of a module of the host: each call goes to the board, too."""

    def __init__(self, kern):
        self.kern = kern
        self.seen: Counter = Counter()

    def wrap(self, module):
        for name in self.kern.modules.get(module.__name__, ()):
            f = getattr(module, name, None)
            if f:
                setattr(module, name, self._both(module.__name__, name, f))

    def _both(self, module, name, f):
        def both(*args):
            copies = {}
            theirs = [
                a if a is None or isinstance(a, int) else copies.setdefault(id(a), _copy(a))
                for a in args
            ]
            result = f(*args)
            there = self.kern.call(module, name, *theirs)
            self.seen[name] += 1
            if int(result or 0) != int(there or 0):
                raise Overrun("%s gives %r, on the board %r" % (name, result, there))
            for a in args:
                if id(a) in copies and bytes(a) != bytes(copies[id(a)]):
                    raise Overrun("%s writes something else on the board" % name)
            return result

        return both


def run(image, strict=False):
    """-> Counter of calls by kernel."""
    sys.path.insert(0, str(join.build("cpython")))
    both = Both(Kernels(image, strict=strict))
    for name in ("uipy.core", "uipy.apps"):
        both.wrap(importlib.import_module(name))
    from proof import hotpath

    rounds = hotpath.Rounds(hotpath.Echo)
    rounds.many(_ROUNDS, rounds.all)
    if rounds.errors:
        raise Overrun("a callback raised")
    return both.seen


def main():
    p = argparse.ArgumentParser(prog="traffic", description=__doc__)
    p.add_argument("image", type=Path)
    p.add_argument("--strict", action="store_true")
    args = p.parse_args()
    try:
        seen = run(args.image, args.strict)
    except (boot.Stuck, boot.HardFault, Overrun) as exc:
        p.exit(1, "traffic: %s\n" % exc)
    how = "frozen" if content.frozen(args.image) else "from the file system"
    print(", ".join("%s %d" % x for x in seen.most_common()))
    print("%s: %d kernels, %d calls, all equal" % (how, len(seen), sum(seen.values())))
    return 0


if __name__ == "__main__":
    sys.exit(main())
