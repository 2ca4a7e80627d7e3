"""What every driver does on every chip, driven either way. `rig` is a driver on its model on a
virtual clock."""

import random

import pytest
from chips.rig import MAC, PEER, frame
from uipy.drivers.bus import SharedBus
from uipy.drivers.errors import NoChip

BOTH_WAYS = True  # by the four methods, and by `frames`
BROADCAST = b"\xff" * 6
MULTICAST = b"\x01\x00\x5e\x00\x00\xfb"


def test_every_size_comes_in_and_goes_out_unharmed(rig):
    for n in range(60, 1515):
        assert rig.echo(frame(n, fill=n)), n
    assert rig.counters() == {"rx": 1455, "tx": 1455, "link": 1}


def test_a_short_frame_is_padded_on_the_wire(rig):
    for n in (14, 15, 42, 59):
        f = frame(n, dst=PEER, src=MAC)
        assert rig.send(f)
        assert rig.sent[-1] == f.ljust(60, b"\0")


def test_the_ring_goes_round_with_a_backlog(rig):
    rnd = random.Random(7)
    for lap in range(60):
        burst = [frame(rnd.randrange(60, 1515), fill=lap + k) for k in range(rnd.randrange(1, 4))]
        assert all(rig.chip.wire_in(f) for f in burst)
        assert [rig.recv() for _ in burst] == burst
    assert rig.recv() is None


def test_bursts_of_the_smallest_frames(rig):
    burst = [frame(60, fill=k) for k in range(50)]
    for f in burst:
        assert rig.chip.wire_in(f)
    assert [rig.recv() for _ in burst] == burst


def test_own_address_and_broadcast_pass_the_filter(rig):
    assert not rig.chip.wire_in(frame(dst=PEER))
    for dst in (MAC, BROADCAST):
        assert rig.echo(frame(dst=dst))


def test_multicast_passes_when_asked_for(make):
    assert make(multicast=True).echo(frame(dst=MULTICAST))


def test_without_pins_the_chip_is_polled(make):
    rig = make(pins=False)
    for n in (60, 590, 1514):
        assert rig.echo(frame(n))


def test_a_frame_longer_than_the_buffer_is_dropped_and_the_next_is_found(make):
    rig = make(size=600)
    rig.chip.wire_in(frame(599))
    rig.chip.wire_in(frame(1514))
    rig.chip.wire_in(frame(598, fill=9))
    rig.run(5)
    assert rig.got == [frame(598, fill=9)]
    assert rig.counters()["rx_long"] == 2


def test_another_buffer_may_come(rig):
    assert rig.echo(frame(700))
    rig.buf = bytearray(900)
    assert rig.echo(frame(880))
    rig.buf = bytearray(1600)
    assert rig.echo(frame(1514))


def test_a_second_chip_beside_the_first(make):
    one, two = make(), make(pins=False)
    for k in range(20):
        for rig in (one, two):
            rig.use()
            assert rig.echo(frame(60 + 70 * k, fill=k))


def test_no_frame_is_sent_before_the_last_has_left(rig):
    f = frame(1514, dst=PEER, src=MAC)
    for k in range(5):
        assert rig.free()
        rig.buf[2 : 2 + len(f)] = f
        rig.dev.send(rig.buf, len(f))
    assert rig.free()
    rig.chip.poll()
    assert rig.sent == [f] * 5


def test_construction_returns_without_a_cable_and_the_link_comes_later(make):
    rig = make(before=lambda r: r.chip.link(False))
    rig.run(1000)
    assert not rig.dev.link_up()
    events = []
    rig.dev.on_link = events.append
    rig.chip.link(True)
    rig.run(3000)
    assert rig.dev.link_up() and events == [True]
    assert rig.echo(frame())


def test_the_cable_is_pulled_and_put_back(rig):
    rig.run(3000)
    events = []
    rig.dev.on_link = events.append
    for up in (False, True) * 3:
        rig.chip.link(up)
        rig.run(3000)
        assert rig.dev.link_up() is up
    assert events == [False, True] * 3
    assert rig.echo(frame())


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_no_chip_is_an_error_that_names_pins_and_what_was_read(broken, level):
    with pytest.raises(NoChip) as e:
        broken(before=lambda r: setattr(r.chip.fault, "absent", level))
    text = str(e.value)
    assert f"0x{level:02x}" in text.lower() and "Pin(17)" in text and "SPI(0" in text


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_a_chip_may_appear_later(broken, level):
    rig = broken(before=lambda r: setattr(r.chip.fault, "absent", level), wait=True)
    rig.run(2000)
    assert not rig.dev.link_up() and rig.counters()["no_chip"] >= 2
    assert rig.send(frame()) and rig.counters()["tx_dropped"] == 1
    rig.chip.fault.absent = None
    rig.chip.power_on()
    rig.run(3000)
    assert rig.dev.link_up() and rig.echo(frame())


def test_an_hour_with_nothing_to_do_leaves_no_trace(rig):
    """But for the silence, that is: a deaf chip would look the same."""
    rig.run(1000)
    for _ in range(3600 * 4):
        rig.poll()
        rig.clock.advance_ms(250)
    assert set(rig.counters()) <= {"link", "rx_quiet"}
    assert rig.echo(frame())


def test_idle_polls_cost_little_on_the_bus(make):
    """With INT a look at the pin; without, one transaction; the health check is counted apart."""
    for pins, most in ((True, 0), (False, 1)):
        rig = make(pins=pins)
        rig.run(1000)
        costs = []
        for _ in range(1000):
            before = rig.wiring.transactions
            rig.poll()
            costs.append(rig.wiring.transactions - before)
            rig.clock.advance_ms(0.1)
        assert sorted(costs)[900] <= most


def test_a_board_that_slept_finds_the_chip_full_and_goes_on(rig):
    while rig.chip.wire_in(frame(1514)):
        pass
    for _ in range(20):
        rig.chip.wire_in(frame(1514))
    rig.clock.advance_ms(30_000)
    rig.run(1000)
    assert len(rig.got) >= 3 and set(rig.got) == {frame(1514)}
    assert rig.echo(frame())


def test_a_lost_int_edge_deafens_nobody(rig):
    edges = []
    rig.dev.on_int(edges.append)
    assert rig.echo(frame())
    assert len(edges) == 1
    rig.wiring.lost_edges = 5
    for k in range(5):
        assert rig.echo(frame(fill=k))
    assert len(edges) == 1
    assert rig.echo(frame()) and len(edges) == 2


class Lock:
    """A lock that someone else holds now and then."""

    def __init__(self):
        self.taken = False
        self.elsewhere = False
        self.takes = 0

    def acquire(self, wait):
        assert wait is False and not self.taken
        if self.elsewhere:
            return False
        self.taken = True
        self.takes += 1
        return True

    def release(self):
        assert self.taken
        self.taken = False


class Borrowed:
    """The SharedBus of a rig that does not exist yet."""

    def lend(self, rig, lock):
        self.spi = rig.wiring.spi(0, 400_000)
        self.bus = SharedBus(self.spi, rig.hz, lock=lock)

    def acquire(self):
        return self.bus.acquire()

    def release(self):
        self.bus.release()


def test_a_shared_bus_is_taken_set_up_and_given_back(make):
    lock = Lock()
    bus = Borrowed()
    rig = make(before=lambda r: bus.lend(r, lock), bus=bus)
    for k in range(30):
        bus.spi.init(baudrate=400_000)  # the card's turn
        assert rig.echo(frame(60 + k * 40))
        assert rig.chip.spi_hz == rig.hz and not lock.taken
    lock.elsewhere = True
    rig.chip.wire_in(frame(fill=3))
    rig.buf[2:62] = frame()
    rig.dev.send(rig.buf, 60)
    rig.run(400)
    assert rig.got[-1] != frame(fill=3) and rig.counters()["tx_dropped"] == 1
    lock.elsewhere = False
    assert rig.recv() == frame(fill=3)


def test_the_mac_comes_from_the_boards_id(make, monkeypatch):
    monkeypatch.setenv("UIPY_UNIQUE_ID", "board one")
    one = make(mac=None).dev.mac
    assert one[0] & 3 == 2 and len(one) == 6
    assert make(mac=None).dev.mac == one
    monkeypatch.setenv("UIPY_UNIQUE_ID", "board two")
    assert make(mac=None).dev.mac != one


def test_counters_wrap_without_growing(rig):
    rig.dev.stat[0] = 0x3FFFFFFF
    assert rig.echo(frame())
    assert rig.dev.stat[0] == 0


def test_time_wraps(make):
    rig = make(before=lambda r: r.clock.advance_ms((1 << 30) - 5000))
    for k in range(100):
        rig.run(100)
        assert rig.echo(frame(fill=k))
    assert set(rig.counters()) == {"rx", "tx", "link"}
