"""ICMP (RFC 792; RFC 1122 3.2.2): echo, the errors that we send, and the errors that we receive.

    0 type   1 code   2 checksum   4 identifier   6 sequence number; the MTU of type 3 code 4
    (RFC 1191)   8 data, or the datagram that is quoted

Source quenches (RFC 6633) are ignored, TCP looks after its own congestion; so are redirects,
unless a part has asked for them.
"""

from micropython import const

from ..kern import bump, copy, csum, put16, same, tadd, tdiff, u16, zero
from ..kern.ptr import kernel, ptr8, ptr32
from ..stat import N_ICMP_BAD, N_ICMP_ERROR, N_ICMP_IN, N_ICMP_MUTED, N_ICMP_OUT
from .datagram import (
    AT,
    CAST,
    DST_AT,
    ICMP_AT,
    IP_AT,
    L2,
    LEN,
    NOW,
    OUR_IP,
    OUT_PROTO,
    OUT_TOS,
    OUT_WHOLE,
    SRC_AT,
)
from .front import divisible

_UNREACHABLE = const(3)
TOO_BIG = const(4)  # "fragmentation needed and DF set"

_QUOTE = const(8)  # where the quoted datagram begins
ICMP = const(1)  # the protocol number
OTHER = const(512)  # with a type of ICMP: who takes messages of it (`Stack.add_protocol`)

_BURST = const(10)
_TOKEN_MS = const(100)


@kernel
def echo(buf, seg: ptr32, face: ptr8, out: ptr32, stat: ptr32) -> int:
    """The way of a ping in one step: an echo request to one address of ours becomes the reply, the
    same octets back (RFC 1122 3.2.2.6), without IP options if there were any. Type 8 becomes 0, so
    the checksum grows by 0x0800 (RFC 1624). Returns the reply's length, below 0 when it is to be
    `divisible`; 0: it is something else."""
    b = ptr8(buf)
    at = seg[AT]
    n = seg[LEN]
    if n < 8 or b[at] != 8 or seg[CAST]:
        return 0
    if int(csum(buf, at, n, 0)) != 0xFFFF:
        return 0
    to = face[L2] + 22
    out[OUT_TOS] = b[to - 19] & 0xFC  # RFC 1349 5.1
    out[OUT_PROTO] = ICMP
    c = ((b[at + 2] << 8) | b[at + 3]) + 0x0800
    c = (c & 0xFFFF) + (c >> 16)
    b[at] = 0
    b[at + 2] = c >> 8
    b[at + 3] = c & 0xFF
    if at != to:
        k = 0
        while k < n:
            b[to + k] = b[at + k]
            k += 1
    c = stat[N_ICMP_IN] - 0x20000000 + 1  # bump, in place
    if c >= 0x20000000:
        c = 0 - 0x20000000
    stat[N_ICMP_IN] = c + 0x20000000
    c = stat[N_ICMP_OUT] - 0x20000000 + 1
    if c >= 0x20000000:
        c = 0 - 0x20000000
    stat[N_ICMP_OUT] = c + 0x20000000
    if n > out[OUT_WHOLE]:
        return 0 - n
    return n


class Icmp:
    """What is not an echo. At most ten errors at once and ten a second leave us (RFC 1812
    4.3.2.8), by chance down to half of that: see `_token`."""

    def __init__(self, stack):
        self.stack = stack
        self.tokens = _BURST
        self.at = stack.env[NOW]

    def input(self, iface):
        """A message that is no echo request to us; there is no reply."""
        stack = self.stack
        b = stack.buf
        seg = stack.seg
        at = seg[AT]
        n = seg[LEN]
        bump(stack.stat, N_ICMP_IN)
        if n < 8 or csum(b, at, n, 0) != 0xFFFF:
            bump(stack.stat, N_ICMP_BAD)
        # RFC 1122 3.2.2.6: an echo to everyone need not be answered; an error is for one.
        # Unreachable, time exceeded, parameter problem; source quench is none of them: MUST-55
        elif not seg[CAST] and b[at] in (3, 11, 12):
            self._error(iface, at, n)
        elif not seg[CAST] and OTHER | b[at] in stack.handlers:
            stack.handlers[OTHER | b[at]].input(iface)

    # Errors that we receive

    def _error(self, iface, at, n):
        """Hands an error to the protocol whose segment it quotes, if the quotation is of a
        datagram that we can have sent, with 8 octets of the segment at least (RFC 1122 3.2.2)."""
        stack = self.stack
        b = stack.buf
        seg = stack.seg
        seg[ICMP_AT] = at
        at += _QUOTE
        seg[SRC_AT] = at + 12
        seg[DST_AT] = at + 16
        n -= _QUOTE + ((b[at] & 15) << 2 if n > _QUOTE else 0)
        if (
            n < 8
            or b[at] >> 4 != 4
            or b[at] & 15 < 5
            or u16(b, at + 6) & 0x3FFF  # we never sent a fragment
            or not same(b, at + 12, iface.face, OUR_IP, 4)
        ):
            bump(stack.stat, N_ICMP_BAD)
            return
        bump(stack.stat, N_ICMP_ERROR)
        i = seg[ICMP_AT]
        if b[i] == _UNREACHABLE and b[i + 1] == TOO_BIG:
            # What TCP makes of it is in tcp/icmp.py. All else may be fragmented from now on if it
            # is as long as this; for good: nothing is made shorter, so that there is nothing to
            # raise again (RFC 1191 6.3), and a path that takes more takes it whole. No router
            # passes less than 68 octets (3).
            stack.out[OUT_WHOLE] = min(stack.out[OUT_WHOLE], max(u16(b, i + 6), 68) - 20)
        # About an echo of ours only host/ping.py wants to hear.
        layer = stack.handlers.get(b[at + 9])
        if layer:
            layer.unreach(iface, at + ((b[at] & 15) << 2), n)

    # Errors that we send

    def refuse(self, iface, code):
        """Destination unreachable for the datagram in the buffer: its length, or 0 when none may
        be sent.

        RFC 1122 3.2.2: no error about a broadcast or a multicast, on either layer. ICMP errors,
        fragments and sources that are nobody's do not come as far as this.
        """
        stack = self.stack
        if stack.seg[CAST]:
            return 0
        if not self._token():
            bump(stack.stat, N_ICMP_MUTED)
            return 0
        b = stack.buf
        at = iface.tx
        h = stack.seg[IP_AT]
        # the datagram's header and 8 octets (RFC 1122 3.2.2), or as many as there are: 96 at most
        n = min(u16(b, h + 2), ((b[h] & 15) << 2) + 8)
        copy(b, at + _QUOTE, b, h, n)
        n += _QUOTE
        zero(b, at, _QUOTE)
        b[at] = _UNREACHABLE
        b[at + 1] = code
        put16(b, at + 2, 0xFFFF ^ csum(b, at, n, 0))
        stack.out[OUT_PROTO] = ICMP
        if n > stack.out[OUT_WHOLE]:
            divisible(stack.key, stack.out)
        bump(stack.stat, N_ICMP_OUT)
        return n

    def _token(self):
        # A bucket of ten that fills in a second. An error takes one token, or by chance two:
        # nobody can tell from what is left how many errors others were sent (CVE-2020-25705). A
        # difference below zero: not used for days.
        now = self.stack.env[NOW]
        d = tdiff(now, self.at)
        if d < 0 or d >= _BURST * _TOKEN_MS:
            self.tokens = _BURST
            self.at = now
            d = 0
        while d >= _TOKEN_MS:
            if self.tokens < _BURST:
                self.tokens += 1
            d -= _TOKEN_MS
            self.at = tadd(self.at, _TOKEN_MS)
        if self.tokens > 0:
            self.tokens -= 1 + (self.stack.random8() & 1)
            return True
        return False
