"""A scan: hosts that ask for us by the dozen want to be remembered, in a table that has few rows
(RFC 826; RFC 1122 2.3.2.1)."""

import pytest
from lab.net import Inbox, Station, Wire
from lab.packets import addr
from uipy import Bytes

ROWS = 4
TRY_MS = 1000


def station(wire, k):
    return Station(wire, "192.168.1.%d" % (100 + k), b"\2\0\0\0\1" + bytes([k]))


class Full(Wire):
    """A board that has just sent something to as many neighbours as its table has rows."""

    def __init__(self):
        super().__init__()
        self.board(arp=ROWS, udp=ROWS)
        self.run()
        self.ours = [station(self, k) for k in range(ROWS)]
        self.ports = [self.stack.bind(1 + k, Inbox()) for k in range(ROWS)]
        say(self)
        self.run(2 * TRY_MS)  # the questions are old
        assert not say(self)


@pytest.fixture
def full():
    return Full()


def say(wire):
    """A datagram to each neighbour; those that had to be asked for first."""
    for port, host in zip(wire.ports, wire.ours, strict=True):
        port.send(host.ip, 9, Bytes(b"!"))
    return [f.arp.tpa for f in wire.run() if f.arp]


def scan(wire, n=60):
    """So many strangers ask for us; each is answered."""
    for k in range(n):
        (f,) = wire.give(station(wire, 10 + k).arp_request())
        assert f.arp.op == 2


@pytest.mark.parametrize("ms", [0, 1, 500, TRY_MS - 1])
def test_row_that_was_wanted_within_a_second_is_no_strangers(full, ms):
    full.run(ms)
    scan(full)
    assert not say(full)
    assert full.count("arp_evicted") == 0


def test_traffic_keeps_its_rows_through_a_scan_that_lasts(full):
    for _ in range(50):
        scan(full, 10)
        full.run(TRY_MS - 1)
        scan(full, 10)
        assert not say(full)
    assert full.count("arp_evicted") == 0


def test_row_that_nobody_wanted_for_a_second_is_given_to_a_stranger(full):
    """The first one of them; it is asked for again when it is wanted."""
    full.run(TRY_MS)
    scan(full, 1)
    assert full.count("arp_evicted") == 1
    arp = full.stack.ifaces[0].arp
    assert sum(bytes(arp.tab[o : o + 4]) == addr("192.168.1.110") for o in range(0, 80, 20)) == 1


def test_of_old_rows_the_one_that_was_wanted_least_recently_goes(full):
    for k in (2, 0, 3, 1):
        full.run(100)
        full.ports[k].send(full.ours[k].ip, 9, Bytes(b"again"))
        full.run()
    full.run(TRY_MS)
    tab = full.stack.ifaces[0].arp.tab

    def there():
        held = {bytes(tab[o : o + 4]) for o in range(0, len(tab), 20)}
        return [k for k in range(ROWS) if addr(full.ours[k].ip) in held]

    for n, left in enumerate(([0, 1, 3], [1, 3], [1], [])):
        full.give(station(full, 20 + n).arp_request())
        assert there() == left
