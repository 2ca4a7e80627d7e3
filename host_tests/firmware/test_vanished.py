"""Peers that vanish: with the limits of firmware/config.py no row is kept for ever."""

import config
import pytest
from apps.test_http import get
from apps.test_on_stack import Pair, Settings
from lab.net import Station

HOUR = 3_600_000
SECOND = 1000


class Board(Settings):
    """As config.py has it, four connections of everything."""

    for name in ("clients", "idle_s", "keepalive_s", "tcp_options"):
        locals()[name] = getattr(config, name)
    del name


def states(pair):
    return [conn.state_name for conn in pair.board.tcp.conns if conn.state]


def vanish(pair, port, steps):
    """A peer that says this much, and nothing ever after, not even to ARP."""
    station = Station(pair.wires[0], "192.168.1.50", b"\x02\0\0\0\0\x50")
    station.establish(port)
    for step in steps:
        pair.run(50)
        if step == "request":
            station.seg("PA", data=get(b"/status.json", b"Connection: close"))
        elif step == "text":
            station.seg("PA", data=b"hello")
        elif step == "ack":
            station.seg("A")
        elif step == "shut":
            station.seg("A", wnd=0)
        elif step == "fin":
            station.seg("FA")
    pair.wires[0].peers.remove(station)
    return station


LAST = {  # what a peer does before it is gone, by port, and the state that it leaves
    "ESTABLISHED": [
        (80, ()),
        (7, ()),
        (9, ()),
        (7, ("text", "ack")),
        (9, ("text",)),
        (80, ("text",)),
    ],
    "FIN-WAIT-2": [(13, ("ack",)), (80, ("request", "ack", "ack", "ack"))],
    "data on their way": [(7, ("text",)), (19, ()), (80, ("request",)), (13, ())],
    "a closed window": [(7, ("shut", "text")), (19, ("shut",))],
    "CLOSE-WAIT and later": [(7, ("shut", "text", "fin")), (9, ("fin",)), (19, ("fin",))],
}


@pytest.mark.parametrize(
    ("port", "steps"),
    [case for cases in LAST.values() for case in cases],
    ids=lambda v: str(v) if isinstance(v, int) else "-".join(v) or "silent",
)
def test_no_row_is_kept_for_a_peer_that_has_vanished(port, steps):
    pair = Pair(Board)
    vanish(pair, port, steps)
    assert len(states(pair)) == 1
    pair.run(HOUR // 2)
    assert states(pair) == []
    listener = pair.board.tcp.listener(port)
    assert not any(listener.used), "its application object is free as well"


@pytest.mark.parametrize("port", [7, 9])
def test_a_silent_client_that_is_there_stays_for_an_hour(port):
    pair = Pair(Board)
    client = pair.connect(port, b"hello")
    pair.run(HOUR - 60 * SECOND)
    assert client.end is None and states(pair) == ["ESTABLISHED"]
    client.conn.shutdown()
    pair.run(60 * SECOND)
    assert client.end == "done"
    client = pair.connect(port, b"hello")
    pair.run(HOUR + 60 * SECOND)
    assert client.end == "reset" and states(pair) == []


def test_the_limits_can_be_changed_and_switched_off():
    class Other(Settings):
        idle_s = 0
        keepalive_s = 0

    pair = Pair(Other)
    vanish(pair, 9, ())
    pair.run(5 * HOUR)
    assert states(pair) == ["ESTABLISHED"]
    Other.keepalive_s = 60
    pair = Pair(Other)
    vanish(pair, 9, ())
    pair.run(HOUR)
    assert states(pair) == []


def test_a_flood_of_syns_is_answered_with_cookies():
    pair = Pair(Board)
    for k in range(40):
        other = Station(pair.wires[0], "192.168.1.%d" % (100 + k), b"\x02\0\0\0\1" + bytes([k]))
        other.syn(9)
        pair.wires[0].peers.remove(other)
    counters = dict(pair.board.counters())
    assert counters["tcp_cookie_out"] >= 30
    client = pair.connect(7, b"hello")
    pair.run(SECOND)
    assert client.got == b"hello"
