"""The answers that a resolver has had, for as long as they may be kept (RFC 1035 7.4, RFC 2308).

A row has no name in it: its key is the keyed hash of the name and the type, 64 bits that nobody
can aim at. Answers over DATA_MAX octets are not kept.

0 hash   8 what was said (dns_answer.OK, ...)   9 records   10 octets, two of them   12 data
"""

from array import array

from micropython import const

from ..kern import copy, put16, same, u16

DAY = const(86_400)  # seconds; what is to be kept for longer is asked for again
NEGATIVE = const(10_800)  # RFC 2308 5: one to three hours are sensible
KEY = const(8)

_CODE = const(8)
_COUNT = const(9)
_USED = const(10)
_DATA = const(12)
DATA_MAX = const(68)  # three addresses of IPv6, or a service and its host
_ROW = const(80)


class Cache:
    """`rows` answers. Times are seconds of the resolver's clock, which counts up."""

    def __init__(self, rows):
        self.tab = bytearray(rows * _ROW)
        self.until = array("i", bytearray(4 * rows))  # 0: the row is free

    def find(self, key, at, seconds, answer):
        """Fills in `answer` with what is known under the key at key[at:]; False if nothing is."""
        tab = self.tab
        for row in range(len(self.until)):
            o = row * _ROW
            if self.until[row] > seconds and same(tab, o, key, at, KEY):
                n = u16(tab, o + _USED)
                if n > len(answer.data):
                    return False
                answer.code = tab[o + _CODE]
                answer.count = tab[o + _COUNT]
                answer.size = n
                answer.ttl = self.until[row] - seconds
                answer.cached = True
                copy(answer.data, 0, tab, o + _DATA, n)
                return True
        return False

    def keep(self, key, at, seconds, answer):
        """`answer` may be given again until its time to live has passed. It takes the row of the
        same key, or a free one, or that which would go first."""
        n = answer.size
        # RFC 1035 3.2.1, 7.4: for this once only; half of an answer
        if answer.ttl <= 0 or answer.cut or n > DATA_MAX or not len(self.until):
            return
        tab = self.tab
        best = 0
        for row in range(len(self.until)):
            if self.until[row] < self.until[best]:
                best = row
        for row in range(len(self.until)):
            if self.until[row] and same(tab, row * _ROW, key, at, KEY):
                best = row
        o = best * _ROW
        copy(tab, o, key, at, KEY)
        tab[o + _CODE] = answer.code
        tab[o + _COUNT] = answer.count
        put16(tab, o + _USED, n)
        copy(tab, o + _DATA, answer.data, 0, n)
        self.until[best] = seconds + answer.ttl

    def clear(self):
        """Nothing is known any more."""
        for row in range(len(self.until)):
            self.until[row] = 0
