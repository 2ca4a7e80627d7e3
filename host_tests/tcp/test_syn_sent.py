"""SYN-SENT: the board opens a connection (RFC 9293 3.10.1, 3.10.7.3)."""

import itertools

import pytest
from lab.net import Wire
from lab.tcp import (
    PEER,
    HalfCloser,
    Lab,
    Peer,
    active,
    addr,
    is_ack,
    is_reset,
    mss,
    one,
    stamps,
    wscale,
)
from uipy import BadAddress, Bytes

rfc = pytest.mark.rfc


@pytest.fixture
def opening(lab):
    """The board's SYN is out."""
    app, p, syn = active(lab)
    p.app, p.syn = app, syn
    return p


def answer(p, flags="SA", **k):
    return p.send(flags, opts=k.pop("opts", mss(1000)), **k)


@rfc("9293 MUST-14", "9293 SHLD-5a", "9293 MAY-3", "9293 MUST-44")
def test_syn_names_our_address_and_our_mss(opening):
    s = opening.syn
    assert (
        s.flags == "S"
        and s.ack == 0
        and not s.data
        and s.src == addr("10.0.0.1")
        and s.dst == addr(PEER)
    )
    assert s.opts["mss"] == 1460


def test_syn_ack_is_acknowledged_and_the_application_told(opening):
    assert not opening.app.said("connected")
    assert is_ack(one(answer(opening)), opening)
    assert opening.app.said("connected") == [None] and opening.app.c.state_name == "ESTABLISHED"


def test_syn_ack_with_data_is_delivered_and_acknowledged(opening):
    out = answer(opening, data=b"banner")
    out += opening.run(500)
    assert opening.app.data == b"banner" and out[-1].ack == opening.seq


def test_syn_ack_with_fin_leads_to_close_wait(opening):
    out = answer(opening, "SFA")
    assert out[-1].ack == opening.seq and opening.app.c.state_name == "CLOSE-WAIT"


@pytest.mark.parametrize(
    "flags, data, up, told",
    [
        ("SA", b"hello", 0, [("received", 5)]),
        ("SA", b"h", 0, [("received", 1)]),
        ("SFA", b"hello", 0, [("received", 5), ("peer_closed", None)]),
        ("SUA", b"hello", 5, [("urgent", 5), ("received", 5), ("urgent", 0)]),
        ("SA", b"hello", 5, [("received", 5)]),
    ],
)
def test_what_comes_with_the_syn_ack_is_taken(opening, flags, data, up, told):
    """The text begins behind the SYN's own number."""
    out = answer(opening, flags, data=data, up=up)
    assert is_ack(one(out), opening) and out[0].seq == opening.iss + 1
    assert opening.app.events[1:] == [("connected", None), *told] and opening.app.data == data


@pytest.mark.parametrize("off", [3, -3])
def test_text_of_the_syn_ack_is_in_place_wherever_the_segment_before_was(opening, off):
    other = Peer(opening.lab, port=41000)
    other.open()
    other.send("A", b"abcdef")
    other.send("A", b"defghi", seq=other.seq + off)
    answer(opening, "SFA", data=b"hello")
    assert opening.app.data == b"hello" and opening.app.said("peer_closed") == [None]


@pytest.mark.parametrize("isn", [5000, 0x7FFFFFFF, 0x89ABCDEF, 0xFFFFFFFF])
def test_the_window_may_change_with_the_first_segment_behind_the_syn_ack(opening, isn):
    """SND.WL1 begins with IRS."""
    opening.isn = opening.seq = isn
    answer(opening, wnd=2000)
    opening.send("A", wnd=3000)
    opening.app.c.send(bytes(9000))
    assert sum(s.len for s in opening.run(0)) == 3000


@rfc("7323 2.2-1", "7323 2.3-2")
@pytest.mark.parametrize("k", [0, 1, 3, 8, 14])
def test_windows_of_our_own_open_are_scaled_each_by_its_shift(k):
    lab = Lab(tcp_options={"window_scale": True, "room": 200_000})
    app, p, syn = active(lab)
    answer(p, opts=mss(1000) + wscale(k))
    p.send("A", wnd=8192 >> min(k, 13))
    app.c.send(bytes(30_000))
    out = p.run(0)
    assert sum(s.len for s in out) == (10_000 if k == 14 else 8000)
    assert syn.opts["ws"] == 2 and {s.wnd for s in out} == {200_000 >> 2}


@rfc("7323 3.2-2")
def test_timestamp_of_the_syn_ack_is_echoed_at_once():
    lab = Lab(tcp_options={"timestamps": True})
    _app, p, syn = active(lab)
    val = 0x89ABCDEF
    s = one(answer(p, opts=mss(1000) + stamps(val, syn.opts["ts"][0])), "A")
    assert s.opts["ts"][1] == val
    assert not p.send("A", opts=stamps(val + 1))
    late = p.send("A", seq=p.seq - 1, opts=stamps(val + 2))
    assert one(late).opts["ts"][1] == val + 1


@pytest.mark.parametrize("first, second", [(1500, 600), (1500, 1500), (1500, 300)])
def test_each_interface_has_an_mss(first, second):
    """MUST-16, MUST-67: what it takes, and what it offers."""
    lab = Lab(mtu=first)
    lab.stack.add_iface(Wire(l2=0, mtu=second, clock=lab.wire.clock), "192.168.5.1/24")
    app, p, syn = active(lab)
    answer(p, opts=mss(1460))
    assert (syn.opts["mss"], app.c.mss) == (first - 40, first - 40)


@pytest.mark.parametrize("flags", ["SA", "SUA", "SFA", "SFUA"])
def test_after_abort_in_connected_nothing_of_the_syn_ack_is_told(lab, flags):
    class Quits(HalfCloser):
        def connected(self, conn):
            super().connected(conn)
            conn.abort()

    app, p, syn = active(lab, Quits())
    out = answer(p, flags, data=b"hello", up=5 if "U" in flags else 0) + p.run(0)
    is_reset(one(out), syn.end)
    assert app.events == [("syn", None), ("connected", None), ("closed", "aborted")]


@pytest.mark.parametrize("theirs", [0, 47, 48, 49, 535, 536, 958, 959, 960, 961, 1460, 65535])
def test_segments_are_as_long_as_the_peer_and_the_link_allow(theirs):
    """RFC 9293 3.7.1; under 48 is taken for 48, and none for 536."""
    lab = Lab(mtu=1000)
    app, p, _syn = active(lab)
    answer(p, opts=mss(theirs) if theirs else b"", wnd=60_000)
    want = min(max(theirs or 536, 48), 960)
    app.c.send(bytes(3000))
    assert app.c.mss == want and p.run(0)[0].len == want


def test_syn_ack_that_came_in_time_is_the_first_round_trip(opening):
    """RFC 6298 2.2: R + 4 * R / 2."""
    opening.lab.run(700)
    answer(opening)
    opening.app.c.send(b"x")
    at = opening.lab.ms
    assert [s.at - at for s in opening.run(2200)] == [0, 2100]


def test_after_a_lost_syn_the_first_rto_is_three_seconds(opening):
    opening.run(1500)
    answer(opening)
    opening.app.c.send(b"x")
    at = opening.lab.ms
    assert [s.at - at for s in opening.run(3100)] == [0, 3000]


@pytest.mark.parametrize("off", [0, -1, 2, 2**31])
def test_syn_ack_with_an_unacceptable_ack_is_reset_at_that_ack(opening, off):
    """SEG.ACK =< ISS or SEG.ACK > SND.NXT; the attempt goes on."""
    wrong = (opening.iss + off) % 2**32
    is_reset(one(answer(opening, ack=wrong, seq=opening.isn)), wrong)
    answer(opening)
    assert opening.app.c.state_name == "ESTABLISHED"


def test_ack_of_a_stale_connection_is_reset_and_the_next_syn_connects(opening):
    """RFC 9293 figure 9: the peer still thinks that an old connection is open."""
    is_reset(one(opening.send("A", seq=300, ack=opening.iss - 1000)), opening.iss - 1000)
    syn = one(opening.run(5000, until=lambda s: "S" in s.flags), "S")
    assert syn.seq == opening.iss
    answer(opening)
    assert opening.app.said("connected") == [None]


def test_rst_with_an_unacceptable_ack_is_dropped(opening):
    for wrong in (opening.iss, opening.iss + 2, opening.iss + 2**31):
        assert not opening.send("RA", ack=wrong, seq=0)
    assert not opening.app.said("closed") and opening.lab.wire.count("tcp_rst_in") == 0


@rfc("5961 3.2-5")
def test_rst_without_ack_is_dropped(opening):
    for seq in (0, opening.isn, opening.iss + 1):
        assert not opening.send("R", seq=seq)
    assert not opening.app.said("closed")
    answer(opening)
    assert opening.app.c.state_name == "ESTABLISHED"


def test_rst_that_acknowledges_the_syn_is_refusal(opening):
    assert not opening.send("RA", seq=0)
    assert opening.app.said("closed") == ["refused"]
    assert opening.lab.wire.count("tcp_rst_in") == 1
    assert not opening.run(200_000)


@pytest.mark.parametrize("flags", ["A", "FA", "PA", "", "F", "PU"])
def test_segment_with_neither_syn_nor_rst_is_dropped(opening, flags):
    assert not opening.send(flags, b"x" * ("P" in flags), seq=1)
    assert not opening.app.said("connected") and opening.app.c.state_name == "SYN-SENT"


@rfc("9293 MUST-22", "9293 MUST-23", "9293 MUST-19", "6298 5-6", "6298 2-1", "9293 MUST-20b")
def test_syn_is_sent_again_with_doubling_intervals_for_three_minutes(opening):
    again = opening.run(1_000_000)
    assert {s.flags for s in again} == {"S"} and {s.seq for s in again} == {opening.iss}
    times = [0] + [s.at for s in again]
    gaps = [b - a for a, b in itertools.pairwise(times)]
    assert gaps[0] == 1000
    assert all(b == min(2 * a, 60_000) for a, b in itertools.pairwise(gaps))
    assert opening.app.said("closed") == ["timeout"]
    assert times[-1] + gaps[-1] >= 180_000 or times[-1] >= 180_000


@rfc("9293 MUST-22", "9293 MUST-23")
def test_open_is_given_up_after_three_minutes_and_not_sooner(opening):
    opening.run(179_000)
    assert not opening.app.said("closed")
    opening.run(200_000)
    assert opening.app.said("closed") == ["timeout"]


@rfc("9293 MUST-22", "9293 SHLD-9")
def test_application_is_told_that_the_open_is_being_retried(opening):
    opening.run(170_000)
    assert "retrying" in opening.app.said("error")


@rfc("5681 3.1-4")
def test_after_a_lost_syn_the_first_flight_is_one_segment(opening):
    opening.run(1500)
    answer(opening, wnd=60000)
    opening.app.c.send(Bytes(bytes(20_000)))
    assert len(opening.run(0)) == 1


def test_after_a_syn_that_was_not_lost_the_first_flight_is_ten_segments(opening):
    """RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600))."""
    answer(opening, wnd=60000)
    opening.app.c.send(Bytes(bytes(30_000)))
    assert sum(s.len for s in opening.run(0)) == 10_000


def test_close_before_the_answer_ends_it_in_silence(opening):
    opening.app.c.close()
    assert len(opening.app.said("closed")) == 1 and not opening.run(10_000)
    is_reset(one(answer(opening)), opening.ack)


def test_abort_before_the_answer_ends_it_in_silence(opening):
    opening.app.c.abort()
    assert opening.app.said("closed") == ["aborted"] and not opening.run(10_000)


def test_data_given_before_the_answer_is_sent_after_it(opening):
    opening.app.c.send(Bytes(b"query"))
    assert not opening.run(100)
    out = answer(opening)
    out += opening.run(0)
    assert b"".join(s.data for s in out) == b"query"


@rfc("9293 MUST-46a", "9293 MUST-46b")
@pytest.mark.parametrize(
    "ip", ["255.255.255.255", "10.0.0.255", "224.0.0.1", "239.255.0.1", "0.0.0.0", "127.0.0.1"]
)
def test_open_to_an_invalid_address_is_an_error_and_sends_nothing(lab, ip):
    with pytest.raises(BadAddress):
        lab.stack.connect(HalfCloser(), ip, 80)
    assert not lab.run(5000)


@rfc("9293 MUST-42")
def test_a_port_in_syn_sent_can_be_listened_on(opening, lab):
    lab.stack.listen(opening.to, HalfCloser, 1)
    one(Peer(lab, ip="10.0.0.77", to=opening.to).send("S"), "SA")
    answer(opening)
    assert opening.app.said("connected") == [None]


@rfc("9293 MUST-42")
def test_a_port_in_syn_received_can_be_listened_on(opening, lab):
    opening.ack = 0
    one(answer(opening, "S"), "SA")
    lab.stack.listen(opening.to, HalfCloser, 1)
    one(Peer(lab, ip="10.0.0.77", to=opening.to).send("S"), "SA")


@rfc("9293 MUST-8", "6528 3-1", "9293 SHLD-1")
def test_isn_is_a_clock_that_advances_by_one_each_4_us():
    """The same sockets, opened again d ms later: ISN2 - ISN1 = 250 * d."""
    lab = Lab()
    numbers = []
    for d in (0, 1000, 60_000):
        lab.run(d)
        app, _p, syn = active(lab, lport=5555)
        numbers.append(syn.seq)
        app.c.abort()
        lab.run(0)
    assert [(b - a) % 2**32 for a, b in itertools.pairwise(numbers)] == [250_000, 15_000_000]


@rfc("9293 MUST-9", "6528 3-2", "9293 SHLD-1")
def test_isns_of_neighbouring_sockets_and_of_two_boards_have_nothing_in_common():
    """One bit in the sockets, or another key, changes about half of the bits; nothing repeats at
    any fixed distance."""
    lab, other = Lab(), Lab(key=b"another key")
    isns = [active(lab, port=80 + i, lport=6000 + i % 2)[2].seq for i in range(8)]
    isns += [active(other, port=80 + i, lport=6000 + i % 2)[2].seq for i in range(8)]
    gaps = {(b - a) % 2**32 for i, a in enumerate(isns) for b in isns[:i]}
    assert len(gaps) == 16 * 15 // 2
    assert min(min(g, 2**32 - g) for g in gaps) > 1000
    spread = [bin(a ^ b).count("1") for i, a in enumerate(isns) for b in isns[:i]]
    assert 12 < sum(spread) / len(spread) < 20
