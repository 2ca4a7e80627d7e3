"""What the board says of itself: /status.json for the page, /metrics for Prometheus.

Both are written from one kind of snapshot, taken when the request comes; a request allocates
nothing. The counters are uipy/stat.py's and the driver's; they are small ints that wrap at 2**30,
which Prometheus takes for a restart.
"""

import gc
import sys

from micropython import const
from uipy.apps import View
from uipy.kern import copy, put16, put32, tdiff, u16, u32
from uipy.stat import NAMES
from uipy.tcp.row import STATE_NAMES

# The snapshot
_UPTIME = const(0)  # seconds
_FREE = const(4)  # octets of heap; 0 and 0: this Python does not tell
_USED = const(8)
_HALF = const(12)  # half-open connections
_WAIT = const(14)  # connections in TIME-WAIT
_CONNS = const(16)  # how many follow at the end
_IFACES = const(17)

_I_UP = const(0)  # of an interface
_I_IP = const(1)
_I_SIZE = const(5)

_C_STATE = const(0)  # of a connection
_C_RADDR = const(1)
_C_RPORT = const(5)
_C_LPORT = const(7)
_C_AGE = const(9)  # seconds in this state
_C_SIZE = const(13)

_DAY = const(86_400_000)
_CLOSED = const(0)
_SYN_RECEIVED = const(3)
_CLOSE_WAIT = const(7)
_TIME_WAIT = const(10)


class Names:
    """Words in one piece of memory: a hundred bytes objects would take three times as much."""

    def __init__(self, words):
        self.text = ("\n".join(words) + "\n").encode()
        self.n = len(words)
        self.at = 0
        self.end = -1

    def first(self):
        """Before the first word."""
        self.end = -1

    def next(self):
        """Go to the next word: text[at:end]."""
        self.at = self.end + 1
        self.end = self.text.find(b"\n", self.at)

    def put(self, out):
        """Write the word at hand."""
        out.part(self.text, self.at, self.end - self.at)


class Status:
    """The board as it is now. `name` is what its owner calls it."""

    def __init__(self, stack, name):
        self.stack = stack
        self.name = quoted(name)
        self.python = quoted(python())
        self.states = Names(STATE_NAMES)
        self.names = Names(NAMES)
        self.dev = stack.ifaces[0].dev
        self.dev_names = Names(getattr(self.dev, "NAMES", ()))
        self.ifaces = len(stack.ifaces)
        self.stat_at = _IFACES + _I_SIZE * self.ifaces
        self.dev_at = self.stat_at + 4 * self.names.n
        self.conns_at = self.dev_at + 4 * self.dev_names.n
        self.tcp = stack.tcp
        self.conns = stack.tcp.conns if stack.tcp else ()
        self.need = self.conns_at + _C_SIZE * len(self.conns)
        self.seconds = 0
        self.then = stack.now
        stack.layers.append(self)

    # As a layer of the stack it has nothing to send, but is asked now and then, which keeps the
    # uptime right

    def output(self, now):
        """Count the time that has passed."""
        ms = tdiff(now, self.then)
        if ms > 999:
            self.seconds += ms // 1000
            self.then = (now - ms % 1000) & 0x3FFFFFFF
        return 0

    def deadline(self, now):
        """Once a day is enough for a clock that wraps after twelve."""
        return _DAY

    # The snapshot

    def note(self, snap):
        """Fill in a snapshot."""
        stack = self.stack
        self.output(stack.now)
        put32(snap, _UPTIME, self.seconds)
        put32(snap, _FREE, mem_free())
        put32(snap, _USED, mem_alloc())
        put16(snap, _HALF, used(self.tcp.half) if self.tcp else 0)
        put16(snap, _WAIT, used(self.tcp.wait) if self.tcp else 0)
        for i in range(self.ifaces):
            snap[_IFACES + _I_SIZE * i + _I_UP] = 1 if stack.ifaces[i].up else 0
            copy(snap, _IFACES + _I_SIZE * i + _I_IP, stack.ifaces[i].ip, 0, 4)
        copy(snap, self.stat_at, stack.stat, 0, 4 * self.names.n)
        for i in range(self.dev_names.n):
            put32(snap, self.dev_at + 4 * i, self.dev.stat[i])
        snap[_CONNS] = 0
        for conn in self.conns:
            if conn.state != _CLOSED:
                self._note_conn(snap, self.conns_at + _C_SIZE * snap[_CONNS], conn)
                snap[_CONNS] += 1

    def _note_conn(self, snap, at, conn):
        snap[at + _C_STATE] = conn.state
        conn.raddr_into(snap, at + _C_RADDR)
        put16(snap, at + _C_RPORT, conn.rport)
        put16(snap, at + _C_LPORT, conn.lport)
        put32(snap, at + _C_AGE, max(0, tdiff(self.stack.now, conn.state_at)) // 1000)

    def state(self, out, number):
        """Write the name of a state."""
        self.states.first()
        for _ in range(number + 1):
            self.states.next()
        self.states.put(out)


class Json(View):
    """/status.json: counters that are 0 are left out."""

    def __init__(self, status):
        View.__init__(self, "application/json")
        self.status = status
        self.need = status.need

    def note(self, snap):
        self.status.note(snap)

    def write(self, out, snap):
        s = self.status
        out.put(b'{"board":')
        out.put(s.name)
        out.put(b',"python":')
        out.put(s.python)
        self._number(out, b',"uptime":', u32(snap, _UPTIME))
        self._number(out, b',"free":', u32(snap, _FREE))
        self._number(out, b',"used":', u32(snap, _USED))
        self._number(out, b',"rows":', len(s.conns))
        self._number(out, b',"half":', u16(snap, _HALF))
        self._number(out, b',"wait":', u16(snap, _WAIT))
        out.put(b',"ifaces":[')
        for i in range(s.ifaces):
            self._iface(out, snap, i, s.stack.ifaces[i].dev)
        out.put(b'],"stat":{')
        self._counters(out, snap, s.names, s.stat_at)
        out.put(b'},"dev":{')
        self._counters(out, snap, s.dev_names, s.dev_at)
        out.put(b'},"conns":[')
        for i in range(snap[_CONNS]):
            self._conn(out, snap, i, s.conns_at + _C_SIZE * i)
        out.put(b"]}\n")

    def _number(self, out, name, v):
        out.put(name)
        out.num(v)

    def _iface(self, out, snap, i, dev):
        at = _IFACES + _I_SIZE * i
        out.put(b',{"ip":"' if i else b'{"ip":"')
        out.ip(snap, at + _I_IP)
        out.put(b'","mac":"')
        if dev.l2:
            out.mac(dev.mac, 0)
        self._number(out, b'","link":', snap[at + _I_UP])
        out.put(b"}")

    def _counters(self, out, snap, names, at):
        comma = False
        names.first()
        for _ in range(names.n):
            names.next()
            v = u32(snap, at)
            at += 4
            if v:
                out.put(b',"' if comma else b'"')
                names.put(out)
                self._number(out, b'":', v)
                comma = True

    def _conn(self, out, snap, i, at):
        out.put(b',{"peer":"' if i else b'{"peer":"')
        out.ip(snap, at + _C_RADDR)
        self._number(out, b'","rport":', u16(snap, at + _C_RPORT))
        self._number(out, b',"port":', u16(snap, at + _C_LPORT))
        out.put(b',"state":"')
        self.status.state(out, snap[at + _C_STATE])
        self._number(out, b'","age":', u32(snap, at + _C_AGE))
        out.put(b"}")


class Metrics(View):
    """/metrics: the Prometheus text format, version 0.0.4."""

    def __init__(self, status):
        View.__init__(self, "text/plain; version=0.0.4; charset=utf-8")
        self.status = status
        self.need = status.need

    def note(self, snap):
        self.status.note(snap)

    def write(self, out, snap):
        s = self.status
        _head(out, b"info", b"gauge", b"What this board is.")
        out.put(b"uipy_info{board=")
        out.put(s.name)
        out.put(b",python=")
        out.put(s.python)
        out.put(b"} 1\n")
        _gauge(out, b"uptime_seconds", b"Time since the stack was made.", u32(snap, _UPTIME))
        if u32(snap, _USED):
            _gauge(out, b"heap_free_bytes", b"Free heap.", u32(snap, _FREE))
            _gauge(out, b"heap_used_bytes", b"Heap in use, garbage included.", u32(snap, _USED))
        _head(out, b"link_up", b"gauge", b"1 while the cable has a link.")
        for i in range(s.ifaces):
            out.put(b'uipy_link_up{iface="')
            out.num(i)
            out.put(b'"} ')
            out.num(snap[_IFACES + _I_SIZE * i + _I_UP])
            out.put(b"\n")
        self._connections(out, snap)
        self._counters(out, snap, s.names, s.stat_at, b"uipy_")
        self._counters(out, snap, s.dev_names, s.dev_at, b"uipy_dev_")

    def _connections(self, out, snap):
        s = self.status
        _gauge(out, b"connection_rows", b"Connections that there is room for.", len(s.conns))
        _head(out, b"connections", b"gauge", b"Connections by state.")
        for state in range(1, s.states.n):
            out.put(b'uipy_connections{state="')
            s.state(out, state)
            out.put(b'"} ')
            out.num(self._count(snap, state))
            out.put(b"\n")
        help_ = b"Age of the oldest CLOSE-WAIT: an application that forgets to close."
        _gauge(out, b"close_wait_age_seconds", help_, self._oldest(snap))

    def _count(self, snap, state):
        n = 0
        if state == _SYN_RECEIVED:
            n = u16(snap, _HALF)
        elif state == _TIME_WAIT:
            n = u16(snap, _WAIT)
        at = self.status.conns_at
        for _ in range(snap[_CONNS]):
            n += snap[at] == state
            at += _C_SIZE
        return n

    def _oldest(self, snap):
        age = 0
        at = self.status.conns_at
        for _ in range(snap[_CONNS]):
            if snap[at] == _CLOSE_WAIT:
                age = max(age, u32(snap, at + _C_AGE))
            at += _C_SIZE
        return age

    def _counters(self, out, snap, names, at, prefix):
        names.first()
        for _ in range(names.n):
            names.next()
            out.put(b"# TYPE ")
            out.put(prefix)
            names.put(out)
            out.put(b"_total counter\n")
            out.put(prefix)
            names.put(out)
            out.put(b"_total ")
            out.num(u32(snap, at))
            out.put(b"\n")
            at += 4


def _head(out, name, kind, help_):
    out.put(b"# HELP uipy_")
    out.put(name)
    out.put(b" ")
    out.put(help_)
    out.put(b"\n# TYPE uipy_")
    out.put(name)
    out.put(b" ")
    out.put(kind)
    out.put(b"\n")


def _gauge(out, name, help_, v):
    _head(out, name, b"gauge", help_)
    out.put(b"uipy_")
    out.put(name)
    out.put(b" ")
    out.num(v)
    out.put(b"\n")


def used(table):
    """Rows in use of a table of TCP: the first octet of a row says so."""
    n = at = 0
    for _ in range(table.rows):
        n += table.tab[at] != 0
        at += len(table.tab) // table.rows
    return n


def quoted(text):
    """A str as a JSON string and a Prometheus label, which agree on quotes, backslashes and the
    line feed.
    """
    text = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return ('"' + "".join(c for c in text if c >= " ") + '"').encode()


def python():
    """Which Python runs here: 'MicroPython 1.28.0'."""
    name = sys.implementation.name
    name = {"micropython": "MicroPython", "cpython": "CPython"}.get(name, name)
    return name + " " + ".".join(str(x) for x in sys.implementation.version[:3])


def mem_free():
    """Free octets of the heap; 0 where Python does not tell."""
    return _small(gc.mem_free()) if hasattr(gc, "mem_free") else 0


def mem_alloc():
    """Octets of the heap in use, garbage included; 0 where Python does not tell."""
    return _small(gc.mem_alloc()) if hasattr(gc, "mem_alloc") else 0


def _small(n):
    return min(n, 0x3FFFFFFF)
