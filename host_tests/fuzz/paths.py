"""The ways of a segment through TCP: the short one of arrivals.py, where `whose` found nothing
special about it (seg[PLAIN] is 2), the one past the steps of check.py (1), and the one through all
of them. What a stack does is written down call by call, so that two runs of the same seed, one a
way, can be compared."""

from uipy import frames, poll, stack
from uipy.net.datagram import P_TS, PLAIN, REL, ROW_SPAN, ROWS
from uipy.tcp import arrivals
from uipy.tcp.row import HEARD_AT, KPROBE

WHOSE, FRAMES_IN, NEXT_FRAME = arrivals.whose, frames.frames_in, frames.next_frame


class Way:
    """Within this block every stack's calls are noted in `log`; `plain` counts the segments
    with nothing special, `placed` those in place. With `steps` none of them takes a short way."""

    def __init__(self, steps, whose=WHOSE):
        self.steps = steps
        self.whose = whose
        self.plain = self.placed = self.segments = 0
        self.log = []

    def __enter__(self):
        def frames_in(stack, iface):
            take = FRAMES_IN(stack, iface).send
            take(None)
            n = 0
            while True:
                n = yield n
                frame = bytes(memoryview(stack.buf)[2 : 2 + n])
                n = self._note(stack, frame, take(n))

        def next_frame(stack):
            return self._note(stack, b"", NEXT_FRAME(stack))

        stack.frames_in = frames_in
        poll.next_frame = stack.next_frame = next_frame
        arrivals.whose = self._found
        return self

    def __exit__(self, *_):
        stack.frames_in = FRAMES_IN
        poll.next_frame = stack.next_frame = NEXT_FRAME
        arrivals.whose = WHOSE

    def _note(self, stack, frame, size):
        """A call with this frame has returned this size."""
        rows = stack.tcp.tab.tobytes() if stack.tcp else b""
        counters, env = stack.stat.tobytes(), stack.env.tobytes()
        reply = bytes(memoryview(stack.buf)[2 : 2 + size])
        self.log.append((frame, size, rows, counters, env, reply))
        return size

    def _found(self, buf, seg, tab, env, stat):
        before = tab[:]
        size = env[ROW_SPAN]
        i = self.whose(buf, seg, tab, env, stat)
        self.segments += 1
        if 0 <= i < env[ROWS] and seg[PLAIN]:
            self.plain += seg[PLAIN] > 1
            self.placed += seg[PLAIN] == 1
            if self.steps:
                for k in (HEARD_AT, HEARD_AT + 1, KPROBE):
                    tab[i * size + k] = before[i * size + k]
                seg[PLAIN] = seg[P_TS] = seg[REL] = 0
        return i


WHAT = ("frame", "length", "rows", "counters", "env", "reply")


def difference(short, long):
    """What is said of the first call in which two logs differ; None if there is none."""
    for k, (a, b) in enumerate(zip(short, long, strict=False)):
        if a != b:
            names = [name for name, x, y in zip(WHAT, a, b, strict=True) if x != y]
            text = "call %d (%s): other %s" % (k, a[0].hex() or "output", ", ".join(names))
            if "rows" in names:
                halves = [h for h in range(0, len(a[2]), 2) if a[2][h : h + 2] != b[2][h : h + 2]]
                text += "; halves of the table: %s" % [h // 2 for h in halves]
            return text
    if len(short) != len(long):
        return "%d calls, and %d" % (len(short), len(long))
    return None
