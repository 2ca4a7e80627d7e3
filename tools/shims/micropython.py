"""MicroPython's `micropython` module, as far as the host's Python needs it.

The decorators give back the function, the heap cannot be locked, and `schedule` calls at once.
"""


def const(x):
    return x


def _same(f):
    return f


native = viper = bytecode = asm_thumb = _same


def schedule(f, arg):
    f(arg)


def heap_lock():
    return 0


def heap_unlock():
    return 0


def heap_locked():
    return 0


def opt_level(level=None):
    return 0


def mem_info(verbose=None):
    pass


def qstr_info(verbose=None):
    pass


def stack_use():
    return 0


def kbd_intr(chr):
    pass


def alloc_emergency_exception_buf(size):
    pass
