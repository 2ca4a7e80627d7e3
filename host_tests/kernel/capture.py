"""What a capture of the board's wire says about its TCP.

A recording of tapboard.py has what the board sent, before a bad wire touched it, and what arrived.
`flows(path, ip)` gives a `Flow` for each connection; `Flow.flight` and `Flow.windows` are
measured, and `Flow.unreasonable` lists the retransmissions for which nothing on the wire gave a
reason.
"""

import struct

from wire import media, recorder

FIN, SYN, RST, ACK = 1, 2, 4, 16
RTO_MIN = 0.9  # s; ours is 1 s (RFC 6298 2.4), and the clock of the recording is another one
_ALL = 1 << 32


class Seg:
    """One segment; `seq` and `ack` are as on the wire, `n` counts SYN and FIN."""

    def __init__(self, at, out, t):
        self.at = at
        self.out = out
        self.seq, self.ack, off, self.flags, self.wnd = struct.unpack_from("!IIBBH", t, 4)
        self.data = len(t) - (off >> 4) * 4
        self.n = self.data + bool(self.flags & SYN) + bool(self.flags & FIN)


class Flow:
    """A connection: its segments in the order in which the board saw them."""

    def __init__(self):
        self.segs = []
        self.mss = 536

    def _ours(self):
        """Our segments with what they take of the sequence space: (segment, from, to), from ISS
        on.
        """
        iss = None
        for s in self.segs:
            if not s.out or s.flags & RST:
                continue
            if iss is None:
                iss = s.seq
            first = (s.seq - iss) % _ALL
            if first < _ALL // 2:
                yield s, first, first + s.n

    @property
    def windows(self):
        """The windows that the board offered once the connection stood, until the peer's FIN."""
        out = []
        for s in self.segs:
            if not s.out and s.flags & FIN:
                break
            if s.out and s.flags & ACK and not s.flags & (SYN | RST):
                out.append(s.wnd)
        return out

    @property
    def flight(self):
        """The most segments with data that were on their way from us at a time."""
        return max((len(k.flying) for k in self._play()), default=0)

    @property
    def resent(self):
        """How many of our segments repeat octets that had been sent."""
        return sum(k.again for k in self._play())

    @property
    def unreasonable(self):
        """[(seconds, offset)] of the retransmissions that nothing on the wire explains."""
        return [(k.seg.at, k.first) for k in self._play() if k.again and not k.reason]

    def _play(self):
        """The sender as it must look from outside, after each segment."""
        state = _Sender(next((s.seq for s in self.segs if s.out), 0))
        for s in self.segs:
            state.see(s)
            yield state


class _Sender:
    """What is on its way, and whether a retransmission has a reason: a time-out, three duplicate
    ACKs (RFC 5681 3.2), a recovery that goes on (RFC 6582, RFC 6298 5), a window probe (RFC 9293
    3.8.6.1) or a SYN-ACK, keep-alive or FIN asked for again.
    """

    def __init__(self, iss):
        self.iss = iss
        self.top = self.una = 0
        self.wnd = 0
        self.dups = 0
        self.asked = None  # the octet that three duplicate ACKs asked for, until we send
        self.recover = 0
        self.sent_at = {}  # first octet: when it was last sent
        self.flying = []  # (first, end) of segments with data
        self.again = self.reason = False
        self.first = 0
        self.peer_again = False
        self.peer_top = None

    def see(self, s):
        self.seg = s
        self.again = False
        if s.out:
            self._ours(s)
            self.asked = None
        else:
            self._theirs(s)

    def _ours(self, s):
        if s.flags & RST or not s.n:
            return
        first = self.first = (s.seq - self.iss) % _ALL
        end = first + s.n
        self.again = first < self.top
        if self.again:
            self.reason = self._why(first, s)
        elif s.data:
            self.flying.append((first, end))
        self.sent_at[first] = s.at
        self.top = max(self.top, end)

    def _why(self, first, s):
        late = s.at - max((at for f, at in self.sent_at.items() if f <= first), default=0)
        why = (
            (late >= RTO_MIN and "time-out")
            or (self.dups >= 3 and first == self.una and "three duplicate ACKs")
            or (first == self.asked and "three duplicate ACKs")  # another ACK read meanwhile
            or (first < self.recover and "recovery goes on")
            or (self.wnd < 2 * 1460 and first + s.n >= self.una + self.wnd and "window probe")
            or (s.flags & SYN and "SYN again")
            or (self.peer_again and s.flags & FIN and "asked for again")
        )
        if why in ("time-out", "three duplicate ACKs"):
            self.recover = self.top
        return why

    def _theirs(self, s):
        end = (s.seq + s.n) % _ALL
        self.peer_again = s.n > 0 and self.peer_top is not None and end == self.peer_top
        if s.n:
            self.peer_top = end
        if not s.flags & ACK or s.flags & RST:
            return
        ack = (s.ack - self.iss) % _ALL
        if self.una < ack <= self.top:
            self.una = ack
            self.dups = 0
            self.flying = [f for f in self.flying if f[1] > ack]
        elif ack == self.una and not s.n and self.una < self.top:
            self.dups += 1
            if self.dups >= 3:
                self.asked = ack
        self.wnd = s.wnd


def _tcp(frame, board):
    """(out, key, TCP part) of an IPv4 frame with TCP to or from the board, else None."""
    if frame[12:14] != b"\x08\x00" or frame[23] != 6:
        return None
    head = (frame[14] & 15) * 4
    end = 14 + struct.unpack_from("!H", frame, 16)[0]
    t = frame[14 + head : end]
    if len(t) < 20 or board not in (frame[26:30], frame[30:34]):
        return None
    if media.finished(frame[: 14 + head] + t)[14 + head + 16 :][:2] != t[16:18]:
        return None  # damaged on the way; nobody believes it
    out = frame[26:30] == board
    ports = t[0:2] + t[2:4] if out else t[2:4] + t[0:2]
    return out, ports, t


def flows(path, ip):
    """{(board's port, peer's port): Flow} of a recording; a new SYN from a port begins anew."""
    board = bytes(int(x) for x in ip.split("."))
    found = {}
    for at, frame in recorder.read(path):
        got = _tcp(frame, board)
        if not got:
            continue
        out, ports, t = got
        key = struct.unpack("!HH", ports)
        found.setdefault(key, Flow()).segs.append(Seg(float(at), out, t))
    return found


def flow(path, ip, port):
    """The only connection to a port of the board, or the longest one."""
    chosen = [f for (ours, _), f in flows(path, ip).items() if ours == port]
    assert chosen, "no connection to port %d in %s" % (port, path)
    return max(chosen, key=lambda f: len(f.segs))


def fast(flow):
    """Asserts what every bulk transfer of ours must show on a perfect wire."""
    assert flow.flight >= 4, "%d of our segments in flight" % flow.flight
    assert flow.unreasonable == [], flow.unreasonable[:5]


def roomy(flow):
    """Asserts that an application which keeps up never closes the window below 2 MSS."""
    assert flow.windows and min(flow.windows) >= 2 * 1460, min(flow.windows, default=None)
