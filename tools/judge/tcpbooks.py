"""What a host knows and has promised on one connection, from its wire alone (for tcpcheck.py)."""

from judge.segment import ACK, CWR, ECE, seq_diff


class Spans:
    """Which octets of a sequence space have arrived: `next` is the first missing one, `late` what
    lies beyond it.
    """

    def __init__(self):
        self.next = 0
        self.late = []

    def add(self, start, end):
        if start > self.next:
            self.late.append((start, end))
            return
        self.next = max(self.next, end)
        for span in sorted(self.late):
            if span[0] <= self.next:
                self.next = max(self.next, span[1])
        self.late = [span for span in self.late if span[1] > self.next]

    def covers(self, start, end):
        """Did every octet of start..end arrive?"""
        at = max(start, self.next) if start <= self.next else start
        for span in sorted(self.late):
            if span[0] <= at < span[1]:
                at = span[1]
        return at >= end


class Side:
    """What one host may do on one connection. Numbers are distances from ISS (ours) or IRS (the
    peer's).
    """

    def __init__(self, iss):
        self.iss = iss
        self.irs = None
        self.syn = None  # the SYN that we sent
        self.peer = None  # the SYN that we received
        self.offer = None  # a later SYN, not answered yet
        self.top = 0  # the highest SEQ + LEN sent
        self.una = 0  # the highest ACK received
        self.una_high = (
            0  # the same, with those of which it is not certain that they were accepted
        )
        self.right = 0  # the highest right edge received
        self.duplicates = 0  # ACKs that acknowledged nothing new
        self.max_wnd = 0  # MAX.SND.WND (RFC 5961 5.2)
        # the same, without the SYN's window and those of old segments, which a host need not count
        self.max_wnd_low = 0
        self.wl1 = 0  # SND.WL1
        self.stream = bytearray()
        self.known = bytearray()  # 1 where stream holds an octet that was sent
        self.fin = None
        self.psh = {}  # end of a segment -> was PSH or FIN set each time?
        self.spans = Spans()
        self.peer_fin = None  # the end of the peer's FIN
        self.ack = 0
        self.edge = 0
        self.tsval = None
        self.urgent = 0
        self.stamps = None  # the latest TSval received
        self.stamp_low = None  # what TS.Recent is at least

    def meet(self, syn):
        """The peer's SYN: its numbers begin."""
        self.peer = syn
        self.irs = syn.seq
        self.max_wnd = syn.wnd
        self.spans.add(0, 1)
        self.offer = None
        self.stamps = self.stamp_low = syn.stamp[0] if syn.stamp else None

    def stamped(self, tsval, kept):
        """A TSval has arrived; `kept` when TS.Recent follows it (RFC 7323 4.3 (2))."""
        if self.stamps is None:
            self.stamps = self.stamp_low = tsval
        if seq_diff(tsval, self.stamps) > 0:
            self.stamps = tsval
        if kept and seq_diff(tsval, self.stamp_low) > 0:
            self.stamp_low = tsval

    def agreed(self, kind):
        """An option is in use when both SYNs had it."""
        return (
            self.syn is not None
            and self.peer is not None
            and self.syn.option(kind) is not None
            and self.peer.option(kind) is not None
        )

    def ecn_agreed(self):
        """RFC 3168 6.1.1: an ECN-setup SYN was answered by an ECN-setup SYN-ACK."""
        if self.syn is None or self.peer is None:
            return False
        first, second = (self.peer, self.syn) if self.syn.flags & ACK else (self.syn, self.peer)
        both = ECE | CWR
        return first.flags & both == both and second.flags & both == ECE
