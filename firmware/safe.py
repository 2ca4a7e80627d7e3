"""A start that leaves the prompt within reach, whatever a program does (docs/first-start.md).

Nothing is started

    held()      while there is a file `safe`; while the BOOTSEL button is pressed; or when three
                starts in a row came to a bad end
    pulled(n)   while pin n is held at GND

and the user's program is not when BOOTSEL is pressed in the first second after power-on
(`passed`). A bad end: the board was reset (by the watchdog, or by machine.reset()) within a minute
of its start, before it gave the prompt back. Of these there is a count in the file `starts`. It is
written after such a reset only, never after power-on: a board that works writes nothing, and one
that is reset every other minute 1,440 times a day.
"""

import os

SAFE = "safe"
STARTS = "starts"
MOST = 3
_FIRST_MS = 1000
_HINT = "for the board as it is configured: Ctrl-D"


def held():
    """-> (why nothing is to be started, a text or None; how many starts count, this one too)."""
    if _there(SAFE):
        return "not started: there is a file %r. os.remove(%r), then Ctrl-D" % (SAFE, SAFE), 0
    if _button():
        return "not started: BOOTSEL is pressed; %s, without it" % _HINT, 0
    if not _again():
        reached()
        return None, 0
    n = _count()
    if n >= MOST:
        reached()
        told = "not started: %d starts in a row ended with a reset within a minute; %s"
        return told % (n, _HINT), 0
    try:
        with open(STARTS, "w") as f:
            f.write(str(n + 1))
    except OSError:  # no file system: nobody counts
        return None, 0
    return None, n + 1


def reached():
    """The board has lived for a minute, or given the prompt back: the count starts anew."""
    if _there(STARTS):
        try:
            os.remove(STARTS)
        except OSError:
            pass


def pulled(n):
    """-> what to say while pin n is low; nothing is on it when it is None."""
    if n is None:
        return None
    from machine import Pin

    if Pin(n, Pin.IN, Pin.PULL_UP)():
        return None
    return ["safe_pin = %d is at GND: take it off" % n]


def passed(say=print):
    """-> True when a program may run: nobody has pressed BOOTSEL in the board's first second."""
    import time

    ms = time.ticks_ms  # type: ignore[attr-defined]
    while _button() is not None and 0 <= time.ticks_diff(ms(), 0) < _FIRST_MS:  # type: ignore
        if _button():
            say("BOOTSEL: the program is not started; the services are")
            return False
        time.sleep(0.02)
    return True


def _there(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def _count():
    try:
        with open(STARTS) as f:
            return int(f.read(4))
    except (OSError, ValueError):
        return 0


def _again():
    # The board was reset, and not by switching it on.
    try:
        import machine

        causes = (machine.WDT_RESET, getattr(machine, "HARD_RESET", None))
        return machine.reset_cause() in causes
    except (ImportError, AttributeError):  # a port that does not know
        return False


def _button():
    # None where there is no such button.
    try:
        return __import__("rp2").bootsel_button()
    except (ImportError, AttributeError):
        return None
