"""No object of TCP gets an attribute, an element or an octet more once the stack is made: nothing
grows on a board of 264 kB."""

from lab.tcp import SACK_OK, Lab, Peer, mss, stamps
from uipy import Bytes

EVERYTHING = {
    "reassembly": 2,
    "cookies": True,
    "ecn": 2,
    "timestamps": True,
    "window_scale": True,
    "sack": True,
    "urgent": True,
}
PARTS = ("pool", "cookie", "ecn", "ts", "sack", "urg", "half", "wait", "isn", "dead")


def sizes(lab):
    """The attributes of each object, and how long each of those is that has a length."""
    tcp = lab.stack.tcp
    found = {"tcp": tcp} | {name: getattr(tcp, name) for name in PARTS}
    found |= {"listener": tcp.listeners[0]} | {"row %d" % i: c for i, c in enumerate(tcp.conns)}
    return {
        name: {k: len(v) if hasattr(v, "__len__") else None for k, v in vars(thing).items()}
        for name, thing in found.items()
    }


def test_nothing_grows():
    lab = Lab(tcp=2, half_open=1, time_wait=1, tcp_options=EVERYTHING)
    begun = sizes(lab)
    opts = stamps(1)
    p = Peer(lab, wnd=60_000)
    p.open(opts=mss(1000) + SACK_OK + opts + b"\1\3\3\0", opts3=opts)
    p.conn.send(Bytes(bytes(100_000)))
    p.conn.push_urgent(50)
    una = p.run(0)[0].seq
    for _ in range(3):
        p.send("A", ack=una, opts=opts)
    for k in (5, 3, 1):  # early
        p.send("UA", b"x" * 100, seq=p.seq + 100 * k, up=700, opts=opts)
    lab.run(3000)  # a timeout
    p.send("A", opts=opts)
    Peer(lab, ip="10.0.0.100").send("S")  # takes the only place
    for k in range(3):  # cookies; the last one finds no room
        Peer(lab, port=40001 + k).open()
    lab.run(1000)
    p.send("R", opts=opts)
    lab.run(100_000)
    count = lab.wire.count
    assert count("tcp_ooo_lost") and count("tcp_fast") and count("tcp_rto")
    assert count("tcp_cookie_in") and count("tcp_ack_dropped")
    assert sizes(lab) == begun
