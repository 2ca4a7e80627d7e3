"""What a connection says of itself, what it takes, and what its calls do at once."""

import pytest
from lab.tcp import HalfCloser, Lab, Peer, active, mss, one, stamps
from uipy import Busy, Bytes, Error, Ring, Source
from uipy.errors import SourceChanged
from uipy.tcp.row import S_CLOSE_WAIT, S_ESTABLISHED, S_FIN_WAIT_1, S_SYN_SENT, STATE_NAMES
from uipy.watch import Watch

rfc = pytest.mark.rfc


# What it says


def test_new_connection_says_how_it_stands(lab):
    lab.run(300)
    p = Peer(lab, port=50123)
    p.open(opts=mss(1000))
    c = p.conn
    assert (c.state, c.state_name, c.state_at) == (
        S_ESTABLISHED,
        "ESTABLISHED",
        lab.wire.clock.now,
    )
    assert (c.mss, c.unacked, c.room, c.urgent_left) == (1000, 0, 5840, 0)
    assert (c.sending, c.can_send, c.crowded, c.nodelay) == (False, True, False, False)
    assert (c.keepalive_s, c.user_timeout_s, c.ttl, c.tos) == (0, 300, 64, 0)
    assert (c.lport, c.rport, c.peer(), c.local()) == (
        7,
        50123,
        ("10.0.0.2", 50123),
        ("10.0.0.1", 7),
    )


def test_it_says_what_is_under_way(peer):
    peer.conn.send(Bytes(bytes(700)))
    assert peer.conn.sending and peer.conn.unacked == 0
    peer.run(0)
    assert peer.conn.sending and peer.conn.unacked == 700
    peer.send("A", ack=peer.iss + 401)
    assert peer.conn.sending and peer.conn.unacked == 300
    peer.send("A")
    assert not peer.conn.sending and peer.conn.unacked == 0


def test_state_is_told_with_the_time_when_it_began(lab):
    app, p, _syn = active(lab)
    told = []

    def note():
        told.append((app.c.state, app.c.state_at))
        assert app.c.state_name == STATE_NAMES[app.c.state]
        lab.run(1000)

    start = lab.wire.clock.now
    note()
    p.send("SA", opts=mss(1000))
    note()
    p.send("FA")
    note()
    assert [state for state, _ in told] == [S_SYN_SENT, S_ESTABLISHED, S_CLOSE_WAIT]
    assert [(at - start) % 2**30 for _, at in told] == [0, 1000, 2000]


def test_mss_is_told_without_the_options_of_every_segment():
    lab = Lab(tcp_options={"timestamps": True})
    a, b = Peer(lab, port=40000), Peer(lab, port=40001)
    a.open(opts=mss(1000) + stamps(1), opts3=stamps(1))
    b.open(opts=mss(1000))
    assert (a.conn.mss, b.conn.mss) == (988, 1000)


def test_row_that_was_never_used_has_neither_application_nor_source(lab):
    assert [(c.app, c.src) for c in lab.stack.tcp.conns] == [(None, None)] * 8


# What it takes


@rfc("9293 MUST-48", "9293 MUST-49")
def test_ttl_and_diffserv_share_nothing(peer):
    c = peer.conn
    for ttl, tos in ((255, 0xFC), (1, 0), (0xAA, 0x54), (0x55, 0xA8)):
        c.ttl = ttl
        c.tos = tos
        assert (c.ttl, c.tos) == (ttl, tos)
        c.ttl = 256 - ttl
        assert (c.ttl, c.tos) == (256 - ttl, tos)
        c.tos = 0xFC - tos
        assert (c.ttl, c.tos) == (256 - ttl, 0xFC - tos)
        peer.lab.run(1000)
        s = one(peer.send("A", seq=peer.seq - 1))
        assert (s.ttl, s.tos) == (c.ttl, c.tos)


def test_two_bits_of_ecn_are_left_out_of_the_diffserv_field(peer):
    for n in range(256):
        peer.conn.tos = n
        assert peer.conn.tos == n // 4 * 4 and peer.conn.ttl == 64


@pytest.mark.parametrize(
    "name, wrong, sentence",
    [
        ("ttl", (-1, 0, 256), "a TTL is 1 to 255"),
        ("room", (-1, 2**24 + 1), r"room is 0 to 2\*\*24 octets"),
        ("keepalive_s", (-1, 65536), "seconds are 0 to 65535"),
        ("user_timeout_s", (0, 65536), "seconds are 1 to 65535"),
    ],
)
def test_wrong_setting_is_told_what_is_right_and_changes_nothing(peer, name, wrong, sentence):
    was = getattr(peer.conn, name)
    for n in wrong:
        with pytest.raises(ValueError, match="^" + sentence):
            setattr(peer.conn, name, n)
    assert getattr(peer.conn, name) == was


@rfc("9293 MUST-17")
def test_nodelay_can_be_turned_on_and_off_and_lets_go_what_nagle_holds(peer):
    c = peer.conn
    c.ttl = 9
    ring = Ring(100)
    c.send(ring)
    ring.write(b"ab", 0, 1)
    c.resume()
    assert one(peer.run(0)).data == b"a"
    ring.write(b"ab", 1, 1)
    c.resume()
    assert not peer.run(0) and c.nodelay is False
    c.nodelay = True
    assert one(peer.run(0)).data == b"b" and c.nodelay is True
    c.nodelay = False
    ring.write(b"c", 0, 1)
    c.resume()
    assert not peer.run(0) and c.nodelay is False
    assert one(peer.send("A")).data == b"c"


# Sources


def test_second_source_waits_until_the_first_has_arrived(peer):
    peer.conn.send(Bytes(b"first"))
    with pytest.raises(Busy, match="join sources with Chain"):
        peer.conn.send(b"second")
    peer.run(0)
    peer.send("A")
    peer.conn.send(b"second")
    assert one(peer.run(0)).data == b"second"


class Told(Source):
    """Gives what it is given, and counts how often it is asked."""

    ended = False

    def __init__(self, counted):
        self.counted = counted
        self.text, self.left, self.asked = b"", 0, 0

    def give(self, text):
        self.text += text
        self.left = len(self.text)

    def fill(self, rel, buf, pos, n):
        self.asked += 1
        some = self.text[rel : rel + n]
        buf[pos : pos + len(some)] = some
        return len(some)

    def acked(self, n):
        self.text = self.text[n:]
        self.left = len(self.text)


def asked_by_an_ack(peer, source):
    """How often the source is asked because of an ACK behind which it has nothing."""
    source.give(b"hello")
    peer.conn.resume()
    assert one(peer.run(0)).data == b"hello"
    was = source.asked
    assert not peer.send("A")
    peer.run(0)
    return source.asked - was


@pytest.mark.parametrize("counted, asked", [(True, 0), (False, 1)])
def test_source_that_counts_is_not_asked_by_an_ack_behind_which_it_has_nothing(
    peer, counted, asked
):
    source = Told(counted)
    peer.conn.send(source)
    assert [asked_by_an_ack(peer, source) for _ in range(3)] == [asked] * 3


def test_source_that_does_not_count_is_asked_though_the_one_before_it_did(peer):
    first = Told(True)
    peer.conn.send(first)
    assert asked_by_an_ack(peer, first) == 0
    first.ended = True
    first.give(b"bye")
    peer.conn.resume()
    peer.run(0)
    peer.send("A")
    assert not peer.conn.sending
    second = Told(False)
    peer.conn.send(second)
    assert asked_by_an_ack(peer, second) == 1
    # and one that is done with says nothing of the next one's end
    second.give(b"more")
    peer.conn.resume()
    assert one(peer.run(0)).data == b"more" and peer.conn.sending


def test_source_that_changes_is_found_out_by_its_watch():
    p = Peer(Lab(tcp_options={"watch": Watch}))
    p.open()
    text = bytearray(b"hello")
    p.conn.send(Bytes(text))
    assert one(p.run(0)).data == b"hello"
    text[:] = b"jello"
    assert p.run(1000)[-1].flags == "R"
    assert [type(e) for e in p.lab.errors] == [SourceChanged]
    assert p.app.said("closed") == ["error"]


def test_source_that_stays_what_it_is_passes_its_watch():
    p = Peer(Lab(tcp_options={"watch": Watch}))
    p.open()
    p.conn.finish(b"hello")
    assert [(s.data, s.flags) for s in p.run(1000)] == [(b"hello", "FPA")] * 2


# Urgent data


@rfc("9293 MUST-62", "9293 MUST-31")
def test_push_urgent_lets_go_what_the_source_has(peer):
    ring = Ring(100)
    peer.conn.send(ring)
    peer.run(0)
    ring.write(b"hello", 0, 5)
    peer.conn.push_urgent(3)
    s = one(peer.run(0))
    assert (s.data, s.flags, s.up) == (b"hello", "PAU", 3)


@rfc("9293 MUST-62", "9293 MUST-31")
@pytest.mark.parametrize("n, up", [(255, 255), (256, 256), (0x1234, 0x1234), (70_000, 65_535)])
def test_urgent_pointer_has_16_bits(peer, n, up):
    peer.conn.send(Bytes(bytes(80_000)))
    peer.conn.push_urgent(n)
    first = peer.run(0)[0]
    assert "U" in first.flags and first.up == up


def test_push_urgent_wants_a_source_that_is_running(peer):
    with pytest.raises(Error, match="nothing is being sent"):
        peer.conn.push_urgent(3)
    peer.conn.send(Bytes(b"hello"))
    s = one(peer.run(0))
    assert "U" not in s.flags and s.up == 0


def test_push_urgent_wants_urgent_data_that_was_not_left_out():
    p = Peer(Lab(tcp_options={"urgent": False}))
    p.open()
    p.conn.send(Bytes(b"hello"))
    with pytest.raises(ValueError, match="urgent data was left out"):
        p.conn.push_urgent(3)
    p.send("UA", b"hello", up=3)
    assert p.conn.urgent_left == 0 and p.lab.app.said("urgent") == []


# Calls wake the program that waits for the deadline


@pytest.mark.parametrize(
    "call",
    [
        lambda c: c.send(b"x"),
        lambda c: c.finish(),
        lambda c: c.shutdown(),
        lambda c: c.close(),
        lambda c: c.abort(),
        lambda c: c.offer(20_000),
        lambda c: c.keepalive(60),
        lambda c: setattr(c, "user_timeout_s", 60),
        lambda c: setattr(c, "nodelay", True),
    ],
)
def test_call_from_outside_wakes_the_program(peer, call):
    woken = []
    peer.run(0)
    assert not peer.lab.stack.due
    peer.lab.stack.wake = lambda: woken.append(1)
    call(peer.conn)
    assert woken and peer.lab.stack.due


def test_nothing_to_say_wakes_nobody(peer):
    woken = []
    peer.run(0)
    peer.lab.stack.wake = lambda: woken.append(1)
    peer.conn.resume()
    peer.conn.offer(peer.conn.room)
    peer.conn.room = 100
    peer.conn.ttl = 3
    peer.conn.tos = 4
    assert not woken and not peer.lab.stack.due and not peer.run(0)


# Its end


@pytest.mark.parametrize("call", ["close", "abort"])
def test_end_before_the_answer_is_told_as_aborted(lab, call):
    app, _p, _syn = active(lab)
    conn = app.c
    assert getattr(conn, call)() is None
    assert app.said("closed") == ["aborted"] and conn.state_name == "CLOSED"
    assert conn.app is None and app.conn is lab.stack.tcp.dead and not lab.run(10_000)


def test_close_of_a_connection_that_stands_sends_a_fin(peer):
    peer.conn.close()
    assert not peer.conn.can_send
    assert one(peer.run(0)).flags == "FA" and peer.conn.state == S_FIN_WAIT_1


def test_ctrl_c_in_a_callback_is_the_programs_own():
    """It leaves the poll; the connection stands, and what was not taken comes again."""
    lab = Lab(app=HalfCloser)
    p = Peer(lab)
    p.open()
    app = p.app

    def pressed(conn, buf, start, n):
        raise KeyboardInterrupt

    app.received = pressed
    with pytest.raises(KeyboardInterrupt):
        lab.give(p.segment("FPA", b"hello", seq=p.seq))
    del app.received
    assert not lab.errors and not app.said("closed") and p.state == "ESTABLISHED"
    p.send("FPA", b"hello")
    assert app.data == b"hello" and p.state == "CLOSE-WAIT"
