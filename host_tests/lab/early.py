"""A peer whose segments come early, and what the blocks of the ACKs say that the board holds."""

from lab.tcp import SACK_OK, HalfCloser, Lab, Peer, blocks, mss, one

TEXT = bytes(k * 7 % 251 for k in range(6000))


def pooled(rows, mtu=1500, app=HalfCloser, **options):
    """A board with `rows` buffers."""
    return Lab(mtu, app=app, tcp_options={"sack": True, "reassembly": rows} | options)


def opened(lab, port=40000, isn=1000, opts=b""):
    """A peer whose octets are those of TEXT."""
    p = Peer(lab, port=port, isn=isn, wnd=60000)
    p.open(opts=mss(1460) + SACK_OK + opts, opts3=opts)
    return p


def text(p, a, b, flags="A"):
    """Octets a to b of TEXT arrive; returns what is answered at once."""
    return p.send(flags, TEXT[a:b], seq=p.isn + 1 + a)


def said(p, segs):
    """The acknowledgment and the blocks of the only answer, from the first octet on."""
    s = one(segs, "A")
    return s.ack - p.isn - 1, blocks(s, p.isn + 1)


def early(p, a, b, flags="A"):
    """Octets a to b come early; returns the blocks of the answer."""
    return said(p, text(p, a, b, flags))[1]


def fill(p, a, b):
    """Octets a to b close a gap; returns how far the ACK goes."""
    return said(p, text(p, a, b))[0]
