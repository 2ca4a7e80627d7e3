"""What the IP header of a segment says: addresses, TTL, Diffserv (RFC 9293 3.9.1, 3.9.2)."""

import pytest
from lab.net import Wire
from lab.tcp import BOARD, HalfCloser, Lab, Peer, Seg, active, addr, datagram, one, tcp
from uipy import BadAddress, Busy, Bytes

rfc = pytest.mark.rfc


@rfc("9293 MUST-49", "1122 3.2.1.7-3")
def test_ttl_can_be_set_for_each_connection(lab):
    a, b = Peer(lab, port=40000), Peer(lab, port=40001)
    a.open()
    lab.app.c.ttl = 5
    b.open()
    for p in (a, b):
        assert one(p.send("A", seq=p.seq - 1)).ttl == (5 if p is a else 64)


@rfc("1122 3.2.1.7-1")
def test_ttl_is_never_zero(peer):
    with pytest.raises(ValueError):
        peer.conn.ttl = 0
    peer.conn.send(Bytes(b"x"))
    assert one(peer.run(0)).ttl > 0


@rfc("1122 3.2.1.7-2")
def test_segment_with_ttl_1_is_taken(peer, lab):
    peer.send("PA", b"x", ttl=1)
    assert lab.app.data == b"x"


@rfc("9293 MUST-48", "9293 SHLD-22", "1122 3.2.1.6-1")
def test_diffserv_can_be_set_and_is_passed_unchanged(peer):
    peer.conn.tos = 0xB8  # EF
    peer.conn.send(Bytes(b"x"))
    assert one(peer.run(0)).tos == 0xB8
    assert one(peer.send("A", seq=peer.seq - 1)).tos == 0xB8
    peer.conn.shutdown()
    assert {s.tos for s in peer.run(8000)} == {0xB8}


@rfc("9293 SHLD-21")
def test_diffserv_can_be_changed_during_the_connection(peer):
    seen = []
    for tos in (0x20, 0x48, 0):
        peer.conn.tos = tos
        peer.lab.run(1000)
        seen.append(one(peer.send("A", seq=peer.seq - 1)).tos)
    assert seen == [0x20, 0x48, 0]


@rfc("1122 3.2.1.6-1")
def test_diffserv_of_one_connection_does_not_stay_for_another(lab):
    a, b = Peer(lab, port=40000), Peer(lab, port=40001)
    a.open()
    lab.app.c.tos = 0xB8
    assert one(a.send("A", seq=a.seq - 1)).tos == 0xB8
    assert one(b.send("S")).tos == 0
    assert one(Peer(lab, to=9999).send("S")).tos == 0


# Several addresses.


@pytest.fixture
def two():
    """A board with two interfaces: 10.0.0.1/24, and 192.168.5.1/24 behind another device."""
    lab = Lab()
    lab.second = Wire(l2=0, clock=lab.wire.clock)
    lab.stack.add_iface(lab.second, "192.168.5.1/24")
    lab.poll()
    return lab


def on_second(lab, flags, seq, ack, data=b"", port=40000, dst="192.168.5.1", to=7):
    body = tcp("192.168.5.9", dst, port, to, seq, ack, flags, data=data)
    lab.second.rx.append(datagram("192.168.5.9", dst, 6, body))
    lab.poll()
    out = [Seg(f) for f in lab.second.take()]
    assert not lab.wire.sent
    return out


@rfc("9293 MUST-44", "1122 3.2.1.3-1")
def test_syn_takes_the_address_of_the_interface_that_leads_there(two):
    _app, _p, syn = active(two)
    assert syn.src == addr(BOARD)
    two.stack.connect(HalfCloser(), "192.168.5.9", 80)
    two.poll()
    assert Seg(one(two.second.take())).src == addr("192.168.5.1")


@rfc("9293 MUST-45")
def test_later_segments_keep_the_address_of_the_first(two):
    s = one(on_second(two, "S", 100, 0))
    assert s.src == addr("192.168.5.1")
    on_second(two, "A", 101, s.end)
    on_second(two, "PA", 101, s.end, b"question")
    assert two.app.data == b"question"  # it goes to the connection that has this address
    two.app.c.send(Bytes(b"data"))
    two.run(5000)
    assert len(two.second.sent) >= 2
    assert {Seg(f).src for f in two.second.sent} == {addr("192.168.5.1")} and not two.wire.sent


@rfc("9293 MUST-43")
def test_open_may_name_the_local_address(two):
    """Active: the SYN leaves with that address. Passive: only segments to that address are
    accepted."""
    two.stack.connect(HalfCloser(), "192.168.5.9", 80, local="192.168.5.1")
    two.poll()
    assert Seg(one(two.second.take())).src == addr("192.168.5.1")
    two.stack.listen(9, HalfCloser, 1, local="192.168.5.1")
    one(Peer(two, to=9).send("S"), "RA")
    body = tcp("192.168.5.9", "192.168.5.1", 1234, 9, 1, 0, "S")
    two.second.rx.append(datagram("192.168.5.9", "192.168.5.1", 6, body))
    two.poll()
    assert Seg(one(two.second.take())).flags == "SA"


@rfc("9293 MUST-43")
def test_open_with_an_address_that_is_not_ours_is_an_error(two):
    with pytest.raises(BadAddress):
        two.stack.connect(HalfCloser(), "192.168.5.9", 80, local="192.168.5.77")


def test_same_sockets_on_two_interfaces_are_two_connections(two):
    p = Peer(two)
    p.open()
    s = one(on_second(two, "S", 100, 0, port=p.port))
    on_second(two, "A", 101, s.end, port=p.port)
    p.send("PA", b"first")
    assert [a.data for a in two.apps if a.events] == [b"first", b""]


@rfc("9293 MUST-46a")
def test_listening_on_a_multicast_address_is_an_error(lab):
    with pytest.raises(BadAddress):
        lab.stack.listen(99, HalfCloser, 1, local="224.0.0.1")


@rfc("9293 MUST-43")
def test_a_listener_on_the_first_address_is_none_on_the_second(two):
    two.stack.listen(9, HalfCloser, 1, local=BOARD)
    two.stack.listen(9, HalfCloser, 1, local="192.168.5.1")
    for local in (BOARD, "192.168.5.1", None):
        with pytest.raises(Busy):
            two.stack.listen(9, HalfCloser, 1, local=local)
    two.stack.listen(10, HalfCloser, 1, local=BOARD)
    assert one(Peer(two, to=10).send("S")).flags == "SA"
    assert [s.flags for s in on_second(two, "S", 100, 0, to=10)] == ["RA"]
    with pytest.raises(Busy):
        two.stack.listen(10, HalfCloser, 1)
    for port in (7, 9):  # on every address, or on each of them
        assert one(Peer(two, port=41000, to=port).send("S")).flags == "SA"
        assert [s.flags for s in on_second(two, "S", 100, 0, to=port)] == ["SA"]


@rfc("9293 MUST-48")
def test_a_reset_bears_the_diffserv_field_of_its_connection(peer):
    peer.conn.tos = 0xB8
    peer.conn.abort()
    assert (one(peer.run(0), "R").tos, peer.conn.state) == (0xB8, 0)
