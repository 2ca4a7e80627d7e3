"""CLOSED (RFC 9293 3.10.7.1): a segment that no connection and no listener wants; also an ACK to
LISTEN (3.10.7.2)."""

from ..kern import copy, put32, sadd, u16
from ..net.datagram import AT, FLAGS, IFACE, TEXT
from .emit import bare
from .header import ACK, FIN, RST, SYN
from .row import LPORT, RPORT


def reset_back(tcp):
    """Answers the segment at hand with a RST, unless it is one itself; returns its length."""
    seg = tcp.seg
    buf = tcp.buf
    flags = seg[FLAGS]
    if flags & RST:
        return 0
    iface = tcp.stack.ifaces[seg[IFACE]]
    at = seg[AT]
    to = iface.tx
    key = tcp.key
    key[LPORT] = u16(buf, at + 2)
    key[RPORT] = u16(buf, at)
    if flags & ACK:  # <SEQ=SEG.ACK><CTL=RST>
        copy(buf, to + 4, buf, at + 8, 4)
        put32(buf, to + 8, 0)
        flags = RST
    else:  # <SEQ=0><ACK=SEG.SEQ+SEG.LEN><CTL=RST,ACK>
        copy(buf, to + 8, buf, at + 4, 4)
        sadd(buf, to + 8, seg[TEXT] + (1 if flags & FIN else 0) + (1 if flags & SYN else 0))
        put32(buf, to + 4, 0)
        flags = RST | ACK
    return bare(tcp, iface, key, 0, flags)
