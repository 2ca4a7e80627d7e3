"""CLOSED: no connection and no listener (RFC 9293 3.10.7.1), and what never gets as far as a
state."""

import pytest
from lab import packets
from lab.tcp import BOARD, Peer, active, addr, datagram, is_reset, mss, one, tcp

rfc = pytest.mark.rfc
INVALID_SOURCES = [
    "255.255.255.255",
    "10.0.0.255",
    "224.0.0.1",
    "239.1.2.3",
    "127.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
]


@pytest.fixture
def nobody(lab):
    """A peer that speaks to a port where nobody listens."""
    return Peer(lab, to=9999)


def test_syn_to_a_closed_port_gets_rst_ack_with_seq_0(nobody):
    is_reset(one(nobody.send("S")), 0, nobody.isn + 1)


def test_segment_without_ack_is_reset_with_ack_behind_all_it_carried(nobody):
    is_reset(one(nobody.send("SFP", b"12345")), 0, nobody.isn + 7)


def test_segment_with_ack_is_reset_at_its_ack(nobody):
    is_reset(one(nobody.send("A", ack=0xFEDCBA98)), 0xFEDCBA98)
    is_reset(one(nobody.send("PA", b"late data", ack=77)), 77)
    is_reset(one(nobody.send("SA", ack=78)), 78)
    is_reset(one(nobody.send("FA", ack=79)), 79)


def test_rst_is_never_answered(nobody):
    assert (
        not nobody.send("R")
        and not nobody.send("RA", ack=5)
        and not nobody.send("RS")
        and not nobody.send("RFA")
    )


def test_reset_goes_back_to_where_the_segment_came_from(nobody):
    s = one(nobody.send("S"))
    assert s.src == addr(BOARD) and s.sport == 9999 and s.dport == nobody.port


@rfc("9293 MUST-3")
def test_bad_checksum_is_not_answered(nobody, lab):
    assert not nobody.send("S", bad=1)
    known = Peer(lab)
    for bad in (1, 0x100, 0xFFFF):
        assert not known.send("S", bad=bad, seq=1)
    assert known.send("S", seq=1)


@pytest.mark.parametrize("length", [0, 1, 8, 19])
def test_segment_shorter_than_a_header_is_not_answered(lab, length):
    whole = tcp("10.0.0.2", BOARD, 40000, 9999, 1, 0, "S")
    assert not lab.give(datagram("10.0.0.2", BOARD, 6, whole[:length]))


@pytest.mark.parametrize("offset", [0, 4, 6, 15])
def test_data_offset_outside_the_segment_is_not_answered(lab, offset):
    """The header claims fewer than 20 octets, or more than there are; its checksum is right."""
    t = packets.tcp("10.0.0.2", BOARD, 40000, 9999, 1, 0, "S", doff=offset)
    assert not lab.give(datagram("10.0.0.2", BOARD, 6, t))


@rfc("9293 MUST-57a", "9293 MUST-57b")
@pytest.mark.parametrize("dst", ["255.255.255.255", "10.0.0.255", "224.0.0.1", "239.1.2.3"])
@pytest.mark.parametrize("flags", ["S", "A", "SA", "FA", ""])
def test_segment_to_a_broadcast_or_multicast_address_is_not_answered(lab, dst, flags):
    for port in (lab.port, 9999):
        p = Peer(lab, to=port)
        assert not lab.give(p.segment(flags, dst=dst))
    assert not lab.run(5000)


@rfc("9293 MUST-63", "1122 3.2.1.3-3")
@pytest.mark.parametrize("src", INVALID_SOURCES)
def test_syn_from_an_invalid_address_is_not_answered(lab, src):
    for port in (lab.port, 9999):
        p = Peer(lab, to=port)
        assert not [s for s in lab.give(p.segment("S", src=src)) if s.proto == 6]
    assert not [s for s in lab.run(5000) if s.proto == 6]


@rfc("9293 MUST-2")
def test_every_answer_bears_a_right_checksum(lab, nobody):
    """Judged by packets.decode; many sequence numbers, so that the sum folds every way, from
    CLOSED and from LISTEN."""
    for k in range(64):
        nobody.port = 40000 + k
        one(nobody.send("S", seq=k * 0x03F7_1B2D))
    one(Peer(lab).send("S", opts=mss(1460)))


RESETS = {  # of SEG.SEQ 0xFFFFFFFE and SEG.ACK 0x01020304: SEQ, ACK and flags of what comes back
    ("S", b""): (0, 0xFFFFFFFF, "RA"),
    ("F", b""): (0, 0xFFFFFFFF, "RA"),
    ("", b""): (0, 0xFFFFFFFE, "RA"),
    ("P", b"x"): (0, 0xFFFFFFFF, "RA"),
    ("SF", b""): (0, 0, "RA"),
    ("SF", bytes(1000)): (0, 1000, "RA"),
    ("U", bytes(300)): (0, 298, "RA"),
    ("A", b""): (0x01020304, 0, "R"),
    ("SFPA", bytes(1000)): (0x01020304, 0, "R"),
}


@pytest.mark.parametrize("flags, data", RESETS)
def test_a_reset_is_as_the_rfc_has_it_and_nothing_more(nobody, lab, flags, data):
    """3.10.7.1, octet by octet: 20 octets of header, no window, no urgent pointer."""
    for _ in range(2):
        s = one(nobody.send(flags, data, seq=0xFFFFFFFE, ack=0x01020304, up=9, wnd=777))
        seq, ack, bits = RESETS[flags, data]
        assert s.frame[20:] == tcp(BOARD, nobody.ip, 9999, nobody.port, seq, ack, bits, wnd=0)
        Peer(lab).open()  # what others say changes nothing
        lab.app.c.abort()
        lab.run(0)


def test_a_reset_from_syn_sent_is_for_whoever_sent_the_segment(nobody, lab):
    """Though a stranger has been reset in between."""
    _, p, syn = active(lab)
    nobody.send("S")
    s = one(p.send("A", ack=syn.seq))
    assert s.frame[20:] == tcp(BOARD, p.ip, syn.sport, p.port, syn.seq, 0, "R", wnd=0)
