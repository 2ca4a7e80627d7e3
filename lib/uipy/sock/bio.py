"""What TLS reads from and writes to: a TCP endpoint, without a wait and without a poll.

mbedTLS asks for octets from deep within its C code, where a board with 8 kB of C stack has none
left for a poll. So `Bio` gives what the endpoint has, says None (EAGAIN) when that is nothing, and
the wait is outside (tls.py).

MicroPython's `tls` does not say when a handshake is over, and a call that asks for data would
not come back without some. So `Bio` follows the records of both directions as they pass.
"""

import io

from micropython import const

from .numbers import ENOBUFS, IOCTL_CLOSE

_CHANGE_CIPHER_SPEC = const(20)  # RFC 5246 (6.2.1): the type of a record


class Records:
    """Follows one direction of a handshake. `over`: its last record has passed, which is the one
    behind ChangeCipherSpec (RFC 5246 7.3, figures 1 and 2)."""

    def __init__(self):
        self.over = self.changed = False
        self.head = 0  # how many of the 5 octets of the header have passed
        self.kind = 0
        self.left = 0  # octets of the record that are still to come

    def feed(self, buf, n):
        """n octets at the beginning of buf have passed."""
        at = 0
        while at < n:
            if self.head < 5:
                octet = buf[at]
                if self.head == 0:
                    self.kind = octet
                self.left = (self.left & 255) << 8 | octet  # its length, in the end
                self.head += 1
                at += 1
            else:
                step = min(self.left, n - at)
                self.left -= step
                at += step
            if self.head == 5 and not self.left:
                self.head = 0
                self.over = self.changed
                self.changed = self.changed or self.kind == _CHANGE_CIPHER_SPEC


class Bio(io.IOBase):
    """The stream under TLS.

    `shaking`  until both directions have said their last record; then it gives no more, so that
               the call under way comes back with the handshake and without data
    `starved`  the last that TLS asked for was not there
    `full`     what TLS wrote did not go whole: room is what it waits for
    `mute`     the end, or an error, is kept in `fate` and not told yet: so that what was read
               before it is not lost with the call
    """

    shaking = True
    full = mute = starved = False
    fate = None

    def __init__(self, end):
        self.end = end
        self.inward = Records()
        self.outward = Records()

    def over(self):
        """Both directions have said the last of their handshake."""
        return self.inward.over and self.outward.over and not self.full

    def readinto(self, buf):
        """What there is; 0: the end; None: nothing now; below 0: an error's number."""
        self.starved = True
        if self.shaking and self.over():
            return None
        n = self.fate
        if n is None:
            try:
                n = self.end.recv_into(buf, 0, len(buf), 0)
            except OSError as exc:
                n = -exc.args[0]
            if n is None:
                return None
        if n <= 0:
            self.fate = n
            return None if self.mute else n
        self.starved = False
        if self.shaking:
            self.inward.feed(buf, n)
        return n

    def write(self, buf):
        """How many octets found room; None: none; below 0: an error's number."""
        n = len(buf)
        try:
            k = self.end.send(buf, 0, n)
        except OSError as exc:
            return -exc.args[0]
        if self.shaking:
            self.full = k != n
            self.outward.feed(buf, k or 0)
        elif k != n:
            # `TlsEnd.send` looks for room first. This is an answer of mbedTLS's own to a peer
            # that asks and does not read; a part of a record would be taken for the next one.
            return -ENOBUFS
        return k

    def ioctl(self, request, arg):
        """Closing is all that it is asked for, and the endpoint outlives it."""
        return 0 if request == IOCTL_CLOSE else arg
