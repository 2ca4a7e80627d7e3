"""Ephemeral ports (RFC 6056): random, never one that is in use or in TIME-WAIT."""

import itertools

import pytest
from lab.tcp import HalfCloser, Lab, active
from uipy import Busy, TableFull

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
