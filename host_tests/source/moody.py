"""A changed source under MicroPython; prints the error and the octet it names."""

from uipy.errors import SourceChanged
from uipy.source import Bytes
from uipy.watch import Watch

data = bytearray(b"abcdef")
buf = bytearray(8)
w = Watch(Bytes(data))
assert w.fill(0, buf, 0, 6) == 6 and w.fill(1, buf, 0, 3) == 3
data[2] = 88
try:
    w.fill(0, buf, 0, 6)
except SourceChanged as exc:
    print("SourceChanged", str(exc).split()[1])
