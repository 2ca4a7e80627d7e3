"""Noise on the wire: random octets, truncated frames and flipped bits of every protocol.

No exception, no frame that packets.decode calls wrong, and every frame in exactly one place of the
books: what a layer is given, it hands up, or counts as bad, ignored or for nobody.
"""

import random
import struct

import pytest
from lab import packets
from lab.net import BOARD, BOARD_MAC, PEER, PEER_MAC, Station, Wire
from uipy import App
from uipy.apps.echo import UdpEcho

SEEDS = range(4)
SHOTS = 1500
LINK = ("eth_ignored", "arp_in", "ip_in")
NETWORK = ("ip_bad", "ip_ignored", "ip_frag", "ip_proto", "icmp_in", "udp_in", "tcp_in")


def valid_bodies(rng):
    """One good datagram or ARP packet of each kind: (EtherType, octets)."""
    data = rng.randbytes(rng.choice((0, 1, 18, 56, 500, 1400)))
    flags = rng.choice(("S", "A", "FA", "R", "SA", "PA", ""))
    opts = rng.choice(({}, {"mss": 1460}, b"\1\1\5\x0a" + rng.randbytes(8), rng.randbytes(20)))
    seg = packets.tcp(
        PEER,
        BOARD,
        40000,
        rng.choice((7, 9)),
        rng.getrandbits(32),
        rng.getrandbits(32),
        flags,
        data=data,
        opts=opts,
    )
    quoted = packets.ip4(BOARD, PEER, rng.choice((6, 17, 1)), rng.randbytes(rng.choice((8, 28))))
    yield (
        0x0806,
        packets.arp(rng.choice((1, 2)), PEER_MAC, PEER, bytes(6), rng.choice((BOARD, PEER))),
    )
    yield 0x0800, packets.ip4(PEER, BOARD, 1, packets.icmp(8, 0, bytes(4) + data))
    yield (
        0x0800,
        packets.ip4(
            PEER, BOARD, 1, packets.icmp(rng.randrange(20), rng.randrange(6), bytes(4) + quoted)
        ),
    )
    yield (
        0x0800,
        packets.ip4(PEER, BOARD, 17, packets.udp(PEER, BOARD, 5000, rng.choice((7, 9)), data)),
    )
    yield 0x0800, packets.ip4(PEER, BOARD, 6, seg)
    yield 0x0800, packets.ip4(PEER, BOARD, 6, seg, frag=rng.choice((0x2000, 5, 0x6000)))
    yield 0x0800, packets.ip4(PEER, BOARD, rng.choice((2, 41, 99)), data)
    yield (
        0x0800,
        packets.ip4(
            PEER, "255.255.255.255", 17, packets.udp(PEER, "255.255.255.255", 5000, 7, data)
        ),
    )
    yield (
        0x0800,
        packets.ip4(
            PEER, BOARD, 17, packets.udp(PEER, BOARD, 5000, 7, data), opts=b"\7\7\4" + bytes(5)
        ),
    )
    yield 0x86DD, bytes(40)


def spoil(rng, frame, l2):
    """Cut, prolonged, a few bits flipped, or left alone."""
    how = rng.randrange(5)
    if how == 0:
        return frame[: rng.randrange(len(frame) + 1)]
    if how == 1:
        return frame + rng.randbytes(rng.randint(1, 40))
    if how == 2:
        at = rng.randrange(l2, len(frame)) if rng.random() < 0.8 else rng.randrange(len(frame))
        return frame[:at] + rng.randbytes(1) + frame[at + 1 :]
    if how == 3:
        return _sealed(rng, frame, l2)
    return frame


def _sealed(rng, frame, l2):
    # A flipped octet of the IP header behind which its checksum is right again: the checks
    # after it are reached.
    if len(frame) < l2 + 20:
        return frame
    head = bytearray(frame[l2 : l2 + 20])
    head[rng.choice((0, 2, 3, 6, 8, 9, 12, 16))] = rng.randrange(256)
    head[10:12] = b"\0\0"
    head[10:12] = struct.pack("!H", packets.checksum(bytes(head)))
    return frame[:l2] + bytes(head) + frame[l2 + 20 :]


def frames(rng, l2):
    """Noise without end."""
    while True:
        if rng.random() < 0.1:
            yield rng.randbytes(rng.randint(0, 1518 if l2 else 1500))
            continue
        for kind, body in valid_bodies(rng):
            if l2:
                dst = BOARD_MAC if kind != 0x0806 else rng.choice((BOARD_MAC, packets.BROADCAST))
                yield spoil(rng, packets.eth(dst, PEER_MAC, kind, body, pad=60), l2)
            elif kind == 0x0800:
                yield spoil(rng, body, l2)


@pytest.mark.parametrize("l2", (14, 0))
@pytest.mark.parametrize("seed", SEEDS)
def test_noise_raises_nothing_and_every_frame_is_counted(seed, l2):
    rng = random.Random(seed)
    wire = Wire(l2=l2)
    stack = wire.board(tcp=4)
    peer = Station(wire)
    stack.bind(7, UdpEcho())
    stack.listen(7, App, 2)
    wire.run()
    noise = frames(rng, l2)
    for k in range(SHOTS):
        before = {name: wire.count(name) for name in ("frames_in", *LINK, *NETWORK)}
        frame = next(noise)[: l2 + 1500]
        wire.rx.append(frame)
        try:
            _until_quiet(wire)
        except Exception as e:
            raise AssertionError("seed %d, frame %d: %s" % (seed, k, frame.hex())) from e
        moved = {name: wire.count(name) - n for name, n in before.items()}
        _books(moved, l2, frame)
        peer.heard.clear()
        if rng.random() < 0.3:
            wire.run(rng.randint(1, 2000))
    assert not wire.errors


def _until_quiet(wire):
    wire.settle()
    wire.take()


def _books(moved, l2, frame):
    if not frame:
        assert not any(moved.values())
        return
    if l2:
        assert sum(moved[name] for name in LINK) == moved["frames_in"], (moved, frame.hex())
    assert sum(moved[name] for name in NETWORK) == moved["ip_in"], (moved, frame.hex())
    assert moved["frames_in"] >= 1
