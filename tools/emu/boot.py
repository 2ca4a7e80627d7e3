"""Boots a board with a chip, waits for what it says, fetches its page."""

from chips.rig import KINDS, load

from . import content
from .bridge import Bridge
from .client import Client
from .mcu import HardFault, Mcu

__all__ = ("HardFault", "Stuck", "Visitor", "board", "page", "until")

BOARD = "192.168.7.2"
_TRY_NS = 20_000_000  # between two tries of a host that waits for the board
_PATIENCE_S = 15  # emulated


class Stuck(Exception):
    """The board did not come as far as it should; the message has what it said."""


def board(image, files, kind="enc28j60", strict=False):
    """-> (mcu, bridge) of a board that is about to start, its cable in."""
    mcu = Mcu(image, files, strict)
    bridge = Bridge(lambda clock: load(KINDS[kind][0])(clock=clock))
    mcu.attach(bridge)
    bridge.chip.link(True)
    mcu.start()
    return mcu, bridge


def until(mcu, word, seconds):
    """Runs until the board says `word` on a line of its own; returns all that it said."""
    end = "%s\r\n" % word
    mcu.run_for(seconds, lambda: end in mcu.console.text or ">>>" in mcu.console.text)
    if end not in mcu.console.text:
        raise Stuck("the board did not say %r; it said:\n%s" % (word, mcu.console.text))
    return mcu.console.text


class Visitor:
    """Asks for the board until it is there, then for its page."""

    def __init__(self, mcu, bridge):
        self.client = Client(bridge.wire_in, BOARD)
        self._clock = mcu.clock
        bridge.chip.wire_out = self._got
        self._alarm = mcu.clock.create_alarm(self._try)
        self._alarm.schedule(_TRY_NS)
        self.at = 0  # ns when the last octet came
        self._asked = False

    def _try(self):
        if not self.client.met:
            self.client.arp()
            self._alarm.schedule(_TRY_NS)

    def _got(self, frame):
        c = self.client
        met = c.met
        c.got(frame)
        if c.met and not met:
            c.connect(80)
        elif c.established and not self._asked:
            self._asked = True
            c.write(b"GET / HTTP/1.1\r\nHost: board\r\n\r\n")
        if not self.at and self._whole():
            self.at = self._clock.nanos

    def _whole(self):
        head, _, body = bytes(self.client.data).partition(b"\r\n\r\n")
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                return len(body) >= int(line[15:])
        return False


def page(image, kind="enc28j60"):
    """-> (ms from power to the last octet of the status page, octets of the answer)."""
    mcu, bridge = board(image, content.firmware(kind, BOARD + "/24", None, image), kind)
    visitor = Visitor(mcu, bridge)
    if not mcu.run_for(_PATIENCE_S, lambda: visitor.at):
        raise Stuck("no page after %d s; the board said:\n%s" % (_PATIENCE_S, mcu.console.text))
    return visitor.at / 1e6, len(visitor.client.data)
