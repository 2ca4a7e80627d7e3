"""`machine.Timer` on MicroPython's unix port: a thread that looks at the clock every ms.

A timer that runs out has its callback scheduled, as a soft one on a board: it is called between
two bytecodes of the program, never while the program is inside of C. When the scheduler's queue is
full the call is lost, as on a board. The thread is started with the first timer.

No lock: a callback may come in the middle of whatever the program does with a timer, and may set
or stop the same one. The program writes a timer, the thread only reads it, and keeps what it has
seen. A timer that was stopped keeps its place until another one wants it.
"""

# mypy: ignore-errors
# Runs on MicroPython only.
import _thread
import time

from micropython import schedule

_timers = [None] * 16
_state = [False]  # is the thread there?


def _tick():
    seen = [0] * len(_timers)  # the turn of a timer that was set
    due = [0] * len(_timers)  # when it runs out
    over = [True] * len(_timers)  # it has
    while True:
        time.sleep_ms(1)
        now = time.ticks_ms()
        for i in range(len(_timers)):
            timer = _timers[i]
            if timer is None or not timer.runs:
                continue
            turn = timer.turn
            if turn != seen[i]:
                seen[i] = turn
                due[i] = timer.at
                over[i] = False
            if over[i] or time.ticks_diff(due[i], now) > 0:
                continue
            try:
                schedule(timer.callback, timer)
            except RuntimeError:  # the queue is full
                pass
            due[i] = time.ticks_add(now, timer.period)
            over[i] = not timer.again


class Timer:
    ONE_SHOT, PERIODIC = 0, 1
    turns = 0  # how often any of them was set

    def __init__(self, id=-1, **kw):
        if id != -1:
            raise ValueError("Timer doesn't exist")
        self.turn = self.at = self.period = self.place = 0
        self.again = self.runs = False
        self.callback = None
        if kw:
            self.init(**kw)

    def init(
        self, mode=PERIODIC, callback=None, period=0xFFFFFFFF, tick_hz=1000, freq=None, hard=False
    ):
        if callback is None:
            self.deinit()
            return
        self.callback = callback
        self.again = mode == Timer.PERIODIC
        self.period = max(1, int(1000 / freq) if freq else period * 1000 // tick_hz)
        self.at = time.ticks_add(time.ticks_ms(), self.period)
        Timer.turns = self.turn = (Timer.turns + 1) & 0x3FFFFFFF
        if _timers[self.place] is not self:
            self.place = _free()
            _timers[self.place] = self
        self.runs = True
        if not _state[0]:
            _state[0] = True
            _thread.start_new_thread(_tick, ())

    def deinit(self):
        self.runs = False


def _free():
    for i in range(len(_timers)):
        if _timers[i] is None or not _timers[i].runs:
            return i
    raise OSError(12)  # ENOMEM
