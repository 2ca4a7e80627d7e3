"""What a DHCP client says, when, and what it hears: its port, the answers that it waits for, its
timer and counters.

An answer is looked at where it lies, and its facts are copied. What follows from it happens later,
in `output` (dhcp.py).
"""

from array import array

from micropython import const

from ..errors import Error
from ..kern import bump, copy, same, tadd, tdiff, zero
from ..net.acd import Acd
from .dhcp_lease import Lease
from .dhcp_message import (
    ACK,
    ADDRESS,
    DECLINE,
    FOREVER,
    FOUND_SIZE,
    MAC,
    ME_SIZE,
    NAK,
    OFFER,
    RELEASE,
    ROUTER,
    ROUTES,
    SIZE,
    fill_in,
    ours,
    read,
    server_of,
    write,
)

STATES = (
    "INIT",
    "SELECTING",
    "REQUESTING",
    "PROBING",
    "BOUND",
    "RENEWING",
    "REBINDING",
    "INIT-REBOOT",
    "REBOOTING",
    "RELEASED",
)
INIT = const(0)
SELECTING = const(1)
REQUESTING = const(2)
PROBING = const(3)
BOUND = const(4)
RENEWING = const(5)
REBINDING = const(6)
INIT_REBOOT = const(7)
REBOOTING = const(8)
RELEASED = const(9)

N_SENT = const(0)
N_BAD = const(1)
N_IGNORED = const(2)
N_NAK = const(3)
N_BOUND = const(4)
N_RENEWED = const(5)
N_EXPIRED = const(6)
N_DECLINED = const(7)

_SERVER_PORT = const(67)
_CLIENT_PORT = const(68)
_MTU_MIN = const(576)  # RFC 2131 2: what a client must be able to receive
_YIADDR = const(16)
EVERYONE = b"\xff\xff\xff\xff"


class Mail:
    """The client's side of the port, its lease and its next step; `phase` is one of STATES, and
    Dhcp's to set."""

    NAMES = (  # of the counters in `stat`
        "dhcp_sent",
        "dhcp_bad",
        "dhcp_ignored",
        "dhcp_nak",
        "dhcp_bound",
        "dhcp_renewed",
        "dhcp_expired",
        "dhcp_declined",
    )
    HELP = (  # and a sentence about each
        "DHCP messages sent.",
        "Answers that were malformed, or offered what nobody can use.",
        "Answers that nobody had asked for.",
        "Addresses that a DHCP server refused.",
        "Leases whose address was taken into use.",
        "Leases that were renewed.",
        "Leases that ran out.",
        "Addresses declined because another station used them.",
    )

    def __init__(self, stack, iface, name, lease, keep, say):
        self.stack = stack
        self.acd = Acd(stack, iface, self, say)
        self.lease = Lease(stack, lease)
        self.iface = stack.ifaces[iface]
        if self.iface.mtu < _MTU_MIN:
            raise Error("DHCP needs an mtu of %d octets" % _MTU_MIN)
        self.port = stack.bind(_CLIENT_PORT, self)
        self.name = label(name)
        self.keep = keep
        self.routes = None  # a Routes, once it was needed
        self.phase = INIT
        self.me = bytearray(ME_SIZE)
        copy(self.me, MAC, self.iface.dev.mac, 0, 6)
        self.found = array("H", bytearray(2 * FOUND_SIZE))
        self.new = bytearray(SIZE)  # what the last answer says
        self.want = bytearray(4)  # the address that was asked for,
        self.giver = bytearray(4)  # and of whom
        self.stat = array("i", bytearray(4 * len(self.NAMES)))
        self.kind = 0  # of the message being sent
        self.heard = 0  # type of the answer in `new`; set by received, cleared by output
        self.tries = 0  # of the message that waits for an answer
        self.begun = 0  # the lease's age at the first message of this exchange,
        self.asked = 0  # and at the last
        self.secs = 0  # between the two
        self.timed = True  # the next step is at `at`; False: when the lease's age is `due`
        self.at = 0
        self.due = FOREVER

    def call(self, name):
        """The server is told another name, with the next message."""
        self.name = label(name)

    def counters(self):
        """Yields (name, value) for each counter; a value wraps at 2**30."""
        for i in range(len(self.NAMES)):
            yield self.NAMES[i], self.stat[i]

    # What arrives

    def received(self, port, buf, start, n):
        """A message from a server, or from whoever poses as one."""
        found = self.found
        n = read(buf, start, n, self.me, found)
        if n == 0:
            return
        if n < 0 or port.sport != _SERVER_PORT or not ours(buf, found, self.me):
            bump(self.stat, N_BAD)
        elif not self._awaited(n, buf, start):
            bump(self.stat, N_IGNORED)
        elif n != NAK and not fill_in(self.new, buf, start, found):
            bump(self.stat, N_BAD)
        else:
            self.heard = n
            self.stack.wake_up()

    def error(self, port, reason):
        """A renewal did not arrive: it is repeated in its time."""

    def _awaited(self, kind, buf, start):
        # Is it an answer to what was asked last, and the first?
        phase = self.phase
        at = server_of(buf, self.found)
        if not at or self.heard:
            return False
        if kind == OFFER:
            return phase == SELECTING
        if phase == REQUESTING or (phase == RENEWING and kind == NAK):
            if not same(buf, at, self.giver, 0, 4):  # RFC 2131 4.3.1: whoever was chosen answers
                return False
        elif phase != REBOOTING and phase != RENEWING and phase != REBINDING:
            return False
        if kind == NAK:
            return True
        return kind == ACK and same(buf, start + _YIADDR, self.want, 0, 4)

    # What is sent, and when

    def wait(self, ms):
        """The next step is to be taken in ms."""
        self.timed = True
        self.at = tadd(self.stack.now, ms)
        self.stack.arm(self.at)

    def wait_for(self, s):
        """It is to be taken when the lease is so many seconds old."""
        self.timed = False
        self.due = s

    def waits(self, now):
        """True until the next step is to be taken."""
        if self.timed:
            return tdiff(now, self.at) < 0
        return self.lease.age < self.due

    def deadline(self, now):
        """ms until `output` has something to do."""
        if self.timed:
            return max(tdiff(self.at, now), 0)
        return self.lease.ms_until(self.due, now)

    def backoff(self, n):
        """ms before the n-th repetition: 4 to 64 s, a second more or less (RFC 2131 4.1)."""
        return (4000 << min(n, 4)) + self.acd.some(2000) - 1000

    def exchange(self, phase):
        """The first message of this phase gets a transaction number that nobody foresees."""
        self.phase = phase
        self.tries = 0
        self.begun = self.lease.age
        for k in range(4):
            self.me[k] = self.stack.random8()

    def ask(self, kind):
        """Sends everyone a message; it is repeated."""
        self.wait(self.backoff(self.tries))
        self.tries = min(self.tries + 1, 8)
        return self.send(kind, EVERYONE)

    def send(self, kind, to):
        """Sends a message to the address `to`; the length of its frame, 0 when it leaves later."""
        self.asked = self.lease.age
        if self.phase != REQUESTING:  # RFC 2131 3.1 (3): there as in the DISCOVER
            self.secs = self.asked - self.begun
        self.kind = kind
        port = self.port
        port.done()  # what waited for its neighbour is out of date
        port.send(to, _SERVER_PORT, self, self.iface.idx)
        if to is not EVERYONE:
            return 0  # UDP sends it when the server's MAC is known
        if self.phase == REBINDING:
            return self.stack.udp.leave(port, self.iface)
        # RFC 2131 4.1: from 0.0.0.0, although there may be a link-local address.
        ip = self.iface.ip
        was = bytes(ip)
        zero(ip, 0, 4)
        try:
            return self.stack.udp.leave(port, self.iface)
        finally:
            copy(ip, 0, was, 0, 4)

    def fill(self, rel, buf, pos, n):
        """As a source: the message; its octets."""
        kind = self.kind
        renews = self.phase == RENEWING or self.phase == REBINDING or kind == RELEASE
        chosen = self.phase == REQUESTING or kind == DECLINE or kind == RELEASE
        return write(
            kind,
            buf,
            pos,
            self.me,
            self.secs,
            self.want if renews else None,
            None if renews or not any(self.want) else self.want,
            self.giver if chosen else None,
            self.name,
            self.iface.mtu,
        )

    def acked(self, n):
        """As a source: it has left."""
        bump(self.stat, N_SENT)

    def gateway(self, row):
        """The address of the gateway that a lease names; of more than one (RFC 3442) that of the
        default route."""
        if row[ROUTES] and not self.routes:
            from .routes import Routes

            self.routes = Routes(self.iface, row, ROUTES, ADDRESS, ROUTER)
        at = ROUTER if row[ROUTER] or not row[ROUTES] else ROUTES + 6
        return row[at : at + 4]

    def kept(self, row):
        """Whoever keeps the lease hears of it."""
        if self.keep:
            try:
                self.keep(row)
            except Exception as exc:
                self.stack.failed(exc)


def label(text):
    """'My board' -> b'My-board': a name as RFC 1123 2.1 has it, 63 octets at the most."""
    out = bytearray()
    for c in text.encode():
        if 48 <= c <= 57 or 65 <= c <= 90 or 97 <= c <= 122:
            out.append(c)
        elif out and out[-1] != 45:
            out.append(45)
    return bytes(out[:63]).rstrip(b"-")
