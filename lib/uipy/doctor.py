"""Is everything connected, and does the network answer? At the prompt:

    >>> import uipy.doctor              prints a table, for the board that config.py describes
    >>> uipy.doctor.run()               once more -> how many rows are BAD

It works on a board that runs nothing, and behind a stack that runs in the background: then the
chip is taken from that for some seconds and given back; connections live on. Each step has a
bound, all of them together take a minute and a half at the most; Ctrl-C ends it.
docs/first-start.md goes through the rows.
"""

import sys
import time

_FRESH_MS = 1000


def run(cfg=None, say=print):
    """Prints the table for `cfg`, config.py if there is none -> how many rows are BAD.

    Asked for at once when the import has just printed it, the answer is the one of before.
    """
    global _last
    last, _last = _last, None
    if last and cfg is None and 0 <= time.ticks_diff(time.ticks_ms(), last[1]) < _FRESH_MS:
        return last[0]
    if cfg is None:
        import config as cfg
    from .doctor_rows import examine

    try:
        return examine(cfg, say)
    finally:
        _forget()


def _forget():
    # What the table was made with gives its memory back.
    sys.modules.pop("uipy.doctor_rows", None)
    house = sys.modules["uipy"]
    if hasattr(house, "doctor_rows"):
        del house.doctor_rows


def _at_the_prompt():
    # On a board, not on a PC that reads the docstrings; and there is something to look at.
    if sys.implementation.name != "micropython":
        return False
    try:
        __import__("config")
    except ImportError:
        return False
    return True


_last = None
if _at_the_prompt():
    _last = (run(), time.ticks_ms())
