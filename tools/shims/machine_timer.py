"""`machine.Timer` on MicroPython's unix port: a thread that looks at the clock every ms.

A timer that runs out has its callback scheduled, as a soft one on a board: it is called between
two bytecodes of the program, never while the program is inside of C. When the scheduler's queue is
full the call is lost, as on a board. The thread is started with the first timer.
"""

# mypy: ignore-errors
# Runs on MicroPython only.
import _thread
import time

from micropython import schedule

_timers = []  # those that run; few
_lock = _thread.allocate_lock()
_state = [False]  # is the thread there?


def _tick():
    while True:
        time.sleep_ms(1)
        now = time.ticks_ms()
        with _lock:
            for timer in _timers:
                if time.ticks_diff(timer.at, now) > 0:
                    continue
                try:
                    schedule(timer.callback, timer)
                except RuntimeError:  # the queue is full
                    pass
                timer.at = time.ticks_add(now, timer.period)
                if not timer.again:
                    _timers.remove(timer)
                    break  # the rest has its turn in a millisecond


class Timer:
    ONE_SHOT, PERIODIC = 0, 1

    def __init__(self, id=-1, **kw):
        if id != -1:
            raise ValueError("Timer doesn't exist")
        if kw:
            self.init(**kw)

    def init(
        self, mode=PERIODIC, callback=None, period=0xFFFFFFFF, tick_hz=1000, freq=None, hard=False
    ):
        self.deinit()
        self.callback = callback
        self.again = mode == Timer.PERIODIC
        self.period = max(1, int(1000 / freq) if freq else period * 1000 // tick_hz)
        self.at = time.ticks_add(time.ticks_ms(), self.period)
        if callback is None:
            return
        with _lock:
            _timers.append(self)
        if not _state[0]:
            _state[0] = True
            _thread.start_new_thread(_tick, ())

    def deinit(self):
        with _lock:
            if self in _timers:
                _timers.remove(self)
