"""Two boards on a cable, each with sockets, on one virtual clock; for CPython and MicroPython.

    lab = Duplex()
    lab.peer(f(lab))        a generator that runs on `there`, a step at a time, while `here` waits
    lab.on_there(f, ...)    f(...), with `there` as the stack that new sockets belong to

`here` is where a case calls sockets, and waits; what it waits with moves the clock, polls `there`
and lets its programs go on.
"""

import sys

from aio.cable import End
from uipy import Stack, loop

HERE, THERE = "10.0.0.1", "10.0.0.2"


class _Nap:
    def __init__(self, lab):
        self.lab = lab

    def ticks(self):
        return self.lab.ms & 0x3FFFFFFF

    def __call__(self, ms):
        self.lab.passes(min(ms, 10))


class Duplex:
    """`cut()`: nothing goes through the cable any more. `ms` is the time. `native`: C takes our
    sockets for streams, as on a board."""

    native = sys.implementation.name == "micropython"

    def __init__(self, tcp=4):
        self.ms = 1000
        self.errors = []
        self.peers = []
        self.ends = End(), End()
        self.ends[0].far, self.ends[1].far = self.ends[1], self.ends[0]
        self.here = self._board(self.ends[0], HERE, tcp)
        self.there = self._board(self.ends[1], THERE, tcp)
        loop.the = self.here

    def _board(self, dev, ip, tcp):
        stack = Stack(dev, ip + "/24", tcp=tcp, udp=1, now=self.ms)
        stack.on_error = self.errors.append
        poll = stack.poll
        stack.poll = lambda: poll(self.ms & 0x3FFFFFFF)
        made = loop.Loop(stack, _Nap(self), None, None)
        made._begin()
        return made

    def cut(self):
        for end in self.ends:
            end.deaf = True

    def passes(self, ms):
        """So much time; `there` goes on."""
        self.ms += ms
        loop.the = self.there
        self.there.step()
        for program in list(self.peers):
            try:
                next(program)
            except StopIteration:
                self.peers = [p for p in self.peers if p is not program]
        loop.the = self.here

    def peer(self, program):
        self.peers.append(program)

    def until(self, true, ms=60000):
        """`here` only polls until it is true."""
        assert self.here.until(true, ms), "it has not come to this"

    def on_there(self, f, *args):
        loop.the = self.there
        try:
            return f(*args)
        finally:
            loop.the = self.here

    def end(self):
        loop.the = None
        assert not self.errors, self.errors
