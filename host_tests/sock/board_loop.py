"""Runs on MicroPython's unix port, by the real clock: a board whose program does other things than
waiting, and its neighbour on a cable. The timer is that of tools/shims.

    micropython board_loop.py         all cases, one line each
    micropython board_loop.py waits   for Ctrl-C
"""

# mypy: ignore-errors
import gc
import sys
import time

import machine_timer
import micropython


class Machine:
    Timer = machine_timer.Timer

    @staticmethod
    def idle():
        time.sleep_ms(1)


sys.modules["machine"] = Machine

from uipy import App, Stack, loop  # noqa: E402

Timer = machine_timer.Timer
PING = b"\x45\0\0\x1c\0\x01\0\0\x40\x01\x66\xde\x0a\0\0\2\x0a\0\0\1\x08\0\xf7\xff\0\0\0\0"


class End:
    """One end of the cable."""

    l2 = 0
    mtu = 1500
    mac = b""

    def __init__(self):
        self.frames = []
        self.far = None
        self.raises = None
        self.inside = 0
        self.entered = 0  # twice, in the middle of itself

    def recv_into(self, buf):
        self.inside += 1
        if self.inside > 1:
            self.entered += 1
        for _ in range(20):  # room for callbacks to come into the middle
            pass
        self.inside -= 1
        if self.raises:
            exc, self.raises = self.raises, None
            raise exc
        if not self.frames:
            return 0
        frame = self.frames.pop(0)
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def can_send(self):
        return True

    def send(self, buf, n):
        self.far.frames.append(bytes(buf[2 : 2 + n]))

    def link_up(self):
        return True


class Keep(App):
    """Echoes, and keeps what came."""

    def __init__(self):
        self.data = b""
        self.up = False
        self.reason = None

    def connected(self, conn):
        self.up = True

    def received(self, conn, buf, start, n):
        self.data += bytes(buf[start : start + n])

    def closed(self, conn, reason):
        self.reason = reason


class Place:
    """`here` is the board (10.0.0.1), attached; `there` is polled by hand."""

    def __init__(self):
        self.a, self.b = End(), End()
        self.a.far, self.b.far = self.b, self.a
        self.here = Stack(self.a, "10.0.0.1/24", tcp=2, udp=2)
        self.there = Stack(self.b, "10.0.0.2/24", tcp=2, udp=2)
        self.loop = loop.attach(self.here)

    def ping(self):
        self.b.frames.clear()
        self.a.frames.append(PING)

    def answered(self):
        return any(f[9] == 1 for f in self.b.frames)

    def until(self, cond, ms=5000):
        """Both are driven; the board by its loop."""

        def both():
            self.there.poll()
            return cond()

        assert self.loop.until(both, ms)

    def connect(self):
        self.apps = []

        def made():
            self.apps.append(Keep())
            return self.apps[-1]

        self.here.listen(7, made, 2)
        app = Keep()
        conn = self.there.connect(app, "10.0.0.1", 7)
        self.until(lambda: app.up and any(a.up for a in self.apps))
        return app, conn


def compute(ms):
    """Bytecode, and nothing of the network's."""
    x = 0
    began = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), began) < ms:
        x += 1
    return x


def busy_in_c(ms):
    """One call that long: nothing that is scheduled is called meanwhile."""
    n = 100_000
    while True:
        began = time.ticks_ms()
        sum(range(n))
        if time.ticks_diff(time.ticks_ms(), began) >= ms:
            return
        n *= 2


def case_a_program_that_computes_answers_a_ping(p):
    p.ping()
    compute(300)
    assert p.answered()


def case_a_ping_during_one_long_call_is_answered_when_it_is_back(p):
    p.ping()
    busy_in_c(300)
    compute(100)
    assert p.answered()


def case_a_connection_outlives_300_ms_of_computing(p):
    app, conn = p.connect()
    far = p.apps[0] if p.apps[0].up else p.apps[1]
    for _ in range(3):
        busy_in_c(300)
    from uipy import Bytes

    conn.send(Bytes(b"still there?"))
    p.until(lambda: far.data == b"still there?")
    assert app.reason is None and far.reason is None


def case_sleep_ms_is_no_pause_for_the_network(p):
    p.ping()
    time.sleep_ms(200)
    assert p.answered()


def case_what_was_written_leaves_by_itself(p):
    port = p.here.bind(9, App())
    compute(20)

    class Two:
        ended = True

        def fill(self, rel, buf, pos, n):
            return 0

        def acked(self, n):
            pass

    p.b.frames.clear()
    port.send(b"\x0a\0\0\2", 9, Two())
    compute(100)
    assert any(f[9] == 17 for f in p.b.frames)


def case_nothing_is_entered_twice(p):
    """A timer of the program's polls and waits, into whatever the program is doing."""
    calls = [0, 0]

    def other(t):
        calls[0] += 1
        try:
            p.loop.step()
            p.loop.until(lambda: True, 10)
        except loop.Held:
            calls[1] += 1

    t = Timer(-1)
    t.init(mode=t.PERIODIC, period=1, callback=other)
    began = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), began) < 500:
        p.ping()
        p.loop.until(p.answered, 1000)
        with p.loop:
            compute(2)
        p.loop.step()
    t.deinit()
    assert calls[0] > 20, calls
    assert p.a.entered == 0


def case_a_callback_may_wait_while_the_program_waits(p):
    seen = []

    def other(t):
        p.ping()
        seen.append(p.loop.until(p.answered, 1000))

    t = Timer(-1)
    t.init(mode=t.ONE_SHOT, period=20, callback=other)
    assert p.loop.until(lambda: seen, 3000)
    t.deinit()
    assert seen == [True]


def case_an_interrupt_in_the_background_is_raised_by_the_next_wait(p):
    p.a.raises = KeyboardInterrupt()
    try:
        compute(100)
        p.loop.until(lambda: False, 100)
        raise AssertionError("no KeyboardInterrupt")
    except KeyboardInterrupt:
        pass
    p.ping()
    assert p.loop.until(p.answered, 1000)


def case_a_full_queue_costs_nobody_anything(p):
    ran, tried = [], []

    def one(x):  # without a jump, at which the first would be called
        tried.append(x)
        micropython.schedule(ran.append, x)

    try:
        list(map(one, range(100)))
        raise AssertionError("a queue without end")
    except RuntimeError:
        pass
    p.ping()
    assert p.loop.until(p.answered, 1000)
    assert ran == tried[:-1], (ran, tried)


def case_a_call_that_was_lost_is_made_up_for(p):
    """The one-shot timer's call found no place."""
    p.loop.timer.deinit()
    p.loop.at = time.ticks_add(time.ticks_ms(), -1)
    p.ping()
    compute(800)
    assert p.answered()


def case_nothing_is_polled_while_the_heap_is_locked(p):
    p.ping()
    polls = p.loop.polls
    micropython.heap_lock()
    began = time.ticks_ms()
    while time.ticks_diff(time.ticks_ms(), began) < 100:
        pass
    micropython.heap_unlock()
    assert p.loop.polls == polls and p.loop.skips
    compute(50)
    assert p.answered()


def deep(p, f):
    if micropython.stack_use() > p.loop.limit - loop.NEED:
        return f()
    return deep(p, f)


def case_nothing_is_polled_too_deep_in_c(p):
    def at_the_bottom():
        p.ping()
        compute(100)
        assert not p.answered()
        try:
            p.loop.until(p.answered, 100)
        except loop.TooDeep:
            return True

    assert deep(p, at_the_bottom)
    compute(50)
    assert p.answered()


def case_the_background_takes_no_heap(p):
    p.ping()
    compute(100)
    come = p.loop.come
    p.loop.timer.deinit()
    p.loop.guard.deinit()
    p.loop.timer = None
    gc.collect()
    before = gc.mem_alloc()
    for _ in range(1000):
        come(None)
    spent = gc.mem_alloc() - before
    assert spent == 0, spent


def case_detach_leaves_nothing_behind(p):
    compute(20)
    loop.detach()
    turns = p.loop.turns
    p.ping()
    compute(100)
    assert p.loop.turns <= turns + 1 and not p.answered()  # what was in the queue
    assert not any(t and t.runs for t in machine_timer._timers) and p.here.wake is None


def waits(p):
    """Until somebody types Ctrl-C."""
    p.loop.until(lambda: False, -1)


def sleeps(p):
    while True:
        time.sleep_ms(1000)


def main(name=None):
    if name:
        place = Place()
        try:
            print("ready")
            globals()[name](place)
        except KeyboardInterrupt:
            print("prompt")
        return
    for case in sorted(n for n in globals() if n.startswith("case_")):
        globals()[case](Place())
        loop.detach()
        print(case)


main(*sys.argv[1:])
