"""Timestamps to the millisecond (RFC 7323): what is measured, what is echoed, and whose halves of
the row they are."""

import pytest
from lab.tcp import SACK_OK, Lab, Peer, active, is_ack, mss, one, stamps
from uipy import Bytes

rfc = pytest.mark.rfc


def stamped(clock=1000, **options):
    lab = Lab(tcp_options={"timestamps": True} | options)
    p = Peer(lab, wnd=20_000)
    p.open(opts=mss(1000) + stamps(clock), opts3=stamps(clock))
    return p


def ts(s):
    return s.opts["ts"]


def rto(p):
    """How long an octet waits for its ACK before it goes again."""
    p.conn.send(Bytes(b"?"))
    first, again = p.run(130_000)[:2]
    assert first.seq == again.seq
    return again.at - first.at


@rfc("7323 4.1-1")
@pytest.mark.parametrize(
    "age, ms",
    [(-(2**31), 1000), (-1, 1000), (0, 10), (1, 10), (4, 12), (100, 300), (500, 1500)]
    + [(20_000, 60_000), (2**28 - 1, 60_000), (2**28, 1000), (2**30, 1000)],
)
@pytest.mark.parametrize("start", [0, 65_535, 70_000, 2**28])
def test_the_age_of_an_echo_is_the_round_trip(age, ms, start):
    """R + 4 * R / 2 (RFC 6298 2.2), from 10 ms to 60 s; not if it is from the future, or older
    than three days."""
    p = stamped(rto_min=10)
    p.lab.wait(start)
    p.conn.send(Bytes(b"x"))
    s = one(p.run(0))
    p.send("A", opts=stamps(1001, ts(s)[0] - age))
    assert rto(p) == ms


@pytest.mark.parametrize("copy, later, ms", [(0, 500, 2000), (1, 500, 1500), (1, 300, 900)])
def test_the_echo_of_the_first_copy_says_nothing(copy, later, ms):
    """Its ACK was lost, or it was slow: the RTO stays doubled. That of the second one says how
    long that took."""
    p = stamped(rto_min=10)
    p.conn.send(Bytes(b"x"))
    sent = p.run(1000)
    assert len(sent) == 2
    p.lab.run(later)
    p.send("A", opts=stamps(1001, ts(sent[copy])[0]))
    assert rto(p) == ms


def test_the_echo_of_what_was_sent_once_counts_though_more_was_sent_since():
    p = stamped(rto_min=10)
    p.conn.send(Bytes(bytes(100_000)))
    first, *others = p.run(0)
    p.lab.run(400)
    p.send("A", ack=first.end, opts=stamps(1001, ts(first)[0]))  # lets others out
    p.lab.run(100)
    p.send("A", ack=others[0].end, opts=stamps(1001, ts(first)[0]))
    start = p.lab.ms
    again = p.run(5000, until=lambda s: s.seq == others[0].end)
    # RFC 6298 2.2: SRTT 400, RTTVAR 200; 2.3: 3/4 * 200 + 1/4 * 100, and 7/8 * 400 + 1/8 * 500
    assert again[-1].at - start == 412 + 4 * 175


@rfc("7323 4.3-1")
@pytest.mark.parametrize("isn", [5000, 2**31 + 5, 2**32 - 1])
def test_after_a_simultaneous_open_the_echo_is_that_of_the_last_segment(isn):
    """Last.ACK.sent begins with the SYN."""
    lab = Lab(tcp_options={"timestamps": True})
    app, p, _ = active(lab)
    p.seq = isn
    s = one(p.send("S", opts=mss(1000) + stamps(100)))
    assert s.flags == "SA" and ts(s)[1] == 100
    p.send("A", opts=stamps(200))
    assert app.c.state_name == "ESTABLISHED"
    app.c.send(Bytes(b"x"))
    assert ts(p.run(0)[0])[1] == 200


@pytest.mark.parametrize("side", ["active", "passive"])
@pytest.mark.parametrize("isn", [300 << 16, 1 << 16, 999 << 16])
def test_what_timestamps_keep_is_beside_what_sack_keeps(side, isn):
    """A segment goes again whole."""
    lab = Lab(tcp_options={"timestamps": True, "sack": True})
    opts = mss(1000) + SACK_OK + stamps(1)
    if side == "active":
        app, p, _ = active(lab)
        p.seq = isn
        p.send("SA", opts=opts, wnd=60_000)
    else:
        p = Peer(lab, isn=isn, wnd=60_000)
        p.open(opts=opts, opts3=stamps(1))
        app = p.app
    app.c.send(Bytes(bytes(5000)))
    first = p.run(0)[0]
    again = [p.send("A", ack=first.seq, opts=stamps(1)) for _ in range(3)][-1][0]
    assert (again.seq, len(again.data)) == (first.seq, 988)


@rfc("7323 5.3-1")
@pytest.mark.parametrize("val", [1005, 1006, 2**31 + 1004])
def test_what_is_as_old_as_the_last_is_taken(val):
    p = stamped()
    p.send("A", b"a", opts=stamps(1005))
    out = p.send("A", b"b", opts=stamps(val))
    assert p.lab.app.data == b"ab" and p.lab.wire.count("tcp_paws") == 0
    assert ts(one(out))[1] == 1005  # the earliest that no ACK has answered (4.3)


@rfc("7323 5.3-1", "7323 3.2-5")
@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("flags", ["A", "PA", "FA"])
@pytest.mark.parametrize("clock", range(0, 2**32, 2**29))
def test_what_is_too_old_or_bare_is_counted(answered, flags, clock):
    """Whatever the peer's clock says."""
    p = stamped(clock=clock + 1000)
    opts = stamps(clock + 999) if answered else b""
    out = p.send(flags, b"x" * (flags == "PA"), seq=p.seq, opts=opts)
    assert p.lab.wire.count("tcp_paws") == 1 and p.state == "ESTABLISHED"
    if answered:
        assert is_ack(one(out), p)
    else:
        assert not out


@rfc("7323 4.3-2")
@pytest.mark.parametrize("off, val", [(-3, 1007), (-1, 1007), (0, 1007), (1, 1005)])
def test_the_echo_follows_what_begins_at_the_last_ack_or_before(off, val):
    p = stamped()
    p.send("A", b"abc", opts=stamps(1005))
    p.run(500)  # acknowledged
    s = one(p.send("A", b"defgh", seq=p.seq + off, opts=stamps(1007)) + p.run(500))
    assert ts(s)[1] == val
