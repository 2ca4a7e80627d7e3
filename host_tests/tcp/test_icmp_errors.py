"""ICMP errors and TCP (RFC 9293 3.9.2.2, RFC 5461, RFC 5927)."""

import pytest
from lab import packets
from lab.net import Wire
from lab.tcp import BOARD, SACK_OK, Lab, Peer, active, datagram, mss, one, sack
from uipy import Bytes

rfc = pytest.mark.rfc
SOFT = [(3, 0), (3, 1), (3, 5), (11, 0), (11, 1), (12, 0)]
HARD = [(3, 2), (3, 3)]


@pytest.fixture
def sending(peer):
    """A connection with a segment in flight."""
    peer.conn.send(Bytes(b"data"))
    peer.flying = one(peer.run(0)).frame
    peer.app = peer.lab.app
    return peer


@rfc("9293 MUST-54", "9293 SHLD-25", "9293 MUST-47", "1122 3.2.2.1-2")
@pytest.mark.parametrize("type, code", SOFT)
def test_soft_error_is_told_to_the_application_it_is_for(sending, lab, type, code):
    lab.icmp(type, code, sending.flying)
    assert len(sending.app.said("error")) == 1


@rfc("9293 MUST-54")
def test_error_is_told_to_no_other_connection(sending, lab):
    other = Peer(lab, port=40001)
    other.open()
    lab.icmp(3, 1, sending.flying)
    assert sending.app.said("error") and not other.lab.app.said("error")


@rfc("9293 MUST-56a", "5461 2.2-1")
@pytest.mark.parametrize("code", [0, 1, 5])
def test_soft_unreachable_aborts_nothing(sending, lab, code):
    for _ in range(20):
        lab.icmp(3, code, sending.flying)
    assert sending.state == "ESTABLISHED"
    sending.send("A")
    assert sum(sending.app.said("acked")) == 4


@rfc("9293 MUST-56b", "5461 2.2-1", "1122 3.2.2.4-1")
def test_time_exceeded_aborts_nothing(sending, lab):
    lab.icmp(11, 0, sending.flying)
    lab.icmp(11, 1, sending.flying)
    assert sending.state == "ESTABLISHED"


@rfc("9293 MUST-56c", "5461 2.2-1")
def test_parameter_problem_aborts_nothing(sending, lab):
    lab.icmp(12, 0, sending.flying)
    assert sending.state == "ESTABLISHED"


@rfc("9293 MUST-56a", "9293 MUST-56b", "9293 MUST-56c")
@pytest.mark.parametrize("type, code", SOFT)
def test_soft_error_does_not_end_an_open_attempt(lab, type, code):
    app, p, syn = active(lab)
    lab.icmp(type, code, syn.frame)
    assert not app.said("closed")
    p.send("SA", opts=mss(1000))
    assert app.said("connected") == [None]


@rfc("9293 MUST-55", "5927 6.2-1")
def test_source_quench_is_discarded_in_silence(sending, lab):
    """Nothing is told, nothing slows down."""
    before = len(sending.app.events)
    for _ in range(10):
        assert not lab.icmp(4, 0, sending.flying)
    assert len(sending.app.events) == before
    sending.send("A", wnd=60000)
    sending.conn.send(Bytes(bytes(20_000)))
    assert sum(s.len for s in sending.run(0)) >= 10_000


@rfc("5461 2.1-1", "5927 5.2-1", "9293 SHLD-26")
@pytest.mark.parametrize("type, code", HARD + [(3, 4)])
def test_hard_error_is_soft_once_a_connection_stands(sending, lab, type, code):
    """The stated deviation from SHLD-26: told, not obeyed."""
    lab.icmp(type, code, sending.flying)
    assert sending.state == "ESTABLISHED" and not sending.app.said("closed")


@rfc("9293 SHLD-26", "1122 3.2.2.1-3", "9293 MUST-54")
@pytest.mark.parametrize("type, code", HARD)
def test_hard_error_ends_an_open_attempt(lab, type, code):
    app, _p, syn = active(lab)
    lab.icmp(type, code, syn.frame)
    assert len(app.said("closed")) == 1 and app.said("closed")[0] in ("refused", "unreachable")


@rfc("9293 SHLD-26")
def test_hard_error_ends_a_half_open_connection_in_silence(syn_received, lab):
    lab.icmp(3, 3, syn_received.syn_ack.frame)
    assert not lab.run(10_000) and not any(a.events for a in lab.apps)


@rfc("5927 4.1-1")
@pytest.mark.parametrize("code", [2, 3])
@pytest.mark.parametrize("off", [-1, 1, -65536, 65536, 2**31])
def test_blind_hard_error_does_not_end_a_half_open_connection(syn_received, lab, code, off):
    """RFC 5927 4.1: only who has seen our SYN,ACK knows its number."""
    quoted = bytearray(syn_received.syn_ack.frame)
    quoted[24:28] = ((syn_received.iss + off) % 2**32).to_bytes(4, "big")
    lab.icmp(3, code, bytes(quoted))
    assert not syn_received.send("A") and syn_received.state == "ESTABLISHED"


@rfc("9293 MUST-56a", "9293 MUST-56b", "9293 MUST-56c")
@pytest.mark.parametrize("type, code", [*SOFT, (3, 4), (3, 13), (4, 0)])
def test_soft_error_does_not_end_a_half_open_connection(syn_received, lab, type, code):
    lab.icmp(type, code, syn_received.syn_ack.frame)
    assert not syn_received.send("A") and syn_received.state == "ESTABLISHED"


@pytest.mark.parametrize("at", [16, 20, 22])
def test_hard_error_about_another_handshake_does_not_end_this_one(syn_received, lab, at):
    """Another peer, another port of ours, another port of the peer's."""
    quoted = bytearray(syn_received.syn_ack.frame)
    quoted[at + 1] ^= 1
    lab.icmp(3, 3, bytes(quoted))
    assert not syn_received.send("A") and syn_received.state == "ESTABLISHED"


@rfc("7323 5.7-1")
def test_too_big_makes_segments_smaller_and_sends_the_first_again(peer, lab):
    """Path MTU discovery (RFC 1191): nothing of ours may be fragmented, and what a router cannot
    pass is sent again smaller."""
    peer.conn.send(Bytes(bytes(range(250)) * 40))
    first = peer.run(0)
    assert {s.len for s in first} == {1000} and all(s.frame[6] & 0x40 for s in first)
    out = lab.icmp(3, 4, first[0].frame, rest=900)
    assert out[0].seq == first[0].seq and {s.len for s in out} == {860}
    assert peer.lab.app.said("error") == ["too big"]


@rfc("7323 5.7-1")
def test_blind_too_big_does_nothing(peer, lab):
    """RFC 5927 7: a number that is not in flight, or a datagram that would have passed, does not
    choke the connection. What a router may say is in test_path_mtu.py."""
    peer.conn.send(Bytes(bytes(10_000)))
    first = peer.run(0)
    for seq in (first[0].seq - 1, first[-1].seq + first[-1].len, first[0].seq + 2**31):
        quoted = bytearray(first[0].frame)
        quoted[24:28] = (seq % 2**32).to_bytes(4, "big")
        assert not lab.icmp(3, 4, bytes(quoted), rest=600)
    for total, told in ((1040, 1040), (1040, 9000), (600, 600), (576, 600), (20, 600)):
        quoted = bytearray(first[0].frame)
        quoted[2:4] = total.to_bytes(2, "big")
        assert not lab.icmp(3, 4, bytes(quoted), rest=told)
    assert peer.conn.mss == 1000


@rfc("5927 4.1-1")
@pytest.mark.parametrize("off", [-1, -100_000, 4, 100_000, 2**31])
def test_error_that_quotes_a_number_outside_the_flight_is_ignored(sending, lab, off):
    quoted = bytearray(sending.flying)
    seq = (int.from_bytes(quoted[24:28], "big") + off) % 2**32
    quoted[24:28] = seq.to_bytes(4, "big")
    lab.icmp(3, 1, bytes(quoted))
    assert not sending.app.said("error")


@rfc("5927 4.1-1")
@pytest.mark.parametrize("off", [-1, 1, 2**31])
def test_blind_hard_error_does_not_end_an_open_attempt(lab, off):
    app, _p, syn = active(lab)
    quoted = bytearray(syn.frame)
    quoted[24:28] = ((syn.seq + off) % 2**32).to_bytes(4, "big")
    lab.icmp(3, 3, bytes(quoted))
    assert not app.said("closed")


def test_error_about_a_connection_that_we_do_not_have_is_ignored(sending, lab):
    quoted = bytearray(sending.flying)
    quoted[20:22] = b"\x12\x34"
    assert not lab.icmp(3, 3, bytes(quoted))
    assert not sending.app.said("error")


@pytest.mark.parametrize("n", [0, 10, 20, 27])
def test_error_that_quotes_too_little_is_ignored(sending, lab, n):
    assert not lab.icmp(3, 1, sending.flying[:n])
    assert not sending.app.said("error")


def test_error_with_a_bad_checksum_is_ignored(sending, lab):
    body = packets.icmp(3, 1, bytes(4) + sending.flying[:28], csum=0x1234)
    lab.give(datagram("10.0.0.254", BOARD, 1, body))
    assert not sending.app.said("error")


def test_quoted_datagram_may_have_ip_options(sending, lab):
    """The quoted header is as long as it says."""
    f = sending.flying
    quoted = bytes([0x46]) + f[1:20] + b"\1\1\1\0" + f[20:28]
    body = packets.icmp(3, 1, bytes(4) + quoted)
    lab.give(datagram("10.0.0.254", BOARD, 1, body))
    assert len(sending.app.said("error")) == 1


@rfc("9293 SHLD-26", "9293 MUST-56a")
@pytest.mark.parametrize("type, code", [*HARD, *SOFT, (3, 1), (3, 4), (3, 13)])
def test_only_a_hard_error_ends_an_open_that_crossed_another(lab, type, code):
    """SYN-RECEIVED by simultaneous open; the application is told of either."""
    app, p, _syn = active(lab)
    p.ack = 0
    s = one(p.send("S", opts=mss(1000)), "SA")
    lab.icmp(type, code, s.frame, rest=40)
    if (type, code) in HARD:
        assert (app.said("closed"), app.said("error")) == (["unreachable"], [])
        assert not lab.run(5000)
    else:
        assert not app.said("closed") and app.c.state_name == "SYN-RECEIVED"
        assert app.said("error") == ([] if (type, code) == (3, 4) else ["unreachable"])


@pytest.mark.parametrize("type, code", [(3, 0), (3, 3), (11, 0), (12, 0)])
@pytest.mark.parametrize("off, told", [(-1, 0), (0, 1), (999, 1), (1999, 1), (2000, 0)])
def test_an_error_counts_from_the_first_octet_out_to_the_last(peer, lab, type, code, off, told):
    peer.conn.send(Bytes(bytes(2000)))
    quoted = bytearray(peer.run(0)[0].frame)
    quoted[24:28] = ((peer.iss + 1 + off) % 2**32).to_bytes(4, "big")
    app = lab.app
    assert not lab.icmp(type, code, bytes(quoted))
    assert app.said("error") == ["unreachable"] * told and peer.state == "ESTABLISHED"


def test_an_error_from_one_interface_means_nothing_to_the_other(lab):
    """The same ports and the same peer: our address is another one."""
    second = Wire(l2=0, clock=lab.wire.clock)
    lab.stack.add_iface(second, "192.168.5.1/24")
    p = Peer(lab)
    p.open()
    p.conn.send(Bytes(b"data"))
    s = one(p.run(0))
    quoted = bytearray(s.frame)
    quoted[12:16] = bytes((192, 168, 5, 1))
    body = packets.icmp(3, 1, bytes(4) + bytes(quoted[:28]))
    second.rx.append(datagram("192.168.5.9", "192.168.5.1", 1, body))
    lab.poll()
    assert not lab.app.said("error")
    lab.icmp(3, 1, s.frame)
    assert lab.app.said("error") == ["unreachable"]


@pytest.mark.parametrize(
    "mtu, n, want",
    [
        (0, 1040, 1006 - 40),
        (0, 1006, 508 - 40),
        (0, 1007, 1006 - 40),
        (0, 297, 296 - 40),
        (0, 296, 28),
        (0, 69, 28),
        (0, 68, 28),
        (68, 69, 28),
        (67, 68, 28),
        (68, 68, 1000),
        (1039, 1040, 999),
        (1040, 1041, 1000),
        (1039, 1039, 1000),
        (1492, 1500, 1000),
    ],
)
def test_what_a_router_says_of_a_datagram_is_how_small_segments_become(peer, lab, mtu, n, want):
    """Its size, or the next plateau below the datagram's length (RFC 1191 7.1); what is sent again
    at once fits."""
    peer.conn.send(Bytes(bytes(9000)))
    first = peer.run(0)
    quoted = bytearray(first[0].frame)
    quoted[2:4] = n.to_bytes(2, "big")
    out = lab.icmp(3, 4, bytes(quoted), rest=mtu)
    assert peer.conn.mss == want and lab.app.said("error") == ["too big"] * (want < 1000)
    assert {s.len for s in out} <= {want} and bool(out) == (want < 1000)
    assert not out or out[0].seq == first[0].seq


def test_too_big_in_a_recovery_begins_again_with_the_first_octet():
    """Whatever holes SACK has shown: all that was out goes again in smaller segments."""
    lab = Lab(tcp_options={"sack": True})
    p = Peer(lab, wnd=60_000)
    p.open(opts=mss(1000) + SACK_OK)
    p.conn.send(Bytes(bytes(8000)))
    first, *_ = p.run(0)
    for k in range(3):
        p.send("A", ack=first.seq, opts=sack((first.seq + 3000, first.seq + 4000 + 1000 * k)))
    out = lab.icmp(3, 4, first.frame, rest=540)
    assert first.seq in [s.seq for s in out] and {s.len for s in out} == {500}
    assert {(s.seq - first.seq) % 500 for s in out} == {0}
