"""The row of a TCP connection: what RFC 9293 3.3.1 calls the TCB, in 70 halves (array('H')) and
what the options add.

A sequence number takes two halves (kern/halves.py), and so does a time or a count beyond 16 bits;
these are marked `pair`. Everything between SND.UNA and the end of what was sent is a distance from
SND.UNA, so that an ACK only subtracts. Half-open connections and those in TIME-WAIT have rows of
their own, which begin with the same key.
"""

from micropython import const

from ..kern import set_pair
from ..net.datagram import NOW

# The key: as far as NKEY, alike in each table
USED = const(0)  # the interface's number plus 1; 0: the row is free
LPORT = const(1)
RPORT = const(2)
RADDR = const(3)  # pair
NKEY = const(5)

STATE = const(5)  # S_*
OWES = const(6)  # OWES_*: what is to be sent; set by input, timers and the application
OURS = const(7)  # facts about our side, see below
OPTS = const(8)  # OPT_* and what they remember
MSS = const(9)  # Eff.snd.MSS without options (RFC 9293 3.7.1)
MAX = const(10)  # the highest SND.NXT - SND.UNA
ROOM = const(11)  # pair: what the application can take
GEN = const(13)  # uses of the row
USER = const(14)  # R2 in seconds
KEEP = const(15)  # keep-alive in seconds; 0 = off
TTL_TOS = const(16)  # Time to Live << 8 | Diffserv field
STATE_AT = const(17)  # pair: when the state was entered
SHOWN = const(19)  # as far as here: what can be read of a connection that has ended
TIMERS = const(19)  # RUNS_*; and from WIDE on Eff.snd.MSS as it was before a router lowered it
DUP = const(20)  # duplicate ACKs in a row (RFC 5681 2); with OWES_RST the reason, of REASONS
SND_UNA = const(21)  # pair
RCV_NXT = const(23)  # pair
SND_WL1 = const(25)  # pair. SND.WL2 is not kept: an ACK below SND.UNA updates no window
NXT = const(27)  # SND.NXT - SND.UNA; 0 again when a timeout resends from SND.UNA
SND_WND = const(28)  # WND_MAX at the most
MAX_WND = const(29)  # MAX.SND.WND (RFC 5961 5.2)
CWND = const(30)  # RFC 5681 2
SSTHRESH = const(31)
RECOVER = const(32)  # RFC 6582 3.2, less SND.UNA; 0: it has been acknowledged
CACC = const(33)  # octets acknowledged in congestion avoidance since the last increase
RTO = const(34)  # ms (RFC 6298)
TIMED = const(35)  # end of the segment being timed, less SND.UNA; 0 = none
RMSS = const(36)  # the largest segment received: what is full-sized for the ACK rule
UNACKED = const(37)  # octets received since our last ACK
GAP = const(38)  # the end of what came out of order, less RCV.NXT; 0: nothing is missing
NREX = const(39)  # how often the octet at SND.UNA was sent again; also probes of a zero window
KPROBE = const(40)  # keep-alives unanswered
LISTENER = const(41)  # the listener's number; NO_LISTENER: our own open
SHIFTS = const(42)  # Snd.Wind.Shift << 8 | Rcv.Wind.Shift (RFC 7323 2.3)
SRTT = const(43)  # pair, ms * 8
RTTVAR = const(45)  # pair, ms * 4
ADV = const(47)  # pair: the right edge that we offered, less RCV.NXT
BUFF = const(49)  # pair: RCV.BUFF, the largest ROOM
TIMED_AT = const(51)  # pair, like all times
REXMT_AT = const(53)  # RUNS_REXMT or RUNS_PERSIST
ACK_AT = const(55)  # RUNS_ACK, the delayed ACK
HEARD_AT = const(57)  # any acceptable segment
SINCE_AT = const(59)  # the octet at SND.UNA was first sent; or a FIN-WAIT-2 lost its reader
BUSY_AT = const(61)  # data moved, either way
POLL_AT = const(63)  # RUNS_POLL
SENT_AT = const(65)  # the last segment with data
CHAL_AT = const(67)  # the next challenge ACK may go
NUMBER = const(69)  # the row's own
ROW_SIZE = const(70)  # the options' own halves follow, from `at` of each module in tcp/extra/

S_CLOSED = const(0)
S_SYN_SENT = const(2)
S_SYN_RECEIVED = const(3)
S_ESTABLISHED = const(4)
S_FIN_WAIT_1 = const(5)
S_FIN_WAIT_2 = const(6)
S_CLOSE_WAIT = const(7)
S_CLOSING = const(8)
S_LAST_ACK = const(9)

OWES_ACK = const(0x01)
OWES_RST = const(0x02)  # nothing else happens on this connection
OWES_REXMT = const(0x04)  # the segment at SND.UNA again, or the next hole
OWES_DATA = const(0x08)  # new data, or our FIN
OWES_PROBE = const(0x10)  # of a closed window
OWES_KEEP = const(0x20)  # a keep-alive
WAITS = const(0x40)  # what it owes waits for ARP

FIN_QUEUED = const(0x01)  # the application has closed our side
FIN_SENT = const(0x02)
SRC_ENDED = const(0x04)  # all that the source will give has been sent
SRC_COUNTED = const(0x10)  # the source's `left` says how much it has, see source.py
DEAF = const(0x08)  # the application does not read any more
NODELAY = const(0x20)  # without Nagle
RECOVERY = const(0x40)  # fast recovery (RFC 6582)
TOLD = const(0x80)  # the application knows that the peer is out of reach

OPT_TS = const(0x01)  # agreed on: timestamps
OPT_WS = const(0x02)  # window scaling
OPT_SACK = const(0x04)
OPT_ECN = const(0x08)
OWES_ECE = const(0x10)  # CE was seen: each ACK says so
OWES_CWR = const(0x20)  # CWND was halved: the next data says so
URGENT_IN = const(0x40)  # urgent mode, of the peer's data
URGENT_OUT = const(0x80)  # and of ours

RUNS_REXMT = const(0x01)
RUNS_PERSIST = const(0x02)
RUNS_ACK = const(0x04)
RUNS_POLL = const(0x08)
RUNS_LINGER = const(0x10)
WIDE = const(5)  # 11 bits: 2047 at the most; 0: no router has ever lowered it

NO_LISTENER = const(255)
WND_MAX = const(61440)  # so that no sum of two windows leaves 17 bits

STATE_NAMES = (
    "CLOSED",
    "LISTEN",
    "SYN-SENT",
    "SYN-RECEIVED",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
)

REASONS = ("aborted", "error", "idle", "unread")  # why a connection is ended by our RST
ABORTED = const(0)
ERROR = const(1)
IDLE = const(2)
UNREAD = const(3)


def abort(conn, reason):
    """The connection is to be reset; `reason` is an index of REASONS. Its timers stop: only the
    RST is left to do."""
    row = conn.row
    row[DUP] = reason
    row[TIMERS] = 0
    row[OWES] |= OWES_RST
    conn.tcp.stack.wake_up()


def set_state(conn, state):
    """Every transition of a connection's row passes here."""
    conn.row[STATE] = state
    set_pair(conn.row, STATE_AT, conn.tcp.env[NOW])
