"""The applications on the real TCP: two stacks on one cable, and a clock that only tests move."""

import json

import main
import pytest
from apps.test_http import Answer, get
from apps.test_small import rfc_864
from lab.net import C0, Station, Wire, join, run_all
from uipy.app import App
from uipy.apps.echo import Echo
from uipy.ring import Ring
from uipy.source import Bytes
from uipy.stream import Stream

MAC = b"\x02\x00\x00\x00\x00\x63"
CLIENT = "192.168.1.99"


class Settings:
    ip = "192.168.1.7/24"
    name = "a board"
    tcp = clients = 4


class Client(App):
    """Sends `data`, shuts its side when `half` is true, keeps what comes; reads no more than the
    window that its SYN offered when `stuck`."""

    def __init__(self, data=b"", half=False, stuck=False):
        self.data = data
        self.half = half
        self.stuck = stuck
        self.got = b""
        self.end = None
        self.fin = False

    def connected(self, conn):
        if self.stuck:
            conn.room = 0
        if self.half:
            conn.finish(Bytes(self.data))
        elif self.data:
            conn.send(Bytes(self.data))

    def say(self, data):
        self.conn.send(Bytes(data))

    def received(self, conn, buf, start, n):
        self.got += bytes(buf[start : start + n])
        if self.stuck:
            conn.room = 0

    def read_on(self):
        self.stuck = False
        self.conn.room = 5840
        self.conn.resume()

    def peer_closed(self, conn):
        self.fin = True
        conn.close()

    def closed(self, conn, reason):
        self.end = reason


class Small(Stream):
    """Nobody reads its ring but the test."""

    def __init__(self):
        Stream.__init__(self, Ring(777), Ring(10))


class Pair:
    """A board with all services, and a client's stack."""

    def __init__(self, settings=Settings):
        self.wires = [Wire(), Wire(mac=MAC)]
        join(*self.wires)
        there, here = self.wires
        self.here = here.board(CLIENT + "/24", tcp=8)
        self.board = there.stack = main.build(there, settings)
        self.board.on_error = there.errors.append
        self.run(10)

    def connect(self, port, *args, **more):
        client = Client(*args, **more)
        self.here.connect(client, "192.168.1.7", port)
        self.run(20)
        return client

    def run(self, ms):
        run_all(self.wires, ms)
        for wire in self.wires:
            assert not wire.errors, wire.errors


@pytest.fixture
def pair():
    return Pair()


def test_the_page_its_figures_and_the_metrics(pair):
    client = pair.connect(80, get(b"/"))
    pair.run(1000)
    page = Answer(client.got)
    assert page.status == 200 and page.body.endswith(b"</script>\n")
    client.got = b""
    client.say(get(b"/status.json"))
    pair.run(1000)
    found = json.loads(Answer(client.got).body)
    (own,) = found["conns"]
    assert own["peer"] == CLIENT and own["rport"] == client.conn.lport
    assert own["port"] == 80 and own["state"] == "ESTABLISHED"
    counted = dict(pair.board.counters())
    assert found["stat"]["tcp_passive"] == counted["tcp_passive"]
    client.got = b""
    client.say(get(b"/metrics", b"Connection: close"))
    pair.run(1000)
    assert b"uipy_tcp_passive_total" in Answer(client.got).body
    assert client.fin and client.end == "done"


def test_half_open_connections_and_time_wait_are_counted(pair):
    daytime = pair.connect(13)
    pair.run(100)
    assert daytime.end == "done"
    client = pair.connect(80, get(b"/status.json"))
    pair.run(100)
    found = json.loads(Answer(client.got).body)
    assert (found["half"], found["wait"]) == (0, 1), "the board closed first"
    peer = Station(pair.wires[0], ip="192.168.1.50")
    peer.answers_arp = False
    peer.seg("S", opts={"mss": 1460})
    client.got = b""
    client.say(get(b"/status.json"))
    pair.run(100)
    found = json.loads(Answer(client.got).body)
    assert (found["half"], found["wait"]) == (1, 1)


def test_a_half_closed_browser_gets_everything(pair):
    client = pair.connect(80, get(b"/"), half=True)
    pair.run(2000)
    assert Answer(client.got).body.startswith(b"<!doctype html>")
    assert client.end == "done"


def test_pipelined_requests_are_all_answered_in_order(pair):
    client = pair.connect(80, get(b"/nothing") + get(b"/status.json") + get(b"/nothing"))
    pair.run(20_000)
    first = Answer(client.got)
    second = Answer(first.rest)
    third = Answer(second.rest)
    assert [first.status, second.status, third.status] == [404, 200, 404] and not third.rest
    assert json.loads(second.body)["board"] == "a board"


def bodies(got):
    """The answers in what a client got, one behind the other."""
    found = []
    while got:
        found.append(Answer(got))
        got = found[-1].rest
    return found


def test_twenty_requests_in_one_flight_are_answered_without_a_retransmission(pair):
    paths = [b"/status.json", b"/nothing", b"/metrics", b"/status.json?x=1"] * 5
    agent = b"User-Agent: curl/8.5.0\r\nAccept: */*"
    client = pair.connect(80, b"".join(get(path, agent) for path in paths))
    pair.run(3000)
    found = bodies(client.got)
    assert [a.status for a in found] == [200, 404, 200, 200] * 5
    assert found[2].body.startswith(b"# HELP") and json.loads(found[3].body)
    assert dict(pair.here.counters())["tcp_rexmt"] == C0
    assert dict(pair.board.counters())["tcp_partial"] == 0  # the firmware counts from 0


def test_requests_sent_ahead_and_a_fin_are_all_answered(pair):
    client = pair.connect(80, get(b"/status.json") * 7 + get(b"/nothing"), half=True)
    pair.run(3000)
    found = bodies(client.got)
    assert [a.status for a in found] == [200] * 7 + [404] and client.end == "done"
    assert [a.fields["connection"] for a in found] == ["keep-alive"] * 7 + ["close"]
    assert dict(pair.here.counters())["tcp_rexmt"] == C0


def test_who_sends_ahead_more_than_can_wait_is_told_where_it_ended(pair):
    client = pair.connect(80, get(b"/nothing") * 150)  # 41 octets each: 142 in the first window
    pair.run(30_000)
    found = bodies(client.got)
    assert [a.status for a in found] == [404] * 97 and client.end == "done"
    assert found[96].fields["connection"] == "close"
    assert found[95].fields["connection"] == "keep-alive"


class Deaf:
    """A peer that asks for a page and acknowledges nothing of it."""

    def __init__(self, pair, k):
        ip = "192.168.1.%d" % (50 + k)
        self.station = Station(pair.wires[0], ip, MAC[:5] + bytes([k]))
        self.station.establish(80)
        self.station.seg("PA", data=get(b"/status.json"))


def test_peers_that_acknowledge_nothing_hold_nobody_up_for_long(pair):
    deaf = [Deaf(pair, 1), Deaf(pair, 2)]
    pair.run(1500)
    client = pair.connect(80, get(b"/status.json"))
    pair.run(4000)
    assert Answer(client.got).status == 200
    assert "R" in deaf[0].station.heard[-1].tcp.flags, "the one that stalled longest"
    assert "R" not in deaf[1].station.heard[-1].tcp.flags


def test_eight_honest_clients_wait_their_turn_for_a_snapshot():
    class Wide(Settings):
        tcp = clients = 8

    pair = Pair(Wide)
    clients = [pair.connect(80) for _ in range(8)]
    for k in range(200):
        client = clients[k % 8]
        client.say(get(b"/metrics"))
        if k % 8 == 7:
            pair.run(1500)
            for c in clients:
                assert [a.status for a in bodies(c.got)] == [200], k
                c.got = b""


def test_a_client_that_stops_reading_does_not_hold_up_another(pair):
    slow = pair.connect(80, get(b"/"), stuck=True)
    quick = pair.connect(80, get(b"/"))
    pair.run(30_000)
    assert Answer(quick.got).status == 200 and len(slow.got) < len(quick.got)
    slow.read_on()
    pair.run(1000)
    assert slow.got == quick.got


def test_an_error_with_content_behind_it_arrives_before_any_reset(pair):
    client = pair.connect(80, get(b"/", b"Content-Length: 9000", method=b"POST") + bytes(9000))
    pair.run(5000)
    assert Answer(client.got).status == 405
    assert client.end == "done"


def test_an_idle_browser_is_let_go(pair):
    client = pair.connect(80, get(b"/nothing"))
    pair.run(25_000)
    assert client.end is None
    pair.run(20_000)
    assert client.end == "done"


@pytest.mark.parametrize("half", [False, True])
def test_echo_of_much_more_than_its_ring(pair, half):
    data = bytes(i * 7 % 253 for i in range(40_000))
    client = pair.connect(7, data, half=half)
    pair.run(10_000)
    assert client.got == data
    assert client.end == ("done" if half else None)


@pytest.mark.parametrize("size", [64, 777, 1461, 2920, 5840, 9000])
def test_echo_with_a_ring_of_any_size_is_right(pair, size):
    pair.board.listen(4007, lambda: Echo(size), 1)
    data = bytes(i * 11 % 251 for i in range(12_000))
    client = pair.connect(4007, data, half=True)
    pair.run(1_000_000)
    assert client.got == data and client.end == "done"
    if size >= 5840:  # the room that the stack offers in the handshake
        assert dict(pair.here.counters())["tcp_rexmt"] == C0
        assert dict(pair.here.counters())["tcp_probe"] == C0


def test_a_small_ring_tells_of_its_room():
    app = Small()
    wire = Wire()
    wire.board(tcp=1).listen(4008, lambda: app, 1)
    peer = Station(wire)
    peer.establish(4008)
    for n in [777] * 7 + [5840 - 7 * 777]:  # the window of the handshake is used up
        app.rx.acked(app.rx.left)
        app.pump(app.conn)
        peer.seg("A", data=bytes(n))
    wire.run(1000)
    peer.heard.clear()
    app.rx.acked(app.rx.left)
    app.pump(app.conn)
    wire.run(1000)
    peer.expect("A", wnd=777)  # half of its buffer is worth telling, however small that is


def test_echo_closes_when_an_idle_client_does(pair):
    client = pair.connect(7, b"hello")
    pair.run(1000)
    client.conn.close()
    pair.run(1000)
    assert client.got == b"hello" and client.end in ("done", None)
    assert not [c for c in pair.board.tcp.conns if c.state]


def test_discard_and_daytime(pair):
    discard = pair.connect(9, bytes(20_000), half=True)
    daytime = pair.connect(13)
    pair.run(5000)
    assert discard.got == b"" and discard.end == "done"
    assert len(daytime.got) == 21 and daytime.end == "done"


def test_chargen_until_the_client_closes(pair):
    client = pair.connect(19, stuck=True)
    pair.run(3000)
    assert len(client.got) == 5840, "as much as the window took"
    client.conn.shutdown()
    pair.run(100)
    client.read_on()
    pair.run(2000)
    assert client.end == "done"
    assert client.got == rfc_864(200)[: len(client.got)]


def test_udp_echo(pair):
    from lab.net import Inbox

    inbox = Inbox()
    port = pair.here.bind(0, inbox)
    port.send("192.168.1.7", 7, Bytes(b"over udp"))
    pair.run(100)
    assert inbox.got == [b"over udp"]


def test_each_service_can_be_had_alone_and_nonsense_is_refused(pair):
    for name in main.SERVICES:
        settings = Settings()
        settings.services = name
        main.build(Wire(), settings)
    settings.services = "finger"
    with pytest.raises(ValueError, match="no service 'finger'"):
        main.build(Wire(), settings)
