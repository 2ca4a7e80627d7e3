"""What is true of a segment at the moment it arrives: the words of rules.py.

`Tcb` is what RFC 9293 3.3.1 calls the connection's variables, gathered from the wire
(tools/judge/tcpcheck.py) and from what the application was given, never from the stack. A word is
True, False, or None where the wire does not tell.
"""

from judge.segment import ACK, CWR, ECE, FIN, RST, STAMP, SYN, WSCALE, seq_diff

CAP = 61440  # a stack may take MAX.SND.WND for less than it is: the check only becomes stricter


class Tcb:
    """The connection's variables, relative to IRS and ISS."""

    def __init__(
        self,
        side,
        taken,
        fin_seen,
        room,
        takes_all,
        passive,
        listener,
        reader,
        late,
        shut,
        fallback,
        opening,
    ):
        self.side = side  # tcpcheck.Side, or None in CLOSED and LISTEN
        self.iss = side.iss if side else 0
        self.irs = side.irs if side and side.irs is not None else 0
        self.una = side.una if side and not opening else 0
        self.nxt = side.top if side else 0
        self.rcv_nxt = 1 + taken + fin_seen
        edge = side.edge if side else 0
        if side and side.syn is not None and not side.syn.flags & ACK:
            edge = max(edge, 1 + side.syn.wnd)  # our SYN offered it before there was an ACK field
        self.edge = max(edge, self.rcv_nxt)
        self.edge_at_most = max(self.edge, self.rcv_nxt + room)
        if shut:  # TIME-WAIT: no window is kept
            self.edge = self.rcv_nxt
        self.takes_all = takes_all
        self.passive = passive
        self.listener = listener
        self.reader = reader
        self.fallback = (
            fallback
            and side is not None
            and side.syn is not None
            and side.syn.flags & (ECE | CWR) == ECE | CWR
        )
        self.late = late  # out-of-order text or FIN may be waiting


class Facts:
    """A shot (shots.py) seen from a Tcb."""

    def __init__(self, tcb, shot):
        self.t = tcb
        self.s = shot
        self.seq = seq_diff(shot.seq, tcb.irs)
        self.ack = seq_diff(shot.ack, tcb.iss)
        self.text_end = self.seq + shot.size + (1 if shot.flags & SYN else 0)
        self.known = {}

    def fits(self, words):
        """All words at once: False beats None beats True."""
        result = True
        for word in words.split():
            value = self.word(word)
            if value is False:
                return False
            if value is None:
                result = None
        return result

    def word(self, word):
        if word[0] == "!":
            value = self.word(word[1:])
            return None if value is None else not value
        if word not in self.known:
            self.known[word] = getattr(self, "is_" + word.replace("-", "_"))()
        return self.known[word]

    # Controls

    def is_any(self):
        return True

    def is_rst(self):
        return bool(self.s.flags & RST)

    def is_ack(self):
        return bool(self.s.flags & ACK)

    def is_syn(self):
        return bool(self.s.flags & SYN)

    def is_fin(self):
        return bool(self.s.flags & FIN)

    def is_broken(self):
        return self.s.broken is not None

    def is_bad_options(self):
        return self.s.options_bad

    def is_no_reading(self):
        return None if self.s.options_bad is not False else False

    # Sequence numbers (3.10.7.4 first, table 6)

    def _acceptable(self, edge):
        wnd = edge - self.t.rcv_nxt
        start = self.seq
        size = self.s.size + bin(self.s.flags & (FIN | SYN)).count("1")
        inside = self.t.rcv_nxt <= start < edge
        if wnd == 0:
            return size == 0 and start == self.t.rcv_nxt
        if size == 0:
            return inside
        return inside or self.t.rcv_nxt <= start + size - 1 < edge

    def is_outside(self):
        if self.t.edge == self.t.rcv_nxt == self.seq:
            # "If the RCV.WND is zero, [...] special allowance should be made to
            # accept valid ACKs, URGs, and RSTs."
            return None if self.s.size or self.s.flags & FIN else False
        if self.seq in (self.t.edge, self.t.edge_at_most) and not self.s.size | self.s.flags & FIN:
            return None  # an ACK of a peer that has filled the window (tcp/check.py)
        low, high = self._acceptable(self.t.edge), self._acceptable(self.t.edge_at_most)
        return not low if low == high else None

    def is_number_outside(self):
        """For a RST or a SYN its own number counts, not that of the octets behind it (RFC 5961
        3.2)."""
        if self.seq == self.t.rcv_nxt:
            return False
        if self.t.edge <= self.seq < self.t.edge_at_most:
            return None
        return not self.t.rcv_nxt <= self.seq < self.t.edge

    def is_straddling(self):
        """It begins before RCV.NXT and ends behind it. A half-open connection may drop it: it
        holds no text yet."""
        return (
            None
            if self.seq < self.t.rcv_nxt < self.text_end + 1 and self.s.size + (self.s.flags & FIN)
            else False
        )

    def is_exact(self):
        return self.seq == self.t.rcv_nxt

    def is_irs(self):
        return self.seq == 0

    def is_newer(self):
        """Of a SYN in TIME-WAIT: by its number, or by its timestamp (RFC 6191 2)."""
        if self.seq >= self.t.rcv_nxt:
            return True
        side = self.t.side
        if (
            self.s.stamp is None
            or not side.agreed(STAMP)
            or seq_diff(self.s.stamp, side.stamp_low) <= 0
        ):
            return None if self.s.options_bad is not False else False
        return True if seq_diff(self.s.stamp, side.stamps) > 0 else None

    # Acknowledgments

    def is_ack_of_syn(self):
        return 0 < self.ack <= self.t.nxt

    def is_ack_new(self):
        return self.t.una < self.ack <= self.t.nxt

    def is_ack_of_the_future(self):
        return self.ack > self.t.nxt

    def is_ack_too_old(self):
        side = self.t.side
        if self.ack < self.t.una - side.max_wnd:
            return True
        return (
            None
            if self.ack < max(side.una_high, self.t.una) - min(side.max_wnd_low, CAP)
            else False
        )

    def is_acks_our_fin(self):
        fin = self.t.side.fin
        return fin is not None and self.ack == fin + 1

    # Who and how

    def is_passive(self):
        return self.t.passive

    def is_listener(self):
        return self.t.listener

    def is_no_reader(self):
        return not self.t.reader

    def is_fallback(self):
        return self.t.fallback

    # Timestamps (RFC 7323)

    def is_stampless(self):
        if not self.t.side.agreed(STAMP):
            return False
        if self.s.stamp is None:
            return True
        return None if self.s.options_bad is not False else False

    def is_untimely(self):
        """Without a timestamp, or with an old one."""
        either = (self.word("stampless"), self.word("paws"))
        return True if True in either else None if None in either else False

    def is_paws(self):
        if not self.t.side.agreed(STAMP) or self.s.stamp is None:
            return None if self.s.options_bad is not False else False
        side = self.t.side
        if seq_diff(self.s.stamp, side.stamp_low) < 0:
            return True if self.s.options_bad is False else None
        return None if seq_diff(self.s.stamp, side.stamps) < 0 else False

    # Text and FIN

    def is_new_text(self):
        if not self.s.size or self.text_end <= self.t.rcv_nxt:
            return False
        return True if self.seq <= self.t.rcv_nxt < self.t.edge else None

    def is_fin_in_turn(self):
        if self.t.late:
            return None
        if not self.s.flags & FIN or self.text_end < self.t.rcv_nxt or self.seq > self.t.rcv_nxt:
            return False
        if self.text_end == self.t.rcv_nxt:
            # A FIN alone, or behind text that was there before.
            return True if self.t.edge > self.t.rcv_nxt else None
        if self.text_end >= self.t.edge_at_most:
            return False
        return True if self.t.takes_all and self.text_end < self.t.edge else None


def scale_of(side):
    """The shift of the windows that the peer sends."""
    return min(side.peer.wscale, 14) if side.agreed(WSCALE) else 0
