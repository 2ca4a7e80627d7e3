"""The kernels: all that is done octet by octet, in the fastest form that this Python can run.

    viper     boards: native code; also MicroPython on a PC
    plain     MicroPython ports without a native emitter
    cpython   the host

The three have one API (docs/architecture.md, "Kernels") and meet the same test vectors in
host_tests/kern. All numbers are big-endian in the buffer, at any alignment. Every return is None
or a small int (-2**30 < x < 2**30), and no call takes heap. Offsets are trusted: a caller checks
lengths at the edge; a checksum is of less than 32764 octets.
"""

import sys

if sys.implementation.name == "cpython":
    from uipy.kern.cpython import *  # noqa: F403
else:
    try:
        if sys.byteorder != "little":
            raise ValueError  # the viper kernels load 16 and 32 bits at a time
        from uipy.kern.viper import *  # noqa: F403
    except (ImportError, SyntaxError, ValueError):
        # No file, no emitter in this port, or a .mpy of another architecture.
        from uipy.kern.plain import *  # noqa: F403
