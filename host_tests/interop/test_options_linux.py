"""ECN, timestamps, window scaling and SACK as the kernel understands them."""

import os
import random
import socket
import threading

import pytest
from interop.lab import BOARD, Board, alone, kernel, sysctl
from uipy import Ring
from uipy.stream import Stream

ALL = {"timestamps": True, "window_scale": True, "sack": True, "reassembly": 8, "ecn": 1}


def echoes():
    ring = Ring(32768)
    return Stream(ring, ring)


def echo(n):
    """n octets to the board and back."""
    s = socket.create_connection((BOARD, 7), timeout=200)
    data = os.urandom(n)

    def send():
        s.sendall(data)
        s.shutdown(socket.SHUT_WR)

    threading.Thread(target=send, daemon=True).start()
    got = bytearray()
    while chunk := s.recv(65536):
        got += chunk
    return bytes(got) == data


@pytest.mark.parametrize("options", [{}, ALL], ids=["plain", "all"])
@alone
def test_every_octet_comes_back_over_a_bad_wire(options):
    board = Board(tcp_options={"rto_min": 200, **options})
    rng = random.Random(5)
    board.dev.drop = lambda way, frame: rng.random() < 0.02
    board.stack.listen(7, echoes, 1)
    # Without reassembly and timestamps each loss costs Linux a time-out, the double of the one
    # before.
    octets = 1 << 18 if options else 1 << 16
    assert board.run(kernel(lambda: echo(octets)), seconds=300)
    assert any(lost for _, _, lost in board.dev.log)


@alone
def test_what_the_kernel_offers_is_agreed_on_and_used():
    board = Board(tcp_options=ALL)
    board.stack.listen(7, echoes, 1)
    s = board.run(kernel(lambda: socket.create_connection((BOARD, 7))))
    info = s.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)
    timestamps, sack, wscale = (info[5] >> i & 1 for i in range(3))
    assert (timestamps, sack, wscale) == (1, 1, 1)


@alone
def test_ecn_is_negotiated_both_ways_and_a_mark_is_answered():
    sysctl("tcp_ecn", 1)
    board = Board(tcp_options={"ecn": 1})
    board.stack.listen(7, echoes, 1)
    assert board.run(kernel(lambda: echo(20000)))
    first = board.segments()
    assert "".join(sorted(first[0][1].flags)) == "CES"
    assert "".join(sorted(first[1][1].flags)) == "AES"
    data = [seg for way, seg in first if way == "out" and seg.data]
    assert {seg.ecn for seg in data} == {2}  # ECT(0)


@alone
def test_a_flood_of_spoofed_syns_does_not_keep_the_kernel_out():
    board = Board(half_open=4, tcp_options={"cookies": True})
    board.stack.listen(7, echoes, 4)
    rng = random.Random(1)
    stop = threading.Event()

    def flood():
        raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
        while not stop.wait(0.002):
            raw.sendto(spoofed_syn(rng), (BOARD, 0))

    thread = kernel(flood)
    board.run(lambda: dict(board.stack.counters())["tcp_syn_dropped"] > 100)
    for _ in range(20):
        assert board.run(kernel(lambda: echo(3000)))
    stop.set()
    board.run(thread)
    counters = dict(board.stack.counters())
    assert counters["tcp_cookie_in"] > 10
    assert counters["tcp_passive"] == 20


def spoofed_syn(rng):
    """A SYN from 10.x.x.x, which nobody answers for."""
    src = bytes([10]) + rng.randbytes(3)
    dst = socket.inet_aton(BOARD)
    tcp = rng.randbytes(2) + b"\x00\x07" + rng.randbytes(4) + bytes(4) + b"\x50\x02\x20\x00"
    total = sum_of(src + dst + b"\x00\x06\x00\x14" + tcp)
    return b"\x45\x00\x00\x28\x00\x00\x40\x00\x40\x06\x00\x00" + src + dst + tcp + total + bytes(2)


def sum_of(octets):
    n = sum(octets[0::2]) * 256 + sum(octets[1::2])
    while n >> 16:
        n = (n & 0xFFFF) + (n >> 16)
    return (n ^ 0xFFFF).to_bytes(2, "big")
