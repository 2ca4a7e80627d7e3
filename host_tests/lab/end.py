"""One end of a TCP connection, played by hand: where it stands in both directions."""


class End:
    """`seq` is what it sends next, `ack` what it expects next; `port` and `to` are the two ports,
    `isn` is its first number and `iss` the board's.
    """

    def __init__(self, ip: str, port: int, to: int, isn: int, wnd: int):
        self.ip, self.port, self.to = ip, port, to
        self.isn = self.seq = isn
        self.iss = self.ack = 0
        self.wnd = wnd

    def numbers(self, flags: str, data: bytes, seq=None, ack=None, wnd=None):
        """SEG.SEQ, SEG.ACK and SEG.WND of the next segment; those that are not given say where
        this end stands. An own `seq` does not advance ours."""
        s = self.seq if seq is None else seq
        a = (self.ack if ack is None else ack) if "A" in flags else ack or 0
        if seq is None:
            self.seq = (self.seq + len(data) + ("S" in flags) + ("F" in flags)) % 2**32
        return s, a, self.wnd if wnd is None else wnd

    def follow(self, seg):
        """A segment came: a SYN, or what is in order, moves `ack`."""
        if "S" in seg.flags or (self.ack - seg.seq) % 2**32 < seg.len:
            self.ack = seg.end
