"""What a kernel is made of: the decorator, and the pointer casts of viper.

A kernel is written once, in the subset of Python that is also viper. `make parts` turns `@kernel`
into `@micropython.viper` for boards, and drops it, with the casts and this file, for a Python
without a native emitter. Run from its source file a kernel is a plain function everywhere, slow
but with real names and lines.

`ptr8` is a bytearray, `ptr16` an array('H'), `ptr32` an array('i'): `b[i]` is an octet, a half
word or a word in both worlds, and a pointer is never added to.
"""


def kernel(f):
    """Marks a function that becomes machine code on a board."""
    return f


def ptr8(b):
    """The object itself."""
    return b


ptr16 = ptr32 = ptr8
uint = int
