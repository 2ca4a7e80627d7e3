"""Many clients at once."""

import concurrent.futures
import random
import time

import pytest
from wire.lan import drain, exchange

KINDS = ("cpython", "micropython-enc28j60")


@pytest.mark.parametrize("kind", KINDS)
def test_eight_connections_at_once_each_get_their_own_octets(lan, start, kind):
    start(kind)
    socks = [lan.connect(7) for _ in range(8)]
    data = [random.Random(k).randbytes(20_000) for k in range(8)]
    # What the chip's memory has no room for is lost, and costs Linux a time-out, the double of the
    # one before (docs/throughput.md).
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert list(pool.map(exchange, socks, data, [300] * 8)) == data
    for s in socks:
        s.close()


@pytest.mark.parametrize("kind", KINDS)
def test_eight_silent_clients_do_not_keep_a_ninth_out_for_ten_seconds(lan, start, kind):
    start(kind)
    silent = [lan.connect(80) for _ in range(8)]
    begin = time.monotonic()
    with lan.connect(80, timeout=15) as s:
        s.sendall(b"GET /status.json HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n")
        s.settimeout(15)
        assert drain(s).startswith(b"HTTP/1.1 200 ")
    assert time.monotonic() - begin < 10
    for s in silent:
        s.close()
