"""The loop that joins a network and a board by a wire.

What stands at an end of the wire has

    give(frame)          a frame arrives
    take() -> frame      the next one that it sends, or None
    run(now) -> ms       does what is due; how long it can wait (0: not at all)
    files() -> (r, w)    what to wait for: lists for select, for reading and for writing
    close()
"""

import select
import signal
import time

from wire.wire import DOWN, UP, Wire

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
LONG = 1000  # ms; nobody sleeps longer


def now_ms():
    """The clock of all host tools: ms, of no particular beginning."""
    return time.monotonic_ns() // 1_000_000


def stop_on_signals():
    """SIGTERM and SIGINT raise KeyboardInterrupt, even where a shell has turned SIGINT off."""
    for number in _SIGNALS:
        signal.signal(number, signal.default_int_handler)


class Medium:
    """A medium (media.py) as an end of the wire."""

    def __init__(self, medium):
        self._medium = medium

    def give(self, frame):
        self._medium.write(frame)

    def take(self):
        return self._medium.read() or None

    def run(self, now):
        return LONG

    def files(self):
        return [self._medium], []

    def close(self):
        self._medium.close()


class Pump:
    """`net` and `board` are the ends; `recorder` gets what the board sent and received, in its
    order.
    """

    def __init__(self, net, board, wire=None, recorder=None):
        self.net = net
        self.board = board
        self.wire = wire or Wire()
        self.recorder = recorder

    def turn(self):
        """Moves what there is to move, and waits until there is more."""
        now = now_ms()
        self._collect(self.net, DOWN, now)
        wait = min(self.net.run(now), self.board.run(now), LONG)
        self._collect(self.net, DOWN, now)
        self._collect(self.board, UP, now)
        if self._deliver(now):
            wait = 0
        at = self.wire.next()
        if at is not None:
            wait = min(wait, max(at - now_ms(), 0))
        readable, writable = self.net.files()
        more = self.board.files()
        readable, writable = readable + more[0], writable + more[1]
        if readable or writable:
            select.select(readable, writable, [], wait / 1000)
        else:  # Windows has no select of nothing
            time.sleep(wait / 1000)

    def _collect(self, end, way, now):
        frame = end.take()
        while frame is not None:
            if way == UP and self.recorder:
                self.recorder.add(frame)
            self.wire.push(way, frame, now)
            frame = end.take()

    def _deliver(self, now):
        """True when something was delivered: its end has something to do."""
        done = False
        got = self.wire.pop(now)
        while got:
            done = True
            way, frame = got
            if way == DOWN and self.recorder:
                self.recorder.add(frame)
            (self.net if way == UP else self.board).give(frame)
            got = self.wire.pop(now)
        return done

    def run(self):
        """Until SIGINT or SIGTERM (`stop_on_signals`) or an error of an end; closes everything."""
        try:
            while True:
                self.turn()
        except KeyboardInterrupt:
            pass
        finally:
            for number in _SIGNALS:  # a second Ctrl-C does not break off the tidying up
                signal.signal(number, signal.SIG_IGN)
            self.close()

    def close(self):
        self.board.close()
        self.net.close()
        if self.recorder:
            self.recorder.close()
