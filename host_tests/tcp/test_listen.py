"""LISTEN (RFC 9293 3.10.7.2): a first segment to a port that somebody serves."""

import pytest
from lab import framelog
from lab.tcp import HalfCloser, Lab, Peer, is_reset, mss, one
from uipy import App, BadAddress, Busy, TableFull

rfc = pytest.mark.rfc


def test_syn_is_answered_with_syn_ack(lab):
    p = Peer(lab, isn=0xFFFFFFFF)
    s = one(p.send("S"), "SA")
    assert s.ack == 0 and s.wnd > 0 and not s.data


def test_application_hears_nothing_before_the_handshake_is_complete(lab):
    p = Peer(lab)
    p.send("S")
    assert not any(a.events for a in lab.apps)
    p.send("A")
    assert lab.app.said("connected") == [None]


def test_rst_is_ignored(lab):
    p = Peer(lab)
    assert not p.send("R") and not p.send("RA", ack=1) and not p.send("RS")


def test_ack_is_reset_at_its_ack(lab):
    for flags in ("A", "PA", "FA", "SA", "SFA"):
        is_reset(one(Peer(lab).send(flags, ack=4711)), 4711)


@pytest.mark.parametrize("flags", ["", "F", "P", "U", "FPU"])
def test_segment_with_neither_syn_nor_ack_nor_rst_is_dropped(lab, flags):
    assert not Peer(lab).send(flags, b"text")


@rfc("9293 MUST-14", "9293 SHLD-5a", "9293 MAY-3", "9293 MUST-67", "9293 MUST-4")
@pytest.mark.parametrize("mtu", [1500, 576, 1006, 296])
def test_mss_option_says_what_we_can_receive(mtu):
    p = Peer(Lab(mtu=mtu))
    s = one(p.send("S"), "SA")
    assert s.opts["mss"] == mtu - 40  # MMS_R - 20; nothing is reassembled


def test_data_on_a_syn_is_delivered_once(lab):
    """RFC 9293 3.10.7.3: data on a SYN is legal. Taken at once or when it is sent again, it
    arrives once."""
    p = Peer(lab)
    s = one(p.send("S", b"early"), "SA")
    assert (s.ack - p.isn) in (1, 6)
    p.send("A", seq=p.isn + 1)
    p.send("PA", b"early"[s.ack - p.isn - 1 :], seq=s.ack)
    p.run(600)
    assert lab.app.data == b"early"


def test_fin_on_a_syn_does_not_break_the_connection(lab):
    """The FIN may be held or left to be sent again; either way the end is heard once and after the
    handshake."""
    p = Peer(lab)
    s = one(p.send("SF"), "SA")
    p.send("FA" if s.ack == p.isn + 1 else "A", seq=s.ack)
    p.run(600)
    assert lab.app.said("peer_closed") == [None]


def test_connections_on_one_port_are_kept_apart(lab):
    peers = [Peer(lab, port=40000 + i, isn=i * 0x20000000) for i in range(3)] + [
        Peer(lab, ip="10.0.0.9")
    ]
    for p in peers:
        p.open()
        p.app = lab.app
    assert len({id(p.app) for p in peers}) == 4
    for i, p in enumerate(peers):
        p.send("PA", b"from %d" % i)
    assert [p.app.data for p in peers] == [b"from 0", b"from 1", b"from 2", b"from 3"]


@rfc("9293 MUST-41")
def test_another_listen_does_not_touch_a_connection(lab, peer):
    lab.stack.listen(8, HalfCloser, 1)
    with pytest.raises(Exception):
        lab.stack.listen(7, HalfCloser, 1)
    peer.send("PA", b"still here")
    assert peer.state == "ESTABLISHED" and lab.app.data == b"still here"
    assert one(Peer(lab, port=50000).send("S"), "SA")


@rfc("9293 MUST-41")
def test_another_listen_does_not_touch_a_handshake(lab, syn_received):
    lab.stack.listen(8, HalfCloser, 1)
    syn_received.send("A")
    assert syn_received.state == "ESTABLISHED"


@rfc("3360 2.3-1")
def test_nobody_is_reset_when_all_application_objects_are_taken():
    """The handshake may go on for as long as a row may become free; it never ends with a RST."""
    lab = Lab(listeners=2, listen={"spare_ms": 0})
    for i in range(2):
        Peer(lab, port=40000 + i).open()
    late = Peer(lab, port=50000)
    out = late.send("S") + late.send("A") + late.send("PA", b"anybody?") + late.run(100_000)
    assert not any("R" in s.flags for s in out) and not any(a.data for a in lab.apps)


def test_whoever_waits_gets_in_when_an_application_object_is_free_again():
    lab = Lab(listeners=1, listen={"spare_ms": 0})
    first, second = Peer(lab, port=40000), Peer(lab, port=50000)
    first.open()
    for s in second.send("S"):
        second.send("A")
    lab.run(5000)
    first.send("R")
    lab.run(1000)
    second.send("PA", b"my turn")
    assert lab.app.data == b"my turn"


@rfc("3360 2.3-1")
def test_syn_is_dropped_when_the_half_open_table_is_full():
    lab = Lab(half_open=3, listeners=8)
    for i in range(3):
        one(Peer(lab, port=40000 + i).send("S"), "SA")
    assert not Peer(lab, port=50000).send("S")


def test_syn_gets_in_when_a_half_open_row_is_free_again():
    lab = Lab(half_open=1, listeners=8)
    first, second = Peer(lab, port=40000), Peer(lab, port=50000)
    one(first.send("S"), "SA")
    assert not second.send("S", seq=1000)
    first.send("A")
    one(second.send("S", seq=1000), "SA")


@rfc("3360 2.3-1")
def test_completing_ack_without_a_free_row_is_not_reset():
    """All rows busy: the handshake's last ACK is dropped or the SYN was; a stranger never gets a
    RST for our want."""
    lab = Lab(tcp=2, listeners=8, half_open=8)
    answers = []
    for i in range(4):
        p = Peer(lab, port=40000 + i)
        for s in p.send("S", opts=mss(1000)):
            answers += [s] + p.send("A")
    assert not any("R" in s.flags for s in answers)


# Listeners come and go.


def test_closed_listener_hears_nothing_and_its_connections_go_on():
    lab = Lab(listeners=0)
    app = App()
    li = lab.stack.listen(7, lambda: app, 1)
    p = Peer(lab)
    p.send("S")
    p.send("A")
    li.close()
    for to in (7, 0):  # nor is any other port mistaken for it
        one(Peer(lab, port=41000, to=to).send("S"), "RA")
    assert app.conn.state_name == "ESTABLISHED"
    lab.stack.listen(7, App, 1)


def test_ports_can_be_opened_and_closed_without_end():
    """The table of listeners does not grow, and a connection keeps the limits of its own."""
    with framelog.silent():  # a replay makes its listeners at the start, and keeps them
        lab = Lab(listeners=0)
    lab.stack.listen(7, HalfCloser, 1, idle_ms=60_000).close()
    old = lab.stack.listen(7, lab._make(HalfCloser), 1, idle_ms=60_000)
    p, q = Peer(lab, port=40000), Peer(lab, port=40001)
    p.open()
    one(q.send("S"), "SA")
    old.close()
    for port in range(1000, 1600):
        lab.stack.listen(port, HalfCloser, 1).close()
    assert len(lab.stack.tcp.listeners) <= 2
    p.run(61_000)
    assert p.app.said("closed") == ["idle"]


def test_255_listeners_and_no_more():
    with framelog.silent():
        lab = Lab(listeners=0)
    for port in range(1, 256):
        lab.stack.listen(port, App, 1)
    with pytest.raises(TableFull):
        lab.stack.listen(300, App, 1)
    p = Peer(lab, to=255)
    one(p.send("S"), "SA")
    p.send("A")
    assert lab.stack.tcp.conns[0].state_name == "ESTABLISHED"


@pytest.mark.parametrize("option", ["idle_ms", "spare_ms"])
def test_limit_further_than_time_can_be_compared_is_refused(option):
    with pytest.raises(ValueError, match=r"2\*\*28"):
        Lab(listeners=0).stack.listen(7, App, 1, **{option: 2**28 + 1})


@pytest.mark.parametrize("option", ["idle_ms", "spare_ms"])
def test_the_longest_limit_is_kept(option):
    li = Lab(listeners=0).stack.listen(7, App, 1, **{option: 2**28})
    assert getattr(li, option) == 2**28


@pytest.mark.parametrize("port", [-7, 0, 65536, 65543])
def test_a_port_is_1_to_65535(port):
    lab = Lab(listeners=0)
    with pytest.raises(BadAddress, match="1 to 65535"):
        lab.stack.listen(port, App, 1)
    assert not lab.stack.tcp.listeners
    for good in (1, 65535):
        lab.stack.listen(good, App, 1)
        one(Peer(lab, to=good).send("S"), "SA")


@rfc("9293 MUST-41")
def test_a_port_has_one_listener_until_that_is_closed():
    lab = Lab(listeners=0)
    li = lab.stack.listen(7, App, 1)
    assert li.port == 7
    for local in (None, "10.0.0.1"):
        with pytest.raises(Busy, match="port 7 "):
            lab.stack.listen(7, App, 1, local=local)
    li.close()
    assert li.port == -1
    assert lab.stack.listen(7, App, 1, local="10.0.0.1").port == 7


@pytest.mark.parametrize("keeps", ["connection", "handshake", None])
def test_the_number_of_a_closed_listener_is_free_when_nothing_of_it_is_left(keeps):
    lab = Lab(listeners=0)
    tcp = lab.stack.tcp
    old = lab.stack.listen(7, lab._make(HalfCloser), 2)
    p = Peer(lab)
    if keeps:
        p.iss = one(p.send("S"), "SA").seq
    if keeps == "connection":
        p.send("A")
    old.close()
    new = lab.stack.listen(8, App, 1)
    assert tcp.listeners == ([old, new] if keeps else [new])
    if keeps:
        p.send("R")
        third = lab.stack.listen(9, App, 1)
        assert tcp.listeners == [third, new]


def test_as_many_connections_as_objects_and_each_has_its_own():
    lab = Lab(listeners=3, listen={"spare_ms": 0})
    peers = [Peer(lab, port=40000 + k) for k in range(4)]
    for p in peers[:3]:
        p.open()
    assert len({id(p.app) for p in peers[:3]}) == 3 and lab.wire.count("tcp_passive") == 3
    one(peers[3].send("S"), "SA")
    assert not peers[3].send("A") and lab.wire.count("tcp_passive") == 3
    gone = peers[1].app
    peers[1].send("R")
    lab.run(1)
    assert gone.said("connected") == [None, None] and lab.wire.count("tcp_passive") == 4


class Ticking(HalfCloser):
    """Notes when it is asked whether there is something to do."""

    poll_ms = 700

    def poll(self, conn):
        self.events.append(("poll", conn.tcp.env[0]))


@pytest.mark.parametrize("active", [False, True])
def test_the_first_poll_of_a_connection_comes_poll_ms_after_it(active):
    lab = Lab(app=Ticking)
    lab.run(5000)
    app = Ticking()
    if active:
        app = lab_app = Ticking()
        lab.stack.connect(lab_app, "10.0.0.2", 80)
    else:
        p = Peer(lab)
        p.open()
        app = p.app
    began = lab.wire.clock.now
    lab.run(2100)
    assert [(at - began) % 2**30 for at in app.said("poll")] == [700, 1400, 2100]


def test_a_new_connection_has_the_settings_of_none_before():
    """MUST-25 among them: every variable begins anew."""
    lab = Lab(tcp=1, listeners=1)
    before = []
    for k in range(2):
        p = Peer(lab, port=40000 + k)
        p.open()
        c = p.conn
        before.append((c.room, c.user_timeout_s, c.keepalive_s, c.ttl, c.tos, c.nodelay, c.mss))
        c.room, c.user_timeout_s, c.keepalive_s, c.ttl, c.tos, c.nodelay = 7, 8, 9, 10, 12, True
        p.send("R")
    assert before == [(5840, 300, 0, 64, 0, False, 1000)] * 2


def test_after_a_lost_syn_ack_the_first_rto_is_three_seconds(lab):
    """RFC 6298 5.7"""
    p = Peer(lab)
    p.send("S")
    p.iss = one(p.run(1500), "SA").seq
    p.send("A")
    p.conn.send(b"x")
    at = lab.ms
    assert [s.at - at for s in p.run(3100)] == [0, 3000]
