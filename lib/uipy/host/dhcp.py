"""A DHCP client (RFC 2131, 2132, 3442, 6842): the interface gets its address by itself, and keeps
it.

    dhcp = Dhcp(stack, name="kitchen", say=print)      of a Stack(dev, ip=None)

    INIT         waits for up to a second, longer after a refusal, then asks everyone: DISCOVER
    SELECTING    takes the first OFFER that can be used
    REQUESTING   has asked for it: REQUEST
    PROBING      the server has agreed; is the address in use all the same? (RFC 5227)
    BOUND        until T1
    RENEWING     asks the server that lent it, until T2
    REBINDING    asks everyone, until the lease is over
    INIT-REBOOT  knows an address from before, or the cable is out
    REBOOTING    asks whether that address is still right
    RELEASED     `release` was called

Requests are repeated after 4, 8, 16, 32 and 64 s, each a second more or less (RFC 2131 4.1); those
of a renewal after half of what is left, a minute at least. A server that has refused is asked the
later the more often it does so.

While the cable is out the interface has no address, and connections wait: they go on when the same
address is found right again, and end when it is not. They end with a RST from the old address when
it is given up in order (`release`, another station's claim, a link-local one for a lease), in
silence when it must not be used any more (a NAK, the end of the lease).

When nobody has answered for 12 s the interface has a link-local address meanwhile (linklocal.py).
"""

from micropython import const

from ..kern import bump, copy, tdiff, zero
from .dhcp_mail import (
    BOUND,
    EVERYONE,
    INIT,
    INIT_REBOOT,
    N_BOUND,
    N_DECLINED,
    N_EXPIRED,
    N_NAK,
    N_RENEWED,
    PROBING,
    REBINDING,
    REBOOTING,
    RELEASED,
    RENEWING,
    REQUESTING,
    SELECTING,
    STATES,
    Mail,
)
from .dhcp_message import (
    ADDRESS,
    DECLINE,
    DISCOVER,
    FOREVER,
    NAK,
    OFFER,
    RELEASE,
    REQUEST,
    SERVER,
    SIZE,
    prefix,
)

_TRIES = const(4)  # REQUESTs, a minute in all (RFC 2131 3.1.5)
_REBOOT_TRIES = const(2)
_SILENCE = const(2)  # DISCOVERs without an answer: link-local
_MINUTE = const(60)
_DECLINE_MS = const(10_000)  # RFC 2131 3.1.5
_RELEASE_MS = const(2000)  # for the server's MAC to be found

# What follows when connections have been reset
_TO_BIND = const(1)
_TO_DECLINE = const(2)
_TO_RELEASE = const(3)
_TO_LEAVE = const(4)  # the RELEASE is on its way


class Dhcp(Mail):
    """Keeps interface number `iface` configured, one of a stack (UDP port 68); needs an Ethernet
    and an mtu of 576 octets, `Error` otherwise.

    name      what the server may call us (option 12); what is no letter or digit becomes '-'
    lease     what `keep` was given last, before the board was reset
    keep      called with the lease, bytes, when it says something new; b'' when there is none
    say       called with a line when something has changed
    fallback  False: no link-local address while nobody answers

    `address`, `server`, `router` (4 octets), `dns`, `ntp` (12: three addresses), all of them
    0.0.0.0 without a lease, and `domain` (its length, then the text) may be held, and read at any
    time. Takes 2.7 kB, Acd among it.
    """

    def __init__(self, stack, iface=0, name="", lease=None, keep=None, say=None, fallback=True):
        Mail.__init__(self, stack, iface, name, lease, keep, say)
        lease = self.lease
        self.address = lease.address
        self.server = lease.server
        self.router = lease.router
        self.dns = lease.dns
        self.ntp = lease.ntp
        self.domain = lease.domain
        self.fallback = fallback
        self.local = None  # a LinkLocal, once it was needed
        self.after = 0  # _TO_*
        self.vain = 0  # refusals in a row
        self.silent = False  # that nobody answers has been said
        self.iface.configure()
        self._restart()
        stack.layers.append(self)

    # What people ask

    @property
    def state(self):
        """The state's name, as in RFC 2131; and PROBING, RELEASED."""
        return STATES[self.phase]

    @property
    def bound(self):
        """True while a leased address is in use."""
        return BOUND <= self.phase <= REBINDING

    @property
    def left(self):
        """Seconds left of the lease; 2**30 - 1: for ever; 0: there is none."""
        return self.lease.left if self.bound else 0

    def renew(self):
        """The lease is renewed now, not in its time; after `release`, a new one is asked for."""
        if self.phase == BOUND:
            self.wait_for(0)
        elif self.phase == RELEASED and not self.after:
            self._restart()
        self.stack.wake_up()

    def release(self):
        """The address is given back: connections are reset, the server is told (RFC 2131 4.4.6),
        and nothing is asked for until `renew`."""
        self.after = _TO_RELEASE
        self.stack.wake_up()

    # As a layer of the stack

    def output(self, now):
        """Takes the next step; the length of the message that it makes, or 0."""
        self.lease.count(now)
        if self.after:
            return self._part(now)
        kind = self.heard
        if kind:
            self.heard = 0
            return self._hear(kind)
        return 0 if self.waits(now) else self._step()

    def _step(self):
        # A time is over.
        phase = self.phase
        if phase == INIT:
            copy(self.want, 0, self.lease.row, ADDRESS, 4)  # RFC 2131 3.5: it would be welcome
            self.exchange(SELECTING)
            return self.ask(DISCOVER)
        if phase == SELECTING:
            if self.tries >= _SILENCE:
                self._alone()
            return self.ask(DISCOVER)
        if phase == REQUESTING:
            if self.tries < _TRIES:
                return self.ask(REQUEST)
            self.acd.tell("the DHCP server %d.%d.%d.%d has gone silent" % tuple(self.giver))
            return self._again()
        if phase == INIT_REBOOT:
            if not self.timed:  # the cable is out
                return self._expired()
            copy(self.want, 0, self.lease.row, ADDRESS, 4)
            self.exchange(REBOOTING)
            return self.ask(REQUEST)
        if phase == REBOOTING:
            return self.ask(REQUEST) if self.tries < _REBOOT_TRIES else self._unanswered()
        return self._renew() if self.bound else 0

    def _renew(self):
        # BOUND, RENEWING, REBINDING: the next request, to whom it is due.
        lease = self.lease
        age = lease.age
        if lease.over:
            return self._expired()
        phase = RENEWING if age < lease.t2 else REBINDING
        if phase != self.phase:
            copy(self.want, 0, self.address, 0, 4)
            copy(self.giver, 0, self.server, 0, 4)
            self.exchange(phase)
        # RFC 2131 4.4.5: again after half of what is left, a minute at least
        end = lease.t2 if phase == RENEWING else lease.seconds
        self.wait_for(min(age + max((end - age) >> 1, _MINUTE), end))
        return self.send(REQUEST, self.giver if phase == RENEWING else EVERYONE)

    def _hear(self, kind):
        # An answer that was awaited
        if kind == OFFER:
            copy(self.want, 0, self.new, ADDRESS, 4)
            copy(self.giver, 0, self.new, SERVER, 4)
            self.phase = REQUESTING
            self.tries = 0
            return self.ask(REQUEST)
        if kind == DECLINE:
            return self._decline(self.new)
        if kind == NAK:
            bump(self.stat, N_NAK)
            self.acd.tell(
                "the DHCP server refuses us %d.%d.%d.%d: asking for another" % tuple(self.want)
            )
            self._forget()
            return self._again()
        if self.bound:
            bump(self.stat, N_RENEWED)
            self._bind()
        else:
            self._probe()
        return 0

    # Steps

    def _restart(self):
        # From the beginning, or from the address known; a little later than others who have just
        # got their power back as well (RFC 2131 4.4.1 asks for one to ten seconds)
        self.phase = INIT_REBOOT if self.lease.row[0] else INIT
        if not self.lease.sure:
            self.lease.age = 0
        self.wait(self.acd.some(1000))

    def _again(self):
        # INIT, the later the more often it has led to nothing
        self.phase = INIT
        self.lease.sure = False
        self.lease.age = 0
        ms = self.acd.some(1000)
        if self.vain:
            ms += self.backoff(self.vain - 1)
        self.vain = min(self.vain + 1, 10)
        self.wait(ms)
        return 0

    def _probe(self):
        # RFC 5227: nobody else has what `new` says?
        self.phase = PROBING
        self.wait_for(FOREVER)
        if self.local:
            self.local.cancel()
        self.acd.probe(self.new[ADDRESS:SERVER], self)

    def _unanswered(self):
        # RFC 2131 3.2: an address whose lease is known to last may be used on.
        if not self.lease.sure or self.lease.over:
            return self._again()
        copy(self.new, 0, self.lease.row, 0, SIZE)
        self.asked = 0  # the lease goes on
        self._probe()
        return 0

    def _alone(self):
        # Nobody answers.
        if not self.silent:
            self.silent = True
            self.acd.tell("no DHCP server answers: is there one in this network? Asking on")
        if self.fallback and not self.local:
            try:
                from .linklocal import LinkLocal
            except ImportError:  # this board leaves it out
                self.fallback = False
                return
            self.local = LinkLocal(self.stack, self.iface.idx, self.acd)
        if self.fallback:
            self.local.start()

    def _bind(self):
        # The address is ours, as `new` says.
        lease = self.lease
        fresh = self.phase == PROBING
        if fresh and self.local:
            self.local.stop()
        moves = lease.moves(self.new)
        news = lease.take(self.new, self.asked)
        self.phase = BOUND
        self.silent = False
        self.vain = 0
        self.wait_for(lease.t1)
        if fresh or moves:
            row = lease.row
            ip = "%d.%d.%d.%d/" % tuple(row[ADDRESS:SERVER]) + str(prefix(row))
            self.acd.take(ip, "%d.%d.%d.%d" % tuple(self.gateway(row)))
            if fresh:
                bump(self.stat, N_BOUND)
            s = "ever" if lease.seconds == FOREVER else "%d s" % lease.seconds
            giver = "%d.%d.%d.%d" % tuple(self.server)
            self.acd.tell(ip + " is our address: the DHCP server " + giver + " lends it for " + s)
        if news:
            self.kept(bytes(lease.row))

    def _expired(self):
        bump(self.stat, N_EXPIRED)
        out = self.phase == INIT_REBOOT
        self.acd.tell(
            "the lease of %d.%d.%d.%d has run out and nobody renews it: asking for another"
            % tuple(self.lease.row[ADDRESS:SERVER])
        )
        self._quit()
        if not out:
            return self._again()
        self.wait_for(FOREVER)  # the cable is out
        return 0

    def _quit(self):
        # The leased address is used no longer, from now on; it is remembered.
        self.heard = 0
        self.lease.publish(False)
        self.lease.sure = False
        if not self.local or not self.local.active:
            self.acd.drop()

    def _forget(self):
        self._quit()
        if self.lease.row[0]:
            self.lease.forget()
            self.kept(b"")

    def _decline(self, row):
        # RFC 2131 3.1.5, 4.4.1: another station has the address.
        bump(self.stat, N_DECLINED)
        copy(self.want, 0, row, ADDRESS, 4)
        copy(self.giver, 0, row, SERVER, 4)
        self.acd.tell(
            "%d.%d.%d.%d is used by " % tuple(self.want)
            + self.acd.whose()
            + ": asking the DHCP server for another"
        )
        self._forget()
        self._again()
        self.exchange(INIT)
        self.wait(_MINUTE * 1000 if self.vain >= 10 else _DECLINE_MS)
        return self.send(DECLINE, EVERYONE)

    def _part(self, now):
        # Connections are being reset, or have been.
        after = self.after
        if after == _TO_LEAVE:
            if self.port.src is None or tdiff(now, self.at) >= 0:
                self._left()
            return 0
        if self.acd.part(now):
            return 0
        self.after = 0
        if after == _TO_BIND:
            self._bind()
        elif after == _TO_DECLINE:
            return self._decline(self.lease.row)
        elif not self.bound:
            self._left()
        else:
            copy(self.want, 0, self.address, 0, 4)
            copy(self.giver, 0, self.server, 0, 4)
            self.exchange(self.phase)
            self.after = _TO_LEAVE
            self.wait(_RELEASE_MS)
            return self.send(RELEASE, self.giver)
        return 0

    def _left(self):
        self.after = self.heard = 0
        self.port.done()
        self.acd.cancel()
        if self.local:
            self.local.stop()
        self._forget()
        self.phase = RELEASED
        self.wait_for(FOREVER)

    # What Acd tells, from its output

    def free(self):
        """Nobody else has the address that is offered."""
        if any(self.iface.ip):  # a link-local one is given up for it
            self.after = _TO_BIND
            self.stack.wake_up()
        else:
            self._bind()

    def taken(self):
        """Somebody has it."""
        self.heard = DECLINE
        self.stack.wake_up()

    def lost(self):
        """Another station insists on the address in use."""
        if self.bound:
            self.after = _TO_DECLINE
            self.stack.wake_up()
        elif self.local:
            self.local.lost()

    def plug(self, up):
        """The cable went in or out: RFC 2131 3.7, the address is verified before it is used on."""
        if self.phase == RELEASED or self.after:
            return
        self.acd.cancel()
        self.port.done()
        self.heard = 0
        if self.local:
            self.local.pause()
        self.acd.hold()
        zero(self.address, 0, 4)
        if up:
            self._restart()
            return
        self.phase = INIT_REBOOT if self.lease.row[0] else INIT
        self.wait_for(self.lease.seconds if self.lease.sure else FOREVER)
