"""Multicast DNS (RFC 6762): our name in `.local`, and the services that we have (RFC 6763).

    mdns = Mdns(stack, "uipy", say=print)
    mdns.add("_http._tcp", 80, {"path": "/"})      the page is http://uipy.local

What happens, with the time of the next step in `at`:
    DOWN    no address, or no cable: silent
    PROBE   three times, 250 ms apart, everybody is asked whether the names are theirs (8.1)
              nobody answers                       -> UP
              somebody does                        -> the next name: uipy-2, uipy-3 ...
              somebody probes, with greater data   -> once more from the start, in a second (8.2)
    UP      told twice to everybody, a second apart (8.3); questions are answered
              another address                      -> told again (8.4)
              somebody else says to have a name    -> PROBE (9)
              the cable is pulled, the address gone -> DOWN
    LEAVE   close(): the records are told with TTL 0 (10.1)
    GONE    the port is closed

All services have our name's first label as theirs; so they change it together.
"""

from array import array

from micropython import const

from .. import BadAddress, Busy, Error, Groups, TableFull, UdpApp
from ..kern import bump, same, tadd, tdiff, u16
from .dns_message import (
    AA,
    ADDITIONALS,
    ANSWERS,
    AUTHORITIES,
    FLAGS,
    HEAD,
    M_AT,
    M_END,
    M_START,
    OPCODE,
    QR,
    QUESTIONS,
    RCODE,
    put_head,
    question,
)
from .dns_names import label as text_of
from .mdns_heard import MOST, TIE, query, response, rival
from .mdns_message import FAR, FLAGS_OF, GROUP, PORT, ROW, TYPE, forget, soonest, type_of
from .mdns_records import Records
from .mdns_say import (
    ALL,
    BYE,
    COUNTERS,
    MEANINGS,
    N_BAD,
    N_CLASHES,
    N_FAR,
    N_IN,
    N_OUT,
    SENT,
    WANTED,
    bye,
    compose,
    probe,
    told,
)
from .mdns_text import data_of, label_of

DOWN = const(0)
PROBE = const(1)
UP = const(2)
LEAVE = const(3)
GONE = const(4)

_PROBES = const(3)
_TOLD = const(2)  # times
_PROBE_MS = const(250)
_TELL_MS = const(1000)
_TIE_MS = const(1000)
_SLOW_MS = const(5000)  # between tries, once there were _CLASHES within _WINDOW_MS
_CLASHES = const(15)
_WINDOW_MS = const(10_000)
_SWEEP_MS = const(0x4000000)  # 18 h: what was sent before is long ago
# What the next message is
_ANSWER = const(0)
_PROBING = const(1)
_BYE = const(2)


class Mdns(UdpApp):
    """Answers for `<name>.local` on the interface of that number. `name` is text of 1 to 58
    octets; "uipy-2" and so on follow when another host has it, and `mdns.name` is what it is now.
    `services` is how many `add` has room for; a message of each must fit into a packet. `say` gets
    a line when the name is known, and when it had to change. Takes UDP port 5353; the stack wants
    room for a group, `Stack(groups=2)`. Raises `Error` and what `Stack.bind` and `Groups` raise.
    """

    NAMES = COUNTERS
    HELP = MEANINGS

    def __init__(self, stack, name, iface=0, say=None, services=4):
        label = label_of(name)
        self.stack = stack
        self.iface = stack.ifaces[iface]
        self.say = say
        self.stat = array("i", [0] * len(self.NAMES))
        self.records = rec = Records(stack.buf, services)
        rec.call(label)
        rec.fits(self.iface.mtu - 28)
        self.base = label[0]  # octets of the label without a number
        self.number = 1
        self.later = None  # the label that follows the goodbye, see mdns_rename.py
        self.due = array("i", [0] * rec.rows)
        self.last = array("i", [0] * rec.rows)
        self.asker_ip = bytearray(4)  # who has more known answers to say
        self.state = DOWN
        self.step = 0
        self.trouble = 0  # CLASH or TIE; set when a message is heard, cleared by output
        self.what = _ANSWER  # set before a message is asked for, read by fill
        self.told = False  # others have our services under this name
        self.said = bytearray(6)  # what was said last: our address, our number
        self.clashes = 0
        self.first_at = 0  # of these clashes
        self.at = self.tell_at = stack.now
        self.others = []  # who asks and listens besides: their response(m, count)
        # By IGMP's number: whoever was first has made it, see net/igmp.py
        self.groups = stack.handlers.get(2) or Groups(stack)
        self.groups.join(GROUP, iface)
        try:
            self.port = stack.bind(PORT, self)
        except Error:
            self.groups.leave(GROUP, iface)
            raise
        stack.layers.append(self)
        stack.wake_up()

    @property
    def name(self):
        """Our name without `.local`: the one that we have, or are trying."""
        return text_of(self.records.label, 0)

    @property
    def established(self):
        """True when the name is ours, and questions are answered."""
        return self.state == UP

    def counters(self):
        """Yields (name, value); a value wraps at 2**30."""
        for k in range(len(self.NAMES)):
            yield self.NAMES[k], self.stat[k]

    def add(self, kind, port, text=None):
        """Tells of a service: its type, such as "_http._tcp", its port, and what else is to be
        known of it, a dict. It is found as `<name>._http._tcp.local`.

        Names are probed once more, so add them at the start. Raises `TableFull`, `Busy` for a type
        that is there already, `Error` when all does not fit into one packet.
        """
        rec = self.records
        kind = type_of(kind)
        if not 0 < port < 65536:
            raise BadAddress("a service has a port from 1 to 65535")
        if kind in rec.names:
            raise Busy("there is a service of that type already")
        if None not in rec.names:
            raise TableFull("room for %d services: Mdns(services=...)" % len(rec.ports))
        k = (rec.names.index(None) - 3) >> 1
        rec.service(k, kind, port, data_of(text))
        try:
            rec.fits(self.iface.mtu - 28)
        except Error:
            rec.drop(k)
            raise
        if self.state != DOWN:
            self._begin(self.stack.now)
        self.stack.wake_up()

    def close(self):
        """Says goodbye, and gives the port up with the next poll."""
        if self.state < LEAVE:
            self.state = LEAVE if self.state == UP else GONE
            self.at = self.stack.now
            self.stack.wake_up()

    # What is heard

    def received(self, port, buf, start, n):
        """A message came: what is due goes by `output`, an answer for its sender alone in its
        place."""
        bump(self.stat, N_IN)
        if n < HEAD or self.state >= LEAVE:
            bump(self.stat, N_BAD)
            return None
        flags = u16(buf, start + FLAGS)
        # RFC 6762 11, 6: from this link; and only who shares our port has answers
        if not self._near(buf) or (flags & QR and port.sport != PORT):
            bump(self.stat, N_FAR)
            return None
        if flags & (OPCODE | RCODE):  # RFC 6762 18.3, 18.11
            bump(self.stat, N_BAD)
            return None
        m = self.records.m
        m[M_START] = start
        m[M_END] = start + n
        m[M_AT] = start + HEAD
        if flags & QR:
            self._answers(buf, start)
        elif self.state == UP:
            return query(self, port, start)
        elif self.state == PROBE:
            rival(self, start)
            self._soon()
        return None

    def _near(self, buf):
        # What was sent to the group cannot come from elsewhere, whatever its source says.
        at = self.stack.src_at
        return same(buf, at + 4, GROUP, 0, 4) or self.iface.local(buf, at)

    def _answers(self, buf, start):
        m = self.records.m
        for _ in range(min(u16(buf, start + QUESTIONS), MOST)):  # RFC 6762 6: ignored
            if not question(buf, m):
                bump(self.stat, N_BAD)
                return
        count = u16(buf, start + ANSWERS) + u16(buf, start + AUTHORITIES)
        count = min(count + u16(buf, start + ADDITIONALS), MOST)
        at = m[M_AT]
        if self.state != DOWN:
            response(self, count)
            self._soon()
        for other in self.others:
            m[M_AT] = at
            other.response(m, count)

    def _soon(self):
        if self.trouble:
            self.until(self.stack.now)

    def free(self):
        """True when somebody else can send by our port."""
        return self.port.src is None and DOWN < self.state < LEAVE

    def until(self, at):
        """There is something to do at this time, if not before."""
        if tdiff(at, self.at) < 0:
            self.at = at
            self.stack.arm(at)

    # What is due

    def output(self, now):
        """Sends what is due by the port; builds no frame itself."""
        if self.state == GONE:
            self._quit()
        elif not self.iface.up or not self.iface.ip[0]:
            if self.state == LEAVE:
                self._quit()
            self.state = DOWN if self.state < LEAVE else self.state
        elif self.state == DOWN:
            self.records.place(self.iface.ip)
            self._begin(now)
        else:
            if self.state < LEAVE and not same(self.records.ip, 0, self.iface.ip, 0, 4):
                self.records.place(self.iface.ip)  # RFC 6762 8.4
                if self.state == PROBE:
                    self._begin(now)
                else:
                    self._won(now)
            if self.trouble and self.port.src is None:
                self._trouble(now)
            if tdiff(now, self.at) >= 0 and self.port.src is None:
                self._next(now)
        return 0

    def deadline(self, now):
        """ms until `output` has something to do."""
        if self.state in (DOWN, GONE):
            return FAR
        return max(tdiff(self.at, now), 0)

    def _begin(self, now):
        """The names are to be probed."""
        self.state = PROBE
        self.step = self.trouble = 0
        forget(self.records.tab, self.records.rows, 255 - SENT)
        self._arm(tadd(now, self.stack.random8() * _PROBE_MS >> 8))

    def _arm(self, at):
        self.at = at
        self.stack.arm(at)

    def _won(self, now):
        """The name is ours, or its address is another one: all are told."""
        self.state = UP
        self.step = 0
        self.told = True
        told(self)
        self.tell_at = now
        forget(self.records.tab, self.records.rows, 255 - SENT)
        self._arm(now)

    def _next(self, now):
        """One step of the state that we are in."""
        if self.state == LEAVE:
            self._send(_BYE)
            self.state = GONE
        elif self.state == PROBE:
            if self.step < _PROBES:
                self.step += 1
                self._send(_PROBING)
                self._arm(tadd(now, _PROBE_MS))
            else:
                self._won(now)
        else:
            self._due(now)

    def _due(self, now):
        rec = self.records
        if self.step < _TOLD and tdiff(now, self.tell_at) >= 0:
            self.step += 1
            self.tell_at = tadd(now, _TELL_MS)
            for r in range(rec.rows):
                if rec.tab[ROW * r + TYPE]:
                    rec.tab[ROW * r + FLAGS_OF] |= WANTED
                    self.due[r] = now
        left = soonest(rec.tab, rec.rows, WANTED, self.due, now)
        if not left:
            self._send(_ANSWER)  # and `acked` comes here again
        elif self.step < _TOLD:
            left = min(left, max(tdiff(self.tell_at, now), 0))
        elif left > _SWEEP_MS:
            left = _SWEEP_MS
            self._sweep(now)
        self._arm(tadd(now, left))

    def _sweep(self, now):
        rec = self.records
        for r in range(rec.rows):
            if tdiff(now, self.last[r]) >= _SWEEP_MS >> 1:
                rec.tab[ROW * r + FLAGS_OF] &= ~SENT

    def _send(self, what):
        self.what = what
        self.port.send(GROUP, PORT, self, self.iface.idx)

    # A name that somebody else has

    def _trouble(self, now):
        if self.state >= LEAVE:
            self.trouble = 0
        elif self.trouble == TIE:
            self._begin(now)
            self._arm(tadd(now, _TIE_MS))
        elif self.state == UP:
            self._clash(now)
            self._begin(now)
            self._slow(now)
        elif self.told and self.records.services():
            # RFC 6762 10.1: what the services were called is no more
            self.told = False
            self._send(_BYE)
            self.stack.wake_up()
        else:
            self._clash(now)
            self.number = self.number + 1 if self.number < 9999 else 2
            self.records.rename(self.base, self.number)  # RFC 6762 9
            self._begin(now)
            self._slow(now)

    def _clash(self, now):
        bump(self.stat, N_CLASHES)
        if tdiff(now, self.first_at) > _WINDOW_MS:
            if self.clashes < _CLASHES or self.state == UP:
                self.clashes = 0
        if not self.clashes:
            self.first_at = now
        self.clashes = min(self.clashes + 1, _CLASHES)

    def _slow(self, now):
        if self.clashes >= _CLASHES:  # RFC 6762 8.1
            self._arm(tadd(now, _SLOW_MS))

    # What is sent

    def fill(self, rel, buf, pos, n):
        """Writes the message to all that is due."""
        rec = self.records
        m = rec.m
        m[M_START] = pos
        m[M_END] = pos + n
        m[M_AT] = put_head(buf, pos, 0, QR | AA)
        rec.spots[0] = 0
        if self.what == _PROBING:
            probe(self, pos)
        else:
            if self.what == _BYE:
                bye(rec, self.state == GONE)
            n = compose(self, pos, WANTED, ALL if self.what == _ANSWER else BYE)
            if not n and not soonest(rec.tab, rec.rows, WANTED, self.due, self.stack.now):
                forget(rec.tab, rec.rows, WANTED)  # what no packet has room for
        self.groups.hops(255)  # RFC 6762 11
        bump(self.stat, N_OUT)
        return m[M_AT] - pos

    def acked(self, n):
        """It is on its way."""
        self.stack.wake_up()

    def _quit(self):
        self.state = GONE
        if self.later and self.port.src is None:
            from .mdns_rename import again

            again(self)
        elif self.port.src is None:
            self.port.close()
            self.groups.leave(GROUP, self.iface.idx)
            self.stack.layers.remove(self)
            self.stack.wake_up()  # who stands behind us has been passed over
