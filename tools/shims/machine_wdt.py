"""`machine.WDT` and `machine.reset_cause` off the board. Nothing is reset: a test asks `left`.

`WDT.clock` is what its time is counted by, a function of ms.
"""

PWRON_RESET, HARD_RESET, WDT_RESET, DEEPSLEEP_RESET = 1, 2, 3, 4
cause = [PWRON_RESET]  # why the board has started; a test sets another one


def reset_cause():
    return cause[0]


def _ticks():
    import time

    return time.ticks_ms()  # type: ignore[attr-defined]


class WDT:
    clock = _ticks
    the = None  # the one that was made last

    def __init__(self, id=0, timeout=5000):
        if not 1 <= timeout:
            raise ValueError("WDT timeout too short")
        self.timeout = timeout
        WDT.the = self
        self.feed()

    def feed(self):
        self.fed_at = WDT.clock()

    def left(self):
        """-> ms until the board would be reset; below 0: it has been."""
        return self.timeout - ((WDT.clock() - self.fed_at) & 0x3FFFFFFF)
