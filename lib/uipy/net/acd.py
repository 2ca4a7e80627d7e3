"""Address conflict detection (RFC 5227): an address is asked for before it is used, announced, and
defended for as long as it is.

    acd = Acd(stack, say=print)
    acd.use("192.168.1.7/24", "192.168.1.1")     instead of Stack(dev, ip=..., gateway=...)

Asked for: three probes, ARP requests from 0.0.0.0, one or two seconds apart; if nobody has
answered, or asked for the same address, two seconds after the last, it is free. Defended: who
speaks from our address is answered with an announcement, at most once in ten seconds. A second
conflict within them ends the use of an address that DHCP or RFC 3927 gave us (host/dhcp.py,
host/linklocal.py: (b) of RFC 5227 2.4); one that a person gave us with `use` is kept ((c)).

Sees each ARP packet by standing in the place of `iface.arp.input`. While the cable is out the
interface has no address; when it is back, the address is asked for anew before it is used again
(RFC 5227 2.1). Connections wait meanwhile: those made from another address end then.

An owner, of the address or of one being probed, is told from `output` only:

    free()      nobody has the address that was probed       taken()   somebody has
    lost()      the address in use is to be given up         plug(up)  the cable went in or out
"""

from micropython import const

from ..errors import BadAddress, Error
from ..kern import copy, same, tadd, tdiff, zero
from ..stat import N_ARP_BAD, N_ARP_CONFLICT
from .arp import ARP_OP, SHA, SPA, TPA
from .datagram import FAR, NOW, OUR_IP

# RFC 5227 1.1, in ms
_PROBE_WAIT = const(1000)  # before the first probe: up to this
_PROBES = const(3)
_PROBE_MIN = const(1000)
_PROBE_SPREAD = const(1000)  # PROBE_MAX less PROBE_MIN
_ANNOUNCE_WAIT = const(2000)
_ANNOUNCE_MS = const(2000)
_DEFEND_MS = const(10_000)
_RATE_LIMIT = const(60_000)
_PART_MS = const(1000)  # for the neighbours of connections to be found

# What is being done about the address asked for
_IDLE = const(0)
_LISTEN = const(1)  # the last probe has gone; from _LISTEN + 1 on one more is to go for each
_REST = const(5)  # another station has it; it is asked for again after a minute

_ALL = b"\xff\xff\xff\xff\xff\xff"
_NOBODY = b"\0\0\0\0"
# What `input` has seen, the gravest last
_NONE = const(0)
_TAKEN = const(1)
_ATTACKED = const(2)
_LOST = const(3)


class Acd:
    """Guards the address of interface number `iface`, an Ethernet; `Error` otherwise.

    `owner` is told what happens to the address; without one `use` sets it. `say(line)` hears of
    conflicts. `conflicts` counts them, `other` is the MAC of the station that we had the last one
    with. Takes about 400 octets.
    """

    def __init__(self, stack, iface=0, owner=None, say=None):
        self.stack = stack
        self.env = stack.env
        self.buf = stack.buf
        self.iface = stack.ifaces[iface]
        self.arp = self.iface.arp
        if self.arp is None:
            raise Error("only an Ethernet has addresses to be defended: leave Acd out")
        self.owner = owner or self
        self.say = say
        self.ip = bytearray(4)  # asked for,
        self.asker = self.owner  # by whom
        self.held = bytearray(4)  # the address that connections were made from
        self.other = bytearray(6)
        self.conflicts = 0
        self.seen = _NONE  # set by input, cleared by output
        self.step = _IDLE
        self.at = 0  # of the next step
        self.telling = 0  # announcements to come
        self.tell_at = 0
        self.warm = False  # there was a conflict within the last ten seconds, at
        self.warm_at = 0
        self.parting = False  # resets are on their way, until
        self.part_at = 0
        self.up = self.iface.up
        self.plan = None  # what `use` was told
        self.told = False  # that another station has it
        self.link_local = False
        self.below = self.arp.input
        self.arp.input = self.input
        self.ask = self.arp.request
        self.arp.request = self.request
        stack.layers.append(self)

    # What an owner calls

    def use(self, ip, gateway=None):
        """Asks for '192.168.1.7/24', and has the interface use it when nobody else does. Raises
        `BadAddress`."""
        if not ip:
            raise BadAddress("an address is wanted, such as '192.168.1.7/24'")
        self.iface.configure(ip, gateway)  # it complains of what cannot be
        wanted = bytes(self.iface.ip)
        self.plan = (ip, gateway)
        self.hold()
        self.probe(wanted, self)

    def probe(self, ip, asker, wait=0):
        """Asks for the 4 octets `ip` in `wait` ms; then `asker` hears of it."""
        copy(self.ip, 0, ip, 0, 4)
        self.asker = asker
        self.step = _LISTEN + _PROBES
        if self.seen == _TAKEN:
            self.seen = _NONE
        self._in(wait + self.some(_PROBE_WAIT))
        self.stack.wake_up()  # who sleeps until a later deadline

    def cancel(self):
        """Nothing is asked for any more."""
        self.step = _IDLE

    def take(self, ip, gateway=None):
        """The interface uses '192.168.1.7/24' from now on: connections made from another address
        end without a word, the neighbours are told twice (RFC 5227 2.3)."""
        iface = self.iface
        iface.configure(ip, gateway)
        if not same(self.held, 0, iface.ip, 0, 4):
            self._forget()
        copy(self.held, 0, iface.ip, 0, 4)
        self.link_local = self.held[0] == 169 and self.held[1] == 254
        self.telling = 1  # besides configure's
        self.tell_at = tadd(self.stack.now, _ANNOUNCE_MS)
        self.warm = False
        self.step = _IDLE
        self.stack.arm(self.tell_at)

    def hold(self):
        """The interface has no address for now; connections wait."""
        self.telling = 0
        self.parting = False
        if self.seen > _TAKEN:
            self.seen = _NONE
        self.iface.configure()

    def drop(self):
        """The interface gives its address up at once, and connections end without a word."""
        self.hold()
        self._forget()
        zero(self.held, 0, 4)

    def part(self, now):
        """Before an address is given up in order, called from `output` while it is true:
        connections are reset with the address that their peers know (RFC 5227 2.4)."""
        tcp = self.stack.tcp
        if tcp is None or not any(self.iface.ip):
            return False
        from ..tcp.extra.renumber import leaving, reset

        if not self.parting:
            self.part_at = tadd(now, _PART_MS)
            reset(tcp, self.iface.idx)
        self.parting = leaving(tcp, self.iface.idx) and tdiff(now, self.part_at) < 0
        return self.parting

    def close(self):
        """Nobody guards the address any more; the interface keeps it. Another `Acd` that was made
        later is closed before. Not in a callback."""
        self.cancel()
        self.arp.input = self.below
        self.arp.request = self.ask
        self.stack.layers.remove(self)

    def whose(self):
        """The MAC of the other station as text."""
        return ":".join(["%02x" % x for x in self.other])

    # In the place of iface.arp

    def input(self, n):
        """An ARP packet; returns the length of the reply, or 0."""
        stat = self.stack.stat
        bad = stat[N_ARP_BAD]
        hit = stat[N_ARP_CONFLICT]
        n = self.below(n)
        if n:
            if self.link_local:
                copy(self.buf, 2, _ALL, 0, 6)  # RFC 3927 2.5: replies as well
        elif stat[N_ARP_CONFLICT] != hit:
            self._attacked()
        elif self.step and self.step != _REST and stat[N_ARP_BAD] == bad:
            self._look()
        return n

    def _look(self):
        # RFC 5227 2.1.1: somebody speaks from the address, or asks for it as we do.
        b = self.buf
        if not same(b, SPA, self.ip, 0, 4):
            if not same(b, SPA, _NOBODY, 0, 4) or not same(b, TPA, self.ip, 0, 4):
                return
            if b[ARP_OP + 1] != 1:
                return
        self._note(_TAKEN)

    def _attacked(self):
        # RFC 5227 2.4: once in ten seconds it is defended.
        now = self.env[NOW]
        if not self.warm or tdiff(now, self.warm_at) >= _DEFEND_MS:
            self.warm = True
            self.warm_at = now
            self.arp.announce()
            self._note(_ATTACKED)
        elif self.owner is not self:
            self._note(_LOST)

    def _note(self, what):
        copy(self.other, 0, self.buf, SHA, 6)
        if what > self.seen:
            self.seen = what
        self.stack.wake_up()

    def request(self, row, off, mac, at):
        """An ARP request of ours; its frame's length."""
        if self.link_local:  # RFC 3927 2.5: all that comes from such an address is for everyone
            mac = _ALL
            at = 0
        return self.ask(row, off, mac, at)

    # As a layer of the stack

    def output(self, now):
        """The next probe or announcement; its frame's length, or 0."""
        if self.seen:
            self._told()
        if self.iface.up != self.up:
            self.up = self.iface.up
            self.owner.plug(self.up)
        if self.warm and tdiff(now, self.warm_at) >= _DEFEND_MS:
            self.warm = False
        if self.step and tdiff(now, self.at) >= 0:
            return self._step()
        if self.telling and tdiff(now, self.tell_at) >= 0:
            self.telling -= 1
            return self.request(self.iface.face, OUR_IP, _ALL, 0)
        return 0

    def deadline(self, now):
        """ms until `output` has something to do."""
        best = FAR
        if self.step:
            best = tdiff(self.at, now)
        if self.telling:
            best = min(best, tdiff(self.tell_at, now))
        if self.parting:
            best = min(best, tdiff(self.part_at, now))
        return max(best, 0)

    def _told(self):
        seen = self.seen
        self.seen = _NONE
        self.conflicts += 1
        if seen == _TAKEN:
            if self.step and self.step != _REST:
                self.step = _IDLE
                self.asker.taken()
        elif seen == _LOST:
            self.owner.lost()
        else:
            self.tell(
                "%d.%d.%d.%d is ours, and " % tuple(self.iface.ip)
                + self.whose()
                + " uses it too: give that station another address"
            )

    def _step(self):
        # The next probe; or nobody has objected.
        self.step -= 1
        if self.step == _IDLE:
            self.asker.free()
            return 0
        if self.step == _REST - 1:
            self.probe(bytes(self.ip), self.asker)
            return 0
        if self.step == _LISTEN:
            self._in(_ANNOUNCE_WAIT)
        else:
            self._in(_PROBE_MIN + self.some(_PROBE_SPREAD))
        n = self.ask(self.ip, 0, _ALL, 0)
        zero(self.buf, SPA, 4)  # a probe has no sender (RFC 5227 2.1.1)
        return n

    def _in(self, ms):
        self.at = tadd(self.stack.now, ms)
        self.stack.arm(self.at)

    def some(self, ms):
        """A random part of ms."""
        return (ms * (self.stack.random8() << 8 | self.stack.random8())) >> 16

    def _forget(self):
        if self.stack.tcp and any(self.held):
            from ..tcp.extra.renumber import forget

            forget(self.stack.tcp, self.iface.idx)

    def tell(self, line):
        """Somebody wants to know."""
        if self.say:
            try:
                self.say(line)
            except Exception as exc:
                self.stack.failed(exc)

    # As its own owner, of an address that a person has given us

    def free(self):
        """Nobody has it."""
        self.told = False
        self.take(*self.plan)

    def taken(self):
        """Somebody has it: it is asked for again, until it is given back."""
        if not self.told:
            self.told = True
            self.tell(
                "%d.%d.%d.%d is not ours: " % tuple(self.ip)
                + self.whose()
                + " has it; give this board or that station another address"
            )
        self.step = _REST
        self._in(_RATE_LIMIT)

    def lost(self):
        """Never heard: it is kept (RFC 5227 2.4 (c))."""

    def plug(self, up):
        """The cable went in or out."""
        if self.plan:
            if up:
                self.probe(self.held if any(self.held) else bytes(self.ip), self)
            else:
                self.cancel()
                self.hold()
