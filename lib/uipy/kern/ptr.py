"""The pointer casts of viper, for a Python that runs the kernels as plain functions.

A kernel that is written once (`@micropython.viper` on a board, a plain function elsewhere) says
what it is given: `ptr8` a bytearray, `ptr16` an array('H'), `ptr32` an array('i'). The viper
compiler knows the three names itself; here each gives back what it was given, so that `b[i]` means
an octet, a half word or a word in both. `make parts` drops this file.
"""


def ptr8(b):
    return b


ptr16 = ptr32 = ptr8
uint = int
