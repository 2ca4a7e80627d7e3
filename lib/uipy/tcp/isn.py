"""Initial sequence numbers (RFC 6528)."""

from array import array

from micropython import const

from ..kern import between, mac, move, seq_add, seq_in, seq_out, tdiff
from ..net.datagram import HASHED, NOW
from .row import LPORT, RADDR

_KEY = const(10)  # octets of a key as they are hashed
_STEP_MS = const(4_000_000)  # 250 of them a millisecond stay under 2**30


class Isn:
    """ISN = M + F(addresses, ports, secret key), M counting 4 us (RFC 6528 3).

    Where a SYN has just ended a TIME-WAIT, it is moved beyond the old connection's numbers (RFC
    1122 4.2.2.13 (b)).
    """

    def __init__(self, stack):
        self.stack = stack
        self.numbers = array("H", bytearray(8))  # M, and what the next number must lie behind
        seq_in(self.numbers, 0, stack.key, 4)  # M begins anywhere
        self.at = stack.env[NOW]  # when M was right
        self.moved = False  # the second number counts

    def beyond(self, table, k):
        """The next number is to lie behind the one at table[k]."""
        move(self.numbers, 2, table, k, 2)
        self.moved = True

    def into(self, key, table, k):
        """The number for the connection `key` goes to table[k]."""
        now = self.stack.env[NOW]
        d = tdiff(now, self.at)
        self.at = now
        while d > 0:
            seq_add(self.numbers, 0, 250 * min(d, _STEP_MS))  # MUST-8
            d -= _STEP_MS
        self._hash(key)
        seq_in(table, k, self.stack.key, HASHED)
        # M as two halves and a bit: no number of 32 bits is built
        seq_add(table, k, self.numbers[1])
        for _ in range(4):
            seq_add(table, k, self.numbers[0] << 14)
        if self.moved:
            self.moved = False
            if between(table, k, self.numbers, 2) <= 0:
                move(table, k, self.numbers, 2, 2)
                seq_add(table, k, 0x10000 + self.stack.key[HASHED + 4])

    def _hash(self, key):
        text = self.stack.key
        text[HASHED] = 1
        text[HASHED + 1] = key[0] - 1
        seq_out(text, HASHED + 2, key, LPORT, 0)  # both ports
        seq_out(text, HASHED + 6, key, RADDR, 0)
        mac(text, text, HASHED, _KEY, HASHED)  # MUST-9
