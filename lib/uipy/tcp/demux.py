"""TCP: the tables, and which row a segment belongs to (RFC 9293 3.10.7).

A segment is looked for among the connections (`tab`, a row each), the half-open connections
(`half`), the connections in TIME-WAIT (`wait`) and the listeners; what is left arrives in the
fictional state CLOSED. The states are in states.py, what is sent in send.py, the timers in
timers.py. Options beyond the plain protocol are modules that are imported when they are asked for:
`urg`, `ecn`, `ts`, `sack`, `cookie`, `pool` are None otherwise.
"""

from array import array

from ..guard import guarded
from ..kern import seq_out, set_pair, tdiff
from ..net.datagram import (
    DELAYED_ACK,
    FIRST_ROOM,
    FRESH_AT,
    LINGER,
    MAX_FLIGHT,
    MSL,
    NOW,
    OFFER,
    OUR_SHIFT,
    OWN_MSS,
    ROW,
    ROW_SPAN,
    ROWS,
    RTO_INIT,
    RTO_MAX,
    RTO_MIN,
    TCP_AT,
    TURN,
)
from ..net.front import aim
from .arrivals import arrivals
from .conn import Conn
from .end import end
from .halfopen import HalfOpen
from .icmp import unreach
from .isn import Isn
from .listen import listen
from .meet import segment
from .row import (
    DUP,
    NKEY,
    NUMBER,
    OPT_ECN,
    OPT_SACK,
    OPT_TS,
    OPT_WS,
    OURS,
    OWES,
    OWES_ACK,
    OWES_RST,
    RADDR,
    REASONS,
    ROW_SIZE,
    RUNS_PERSIST,
    RUNS_REXMT,
    SHOWN,
    SINCE_AT,
    TIMERS,
    TOLD,
    USED,
    WAITS,
)
from .rto import arm, start
from .send import segments
from .timers import deadline, run, tell
from .timewait import TimeWait


class Tcp:
    """`rows` connections, `half_open` in the handshake, `time_wait` in TIME-WAIT; nothing grows
    afterwards.

    reassembly      buffers of one segment each for what comes out of order, shared by all
    cookies, timestamps, window_scale, sack, urgent
                    RFC 4987, 7323, 7323, 2018, 6093
    ecn             0 off, 1 on, 2 on with the fallback of RFC 3360 3.1
    room            octets that a connection offers until its application says otherwise
                    (4 segments)
    max_flight      segments in the network at the most, whatever the peer's window (0 = no such
                    limit); one goes as two halves, so that it does not wait for a delayed ACK
    rto_min, rto_max, rto_init
                    ms (RFC 6298 2.4, 2.5, 2.1)
    delayed_ack     ms, under 500 (RFC 9293 3.8.6.3)
    msl             ms (RFC 9293 3.4.2)
    linger          ms that a FIN-WAIT-2 waits once nobody reads
    watch           a wrapper put around each source, such as watch.Watch, which finds sources that
                    change
    """

    def __init__(
        self,
        stack,
        rows=8,
        half_open=8,
        time_wait=16,
        reassembly=0,
        cookies=False,
        ecn=0,
        timestamps=False,
        window_scale=False,
        sack=False,
        urgent=True,
        room=0,
        max_flight=0,
        rto_min=1000,
        rto_max=60000,
        rto_init=1000,
        delayed_ack=100,
        msl=30000,
        linger=60000,
        watch=None,
    ):
        self.stack = stack
        self.buf = stack.buf
        self.seg = stack.seg
        self.seg[ROW] = rows  # nobody's
        self.out = stack.out
        self.stat = stack.stat
        self.env = env = stack.env
        self.key = array("H", bytearray(2 * NKEY))  # of the connection looked for
        self.listeners = []
        self.watch = watch
        own_mss = stack.ifaces[0].mtu - 40
        env[FIRST_ROOM] = room or 4 * own_mss
        env[ROWS] = rows
        env[OWN_MSS] = own_mss
        env[MAX_FLIGHT] = max_flight
        env[RTO_MIN] = rto_min
        env[RTO_MAX] = rto_max
        env[DELAYED_ACK] = delayed_ack
        env[RTO_INIT] = rto_init
        env[MSL] = msl
        env[LINGER] = linger
        env[FRESH_AT] = env[NOW]
        while env[FIRST_ROOM] >> env[OUR_SHIFT] > 0xFFFF:
            env[OUR_SHIFT] += 1
        env[OFFER] = (
            OPT_TS * bool(timestamps)
            | OPT_WS * bool(window_scale)
            | OPT_SACK * bool(sack)
            | OPT_ECN * bool(ecn)
        )
        size = self._extras(reassembly, cookies, ecn, timestamps, sack, urgent)
        env[ROW_SPAN] = size
        self.tab = array("H", bytearray(2 * rows * size))
        table = memoryview(self.tab)
        self.conns = [Conn(self, table[i * size : (i + 1) * size]) for i in range(rows)]
        for i in range(rows):
            self.conns[i].row[NUMBER] = i
        # what an application holds that has no connection: CLOSED, and never written to
        self.dead = Conn(self, array("H", bytearray(2 * SHOWN)))
        self.half = HalfOpen(self, half_open)
        self.wait = TimeWait(self, time_wait)
        self.isn = Isn(stack)

    def _extras(self, reassembly, cookies, ecn, timestamps, sack, urgent):
        """Takes in the modules that were asked for; each adds its halves to the row. Returns the
        row's size."""
        size = ROW_SIZE
        self.pool = self.cookie = self.ecn = self.ts = self.sack = self.urg = None
        if reassembly:
            from .extra.pool import Pool

            self.pool = Pool(self, reassembly)
        if cookies:
            from .extra.cookie import Cookies

            self.cookie = Cookies(self)
        if ecn:
            from .extra.ecn import Ecn

            self.ecn = Ecn(self, size, ecn == 2)
            size += self.ecn.SIZE
        if timestamps:
            from .extra.timestamps import Timestamps

            self.ts = Timestamps(self, size)
            size += self.ts.SIZE
        if sack:
            from .extra.sack import Sack

            self.sack = Sack(self, size)
            size += self.sack.SIZE
        if urgent:
            from .extra.urgent import Urgent

            self.urg = Urgent(self, size)
            size += self.urg.SIZE
        return size

    def start(self):
        """Makes `input` and `build`, see arrivals.py and send.py: now, and again when an exception
        that is none of a callback's (KeyboardInterrupt) has ended them."""
        self.seg[ROW] = self.env[ROWS]  # nobody's segment is at hand
        self.build = segments(self).send
        self.build(None)
        self.input = arrivals(self).send
        self.input(None)

    def to(self, conn):
        """The segment at hand has brought about this connection: what `strangers` says then. (Not
        met from here: that would be a thousand octets of C stack more below its callbacks.)"""
        n = self.seg[ROW] = conn.row[NUMBER]
        return ~n

    @property
    def default_room(self):
        """Octets that a connection offers until its application says otherwise."""
        return self.env[FIRST_ROOM]

    def call(self, step, conn):
        """step(conn), guarded: what its application raises resets it."""
        guarded(step, conn)

    def listener(self, port, idx=-1):
        """Who listens on the port, on that interface (-1: on any)."""
        for li in self.listeners:
            if li.port == port and (li.idx == idx or li.idx < 0 or idx < 0):
                return li
        return None

    # Output

    def output(self, now):
        """The next segment that is due, as a frame; its length, 0 for none."""
        if tdiff(now, self.env[TCP_AT]) >= 0:
            run(self)
            self.env[TCP_AT] = deadline(self)
        if self.half.due:
            n = self.half.output()
            if n:
                return n
        env = self.env
        left = env[ROWS]  # not `for`: it takes four words of the frame
        while left:
            left -= 1
            conn = self.conns[env[TURN]]
            if conn.row[OWES]:
                n = guarded(_leave, conn)
                if n:
                    return n
            env[TURN] = env[TURN] + 1 if env[TURN] + 1 < env[ROWS] else 0
        return 0

    def deadline(self, now):
        """ms until a timer of ours runs out; 2**28 when none runs."""
        return max(tdiff(self.env[TCP_AT], now), 0)

    # What the application and the layers call

    def listen(self, port, app, n=1, idle_ms=0, spare_ms=5000, local=None):
        """Accepts connections; see `listen` in listen.py."""
        return listen(self, port, app, n, idle_ms, spare_ms, local)

    def connect(self, app, ip, port, lport=0, local=None):
        """Opens a connection; see `connect` in connect.py."""
        from .connect import connect

        return connect(self, app, ip, port, lport, local)

    def unreach(self, iface, at, n):
        """ICMP quotes n octets of a segment of ours at `at`; see icmp.py."""
        unreach(self, iface, at, n)

    def arm(self, at):
        """A timer of ours runs out at `at`."""
        arm(self.env, at)

    def hurry(self):
        """Timers are to be looked at now: a setting has changed."""
        self.env[TCP_AT] = self.env[NOW]
        self.stack.wake_up()


def _leave(conn):
    """A frame for the connection, if its neighbour is known; otherwise the row waits and is asked
    again (RFC 1122 2.3.2.2)."""
    row = conn.row
    tcp = conn.tcp
    if row[OWES] == WAITS:
        return 0
    iface = tcp.stack.ifaces[row[USED] - 1]
    at = iface.tx - 8  # where the destination stands
    seq_out(tcp.buf, at, row, RADDR, 0)
    way = iface.reach(tcp.buf, at)
    if way <= 0:
        return _no_way(conn, row, way)
    aim(tcp.buf, iface.face, tcp.buf, at)
    way = segment(conn)
    return tcp.stack.leave(iface, way) if way else 0


def _no_way(conn, row, way):
    """The segment cannot leave: its marks stay, and R2 runs (RFC 1122 2.3.2.2), though not for a
    mere ACK. Three vain requests are a soft error."""
    tcp = conn.tcp
    row[OWES] |= WAITS
    if row[OWES] & ~(WAITS | OWES_ACK) and not row[TIMERS] & (RUNS_REXMT | RUNS_PERSIST):
        start(row, tcp.env)
        set_pair(row, SINCE_AT, tcp.env[NOW])
    if row[OWES] & OWES_RST:
        if way < 0:  # nobody to tell
            end(conn, REASONS[row[DUP]])
    elif way < 0 and not row[OURS] & TOLD:
        row[OURS] |= TOLD
        tell(conn, "unreachable")
    return 0
