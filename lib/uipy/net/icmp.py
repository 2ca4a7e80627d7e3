"""ICMP (RFC 792; RFC 1122 3.2.2): echo, the errors that we send, and the errors that we receive.

    0 type   1 code   2 checksum   4 identifier   6 sequence number; the MTU of type 3 code 4
    (RFC 1191)   8 data, or the datagram that is quoted

Received redirects and source quenches (RFC 6633) are ignored: there is one gateway, and TCP looks
after its own congestion.
"""

from micropython import const

from ..kern import bump, copy, csum, put16, same, tadd, tdiff, u16, zero

_ECHO_REPLY = const(0)
_UNREACHABLE = const(3)
_ECHO = const(8)

_QUOTE = const(8)  # where the quoted datagram begins
_PROTO = const(1)

_BURST = const(10)
_TOKEN_MS = const(100)

_N_ICMP_IN = const(13)
_N_ICMP_OUT = const(14)
_N_ICMP_BAD = const(15)
_N_ICMP_ERROR = const(16)
_N_ICMP_MUTED = const(53)


class Icmp:
    """Protocol 1. At most ten errors at once and ten a second leave us (RFC 1812 4.3.2.8)."""

    def __init__(self, stack):
        self.stack = stack
        self.ip = stack.ip
        self.buf = stack.buf
        self.stat = stack.stat
        self.tokens = _BURST
        self.at = stack.now

    def input(self, iface, at, n, psum):
        """A message of n octets at `at`; returns the length of the reply, or 0."""
        b = self.buf
        bump(self.stat, _N_ICMP_IN)
        if n < 8 or csum(b, at, n, 0) != 0xFFFF:
            bump(self.stat, _N_ICMP_BAD)
        elif self.stack.cast:
            pass  # RFC 1122 3.2.2.6: an echo to everyone need not be answered; an error is for one
        elif b[at] == _ECHO:
            return self._echo(iface, at, n)
        # unreachable, time exceeded, parameter problem; source quench is none of them: MUST-55
        elif b[at] in (3, 11, 12):
            self._error(iface, at, n)
        return 0

    def _echo(self, iface, at, n):
        """The same octets back (RFC 1122 3.2.2.6). Type 8 becomes 0, so the checksum grows by
        0x0800 (RFC 1624)."""
        self.buf[at] = _ECHO_REPLY
        k = csum(self.buf, at + 2, 2, 0x0800)
        put16(self.buf, at + 2, k)
        if at != iface.tx:  # behind IP options, which do not go back
            copy(self.buf, iface.tx, self.buf, at, n)
        self.ip.tos = self.buf[iface.ip_at + 1] & 0xFC  # RFC 1349 5.1
        bump(self.stat, _N_ICMP_OUT)
        return n

    # Errors that we receive

    def _error(self, iface, at, n):
        """Hands an error to the protocol whose segment it quotes, if the quotation is of a
        datagram that we can have sent."""
        self.stack.icmp_at = at
        at += _QUOTE
        self.stack.src_at = at + 12
        self.stack.dst_at = at + 16
        n = self._quoted(iface, at, n - _QUOTE)
        if n:
            bump(self.stat, _N_ICMP_ERROR)
            at += (self.buf[at] & 15) << 2
            self._tell(iface, at, n)
        else:
            bump(self.stat, _N_ICMP_BAD)

    def _quoted(self, iface, q, n):
        """How many of the n octets at q are of the quoted segment: at least 8 (RFC 1122 3.2.2), or
        0 if it is not ours."""
        n -= (self.buf[q] & 15) << 2
        if n < 8 or self.buf[q] >> 4 != 4 or self.buf[q] & 15 < 5:
            return 0
        if u16(self.buf, q + 6) & 0x3FFF:  # we never sent a fragment
            return 0
        return n if same(self.buf, q + 12, iface.ip, 0, 4) else 0

    def _tell(self, iface, at, n):
        # Type, code and protocol are read where they lie: a VM frame has 11 words.
        if self._octet(_QUOTE + 9) in self.ip.handlers:
            self.ip.handlers[self._octet(_QUOTE + 9)].unreach(
                iface, self._octet(0), self._octet(1), at, n
            )

    def _octet(self, i):
        return self.buf[self.stack.icmp_at + i]

    def unreach(self, iface, kind, code, at, n):
        """An error about a message of ours: we sent no question, so there is nobody to tell."""

    # Errors that we send

    def refuse(self, iface, code):
        """Destination unreachable for the datagram in the buffer: its length, or 0 when none may
        be sent."""
        if not self._may():
            return 0
        n = self._quote(iface.ip_at, iface.tx + _QUOTE) + _QUOTE
        zero(self.buf, iface.tx, _QUOTE)
        self.buf[iface.tx] = _UNREACHABLE
        self.buf[iface.tx + 1] = code
        code = csum(self.buf, iface.tx, n, 0)
        put16(self.buf, iface.tx + 2, 0xFFFF ^ code)
        self.ip.proto = _PROTO
        bump(self.stat, _N_ICMP_OUT)
        return n

    def _quote(self, h, at):
        """Moves the datagram's header and 8 octets (RFC 1122 3.2.2), or as many as there are, from
        h to `at`; how many."""
        n = min(u16(self.buf, h + 2), ((self.buf[h] & 15) << 2) + 8)
        copy(self.buf, at, self.buf, h, n)
        return n

    def _may(self):
        """RFC 1122 3.2.2: no error about a broadcast or a multicast, on either layer. ICMP errors,
        fragments and sources that are nobody's do not come as far as this."""
        if self.stack.cast:
            return False
        if self._token():
            return True
        bump(self.stat, _N_ICMP_MUTED)
        return False

    def _token(self):
        # A bucket of ten that fills in a second. A difference below zero: not used for days.
        d = tdiff(self.stack.now, self.at)
        if d < 0 or d >= _BURST * _TOKEN_MS:
            self.tokens = _BURST
            self.at = self.stack.now
        while d >= _TOKEN_MS and self.tokens < _BURST:
            self.tokens += 1
            d -= _TOKEN_MS
            self.at = tadd(self.at, _TOKEN_MS)
        if self.tokens:
            self.tokens -= 1
            return True
        return False
