"""Runs under MicroPython: a stack answers an ARP request and a ping. Prints which kernels it has,
and "replied" twice.
"""

import sys

from proof import hotpath
from uipy import Stack
from wire.null import Null

stack = Stack(Null(), ip="192.168.1.7/24", gateway="192.168.1.1", now=1000, key=b"8 octets")
while stack.output(1000):  # the announcement
    pass
for frame in (hotpath.arp(), hotpath.ping()):
    stack.buf[2 : 2 + len(frame)] = frame
    n = stack.input(len(frame), 1010)
    print("replied" if n and bytes(stack.buf[2:8]) == hotpath.PEER else "silent")
print(*sorted(m for m in sys.modules if m.startswith(("uipy.kern.", "uipy.core"))))
