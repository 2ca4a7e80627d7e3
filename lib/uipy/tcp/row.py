"""The row of a TCP connection: what RFC 9293 3.3.1 calls the TCB, in 120 octets and what the
options add.

Everything that is a sequence number is kept as wire bytes; everything between SND.UNA and the end
of what was sent is a 16-bit distance from SND.UNA, so an ACK only subtracts. The modules repeat
the offsets that they use as constants (a constant cannot be imported on a board without costing
RAM); a test compares the copies.

    0 STATE      u8   S_*, an index of STATE_NAMES
    1 IDX        u8   the row's number
    2 F          u8   F_*: what is to be sent, set by input, timers and the application, cleared by
                      tcp_out
    3 G          u8   G_*: facts about our side
    4 H          u8   H_*: options in use
    5 T          u8   T_*: timers that run
    6 NREX       u8   how often the octet at SND.UNA was sent again; also probes of a zero window
    7 DUP        u8   duplicate ACKs in a row (RFC 5681 2); with F_RST set the reason, an index of
                      REASONS
    8 SND_UNA    4    RFC 9293 3.3.1
   12 RCV_NXT    4
   16 SND_WL1    4    SND.WL2 is not kept: an ACK below SND.UNA never gets as far as the window
                      update
   20 NXT        u16  SND.NXT - SND.UNA; goes back to 0 when a timeout resends from SND.UNA
   22 MAX        u16  the highest SND.NXT - SND.UNA
   24 SND_WND    u16  at most 61440
   26 MAX_WND    u16  MAX.SND.WND (RFC 5961 5.2)
   28 MSS        u16  Eff.snd.MSS without options (RFC 9293 3.7.1)
   30 CWND       u16  RFC 5681 2
   32 SSTHRESH   u16
   34 RECOVER    u16  RFC 6582 3.2, less SND.UNA; 0 = ACKed
   36 CACC       u16  octets ACKed in congestion avoidance since the last increase
   38 RTO        u16  ms (RFC 6298)
   40 SRTT       u32  ms * 8
   44 RTTVAR     u32  ms * 4
   48 TIMED      u16  end of the segment being timed, less SND.UNA; 0 = none
   50 RMSS       u16  the largest segment received: what counts as full-sized for the ACK rule
   52 TIMED_AT   u32  ticks
   56 REXMT_AT   u32  T_REXMT or T_PERSIST
   60 ACK_AT     u32  T_ACK, the delayed ACK
   64 HEARD_AT   u32  any acceptable segment
   68 SINCE_AT   u32  when the octet at SND.UNA was first sent, or the wait for a reader of a
                      FIN-WAIT-2 began
   72 BUSY_AT    u32  data moved, either way
   76 STATE_AT   u32  the state was entered
   80 POLL_AT    u32  T_POLL
   84 ADV        u32  the right edge that we offered, less RCV.NXT
   88 ROOM       u32  what the application can take
   92 UNACKED    u16  octets received since our last ACK
   94 GEN        u16  uses of the row
   96 USER       u16  R2 in seconds
   98 KEEP       u16  keep-alive in seconds, 0 = off
  100 KPROBE     u8   keep-alives unanswered
  101 TTL        u8
  102 TOS        u8
  103 LST        u8   the listener's number, 255 = our own open
  104 SSHIFT     u8   Snd.Wind.Shift (RFC 7323 2.3)
  105 RSHIFT     u8   Rcv.Wind.Shift
  106 SENT_AT    u32  the last segment with data
  110 CHAL_AT    u32  the last challenge ACK
  114 BUFF       u32  RCV.BUFF: the largest ROOM
  118 GAP        u16  the end of what came out of order, less RCV.NXT; 0 = nothing is missing
  120            the options' own octets, from `row_at` of each module
"""

from micropython import const

from ..kern import put32

ROW = 120
# used u8, interface u8, local port, remote port, remote address: as they follow in our TCP header
KEY = 10

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

_STATE = const(0)
_F = const(2)
_T = const(5)
_DUP = const(7)
_STATE_AT = const(76)
_F_RST = const(0x02)


def mark(c, flag):
    """Something is to be sent for c: noted in its row, done by the next `output` (or as the reply
    of this `input`)."""
    c.r[_F] |= flag
    c.t.touch()


def abort(c, reason):
    """The connection is to be reset; `reason` is an index of REASONS. Its timers stop: only the
    RST is left to do."""
    c.r[_DUP] = reason
    c.r[_T] = 0
    mark(c, _F_RST)


def set_state(t, c, state):
    """Every transition of a connection's row passes here."""
    r = c.r
    r[_STATE] = state
    put32(r, _STATE_AT, t.stack.now)
