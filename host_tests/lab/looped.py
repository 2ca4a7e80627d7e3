"""A board whose program waits: the loop of `uipy.loop` on the virtual clock of a wire.

    nap = Nap(wire)                      what `loop.attach(stack, nap)` waits with
    nap.at(50, lambda: peer.send(...))   happens when the clock is there, while somebody waits
    loop = nap.attach(stack)             attached, and polling by this clock

Detach it (`loop.detach()`) when the test is over.
"""

from uipy import loop


class Nap:
    """A wait that moves the clock, and what happens on the way."""

    def __init__(self, wire):
        self.wire = wire
        self.plan = []  # (ms, f), in order
        self.slept = 0

    def ticks(self):
        return self.wire.clock.now

    def at(self, ms, f):
        """f() is called when the clock says `ms` more than now."""
        self.plan.append((self.wire.clock.ms + ms, f))
        self.plan.sort(key=lambda p: p[0])

    def __call__(self, ms):
        assert ms > 0, "nobody sleeps for nothing"
        clock = self.wire.clock
        self.wire.polls = 0
        if self.wire.rx:  # the chip's INT is low
            return
        end = clock.ms + ms
        if self.plan and self.plan[0][0] <= end:
            at, f = self.plan.pop(0)
            self.slept += max(at - clock.ms, 0)
            clock.ms = max(at, clock.ms)
            f()
        else:
            self.slept += ms
            clock.ms = end

    def attach(self, stack, **more):
        """`stack`, which polls by this clock from now on, attached."""
        poll, clock = stack.poll, self.wire.clock
        stack.poll = lambda now=None: poll(clock.now if now is None else now)
        return loop.attach(stack, self, **more)
