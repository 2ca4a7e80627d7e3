"""What a board has sent, segment by segment, and what it has counted meanwhile."""

from lab.tcp import Lab, Peer, mss

COUNTED = ("tcp_out", "tcp_rexmt", "tcp_rto", "tcp_probe", "tcp_keep", "tcp_rst_out")
TEXT = bytes(k * 7 % 251 for k in range(20_000))


def tape(p, segs, since=0):
    """(ms, number less ISS + 1, octets of text, flags) of each; the text is TEXT from there on."""
    told = []
    for s in segs:
        rel = (s.seq - p.iss - 1 + 2**31) % 2**32 - 2**31
        assert s.data == TEXT[rel : rel + len(s.data)] if s.data else True, (rel, s)
        assert s.up == 0 and "U" not in s.flags and s.ack == p.seq, s
        told.append((s.at - since, rel, len(s.data), s.flags))
    return told


class Counts:
    """What has been counted since."""

    def __init__(self, lab):
        self.lab = lab
        self.before = {n: lab.wire.count(n) for n in COUNTED}

    def __call__(self):
        now = {n: self.lab.wire.count(n) - self.before[n] for n in COUNTED}
        return {n[4:]: k for n, k in now.items() if k}


def opened(wnd=8192, peer_mss=1000, **options):
    lab = Lab(tcp_options=options)
    p = Peer(lab, wnd=wnd)
    p.open(opts=mss(peer_mss))
    return lab, p, Counts(lab)
