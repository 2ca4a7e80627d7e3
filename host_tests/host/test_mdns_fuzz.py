"""Ten thousand messages that make no sense: nothing raises, little is sent, the name stays or
becomes another one, and questions are answered as before."""

import random

import pytest
from lab.mdns import FLUSH, GROUP, IN, META, QU, Lab, Rec, ask, message, probe, tell
from lab.net import BOARD

HTTP = "_http._tcp.local"
NAME = "uipy." + HTTP
COUNT = 10_000


def sound():
    """Messages of every kind, to be spoilt."""
    a = Rec("uipy.local", "A", FLUSH, 120, "192.168.1.9")
    srv = Rec(NAME, "SRV", IN, 120, (81, "uipy.local"))
    txt = Rec(NAME, "TXT", IN, 4500, b"\x01a")
    ptr = Rec(HTTP, "PTR", IN, 4500, NAME)
    meta = Rec(META, "PTR", IN, 4500, HTTP)
    nsec = Rec("uipy.local", "NSEC", FLUSH, 120, b"\xc0\x0c\0\1\x40")
    questions = [("uipy.local", "ANY", QU), (NAME, "ANY", IN), (HTTP, "PTR", IN)]
    return [
        ask("uipy.local", "A"),
        ask(META, "PTR", known=[meta]),
        ask(HTTP, "PTR", flags=0x200),
        message(questions, [ptr, meta], [a, srv, txt]),
        message(answers=[ptr, ptr, meta, a]),
        probe("uipy.local", a),
        probe(NAME, srv, txt),
        tell(a, additionals=[srv, txt, nsec]),
        tell(ptr, meta, ptr._replace(ttl=0)),
        # the same with names that point back, and forward, and at themselves
        b"\0\0\0\0\0\2\0\1\0\0\0\0\4uipy\5local\0\0\1\0\1\xc0\x0c\0\x1c\0\1"
        b"\xc0\x0c\0\1\0\1\0\0\0\x78\0\4\xc0\xa8\1\7",
        b"\0\0\x84\0\0\0\0\2\0\0\0\0\xc0\x0c\0\1\0\1\0\0\0\x78\0\4\1\2\3\4"
        b"\xc0\xff\0\1\0\1\0\0\0\x78\0\4\1\2\3\4",
    ]


def spoilt(rng, octets):
    b = bytearray(octets)
    for _ in range(rng.choice((1, 1, 2, 5))):
        kind = rng.randrange(5)
        at = rng.randrange(len(b))
        if kind == 0:
            b[at] = rng.randrange(256)
        elif kind == 1:
            b[at] ^= 1 << rng.randrange(8)
        elif kind == 2:
            del b[at : at + rng.randrange(1, 9)]
        elif kind == 3:
            b[at:at] = b[: rng.randrange(30)]
        else:
            b[at : at + 2] = b"\xc0" + bytes([rng.randrange(60)])
        b = b or bytearray(1)
    return bytes(b[:1400])


@pytest.mark.parametrize("seed", range(4))
def test_nonsense(seed):
    rng = random.Random(seed)
    lab = Lab(services=[("_http._tcp", 80, {"path": "/"})], rows=2)
    if seed % 2:
        lab.up()
    some = sound()
    sent = 0
    for k in range(COUNT // 4):
        octets = rng.randbytes(rng.randrange(60)) if k % 10 == 0 else spoilt(rng, rng.choice(some))
        dst = GROUP if rng.randrange(4) else BOARD
        sport = 5353 if rng.randrange(4) else 4000
        msgs = lab.shoot(octets, dst=dst, sport=sport)
        assert len(msgs) <= 2
        sent += len(msgs)
        if k % 3 == 0:
            sent += len(lab.run(rng.choice((0, 10, 300))))
    assert sent < COUNT
    lab.run(30_000)
    assert lab.mdns.established
    name = lab.mdns.name + ".local"
    (m,) = lab.say(ask(name, "A", QU))
    assert m.answers == [Rec(name, "A", FLUSH, 120, BOARD)]


def test_the_longest_names_take_their_time():
    """A packet full of questions whose names are 127 pointers each: a bounded number of steps."""
    lab = Lab()
    lab.up()
    body = b"".join(b"\1a\xc0" + bytes([12 + 4 * k]) for k in range(50))
    chain = b"\0\0\0\0\0\x40\0\x40\0\0\0\0" + b"\0\0\1\0" + body
    for _ in range(20):
        lab.say(chain + b"\xc0\x80\0\1\0\1" * 64)
        lab.say(
            chain.replace(b"\0\0\0\0\0\x40", b"\0\0\x84\0\0\0")
            + b"\xc0\x80\0\1\0\1\0\0\0\x78\0\0" * 64
        )
    assert lab.mdns.established
