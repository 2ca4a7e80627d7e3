"""TCP on an Ethernet whose neighbour is not known, or no longer (RFC 1122 2.3.2.2)."""

import pytest
from lab.net import PEER, Station, Wire
from lab.packets import addr
from lab.tcp import HalfCloser
from uipy import BadAddress, Bytes

FORGET_MS = 200_000  # an entry that nobody uses is gone


@pytest.fixture
def wire():
    w = Wire()
    w.board(tcp=2)
    w.app = HalfCloser()
    w.stack.listen(7, lambda: w.app, 1)
    yield w
    assert not w.errors


@pytest.fixture
def there(wire):
    """A connection; the board has forgotten its neighbour since."""
    p = Station(wire)
    p.establish(7)
    wire.run(FORGET_MS)
    p.heard.clear()
    return p


def flags(p):
    return [f.tcp.flags for f in p.heard if f.tcp]


def test_lost_neighbour_is_asked_for_and_the_data_follows(wire, there):
    wire.app.c.send(Bytes(b"data"))
    frames = wire.run(0)
    assert [f.arp.op for f in frames if f.arp] == [1]
    assert there.expect("PA", data=b"data")


def test_segment_that_never_left_does_not_back_off(wire, there):
    """Three vain requests are a soft error, told once; the data goes out as soon as the neighbour
    answers, and its RTO is that of the first try."""
    there.answers_arp = False
    wire.app.c.send(Bytes(b"data"))
    wire.run(60_000)
    assert wire.app.said("error") == ["unreachable"] and not flags(there)
    there.answers_arp = True
    wire.run(11_000)  # a neighbour that is wanted is asked for every ten seconds
    sent = [f.at for f in there.heard if f.tcp]
    assert len(sent) >= 2 and sent[1] - sent[0] == 1000
    assert not wire.app.said("closed")


def test_r2_counts_though_nothing_leaves(wire, there):
    there.answers_arp = False
    wire.app.c.user_timeout_s = 100
    wire.app.c.send(Bytes(b"data"))
    wire.run(99_000)
    assert not wire.app.said("closed")
    wire.run(5000)
    assert wire.app.said("closed") == ["timeout"]


def test_open_without_a_neighbour_asks_and_then_connects(wire):
    there = Station(wire, port=80)
    app = HalfCloser()
    wire.stack.connect(app, PEER, 80)
    wire.run(0)
    there.expect("S")


def test_abort_keeps_its_row_until_the_rst_has_gone(wire, there):
    """Also while the neighbour is asked for."""
    there.answers_arp = False
    wire.app.c.abort()
    wire.run(1500)
    assert not wire.app.said("closed")
    there.answers_arp = True
    wire.run(2000)
    assert flags(there) == ["R"] and wire.app.said("closed") == ["aborted"]


def test_abort_without_a_neighbour_ends_all_the_same(wire, there):
    there.answers_arp = False
    wire.app.c.abort()
    wire.polls = 0
    wire.run(10_000)
    assert wire.app.said("closed") == ["aborted"] and not flags(there)
    assert wire.polls < 60, "nothing spins while the RST waits"


def test_peers_segment_takes_the_waiting_rst_along(wire, there):
    """The reply goes to the MAC that it came from, whatever the ARP table knows."""
    there.answers_arp = False
    wire.app.c.abort()
    wire.run(0)
    there.seg("A")
    assert flags(there) == ["R"] and wire.app.said("closed") == ["aborted"]


def test_idle_limit_with_a_lost_neighbour_spins_in_no_loop():
    w = Wire()
    w.board(tcp=2)
    app = HalfCloser()
    w.stack.listen(7, lambda: app, 1, idle_ms=FORGET_MS)
    p = Station(w)
    p.establish(7)
    p.answers_arp = False
    w.polls = 0
    w.run(FORGET_MS + 20_000)
    assert app.said("closed") == ["idle"] and w.polls < 2000


def test_ack_that_had_to_wait_starts_no_retransmission_timer(wire, there):
    """Nothing of ours is in flight: nobody will acknowledge the ACK."""
    there.seg("PA", data=b"x")
    wire.run(200)
    assert flags(there) == ["A"]
    there.heard.clear()
    wire.run(1_000_000)
    assert not wire.app.said("closed") and not wire.app.said("error") and not flags(there)
    assert wire.count("tcp_rto") == 0


def test_ack_that_waits_for_ever_does_not_end_the_connection(wire, there):
    there.answers_arp = False
    there.seg("PA", data=b"x")
    wire.run(1_000_000)
    assert not wire.app.said("closed")
    there.answers_arp = True
    wire.run(11_000)
    assert flags(there) == ["A"]


def test_data_that_had_to_wait_has_a_whole_rto_from_when_it_left(wire, there):
    there.answers_arp = False
    wire.app.c.send(Bytes(b"data"))
    wire.run(700)
    there.answers_arp = True
    wire.run(3000)
    sent = [f.at for f in there.heard if f.tcp]
    assert len(sent) >= 2 and sent[1] - sent[0] == 1000


@pytest.mark.parametrize("later", [True, False])
def test_data_that_left_with_a_reply_is_sent_again_when_it_was_lost(wire, there, later):
    """It waited for the neighbour, then rode on the answer to a segment of the peer's."""
    there.answers_arp = False
    wire.app.c.send(Bytes(b"data"))
    wire.run(500)
    there.seg("PA", data=b"x")
    first = there.expect("PA", data=b"data")
    there.answers_arp = later
    wire.run(3900)
    there.answers_arp = True
    wire.run(11_000)
    again = [f.at for f in there.heard if f.tcp and f.tcp.data == b"data"]
    assert again and (not later or again[0] - first.at == 1000)


def test_each_connection_sends_to_its_own_neighbour():
    """Two of them, in turn: the MAC and the address are those of the one at hand."""
    w = Wire()
    w.board(tcp=3)
    w.stack.listen(7, HalfCloser, 2)
    there = [Station(w), Station(w, ip="192.168.1.10", mac=bytes.fromhex("02000000000a"))]
    for p in there:
        p.establish(7)
    w.run(0)
    for k in range(3):
        for conn in w.stack.tcp.conns[:2]:
            conn.send(b"%d" % k)
        frames = w.run(0)
        sent = sorted((f.dst, f.ip_dst, f.tcp.dport) for f in frames if f.tcp)
        assert sent == [(p.mac, addr(p.ip), p.port) for p in there]
        for p in there:
            p.seg("A")


# Our own opens to where nobody is


@pytest.mark.parametrize("local", [None, "192.168.1.7"])
def test_open_beyond_the_subnet_without_a_gateway_says_so(local):
    w = Wire()
    w.board(gateway=None, tcp=2)
    with pytest.raises(BadAddress, match=r"no way to '10.9.9.9': .*no gateway"):
        w.stack.connect(HalfCloser(), "10.9.9.9", 80, local=local)
    w.stack.connect(HalfCloser(), PEER, 80, local=local)


def test_a_gateway_is_asked_for_on_the_interface_that_the_open_is_from():
    """The first interface has one; the address is that of the second."""
    w, other = Wire(), Wire()
    w.board(tcp=2)
    w.stack.add_iface(other, "172.16.0.7/16")
    with pytest.raises(BadAddress, match="no gateway"):
        w.stack.connect(HalfCloser(), "10.9.9.9", 80, local="172.16.0.7")
    w.stack.connect(HalfCloser(), "10.9.9.9", 80, local="192.168.1.7")
    w.stack.connect(HalfCloser(), "172.16.3.3", 80, local="172.16.0.7")


@pytest.mark.parametrize("arp", [False, True])
def test_open_to_a_dead_host_ends_within_the_six_minutes_that_the_manual_names(wire, arp):
    """Nobody with that address, or somebody whose TCP is silent: R2, and one retransmission."""
    there = Station(wire, port=80)
    there.answers_arp = arp
    app = HalfCloser()
    wire.stack.connect(app, PEER, 80)
    wire.run(299_000)
    assert not app.said("closed")
    assert app.said("error") == (["retrying"] if arp else ["unreachable"])
    wire.run(5000)
    assert app.said("closed") == ["timeout"]


def test_open_to_a_dead_host_ends_as_soon_as_the_application_wants(wire):
    app = HalfCloser()
    wire.stack.connect(app, PEER, 80).user_timeout_s = 10
    wire.run(9900)
    assert not app.said("closed")
    wire.run(1200)
    assert app.said("closed") == ["timeout"]


def test_application_is_told_again_when_it_happens_again(wire, there):
    """Once for each time that the peer is out of reach; an ACK of something new ends such a
    time."""
    for told in (1, 2):
        there.answers_arp = False
        wire.app.c.send(Bytes(b"data"))
        wire.run(30_000)
        assert wire.app.said("error").count("unreachable") == told
        there.answers_arp = True
        wire.run(11_000)
        there.ack = [f.tcp for f in there.heard if f.tcp][-1].end
        there.seg("A")
        wire.run(FORGET_MS)
        there.heard.clear()
