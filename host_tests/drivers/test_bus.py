"""A bus that other chips use too: taken around each step, and what is lost while it is theirs."""

import pytest
from uipy.drivers.bus import SharedBus, on_shared_bus


class Log:
    """An SPI bus and a lock that write down what is done to them."""

    def __init__(self, free=True):
        self.done, self.free = [], free

    def init(self, **how):
        self.done.append(how)

    def acquire(self, wait=True):
        self.done.append(("acquire", wait))
        return self.free

    def release(self):
        self.done.append("release")


def test_bus_is_ours_with_our_clock_and_mode_until_it_is_given_back():
    log = Log()
    bus = SharedBus(log, 8_000_000, polarity=1, phase=1, lock=log)
    assert log.done == []
    assert bus.acquire() is True
    assert log.done == [("acquire", False), {"baudrate": 8_000_000, "polarity": 1, "phase": 1}]
    bus.release()
    assert log.done[2:] == ["release"]


def test_bus_of_someone_else_is_not_touched_and_not_waited_for():
    log = Log(free=False)
    assert SharedBus(log, lock=log).acquire() is False
    assert log.done == [("acquire", False)]


def test_without_a_lock_only_clock_and_mode_are_set():
    log = Log()
    bus = SharedBus(log)
    assert bus.acquire() is True and bus.release() is None
    assert log.done == [{"baudrate": 10_000_000, "polarity": 0, "phase": 0}]


class Device:
    """The `send` of a driver's generator: answers with what it was sent, or breaks."""

    def __init__(self):
        self.seen, self.breaks = [], False

    def __call__(self, m):
        if self.breaks:
            raise OSError
        self.seen.append(m)
        return m + 100


def shared(free):
    log, device, stat = Log(free), Device(), [5, 0x3FFFFFFE, 7]
    made = on_shared_bus(device, log, stat, 1)
    assert made.send(None) == 0 and log.done == [] and device.seen == []
    return made, log, device, stat


@pytest.mark.parametrize("m", [0, 1, 60, -1, -2, -3, -60])
def test_each_step_takes_the_bus_and_gives_it_back(m):
    made, log, device, stat = shared(free=True)
    assert made.send(m) == m + 100 and device.seen == [m]
    assert log.done == [("acquire", True), "release"] and stat == [5, 0x3FFFFFFE, 7]


@pytest.mark.parametrize(
    ("m", "lost"), [(0, 0), (-1, 0), (-2, 0), (1, 1), (2, 1), (60, 1), (-3, 1), (-60, 1)]
)
def test_only_a_frame_is_lost_while_the_bus_is_someone_elses(m, lost):
    made, log, device, stat = shared(free=False)
    assert made.send(m) == 0 and device.seen == []
    assert log.done == [("acquire", True)] and stat == [5, 0x3FFFFFFE + lost, 7]


def test_counter_of_lost_frames_wraps_and_a_late_bus_is_as_good_as_any():
    made, log, device, stat = shared(free=False)
    assert [made.send(60), made.send(-60), made.send(60)] == [0, 0, 0]
    assert stat == [5, 1, 7]
    log.free = True
    assert made.send(60) == 160
    log.free = False
    assert made.send(0) == 0 and device.seen == [60] and stat == [5, 1, 7]


def test_bus_is_given_back_when_a_step_breaks():
    made, log, device, _ = shared(free=True)
    device.breaks = True
    with pytest.raises(OSError):
        made.send(0)
    assert log.done == [("acquire", True), "release"]
    with pytest.raises(StopIteration):
        made.send(0)
