"""A megabyte at a time, byte for byte, and what the wire says about how it was sent.

The wire takes 10 ms each way: on a shorter one the peer acknowledges before four segments are out,
where the board has a busy machine.
"""

import random
import socket
import time
from binascii import crc32

import pytest
from kernel import capture
from kernel.capture import fast, roomy
from wire.lan import drain, exchange

MEG = 1 << 20
DATA = random.Random(1).randbytes(MEG)
LINES = b"".join(bytes(32 + (k + i) % 95 for i in range(72)) + b"\r\n" for k in range(95))


@pytest.fixture
def board(start, kind):
    return start(kind, wire="delay=10")


def test_a_megabyte_is_echoed_byte_for_byte(lan, board):
    with lan.connect(7) as s:
        assert exchange(s, DATA) == DATA
    flow = capture.flow(board.pcap, lan.board_ip, 7)
    fast(flow)


def test_chargen_sends_a_megabyte_of_its_pattern(lan, board):
    with lan.connect(19) as s:
        got = drain(s, most=MEG)
    assert got == (LINES * (MEG // len(LINES) + 1))[:MEG]
    fast(capture.flow(board.pcap, lan.board_ip, 19))


def test_a_client_that_shuts_down_first_still_receives_everything(lan, board):
    """Our CLOSE-WAIT goes on sending: what is in the ring, and on the way, comes back."""
    data = DATA[: 1 << 17]
    with lan.connect(7, SO_RCVBUF=4096) as s:
        sent = 0
        s.settimeout(1)
        try:
            while sent < len(data):
                sent += s.send(data[sent:])
        except TimeoutError:
            pass  # everything between us is full
        s.shutdown(socket.SHUT_WR)
        time.sleep(0.5)
        assert drain(s) == data[:sent]
    assert sent > 4000


def test_our_fin_first_and_a_megabyte_in_fin_wait_2(lan, board):
    with lan.connect(9009) as s:
        assert drain(s) == b"sink\r\n"  # to our FIN
        s.settimeout(60)
        s.sendall(DATA)
        s.shutdown(socket.SHUT_WR)
        tally = b""
        until = time.monotonic() + 20
        while not tally.startswith(b"%d " % MEG) and time.monotonic() < until:
            time.sleep(0.05)
            with lan.connect(9010) as t:
                tally = drain(t)
    assert tally == b"%d %08x\r\n" % (MEG, crc32(DATA))
    flow = capture.flow(board.pcap, lan.board_ip, 9009)
    roomy(flow)
    assert flow.unreasonable == []


def test_discard_keeps_its_window_open_for_a_megabyte(lan, board):
    with lan.connect(9, timeout=60) as s:
        s.sendall(DATA)
        s.shutdown(socket.SHUT_WR)
        assert drain(s) == b""
    roomy(capture.flow(board.pcap, lan.board_ip, 9))
