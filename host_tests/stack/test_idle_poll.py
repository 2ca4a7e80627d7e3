"""An idle poll looks at the INT pin and no further; everything else ends the idleness."""

import pytest
from boards import ends
from emu.client import Client
from uipy import Stack, UdpApp

MAC = b"\x02\0\0\0\0\1"


class Quiet(ends.QueueDevice):
    """A device with an INT pin; it wants to be called every 100 ms all the same."""

    def __init__(self):
        super().__init__(MAC)
        self.level, self.ms, self.asked = 1, 100, 0

    def look(self):
        return self.level

    def still(self):
        return self.ms

    def recv_into(self, buf):
        self.asked += 1
        return super().recv_into(buf)


@pytest.fixture
def dev():
    return Quiet()


@pytest.fixture
def stack(dev):
    stack = Stack(dev, "192.168.7.2/24", now=0)
    for _ in range(20):  # what it has to say at the start
        stack.poll(0)
    dev.asked = 0
    return stack


def test_an_idle_poll_asks_nobody(stack, dev):
    assert 0 < stack.poll(1) <= 99
    assert dev.asked == 0


def test_int_low_ends_it(stack, dev):
    dev.level = 0
    stack.poll(1)
    assert dev.asked


def test_the_time_of_the_device_ends_it(stack, dev):
    stack.poll(99)
    assert not dev.asked
    stack.poll(100)
    assert dev.asked


def test_something_due_ends_it(stack, dev):
    stack.wake_up()
    stack.poll(1)
    assert dev.asked


def test_an_earlier_deadline_ends_it(stack, dev):
    stack.arm(7)
    stack.poll(7)
    assert dev.asked


def test_a_device_that_is_busy_is_asked_each_time(dev):
    dev.ms = 0
    stack = Stack(dev, "192.168.7.2/24", now=0)
    for k in range(20):
        stack.poll(0)
    before = dev.asked
    stack.poll(0)
    assert dev.asked > before


def test_after_a_frame_the_next_poll_is_a_whole_one(stack, dev):
    dev.rx.append(b"\xff" * 6 + MAC[:5] + b"\2" + b"\x88\xb5" + bytes(46))
    dev.level = 0
    stack.poll(1)
    dev.level, dev.asked = 1, 0
    stack.poll(2)
    assert dev.asked
    dev.asked = 0
    stack.poll(3)
    assert not dev.asked


def test_poll_in_a_callback_is_still_an_error(stack, dev):
    class Poller(UdpApp):
        def received(self, port, buf, start, n):
            stack.poll(1)

    raised = []
    stack.on_error = raised.append
    stack.bind(7, Poller())
    client = Client(dev.rx.append, "192.168.7.2")
    client.arp()
    dev.level = 0
    stack.poll(1)
    client.got(dev.tx.pop())
    client.datagram(7, 4)
    stack.poll(1)
    assert [type(e).__name__ for e in raised] == ["Reentered"]
