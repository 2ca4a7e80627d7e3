"""A board with a chip whose program uses sockets, and a host on the other end of its cable, on the
clock of the chip's model.

    board = Chipped("w5500")             10.0.0.1, attached to the loop
    board.host                           10.0.0.2: a Stack; give it listeners and ports
    board.soon(50, board.vanish)         happens in 50 ms, while the program waits
    board.end()

`vanish`: the host is gone, the link is up. `unplug`: no link. `reset`: the chip's supply broke
down, and it has forgotten everything.
"""

from chips.rig import Rig
from uipy import Stack, loop

HERE, THERE = "10.0.0.1", "10.0.0.2"
_POLL_NS = 50_000
_LEAST_NS = 100_000
_MOST_MS = 100
_KEY = b"a secret"


class _Cable:
    """The host's device; the chip is at its other end."""

    l2 = 14
    mtu = 1500
    mac = b"\x02\0\0\0\0\x02"

    def __init__(self, chip):
        self.chip = chip
        self.frames = []
        self.cut = False
        chip.wire_out = self.take

    def take(self, frame):
        if not self.cut:
            self.frames.append(frame)

    def recv_into(self, buf):
        if not self.frames:
            return 0
        frame = self.frames.pop(0)
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def can_send(self):
        return True

    def send(self, buf, n):
        if not self.cut:
            self.chip.wire_in(bytes(buf[2 : 2 + n]))

    def link_up(self):
        return True


class Chipped:
    """`ms` is the clock; `errors` what callbacks raised."""

    def __init__(self, kind, **options):
        self.rig = Rig(kind)
        self.clock = self.rig.clock
        self.errors = []
        self.cable = _Cable(self.rig.chip)
        self.host = self._stack(self.cable, THERE)
        self.stack = self._stack(self.rig.dev, HERE, **options)
        self.plan = []
        self.rig.chip.link(True)
        self.loop = loop.attach(self.stack, self)
        self.loop.until(lambda: False, 2500)  # the chip has seen its link, addresses are announced

    def _stack(self, dev, ip, **options):
        stack = Stack(dev, ip + "/24", tcp=4, udp=4, key=_KEY, now=self.ticks(), **options)
        stack.on_error = self.errors.append
        poll = stack.poll
        if dev is not self.cable:  # a poll takes its time, without which some would last for ever
            poll = self._slowly(poll)
        stack.poll = lambda now=None: poll(self.ticks())
        return stack

    def _slowly(self, poll):
        def slow(now):
            self.clock.advance(_POLL_NS)
            return poll(now)

        return slow

    @property
    def ms(self):
        return self.clock.ns // 1_000_000

    def ticks(self):
        return self.ms & 0x3FFFFFFF

    def __call__(self, ms):
        """What the loop waits with: the host and the chip go on, from one thing that happens to
        the next."""
        end = self.clock.ns + min(ms, _MOST_MS) * 1_000_000
        step = 0
        while self.clock.ns < end and self.rig.chip.int_level:
            now = self.clock.ns
            at = [now + step * 1_000_000, end, self.rig.chip.next_at() or end]
            at += [self.plan[0][0]] if self.plan else []
            self.clock.advance(max(min(at) - now, _LEAST_NS))
            while self.plan and self.plan[0][0] <= self.clock.ns:
                self.plan.pop(0)[1]()
            self.rig.chip.poll()
            step = self.host.poll()

    def soon(self, ms, f):
        self.plan.append((self.clock.ns + ms * 1_000_000, f))
        self.plan.sort(key=lambda p: p[0])

    def vanish(self):
        self.cable.cut = True

    def back(self):
        self.cable.cut = False
        self.rig.chip.link(True)

    def unplug(self):
        self.cable.cut = True
        self.rig.chip.link(False)

    def reset(self):
        self.rig.chip.power_on()

    def end(self):
        loop.detach()
        assert not self.errors, self.errors
