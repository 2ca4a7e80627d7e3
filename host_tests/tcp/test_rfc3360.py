"""What must not bring a reset (RFC 3360): reserved bits, a changed precedence, a full table, an
illegal option."""

import pytest
from lab.tcp import Lab, Peer, is_ack, mss, one
from uipy import Bytes

rfc = pytest.mark.rfc


@rfc("3360 2.1-1")
@pytest.mark.parametrize("bits", range(1, 16))
def test_reserved_bits_are_ignored_on_receive_and_zero_on_send(lab, bits):
    p = Peer(lab)
    s = one(p.send("S", bits=bits, opts=mss(1000)), "SA")
    assert s.bits == 0
    p.send("A", bits=bits)
    p.send("PA", b"data", bits=bits)
    p.conn.send(Bytes(b"reply"))
    out = p.run(0)
    assert (
        lab.app.data == b"data"
        and {x.bits for x in out} == {0}
        and not any("R" in x.flags for x in out)
    )


@rfc("3360 2.1-1")
def test_reserved_bits_are_zero_in_a_reset(lab):
    assert one(Peer(lab, to=9999).send("S", bits=15)).bits == 0


@rfc("3360 2.1-1")
def test_ecn_bits_in_a_syn_are_no_reason_for_a_reset(lab):
    assert one(Peer(lab).send("SEC")).flags == "SA"


@rfc("3360 2.4-1")
def test_changed_precedence_is_ignored(lab):
    p = Peer(lab)
    p.open()
    for tos in (0x20, 0xE0, 0xFC):
        assert not any("R" in s.flags for s in p.send("PA", b"x", tos=tos))
    assert lab.app.data == b"xxx"


@rfc("3360 2.3-1")
def test_flood_of_syns_brings_no_reset():
    lab = Lab(half_open=4, tcp=2)
    for k in range(200):
        for s in Peer(lab, ip="10.0.%d.%d" % (k % 250, k % 200 + 2), port=1024 + k).send("S"):
            assert s.flags == "SA"
    assert not any("R" in s.flags for s in lab.run(400_000))


@rfc("3360 2.5-1", "9293 MUST-7")
@pytest.mark.parametrize(
    "bad",
    [
        b"\x02\x00",
        b"\x02\x01",
        b"\x08\x00\x00\x00",
        b"\xfe\x28",
        b"\x01\x01\x01\x02",
        b"\x03\x09\x01\x00",
    ],
)
def test_illegal_option_length_is_survived(lab, bad):
    """In a SYN and on a connection; a reset of the one connection would be legal too, a crash or a
    hang is not."""
    p = Peer(lab)
    s = one(p.send("S", opts=mss(1000) + bad))
    assert s.flags == "SA"
    p.send("A")
    out = p.send("PA", b"data", opts=bad) + p.run(500)
    assert lab.app.data == b"data" and is_ack(out[-1], p)
