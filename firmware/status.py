"""What the board says of itself: /status.json for the page, /metrics for Prometheus.

Both are written from one kind of snapshot, taken when the request comes; a request allocates
nothing. The counters are uipy/stat.py's and the driver's; they are small ints that wrap at 2**30,
which Prometheus takes for a restart.

The snapshot is octets; its numbers are below 2**30 and take four, the highest first:

    UPTIME .. OLDEST        see below
    CONNS, 1                how many connections follow at the end
    interfaces, 5 each      1 = has a link; IPv4 address
    counters of the stack   in the order of their names, and so
    counters of the device
    states                  connections in each state from LISTEN on
    connections, 13 each    state; address and port of the peer, our port; seconds in this state
"""

import gc
import sys

from micropython import const
from uipy.apps import View
from uipy.kern import copy, put16, put32, tdiff, u16, u32
from uipy.kern.ptr import kernel, ptr8, ptr32
from uipy.stat import NAMES
from uipy.tcp.row import STATE_NAMES
from uipy.writer import Writer

_UPTIME = const(0)  # seconds
_FREE = const(4)  # octets of heap; 0 and 0: this Python does not tell
_USED = const(8)
_ROWS = const(12)  # connections that there is room for
_HALF = const(16)  # half-open connections
_WAIT = const(20)  # connections in TIME-WAIT
_OLDEST = const(24)  # seconds of the oldest CLOSE-WAIT
_CONNS = const(28)
_IFACES = const(29)

_I_SIZE = const(5)
_C_RADDR = const(1)
_C_RPORT = const(5)
_C_LPORT = const(7)
_C_AGE = const(9)
_C_SIZE = const(13)

_DAY = const(86_400_000)
_CLOSED = const(0)
_SYN_RECEIVED = const(3)
_CLOSE_WAIT = const(7)
_TIME_WAIT = const(10)

# Rows of tables (Writer.rows)
_FIGURES = const(b"uptime\nfree\nused\nrows\nhalf\nwait\n\0")
_FIGURE = const(b' ,"\1":\2\0')  # the blank: one that is 0 stands there too
_COUNTER = const(b',"\1":\2\0')
_METRIC = const(
    b"\n# HELP uipy_\1_total Counter \1 of the stack.\n"
    b"# TYPE uipy_\1_total counter\nuipy_\1_total \2\0"
)
_DEV_METRIC = const(
    b"\n# HELP uipy_dev_\1_total Counter \1 of the driver.\n"
    b"# TYPE uipy_dev_\1_total counter\nuipy_dev_\1_total \2\0"
)
_HOST_METRIC = const(
    b"\n# HELP uipy_\1_total Counter \1 of a service.\n"
    b"# TYPE uipy_\1_total counter\nuipy_\1_total \2\0"
)
_STATE_METRIC = const(b'\nuipy_connections{state="\1"} \2\0')

# Gauges of /metrics: help, type, and the name before the value
_INFO = const(b"# HELP uipy_info What this board is.\n# TYPE uipy_info gauge\nuipy_info{board=")
_UPTIME_GAUGE = const(
    b"} 1\n# HELP uipy_uptime_seconds Time since the stack was made.\n"
    b"# TYPE uipy_uptime_seconds gauge\nuipy_uptime_seconds "
)
_FREE_GAUGE = const(
    b"\n# HELP uipy_heap_free_bytes Free heap.\n"
    b"# TYPE uipy_heap_free_bytes gauge\nuipy_heap_free_bytes "
)
_USED_GAUGE = const(
    b"\n# HELP uipy_heap_used_bytes Heap in use, garbage included.\n"
    b"# TYPE uipy_heap_used_bytes gauge\nuipy_heap_used_bytes "
)
_LINK_GAUGE = const(
    b"\n# HELP uipy_link_up 1 while the cable has a link.\n# TYPE uipy_link_up gauge"
)
_ROWS_GAUGE = const(
    b"\n# HELP uipy_connection_rows Connections that there is room for.\n"
    b"# TYPE uipy_connection_rows gauge\nuipy_connection_rows "
)
_STATES_GAUGE = const(
    b"\n# HELP uipy_connections Connections by state.\n# TYPE uipy_connections gauge\n"
)
_OLDEST_GAUGE = const(
    b"\n# HELP uipy_close_wait_age_seconds "
    b"Age of the oldest CLOSE-WAIT: an application that forgets to close.\n"
    b"# TYPE uipy_close_wait_age_seconds gauge\nuipy_close_wait_age_seconds "
)


class Status:
    """The board as it is now. `name` is what its owner calls it."""

    def __init__(self, stack, name):
        kind = sys.implementation.name
        kind = {"micropython": "MicroPython", "cpython": "CPython"}.get(kind, kind)
        self.stack = stack
        self.name = quoted(name)
        self.python = quoted(kind + " " + ".".join(str(x) for x in sys.implementation.version[:3]))
        self.states = words(STATE_NAMES[1:])
        self.names = words(NAMES)
        self.dev = stack.ifaces[0].dev
        dev_names = getattr(self.dev, "NAMES", ())
        self.dev_names = words(dev_names)
        self.tcp = stack.tcp
        self.conns = stack.tcp.conns if stack.tcp else ()
        self.stat_at = _IFACES + _I_SIZE * len(stack.ifaces)
        self.dev_at = self.stat_at + 4 * len(NAMES)
        self.states_at = self.dev_at + 4 * len(dev_names)
        self.conns_at = self.states_at + 4 * len(STATE_NAMES) - 4
        self.need = self.conns_at + _C_SIZE * len(self.conns)
        self.heap = mem_free() + mem_alloc()
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
        # Either takes 8 ms on an RP2040, and their sum stays.
        put32(snap, _FREE, min(mem_free(), self.heap))
        put32(snap, _USED, self.heap - u32(snap, _FREE))
        put32(snap, _ROWS, len(self.conns))
        put32(snap, _HALF, used(self.tcp.half) if self.tcp else 0)
        put32(snap, _WAIT, used(self.tcp.wait) if self.tcp else 0)
        put32(snap, _OLDEST, 0)
        for i in range(len(stack.ifaces)):
            snap[_IFACES + _I_SIZE * i] = 1 if stack.ifaces[i].up else 0
            copy(snap, _IFACES + _I_SIZE * i + 1, stack.ifaces[i].ip, 0, 4)
        put_all(snap, self.stat_at, stack.stat, (self.dev_at - self.stat_at) // 4)
        for i in range((self.states_at - self.dev_at) // 4):
            put32(snap, self.dev_at + 4 * i, self.dev.stat[i])
        for i in range(self.states_at, self.conns_at):
            snap[i] = 0
        copy(snap, self.states_at + 4 * _SYN_RECEIVED - 4, snap, _HALF, 4)
        copy(snap, self.states_at + 4 * _TIME_WAIT - 4, snap, _WAIT, 4)
        snap[_CONNS] = 0
        for conn in self.conns:
            if conn.state != _CLOSED:
                at = self.conns_at + _C_SIZE * snap[_CONNS]
                snap[_CONNS] += 1
                snap[at] = conn.state
                conn.raddr_into(snap, at + _C_RADDR)
                put16(snap, at + _C_RPORT, conn.rport)
                put16(snap, at + _C_LPORT, conn.lport)
                put32(snap, at + _C_AGE, max(0, tdiff(stack.now, conn.state_at)) // 1000)
                if conn.state == _CLOSE_WAIT and u32(snap, at + _C_AGE) > u32(snap, _OLDEST):
                    copy(snap, _OLDEST, snap, at + _C_AGE, 4)
                at = self.states_at + 4 * conn.state - 2
                put16(snap, at, u16(snap, at) + 1)


class Json(View):
    """/status.json: counters that are 0 are left out."""

    def __init__(self, status):
        View.__init__(self, "application/json")
        self.status = status
        self.need = status.need
        self.note = status.note

    def write(self, out, snap):
        s = self.status
        out.put(b'{"board":')
        out.put(s.name)
        out.put(b',"python":')
        out.put(s.python)
        out.rows(_FIGURE, _FIGURES, snap, 0)
        out.put(b',"ifaces":[')
        at = _IFACES
        for iface in s.stack.ifaces:
            out.put(b',{"ip":"' if at > _IFACES else b'{"ip":"')
            out.ip(snap, at + 1)
            out.put(b'","mac":"')
            if iface.dev.l2:
                out.mac(iface.dev.mac, 0)
            out.put(b'","link":1}' if snap[at] else b'","link":0}')
            at += _I_SIZE
        out.put(b'],"stat":{')
        out.rows(_COUNTER, s.names, snap, s.stat_at)
        out.put(b'},"dev":{')
        out.rows(_COUNTER, s.dev_names, snap, s.dev_at)
        out.put(b'},"conns":[')
        at = s.conns_at
        for i in range(snap[_CONNS]):
            out.put(b',{"peer":"' if i else b'{"peer":"')
            out.ip(snap, at + _C_RADDR)
            out.put(b'","rport":')
            out.num(u16(snap, at + _C_RPORT))
            out.put(b',"port":')
            out.num(u16(snap, at + _C_LPORT))
            out.put(b',"state":"')
            out.word(s.states, snap[at] - 1)
            out.put(b'","age":')
            out.num(u32(snap, at + _C_AGE))
            out.put(b"}")
            at += _C_SIZE
        out.put(b"]}\n")


class Feed:
    """Tells the clients of an Events what /status.json would tell who asks: `Events(news=feed)`.
    Its text is one line.
    """

    def __init__(self, json):
        self.json = json
        self.snap = bytearray(json.need)

    def __call__(self, events):
        self.json.note(self.snap)
        events.show(self.json, self.snap)

    def most(self):
        """Octets that an event may have, about: every number has ten digits, every row is used."""
        snap = self.snap
        for k in range(len(snap)):
            snap[k] = 63
        s = self.json.status
        at = s.conns_at
        snap[_CONNS] = len(s.conns)
        for _ in s.conns:
            snap[at] = _SYN_RECEIVED
            at += _C_SIZE
        out = Writer()
        out.aim(snap, 0, 0, 0)
        self.json.write(out, snap)
        return out.count + 5 * len(s.conns) + 16


class Metrics(View):
    """/metrics: the Prometheus text format, version 0.0.4. With a network_page.Network it has the
    counters of the services, too.
    """

    def __init__(self, status, network=None):
        View.__init__(self, "text/plain; version=0.0.4; charset=utf-8")
        self.status = status
        self.network = network
        self.need = status.need + (network.need if network else 0)

    def note(self, snap):
        self.status.note(snap)
        if self.network:
            self.network.count(snap, self.status.need)

    def write(self, out, snap):
        s = self.status
        out.put(_INFO)
        out.put(s.name)
        out.put(b",python=")
        out.put(s.python)
        out.put(_UPTIME_GAUGE)
        out.num(u32(snap, _UPTIME))
        if u32(snap, _USED):
            out.put(_FREE_GAUGE)
            out.num(u32(snap, _FREE))
            out.put(_USED_GAUGE)
            out.num(u32(snap, _USED))
        out.put(_LINK_GAUGE)
        for i in range(len(s.stack.ifaces)):
            out.put(b'\nuipy_link_up{iface="')
            out.num(i)
            out.put(b'"} ')
            out.num(snap[_IFACES + _I_SIZE * i])
        out.put(_ROWS_GAUGE)
        out.num(u32(snap, _ROWS))
        out.put(_STATES_GAUGE)
        out.rows(_STATE_METRIC, s.states, snap, s.states_at)
        out.put(_OLDEST_GAUGE)
        out.num(u32(snap, _OLDEST))
        out.put(b"\n")
        out.rows(_METRIC, s.names, snap, s.stat_at)
        if s.dev_at < s.states_at:
            out.put(b"\n")
        out.rows(_DEV_METRIC, s.dev_names, snap, s.dev_at)
        if self.network and self.network.place.services:
            out.put(b"\n")
            out.rows(_HOST_METRIC, self.network.names, snap, s.need)
        out.put(b"\n")


@kernel
def put_all(b: ptr8, at: int, values: ptr32, n: int):
    """n numbers below 2**30 to b[at:], each in four octets, the highest first."""
    for k in range(n):
        v = values[k]
        b[at] = (v >> 24) & 0xFF
        b[at + 1] = (v >> 16) & 0xFF
        b[at + 2] = (v >> 8) & 0xFF
        b[at + 3] = v & 0xFF
        at += 4


def words(names):
    """Names as Writer.rows and Writer.word want them."""
    return ("".join([name + "\n" for name in names]) + "\0").encode()


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


def mem_free():
    """Free octets of the heap; 0 where Python does not tell."""
    return min(gc.mem_free(), 0x3FFFFFFF) if hasattr(gc, "mem_free") else 0


def mem_alloc():
    """Octets of the heap in use, garbage included; 0 where Python does not tell."""
    return min(gc.mem_alloc(), 0x3FFFFFFF) if hasattr(gc, "mem_alloc") else 0
