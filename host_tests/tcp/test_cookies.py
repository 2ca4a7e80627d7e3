"""SYN cookies (RFC 4987 3.6): a flood of SYNs does not keep honest clients out."""

import pytest
from lab.tcp import Lab, Peer, is_reset, mss, one, stamps
from uipy import Bytes

rfc = pytest.mark.rfc


@pytest.fixture
def lab():
    return Lab(half_open=2, listeners=8, tcp_options={"cookies": True, "timestamps": True})


@pytest.fixture
def flooded(lab):
    """The table of half-open connections is full of SYNs that nobody will complete."""
    for k in range(2):
        one(Peer(lab, ip="10.0.0.%d" % (100 + k), port=1).send("S"), "SA")
    return lab


@rfc("4987 3.6-1")
def test_honest_client_connects_through_a_full_table(flooded):
    p = Peer(flooded)
    p.open()
    assert p.state == "ESTABLISHED"
    p.send("PA", b"hello")
    p.conn.send(Bytes(b"welcome"))
    assert flooded.app.data == b"hello" and one(p.run(0)).data == b"welcome"


@rfc("4987 3.6-1")
def test_completing_ack_may_carry_the_query(flooded):
    p = Peer(flooded)
    p.iss = one(p.send("S", opts=mss(1000))).seq
    p.send("PA", b"query")
    assert p.state == "ESTABLISHED" and flooded.app.data == b"query"


@rfc("4987 3.6-3")
@pytest.mark.parametrize(
    "offered, used",
    [(n, n) for n in (48, 256, 536, 1024, 1300, 1400, 1440, 1460)]
    + [(1200, 1024), (1399, 1300), (9000, 1460), (60, 48), (None, 536)],
)
def test_mss_survives_in_the_cookie_rounded_down(flooded, offered, used):
    p = Peer(flooded, wnd=60000)
    p.open(opts=mss(offered) if offered else b"")
    p.conn.send(Bytes(bytes(5000)))
    assert max(s.len for s in p.run(0)) == used


@pytest.mark.parametrize("place", [False, True])
def test_mss_of_a_cookie_is_no_more_than_the_link_takes(place):
    """Whether a half-open row is free again when the cookie comes back, or not."""
    lab = Lab(mtu=576, half_open=2, listeners=8, tcp_options={"cookies": True})
    early = [Peer(lab, ip="10.0.0.%d" % (100 + k), port=1) for k in range(2)]
    for q in early:
        q.iss = one(q.send("S"), "SA").seq
    p = Peer(lab, wnd=60000)
    p.iss = one(p.send("S", opts=mss(1460))).seq
    if place:
        early[0].send("A")
    p.send("A")
    p.app = lab.app
    p.conn.send(Bytes(bytes(5000)))
    assert max(s.len for s in p.run(0)) == 536


def test_other_options_are_off(flooded):
    p = Peer(flooded)
    s = p.open(opts=mss(1000) + stamps(1), opts3=stamps(2))
    assert set(s.opts) == {"mss"}
    p.conn.send(Bytes(b"x"))
    assert not one(p.run(0)).opts


@rfc("4987 3.6-2")
def test_cookie_is_worth_nothing_after_some_minutes(flooded):
    p = Peer(flooded)
    one(p.send("S", opts=mss(1000)))
    for k in range(6):
        flooded.run(60_000)
        for j in range(3):  # the flood goes on
            Peer(flooded, ip="10.0.0.200", port=1000 + 3 * k + j).send("S")
    is_reset(one(p.send("A")), p.ack)


@rfc("4987 3.6-2")
def test_old_cookie_still_counts_within_a_minute(flooded):
    p = Peer(flooded)
    p.iss = one(p.send("S", opts=mss(1000))).seq
    flooded.run(50_000)
    p.send("A")
    assert p.state == "ESTABLISHED"


@rfc("4987 3.6-4")
def test_without_an_overflow_no_ack_is_a_cookie():
    """A cookie made on another day of the same board: nobody overflowed lately."""
    lab = Lab(half_open=2, listeners=8, tcp_options={"cookies": True})
    for k in range(2):
        Peer(lab, ip="10.0.0.100", port=1 + k).send("S")
    p = Peer(lab)
    one(p.send("S"))
    lab.run(600_000)
    is_reset(one(p.send("A")), p.ack)


@rfc("4987 3.6-4")
def test_with_room_in_the_table_options_are_agreed_as_ever(lab):
    assert "ts" in one(Peer(lab).send("S", opts=mss(1000) + stamps(1))).opts


@rfc("4987 3.6-1")
@pytest.mark.parametrize("bit", [0, 7, 12, 23, 25, 28, 31])
def test_forged_cookie_is_reset(flooded, bit):
    p = Peer(flooded)
    one(p.send("S"))
    forged = (p.ack - 1 ^ 1 << bit) + 1 & 0xFFFFFFFF
    is_reset(one(p.send("A", ack=forged)), forged)
    assert not any(a.events for a in flooded.apps)


def test_cookie_is_for_these_sockets_and_this_isn_only(flooded):
    p = Peer(flooded)
    one(p.send("S"))
    for other in (
        Peer(flooded, port=p.port + 1),
        Peer(flooded, ip="10.0.0.3"),
        Peer(flooded, isn=2000),
    ):
        other.seq = p.seq if other.isn == 1000 else 2001
        is_reset(one(other.send("A", ack=p.ack)), p.ack)


def test_right_cookie_without_a_free_row_is_dropped_not_reset():
    lab = Lab(tcp=1, half_open=1, listeners=4, tcp_options={"cookies": True})
    first = Peer(lab, port=40000)
    first.open()
    Peer(lab, ip="10.0.0.100").send("S")
    second = Peer(lab, port=50000)
    one(second.send("S"), "SA")
    assert not second.send("A")
    first.send("R")
    second.send("PA", b"again", seq=second.seq)
    assert lab.app.data == b"again"


@pytest.fixture
def crowded():
    """One row, which is taken, and a table of half-open connections that is full."""
    lab = Lab(tcp=1, half_open=1, listeners=4, tcp_options={"cookies": True})
    lab.first = Peer(lab, port=40000)
    lab.first.open()
    lab.silent = Peer(lab, ip="10.0.0.100")
    lab.silent.send("S")
    return lab


def test_who_would_have_to_wait_is_offered_no_window(flooded, crowded):
    assert one(Peer(flooded, port=50000).send("S"), "SA").wnd > 0
    assert one(Peer(crowded, port=50000).send("S"), "SA").wnd == 0


def test_a_probe_of_that_window_carries_the_cookie(crowded):
    """Linux probes with the octet before the place of its data."""
    p = Peer(crowded, port=50000)
    p.send("S")
    assert not p.send("A")
    assert not p.send("A", seq=p.seq - 1)
    crowded.first.send("R")
    s = one(p.send("A", seq=p.seq - 1))
    assert s.wnd > 0 and s.ack == p.seq and p.state == "ESTABLISHED"
    p.send("PA", b"at once")
    assert crowded.app.data == b"at once"


def test_a_probe_finds_its_place_in_the_line(crowded):
    p = Peer(crowded, port=50000)
    p.send("S")
    p.send("A")
    syn = crowded.silent.seq
    crowded.silent.send("R", seq=syn)
    assert crowded.stack.tcp.half.used() == 0
    assert not p.send("A", seq=p.seq - 1)
    out = crowded.give(crowded.first.segment("R")) + crowded.run(1)
    (opened,) = [s for s in out if s.dport == p.port]
    assert opened.wnd > 0 and opened.ack == p.seq
    p.send("PA", b"in turn")
    assert crowded.app.data == b"in turn"


def test_a_number_two_before_the_place_of_data_is_no_probe(crowded):
    p = Peer(crowded, port=50000)
    p.send("S")
    crowded.first.send("R")
    is_reset(one(p.send("A", seq=p.seq - 2)), p.ack)


def test_cookie_from_time_wait_opens_anew(lab):
    p = Peer(lab)
    p.open()
    p.conn.shutdown()
    p.run(0)
    one(p.send("FA"), "A")
    for k in range(2):
        Peer(lab, ip="10.0.0.100", port=1 + k).send("S")
    new = Peer(lab, isn=p.seq + 1000)
    new.open()
    assert new.state == "ESTABLISHED"


def test_ten_thousand_spoofed_syns_and_still_serving(lab):
    for k in range(10_000):
        Peer(lab, ip="10.0.0.%d" % (20 + k % 200), port=1024 + k // 200, isn=k * 7919).send("S")
    p = Peer(lab)
    p.open()
    p.send("PA", b"hello")
    assert lab.app.data == b"hello"


@rfc("4987 3.6-1")
@pytest.mark.parametrize("flags", ["SA", "SFA", "RA"])
def test_syn_ack_is_no_answer_to_a_cookie(flooded, flags):
    """Its numbers may be right: only an ACK completes a handshake."""
    p = Peer(flooded)
    one(p.send("S"), "SA")
    out = p.send(flags, seq=p.seq)
    if "S" in flags:
        is_reset(one(out), p.ack)
    else:
        assert not out
    assert not any(a.events for a in flooded.apps)
    p.send("A", seq=p.isn + 1)
    assert p.state == "ESTABLISHED"
