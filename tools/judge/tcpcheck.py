"""The law of the wire: every TCP segment that a host emits is judged against what it was sent.

`WireCheck` sees both sides of one host's cable: `arrived` for each frame delivered to it,
`emitted` for each frame that it sends. It keeps its own books (tcpbooks.py, segment.py: nothing
of lib/uipy) and raises `Illegal`, with the clause, for

    a header, checksum, option or reserved bit that no host may send (RFC 9293 3.1, 3.2; RFC 3360
    2.1);
    octets beyond the window or the MSS that the peer offered, other octets than the last time, a
    FIN that moves;
    an acknowledgment of what has not arrived, one that goes back, a right window edge that moves
    left;
    a RST that is not in the form of RFC 9293 3.10.7.1 or 3.10.5;
    options that were not agreed on: window scale, timestamps (RFC 7323), SACK (RFC 2018), ECN
    (RFC 3168).
"""

from collections import deque

# fmt: off
from judge.segment import (
    ACK,
    CWR,
    ECE,
    FIN,
    MSS,
    PSH,
    RST,
    SACK,
    SACK_OK,
    STAMP,
    SYN,
    URG,
    WSCALE,
    Illegal,
    is_tcp,
    parse,
    seq_diff,
)

# fmt: on
from judge.tcpbooks import Side


class WireCheck:
    """The judge of one host. `l2` as in the device contract; `address` the host's IPv4 address (4
    octets); `depth` the segments that may arrive before the first of them is answered.
    """

    def __init__(self, address, l2=14, depth=1):
        self.address = address
        self.depth = depth
        self.l2 = l2
        self.sides = {}
        self.count = 0
        self.heard = {}  # the latest segments delivered, by connection: what a RST may answer
        self.rexmt = 0

    def arrived(self, frame):
        """A frame is handed to the host. Broken ones teach nothing."""
        if not is_tcp(frame, self.l2):
            return None
        try:
            seg = parse(frame, self.l2)
        except Illegal:
            return None
        self.learn(seg)
        return seg

    def hear(self, seg):
        """A segment is delivered, whatever it is worth. In a recording several may come before the
        answer to the first."""
        key = (seg.dport, seg.src, seg.sport)
        self.heard.setdefault(key, deque(maxlen=self.depth)).append(seg)

    def learn(self, seg, certain=True):
        """What the host now knows of its peer. Not `certain`: perhaps it dropped the segment."""
        self.hear(seg)
        key = (seg.dport, seg.src, seg.sport)
        side = self.sides.get(key)
        if seg.flags & SYN and not seg.flags & RST:
            side = self._invited(seg, key, side)
        if side is None or side.irs is None or seg.flags & RST:
            return
        start = seq_diff(seg.seq, side.irs)
        if start + seg.length > 0:
            side.spans.add(start, start + seg.length)
            if seg.flags & FIN and (side.peer_fin is None or start + seg.length < side.peer_fin):
                side.peer_fin = start + seg.length
        if seg.stamp:
            side.stamped(seg.stamp[0], certain and start <= side.ack and not seg.flags & SYN)
        if seg.flags & ACK and side.iss is not None:
            ack = seq_diff(seg.ack, side.iss)
            if 0 <= ack <= side.top:
                side.duplicates += ack == side.una and not seg.length
                scale = side.peer.wscale if side.agreed(WSCALE) and not seg.flags & SYN else 0
                side.una = max(side.una, ack) if certain else side.una
                side.una_high = max(side.una_high, ack)
                wnd = seg.wnd << min(scale, 14)
                side.right = max(side.right, ack + wnd)
                side.max_wnd = max(side.max_wnd, wnd)
                if certain and not seg.flags & SYN and start >= side.wl1 and ack >= side.una:
                    side.wl1 = start
                    side.max_wnd_low = max(side.max_wnd_low, wnd)

    def _invited(self, seg, key, side):
        # A SYN: the first one is taken as it is, another one only when the host answers it
        # (`_syn`).
        if side is None or side.syn is None:
            side = self.sides[key] = Side(None)
        elif side.peer is not None:
            side.offer = seg
            return side if seg.seq == side.irs else None
        elif seg.flags & ACK and seq_diff(seg.ack, side.iss) != 1:
            return side
        side.meet(seg)
        return side

    def emitted(self, frame):
        """The host sends a frame: the segment in it, or None when it is not TCP."""
        if not is_tcp(frame, self.l2):
            return None
        seg = parse(frame, self.l2)
        self.count += 1
        _header(seg)
        _need(seg.src == self.address, "a source address that is not ours", seg)
        key = (seg.sport, seg.dst, seg.dport)
        side = self.sides.get(key)
        if seg.flags & RST:
            self._reset(seg, side)
            return seg
        if seg.flags & SYN:
            side = self._syn(seg, key, side)
        _need(side is not None and side.iss is not None, "a segment of no connection", seg)
        _need(seg.flags & (SYN | ACK), "no ACK once connected (3.10.7.4)", seg)
        self._numbers(seg, side)
        if seg.flags & ACK:
            _acknowledges(seg, side)
        _options(seg, side)
        return seg

    def _reset(self, seg, side):
        # The form follows the offending segment (3.10.7.1, 3.5.2), or is that of ABORT (3.10.5).
        _need(
            not seg.data and not seg.flags & (SYN | FIN | URG),
            "RST with other controls or data",
            seg,
        )
        known = side is not None and side.iss is not None
        heard = self.heard.get((seg.sport, seg.dst, seg.dport), ())
        if any(_resets(seg, last) for last in heard):
            return
        _need(known, "a RST that answers nothing (3.10.7.1)", seg)
        _need(
            side.una <= seq_diff(seg.seq, side.iss) <= side.top,
            "RST's SEQ is not SND.NXT (3.10.5)",
            seg,
        )
        if seg.flags & ACK:
            _acknowledges(seg, side)

    def _syn(self, seg, key, side):
        if side is None or (side.syn is not None and self._anew(seg, side)):
            offer = side.offer if side is not None and seg.flags & ACK else None
            side = self.sides[key] = Side(seg.seq)
            if offer is not None:
                side.meet(offer)
        side.iss = seg.seq
        side.syn = seg  # the one that went last: what it offers may have become less
        if seg.flags & ACK:
            _need(side.peer is not None, "a SYN-ACK that no SYN asked for", seg)
            for kind in (WSCALE, SACK_OK, STAMP):
                # RFC 7323 2.2, 3.2; RFC 2018 2.
                _need(
                    seg.option(kind) is None or side.peer.option(kind) is not None,
                    "option %d in a SYN-ACK, but not in the SYN" % kind,
                    seg,
                )
        _need(seg.mss is not None, "a SYN without MSS (SHLD-5)", seg)
        if seg.wscale is not None:
            _need(seg.wscale <= 14, "a window shift over 14 (RFC 7323 2.3)", seg)
        return side

    @staticmethod
    def _anew(seg, side):
        # Another ISS, or an answer to the SYN of another incarnation.
        offer = side.offer
        answers = seg.flags & ACK and offer is not None and seq_diff(seg.ack, offer.seq) == 1
        return seg.seq != side.iss or (answers and offer.seq != side.irs)

    def _numbers(self, seg, side):
        start = seq_diff(seg.seq, side.iss)
        end = start + seg.length
        _need(
            0 <= start <= side.top,
            "a hole in the sequence space: %d, sent %d" % (start, side.top),
            seg,
        )
        if seg.length and start < side.top:
            self.rexmt += 1
        if seg.data:
            _stream(seg, side, start + (seg.flags >> 1 & 1))
        if seg.flags & FIN:
            _need(
                side.fin in (None, end - 1),
                "the FIN moved from %s to %d" % (side.fin, end - 1),
                seg,
            )
            side.fin = end - 1
        if side.fin is not None:
            text_end = end - (seg.flags & FIN)
            _need(text_end <= side.fin or not seg.data, "octets behind the FIN", seg)
            _need(end <= side.fin + 1, "octets behind the FIN", seg)
        if end > side.top:
            side.top = end
        if seg.flags & SYN or not seg.length:
            return
        # RFC 9293 3.8.6.1: a probe of a closed window is one octet beyond it.
        probe = seg.length == 1 and start == side.right
        _need(
            end <= side.right or probe,
            "beyond the window: %d > %d (3.8.6)" % (end, side.right),
            seg,
        )
        mss = side.peer.mss if side.peer.mss is not None else 536  # MUST-15
        _need(
            len(seg.data) + seg.optlen <= max(mss, 1),
            "%d octets of data and %d of options over the MSS %d (MUST-16)"
            % (len(seg.data), seg.optlen, mss),
            seg,
        )
        if side.una <= 1 and side.duplicates < 3:  # the third one begins fast recovery
            mss = max(mss, 536)
            most = max(min(10 * mss, max(2 * mss, 14600)), 4 * mss if mss <= 1095 else 0)
            most += 2 * mss if side.duplicates else 0  # RFC 3042: one for each of two duplicates
            _need(end <= most + 2, "%d is over the initial window (RFC 6928)" % end, seg)

    def finished(self):
        """After the last frame: the pushes. RFC 9293 3.9.1.2 (MUST-61)."""
        for key, side in self.sides.items():
            if side.fin is None or side.fin <= 1:
                continue
            if not side.psh.get(side.fin, True):
                raise Illegal("the last octets on %s went without PSH (MUST-61)" % (key,))


def _resets(seg, last):
    """Is this the RST that the segment `last` earns (3.10.7.1)? A RST earns none."""
    if last.flags & RST:
        return False
    if last.flags & ACK:
        return seg.seq == last.ack and not seg.flags & ACK
    right = seq_diff(seg.ack, last.seq) == last.length
    return seg.seq == 0 and bool(seg.flags & ACK) and right


def _need(good, what, seg):
    if not good:
        raise Illegal("%s: %s" % (what, seg))


def _header(seg):
    """What holds for every segment, whatever the connection."""
    f = seg.flags
    _need(not seg.reserved, "reserved bits are set (RFC 3360 2.1, RFC 9293 3.1)", seg)
    _need(f & (SYN | RST | ACK), "neither SYN, RST nor ACK", seg)
    _need(bin(f & (SYN | RST | FIN)).count("1") <= 1, "SYN, RST and FIN exclude each other", seg)
    _need(f & URG or not seg.urp, "an urgent pointer without URG", seg)
    _need(not f & URG or seg.urp, "URG with a pointer that points at nothing (RFC 6093 4)", seg)
    _need(f & ACK or not seg.ack, "an ACK number without ACK", seg)
    kinds = [kind for kind, _ in seg.opts]
    _need(len(set(kinds)) == len(kinds), "an option twice", seg)
    if not f & SYN:
        for kind in (MSS, WSCALE, SACK_OK):
            _need(
                kind not in kinds,
                "option %d outside of a SYN (RFC 9293 3.2, RFC 7323 2.2)" % kind,
                seg,
            )


def _stream(seg, side, start):
    """Data: the same octets each time (they are the application's), never beyond the FIN."""
    at = start - 1
    end = at + len(seg.data)
    if len(side.stream) < end:
        side.stream.extend(bytes(end - len(side.stream)))
        side.known.extend(bytes(end - len(side.known)))
    if any(side.known[at:end]):
        for i, octet in enumerate(seg.data, at):
            _need(
                not side.known[i] or side.stream[i] == octet,
                "octet %d is another one than before" % i,
                seg,
            )
    side.stream[at:end] = seg.data
    side.known[at:end] = b"\1" * (end - at)
    stop = end + 1
    side.psh[stop] = side.psh.get(stop, True) and bool(seg.flags & (PSH | FIN))
    if seg.flags & URG:
        pointer = start + seg.urp
        _need(pointer >= side.urgent, "the urgent pointer went back (RFC 9293 3.10.7.4)", seg)
        side.urgent = pointer


def _acknowledges(seg, side):
    _need(side.irs is not None, "an ACK of nobody", seg)
    ack = seq_diff(seg.ack, side.irs)
    _need(ack <= side.spans.next, "acknowledges %d, only %d arrived" % (ack, side.spans.next), seg)
    _need(ack >= side.ack, "an acknowledgment went back from %d to %d" % (side.ack, ack), seg)
    side.ack = ack
    if seg.flags & RST:
        return
    scale = side.syn.wscale if side.agreed(WSCALE) and not seg.flags & SYN else 0
    edge = ack + (seg.wnd << scale)
    if side.peer_fin is not None and ack >= side.peer_fin:
        edge = max(edge, side.edge)  # nothing can come any more: it may say what it likes
    # RFC 7323 2.4: rounding to the scale may take less than one unit back.
    if seg.flags & SYN:  # unscaled: it cannot say more than 65535
        edge = max(edge, side.edge)
    _need(
        edge + (1 << scale) > side.edge,
        "the right edge moved left: %d to %d (SHLD-14)" % (side.edge, edge),
        seg,
    )
    side.edge = max(edge, side.edge)


def _options(seg, side):
    if seg.flags & SYN:
        stamp = seg.stamp
        _need(
            stamp is None or seg.flags & ACK or not stamp[1], "TSecr in a SYN (RFC 7323 3.2)", seg
        )
    else:
        # RFC 7323 3.2: once agreed on, in every segment.
        _need(
            bool(seg.stamp) == side.agreed(STAMP),
            "timestamps: agreed %s" % side.agreed(STAMP),
            seg,
        )
    if seg.stamp:
        now = seg.stamp[0]
        _need(
            side.tsval is None or seq_diff(now, side.tsval) >= 0,
            "TSval went back (RFC 7323 4.1)",
            seg,
        )
        side.tsval = now
        if seg.flags & ACK:
            _need(
                side.stamps is not None and seq_diff(seg.stamp[1], side.stamps) <= 0,
                "TSecr was never received (RFC 7323 3.2)",
                seg,
            )
    if seg.option(SACK) is not None:
        _sack(seg, side)
    _ecn(seg, side)


def _sack(seg, side):
    """RFC 2018 3 and 4: only when permitted, of octets that arrived, beyond the ACK."""
    _need(side.peer.option(SACK_OK) is not None, "SACK was not permitted (RFC 2018 2)", seg)
    ack = seq_diff(seg.ack, side.irs)
    for left, right in seg.sack:
        a, b = seq_diff(left, side.irs), seq_diff(right, side.irs)
        _need(ack < a < b, "a SACK block that is empty or not beyond the ACK", seg)
        _need(side.spans.covers(a, b), "SACK of %d..%d, which did not arrive" % (a, b), seg)


def _ecn(seg, side):
    if seg.flags & SYN:
        if seg.flags & ACK:
            setup = side.peer.flags & (ECE | CWR) == ECE | CWR
            _need(
                not seg.flags & CWR and (setup or not seg.flags & ECE),
                "ECN in the SYN-ACK (RFC 3168 6.1.1)",
                seg,
            )
        _need(not seg.ecn, "ECT on a SYN (RFC 3168 6.1.1)", seg)
        return
    if side.ecn_agreed():
        _need(not seg.ecn or seg.data, "ECT on a pure ACK (RFC 3168 6.1.4)", seg)
    else:
        _need(
            not seg.ecn and not seg.flags & (ECE | CWR),
            "ECN was not agreed on (RFC 3168 6.1)",
            seg,
        )
    _need(seg.ecn != 3, "a host marks CE itself (RFC 3168 5)", seg)


def judge(frames, address, l2=14):
    """Judges a recording of a host's wire, (seconds, frame) in order; returns the `WireCheck`."""
    check = WireCheck(address, l2, depth=64)
    for _, frame in frames:
        if is_tcp(frame, l2) and frame[l2 + 12 : l2 + 16] == address:
            check.emitted(frame)
        else:
            check.arrived(frame)
    return check
