"""What Stack(tcp_options=...) sets, and what holds without it: the defaults of Tcp, to the octet
and to the ms."""

import inspect
import itertools

import pytest
from lab.net import Clock, Wire
from lab.tcp import BOARD, SACK_OK, Lab, Peer, active, mss, one, stamps, wscale
from uipy import Bytes
from uipy.tcp.demux import Tcp
from uipy.tcp.row import NUMBER, ROW_SIZE

rfc = pytest.mark.rfc

DEFAULTS = {
    "rows": 8,
    "half_open": 8,
    "time_wait": 16,
    "reassembly": 0,
    "cookies": False,
    "ecn": 0,
    "timestamps": False,
    "window_scale": False,
    "sack": False,
    "urgent": True,
    "room": 0,
    "max_flight": 0,
    "rto_min": 1000,
    "rto_max": 60_000,
    "rto_init": 1000,
    "delayed_ack": 100,
    "msl": 30_000,
    "linger": 60_000,
    "watch": None,
}


def test_the_defaults_are_those_of_the_manual():
    found = inspect.signature(Tcp).parameters
    assert {n: p.default for n, p in found.items() if n != "stack"} == DEFAULTS


# The room


@pytest.mark.parametrize(
    "mtu, room, offered",
    [(1500, 0, 5840), (576, 0, 2144), (296, 0, 1024), (1500, 1, 1), (1500, 9000, 9000)],
)
def test_first_room_is_four_segments_or_what_was_asked_for(mtu, room, offered):
    lab = Lab(mtu=mtu, tcp_options={"room": room})
    assert lab.stack.tcp.default_room == offered
    p = Peer(lab)
    assert one(p.send("S")).wnd == offered
    p.send("A")
    assert lab.app.c.room == offered


@pytest.mark.parametrize(
    "room, shift, window",
    [
        (65_535, 0, 65_535),
        (65_536, 1, 32_768),
        (131_071, 1, 65_536),
        (131_072, 2, 32_768),
        (1_000_000, 4, 62_500),
    ],
)
def test_the_shift_is_the_least_that_lets_the_room_be_told(room, shift, window):
    lab = Lab(tcp_options={"room": room, "window_scale": True})
    p = Peer(lab)
    s = p.open(opts=mss(1000) + wscale(0))
    assert s.wnd == 65_535 and s.opts["ws"] == shift
    assert one(p.send("A", seq=p.seq - 1)).wnd == min(window, 65_535)


# What our SYN offers


OFFERS = {
    (): {"mss"},
    ("timestamps",): {"mss", "ts"},
    ("window_scale",): {"mss", "ws"},
    ("sack",): {"mss", "sack_ok"},
    ("timestamps", "window_scale", "sack"): {"mss", "ts", "ws", "sack_ok"},
    ("ecn",): {"mss"},
}


@pytest.mark.parametrize("asked", OFFERS, ids="+".join)
def test_a_syn_offers_what_was_asked_for_and_nothing_else(asked):
    lab = Lab(tcp_options=dict.fromkeys(asked, 1))
    app, p, syn = active(lab)
    assert set(syn.opts) == OFFERS[asked]
    assert syn.flags == ("SEC" if "ecn" in asked else "S")
    p.send("SA", opts=mss(1000) + wscale(0) + b"\1" + SACK_OK + stamps(5))
    app.c.send(b"x")
    assert set(one(p.run(0)).opts) == ({"ts"} if "timestamps" in asked else set())


@pytest.mark.parametrize("asked", OFFERS, ids="+".join)
def test_a_syn_ack_agrees_to_what_was_asked_for_and_nothing_else(asked):
    lab = Lab(tcp_options=dict.fromkeys(asked, 1))
    s = one(Peer(lab).send("SEC", opts=mss(1000) + wscale(0) + b"\1" + SACK_OK + stamps(5)))
    assert set(s.opts) == OFFERS[asked]
    assert s.flags == ("SAE" if "ecn" in asked else "SA")


# How many


@pytest.mark.parametrize("options", [{}, {"tcp_options": {"timestamps": True, "sack": True}}])
@pytest.mark.parametrize("rows", [1, 2, 5])
def test_each_row_is_one_connection(rows, options):
    """All of them at once, each with its own octets for its own host; row by row in turn."""
    lab = Lab(tcp=rows, listeners=rows, **options)
    peers = [Peer(lab, ip="10.0.0.%d" % (k + 2), port=40000 + k, wnd=1000) for k in range(rows)]
    for p in peers:
        p.open()
    for p in peers:
        p.app.c.send(Bytes(b"%d" % p.port * 200))
    out = lab.run(0)
    assert [s.dport for s in out] == [p.port for p in peers]
    for p in peers:
        assert one(p.hear(out)).data == b"%d" % p.port * 200
        assert p.conn is lab.stack.tcp.conns[p.port - 40000]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_connections_take_turns(rows):
    """Who has much to send does not keep the others from it (three segments each)."""
    lab = Lab(tcp=rows, listeners=rows)
    peers = [Peer(lab, port=40000 + k, wnd=3000) for k in range(rows)]
    for p in peers:
        p.open()
    for p in peers:
        p.app.c.send(Bytes(bytes(3000)))
    turns = [s.dport - 40000 for s in lab.run(0)]
    assert sorted(turns) == sorted(list(range(rows)) * 3)
    assert turns == [0] * 3 + [1] * 3 * (rows > 1) + [2] * 3 * (rows > 2)


EXTRAS = ("ecn", "timestamps", "sack", "urgent")


@pytest.mark.parametrize("asked", list(itertools.product((False, True), repeat=4)))
def test_each_option_has_its_own_halves_of_the_row(asked):
    tcp = Lab(tcp=3, tcp_options=dict(zip(EXTRAS, asked, strict=True))).stack.tcp
    extras = [getattr(tcp, n) for n in ("ecn", "ts", "sack", "urg")]
    assert [bool(e) for e in extras] == list(asked)
    end = ROW_SIZE
    for extra in filter(None, extras):
        assert extra.at == end
        end += extra.SIZE
    assert [len(c.row) for c in tcp.conns] == [end] * 3 and len(tcp.tab) == 3 * end
    for k, conn in enumerate(tcp.conns):
        conn.row[0] = 7 + k
        assert tcp.tab[k * end] == 7 + k and conn.row[NUMBER] == k


@pytest.mark.parametrize("start", [0, 1, 1000, 2**29 - 1, 2**29, 2**29 + 1, 2**30 - 1])
def test_times_long_past_are_moved_up_once_in_37_hours(start):
    """2**27 ms: whatever the clock says when a board starts, and with nothing else to do."""
    wire = Wire(l2=0, clock=Clock(start))
    stack = wire.board(BOARD + "/24", None, tcp=2)
    wire.settle()
    assert stack.tcp.deadline(wire.clock.now) == 2**27
    stack.tcp.hurry()
    for late in (0, 1, 1000):
        assert stack.tcp.deadline((wire.clock.now + late) % 2**30) == 0


# How long


@pytest.mark.parametrize("init, most", [(1000, 60_000), (300, 1000), (2500, 2600)])
def test_a_syn_is_sent_again_after_rto_init_and_after_rto_max_at_the_latest(init, most):
    lab = Lab(tcp_options={"rto_init": init, "rto_max": most})
    start = lab.ms
    active(lab)
    times = [s.at - start for s in lab.run(4 * most + 1)]
    gaps = [b - a for a, b in zip([0, *times], times, strict=False)]
    assert gaps[0] == init
    for a, b in itertools.pairwise(gaps):
        assert b == min(max(2 * a, 1000), most)


@pytest.mark.parametrize("least", [10, 1000, 1500])
def test_what_is_lost_is_sent_again_after_rto_min(least):
    lab = Lab(tcp_options={"rto_min": least})
    p = Peer(lab)
    p.open()
    for _ in range(2):
        p.conn.send(b"x")
        p.run(0)
        p.send("A")
    p.conn.send(b"x")
    first, again = p.run(2 * least - 1 + least // 2)[:2]
    assert again.at - first.at == least


@pytest.mark.parametrize("ms", [1, 100, 499])
def test_an_ack_is_delayed_by_so_much(ms):
    lab = Lab(tcp_options={"delayed_ack": ms})
    p = Peer(lab)
    p.open()
    p.send("PA", b"x")
    assert not p.run(ms - 1)
    assert one(p.run(1)).ack == p.seq


@rfc("9293 MUST-13")
@pytest.mark.parametrize("msl", [30_000, 1])
def test_time_wait_lasts_two_msl(msl):
    lab = Lab(tcp_options={"msl": msl})
    p = Peer(lab)
    p.open()
    p.conn.shutdown()
    p.run(0)
    one(p.send("FA"), "A")
    lab.run(2 * msl - 1)
    assert lab.stack.tcp.wait.used() == 1
    lab.run(1)
    assert lab.stack.tcp.wait.used() == 0


@pytest.mark.parametrize("linger", [60_000, 5])
def test_a_fin_wait_2_without_a_reader_lasts_so_long(linger):
    lab = Lab(tcp_options={"linger": linger})
    p = Peer(lab)
    p.open()
    p.conn.close()
    p.run(0)
    p.send("A")
    lab.run(linger - 1)
    assert p.state == "FIN-WAIT-2"
    lab.run(1)
    assert p.app.said("closed") == ["done"]


@pytest.mark.parametrize("most", [0, 1, 2, 3])
def test_so_many_segments_are_in_the_network_at_the_most(most):
    """One goes as two halves: a lone one would wait for a delayed ACK."""
    lab = Lab(tcp_options={"max_flight": most})
    p = Peer(lab, wnd=60_000)
    p.open()
    p.conn.send(Bytes(bytes(500_000)))
    flight = p.run(0)
    for _ in range(6):
        sizes = [len(s.data) for s in flight]
        assert sizes == ([500, 500] if most == 1 else [1000] * (most or len(sizes)))
        flight = p.send("A")
    assert most or len(sizes) > 10
