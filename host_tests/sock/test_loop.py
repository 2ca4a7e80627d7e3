"""Who polls: waits drive the stack, nothing is entered twice, and what was caught comes out."""

import pytest
from lab import packets
from lab.looped import Nap
from lab.net import BOARD, PEER, Inbox, Station, Wire
from uipy import loop


class Board:
    """A board on a wire whose program waits, and a neighbour."""

    def __init__(self, **more):
        self.wire = Wire()
        self.stack = self.wire.board(udp=2)
        self.wire.run()
        self.peer = Station(self.wire)
        self.nap = Nap(self.wire)
        self.loop = self.nap.attach(self.stack, **more)
        self.inbox = Inbox()
        self.stack.bind(7, self.inbox)

    def arrives(self, data=b"x"):
        """A datagram is in the device; nobody has polled."""
        body = packets.udp(PEER, BOARD, 5000, 7, data)
        self.wire.rx.append(self.peer.datagram(17, body))

    @property
    def ms(self):
        return self.wire.clock.ms


@pytest.fixture
def board():
    made = Board()
    yield made
    loop.detach()
    assert not made.wire.errors, made.wire.errors


def test_without_a_stack_current_says_what_to_do():
    loop.detach()
    with pytest.raises(OSError, match=r"network\.LAN") as caught:
        loop.current()
    assert isinstance(caught.value, loop.NoStack) and caught.value.errno == 19


def test_a_wait_whose_condition_is_true_does_not_sleep(board):
    assert board.loop.until(lambda: True, 1000)
    assert board.nap.slept == 0


def test_a_wait_ends_after_its_time_and_not_before(board):
    began = board.ms
    assert board.loop.until(lambda: False, 300) is False
    assert board.ms - began == 300


def test_a_wait_of_no_time_polls_once(board):
    polls = board.loop.polls
    assert board.loop.until(lambda: False, 0) is False
    assert board.loop.polls == polls + 1 and board.nap.slept == 0


def test_a_wait_ends_with_what_arrives(board):
    began = board.ms
    board.nap.at(40, board.arrives)
    assert board.loop.until(lambda: board.inbox.got, -1)
    assert board.ms - began == 40


def test_the_condition_is_tested_between_poll_and_sleep(board):
    """Sleep, then poll, then the condition: a wait that tested it first would sleep once more."""
    board.arrives()
    assert board.loop.until(lambda: board.inbox.got, -1)
    assert board.nap.slept == 0


def test_the_background_keeps_away_while_it_is_held_and_comes_at_once_afterwards(board):
    polls = board.loop.polls
    with board.loop:
        with board.loop:
            board.loop.step()
        board.loop.come(None)
        assert board.loop.polls == polls
    assert board.loop.polls == polls + 1


def test_an_exception_of_a_poll_is_raised_by_the_wait(board):
    def fail(exc):
        raise KeyboardInterrupt

    board.stack.on_error = fail
    board.inbox.received = None
    board.arrives()
    with pytest.raises(KeyboardInterrupt):
        board.loop.until(lambda: False, 100)
    assert board.loop.until(lambda: False, 100) is False


def test_what_is_deferred_in_a_callback_is_called_behind_the_poll(board):
    seen = []

    def received(port, buf, start, n):
        for _ in range(3):
            board.loop.defer(called, port)

    def called(port):
        seen.append(board.stack.busy)

    board.inbox.received = received
    board.arrives()
    board.loop.step()
    assert seen == [False]
    with board.loop:
        board.loop.defer(called, None)
        assert len(seen) == 1
    assert len(seen) == 2


def test_detach_leaves_nothing_behind(board):
    loop.detach()
    with pytest.raises(loop.NoStack):
        loop.current()
    assert board.stack.wake is None
    board.loop.defer(print, None)
    polls = board.loop.polls
    board.loop.come(None)
    assert board.loop.polls == polls


def test_a_stack_that_found_no_heap_for_its_new_generators_tries_again(board, monkeypatch):
    def fail(exc):
        raise KeyboardInterrupt

    def no_heap():
        raise MemoryError

    board.stack.on_error = fail
    board.inbox.received = None
    board.arrives()
    with pytest.raises(KeyboardInterrupt):
        board.loop.step()
    board.inbox.received = lambda *a: board.inbox.got.append(a)
    with monkeypatch.context() as patched:
        patched.setattr(board.stack, "revive", no_heap)
        with pytest.raises(MemoryError):
            board.loop.step()
    board.arrives()
    assert board.loop.until(lambda: board.inbox.got, 100)
