"""How much heap a call takes; runs under MicroPython, for scripts that tests start.

On 32 bits octets are counted: gc.mem_alloc() only grows there while a script runs. The unix binary
runs the call under heap_lock, where asking for heap is a MemoryError, and that counts as 1.
"""

# mypy: disable-error-code="attr-defined"

import gc
import sys

import micropython

WIDE = sys.maxsize > 1 << 31  # the unix binary


def grow(call):
    before = gc.mem_alloc()
    call()
    return gc.mem_alloc() - before


def locked(call):
    micropython.heap_lock()
    try:
        call()
    except MemoryError:
        return 1
    finally:
        micropython.heap_unlock()
    return 0


taken = locked if WIDE else grow


class Tally:
    """Adds up what the stack takes for frames and for what it sends."""

    taken = 0

    def counted(self, call, n, now):
        """call(n, now), or call(now) if n is None; 0 if it was refused heap."""
        if WIDE:
            micropython.heap_lock()
            try:
                return call(now) if n is None else call(n, now)
            except MemoryError:
                self.taken += 1
                return 0
            finally:
                micropython.heap_unlock()
        before = gc.mem_alloc()
        n = call(now) if n is None else call(n, now)
        self.taken += gc.mem_alloc() - before
        return n


class Walker:
    """Has paths, which are methods without arguments. `errors` counts what callbacks raise."""

    def walk(self, name):
        """-> the octets that three walks of the path took, and what was reached. One goes before,
        which makes what is made at the first use.
        """
        self.path = getattr(self, name)
        self.path()
        self.forget()
        gc.collect()
        self.errors = 0
        octets = taken(self.thrice)
        return octets or (self.errors if WIDE else 0), self.reached()

    def thrice(self):
        self.path()
        self.path()
        self.path()

    def forget(self):
        """What was reached so far."""

    def reached(self):
        """In words."""
        raise NotImplementedError
