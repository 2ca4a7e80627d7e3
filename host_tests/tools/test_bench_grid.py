"""The benchmark against the Linux kernel: it measures, and its limits are theory's."""

import multiprocessing
import os
import subprocess
import sys
from math import isclose, sqrt
from pathlib import Path

import pytest
from bench import theory
from bench.flow import MSS, RECEIVE, SEND, Cell, Reader, Text, measure

ROOT = Path(__file__).resolve().parent.parent.parent
needs_tap = pytest.mark.skipif(
    os.geteuid() != 0 or not os.path.exists("/dev/net/tun"),
    reason="needs root and /dev/net/tun: the kernel's TCP is reached over a TAP",
)


def measured(*cells):
    with multiprocessing.get_context("fork").Pool(2, maxtasksperchild=1) as pool:
        return pool.map(measure, cells, chunksize=1)


@needs_tap
@pytest.mark.parametrize("way", [SEND, RECEIVE])
def test_no_more_than_the_window_flows_and_most_of_it(way):
    """50 ms, so that a busy machine is no excuse."""
    one = Cell(way, 50, 0, 1, warm=0.6, seconds=1.0)
    rates = [r["rate"] for r in measured(one, one._replace(flight=4))]
    for flight, rate in zip((1, 4), rates, strict=True):
        assert 0.3 < rate / theory.window(flight, 50, MSS) < 1.15
    assert rates[1] > 2 * rates[0]


@needs_tap
def test_what_the_wire_loses_is_sent_again():
    sent, received = measured(
        Cell(SEND, 20, 10, 8, warm=0.5, seconds=2.0),
        Cell(RECEIVE, 20, 10, 8, (("reassembly", 8),), warm=0.5, seconds=2.0),
    )
    assert sent["lost"] and sent["tcp_rexmt"] and not sent["linux"]
    assert received["lost"] and received["linux"] and not received["tcp_rexmt"]


@needs_tap
def test_losses_among_two_segments_are_found_without_a_timeout():
    """Limited transmit (RFC 3042): most of them, for what is sent again can be lost too."""
    (r,) = measured(Cell(SEND, 20, 3, 2, conns=4, warm=0.1, seconds=4.0))
    assert r["lost"] > 5 and r["tcp_rto"] <= r["lost"] / 3


@needs_tap
def test_the_quick_table_is_printed():
    command = [sys.executable, str(ROOT / "tools" / "bench" / "grid.py"), "--quick"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    rows = [line for line in done.stdout.splitlines() if line.startswith(("| send", "| receive"))]
    assert len(rows) == 4 and "0 (0.00)" not in done.stdout


def test_the_window_is_the_limit_without_loss():
    assert theory.reno(4, 20, 1460, 0) == 4 * 1460 * 50


def test_the_limit_with_loss_is_the_square_root_where_the_window_is_none():
    """Mathis et al.: MSS / RTT * sqrt(3 / 2bp), for a small p."""
    for loss in (0.001, 0.01):
        got = theory.reno(10**6, 100, 1000, loss)
        assert isclose(got, 10_000 * sqrt(3 / (4 * loss / 100)), rel_tol=0.02)


def test_loss_never_raises_the_limit():
    for n in (1, 2, 4, 8, 16):
        rates = [theory.reno(n, 20, 1460, loss) for loss in (0, 0.1, 1, 3, 10)]
        assert rates == sorted(rates, reverse=True)


def test_an_octet_out_of_place_is_seen():
    source, reader, buf = Text(), Reader(), bytearray(2000)
    source.fill(0, buf, 0, 2000)
    reader.take(bytes(buf[:1000]))
    with pytest.raises(AssertionError):
        reader.take(bytes(buf[1001:]))
