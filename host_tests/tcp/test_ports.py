"""Ephemeral ports (RFC 6056): random, never one that is in use or in TIME-WAIT; and what else an
open of ours says."""

import itertools

import pytest
from lab.tcp import HalfCloser, Lab, active
from uipy import BadAddress, Busy, TableFull

rfc = pytest.mark.rfc


def test_ports_come_from_the_dynamic_range_and_are_spread_over_it():
    lab = Lab(listeners=0)
    ports = []
    for _ in range(400):
        app, _p, syn = active(lab, app=HalfCloser())
        ports.append(syn.sport)
        app.c.abort()
        lab.apps.clear()
    assert min(ports) >= 49152 and len(set(ports)) > 380
    quarters = {p >> 12 for p in ports}
    assert len(quarters) == 4
    gaps = [b - a for a, b in itertools.pairwise(ports)]
    assert len(set(gaps)) > 350


def test_two_connections_never_share_a_port():
    lab = Lab(listeners=0, tcp=8)
    ports = [active(lab, port=80 + k)[2].sport for k in range(8)]
    assert len(set(ports)) == 8


def test_listeners_port_is_not_taken(lab):
    for port in range(49152, 49152 + 100):
        lab.stack.listen(port, HalfCloser, 1)
    for _ in range(100):
        app, _p, syn = active(lab, app=HalfCloser())
        assert not 49152 <= syn.sport < 49252
        app.c.abort()


def test_port_that_was_asked_for_is_used_and_refused_when_connected_there(lab):
    _app, _p, syn = active(lab, lport=5555)
    assert syn.sport == 5555
    with pytest.raises(Busy):
        active(lab, lport=5555)
    assert active(lab, port=81, lport=5555)[2].sport == 5555


def test_full_table_of_connections_is_an_error():
    lab = Lab(listeners=0, tcp=2)
    active(lab)
    active(lab)
    with pytest.raises(TableFull):
        lab.stack.connect(HalfCloser(), "10.0.0.2", 80)


def test_two_boards_do_not_choose_alike():
    def first(key):
        return active(Lab(listeners=0, key=key))[2].sport

    assert len({first(b"key%05d" % k) for k in range(20)}) >= 19


# Which one: the stack's random numbers are a test's


@pytest.fixture
def alone():
    return Lab(listeners=0, tcp=8)


def draws(lab, *octets):
    """The stack's next random octets; the last one for ever."""
    given = itertools.chain(octets, itertools.repeat(octets[-1]))
    lab.stack.random8 = given.__next__


def opened(lab, **options):
    app, p, syn = active(lab, **options)
    p.app = app
    return p, syn.sport


@pytest.mark.parametrize(
    "octets, port",
    [
        ((0, 0), 49152),
        ((0, 1), 49153),
        ((1, 0), 49408),
        ((0x15, 0x55), 49152 + 0x1555),
        ((0x2A, 0xAA), 49152 + 0x2AAA),
        ((0x40, 0), 49152),
        ((0x80, 0), 49152),
        ((0x3F, 0xFF), 65535),
        ((0xFF, 0xFF), 65535),
    ],
)
def test_port_is_49152_and_14_bits_that_nobody_foresees(alone, octets, port):
    draws(alone, *octets)
    assert opened(alone)[1] == port


@pytest.mark.parametrize(
    "octet, ports", [(0, [49152, 49153, 49154]), (255, [65535, 49152, 49153])]
)
def test_port_that_is_in_use_is_followed_by_the_next_one(alone, octet, ports):
    """Behind the last comes the first."""
    draws(alone, octet)
    assert [opened(alone, port=80 + k)[1] for k in range(3)] == ports


def test_port_of_a_connection_that_has_ended_is_free(alone):
    draws(alone, 0)
    first = opened(alone)[0]
    first.app.c.abort()
    alone.run(0)
    assert opened(alone)[1] == 49152


def test_port_in_time_wait_is_not_free_and_that_of_a_listener_is_not(alone):
    draws(alone, 0)
    p, port = opened(alone)
    p.send("SA")
    p.app.c.shutdown()
    p.run(0)
    p.send("FA")
    assert port == 49152 and p.app.said("closed") == ["done"]
    alone.stack.listen(49153, HalfCloser, 1)
    assert opened(alone)[1] == 49154


@pytest.mark.parametrize("octet", [0, 0x55, 255])
def test_when_every_port_is_in_use_each_was_asked_for_once(alone, monkeypatch, octet):
    asked = []
    monkeypatch.setattr(alone.stack.tcp, "listener", lambda port: asked.append(port) or 1)
    draws(alone, octet)
    with pytest.raises(TableFull, match="every ephemeral port is in use"):
        opened(alone)
    assert sorted(asked) == list(range(49152, 65536))
    assert not alone.run(0) and alone.wire.count("tcp_active") == 0


# Whom we ask, and how


@pytest.mark.parametrize("port", [-1, 0, 65536, 70_000])
def test_open_to_no_port_is_an_error_and_takes_nothing(alone, port):
    with pytest.raises(BadAddress, match="no host to connect to"):
        opened(alone, port=port)
    assert not alone.run(0) and alone.wire.count("tcp_active") == 0


def test_first_and_last_port_can_be_asked(alone):
    assert [active(alone, port=port)[2].dport for port in (1, 65535)] == [1, 65535]
    assert alone.wire.count("tcp_active") == 2


def test_syn_offers_what_the_stack_was_made_with():
    every = {"timestamps": True, "window_scale": True, "sack": True, "room": 200_000}
    syn = active(Lab(listeners=0, tcp_options=every))[2]
    assert set(syn.opts) == {"mss", "ts", "ws", "sack_ok"}
    assert (syn.opts["mss"], syn.opts["ws"], syn.wnd, syn.ttl, syn.tos) == (1460, 2, 65535, 64, 0)
    assert active(Lab(listeners=0))[2].opts == {"mss": 1460}
