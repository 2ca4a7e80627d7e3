"""A seeded wire between a board and its network: loss, reordering, duplication, corruption, delay,
rate.

    wire = Wire("loss=5,reorder=2,up.delay=20,seed=7")
    wire.push(UP, frame, now)            a frame enters at the board's end
    wire.pop(now) -> (UP, frame)         the next one that has come out of either end, or None
    wire.next() -> ms or None            when the next one does

`up.` is the direction away from the board, `down.` the one towards it; without a prefix a word is
for both. Time is whatever clock the caller counts in milliseconds, so a test runs hours of it at
once. Each direction draws from its own generator: what happens to one does not depend on the
traffic of the other.
"""

import random

from wire.netsim import Link

UP, DOWN = "up", "down"

WORDS = {
    "loss": "% of the frames",
    "reorder": "% of the frames, which come later than those behind them",
    "dup": "% of the frames, which come twice",
    "corrupt": "% of the frames, in which one bit is flipped (not in ARP, which has no checksum)",
    "delay": "ms",
    "jitter": "ms at the most, on top of the delay; changes the order, too",
    "rate": "kbit/s",
    "buffer": "frames that wait for their turn where there is a rate; one more is lost (64)",
}
_PERCENT = ("loss", "reorder", "dup", "corrupt")


def parse(text):
    """'loss=5,up.delay=20,seed=7' -> (seed, {UP: options, DOWN: options}). Raises ValueError
    saying what to write.
    """
    seed = 1
    ways: dict[str, dict[str, int | float]] = {UP: {}, DOWN: {}}
    for part in filter(None, text.split(",")):
        name, is_set, value = part.partition("=")
        way, dot, word = name.rpartition(".")
        if word == "seed" and not dot:
            seed = _number(part, value, whole=True)
        elif not is_set or word not in WORDS or (dot and way not in ways):
            raise ValueError(
                "%r: a wire takes %s and seed, each as word=number; up.word and down.word are for"
                " one direction" % (part, ", ".join(WORDS))
            )
        else:
            for one in [way] if dot else [UP, DOWN]:
                ways[one][word] = _number(part, value, whole=word not in _PERCENT)
    for word in _PERCENT:
        if any(options.get(word, 0) > 100 for options in ways.values()):
            raise ValueError("%s is in per cent: 0 to 100" % word)
    return seed, ways


def _number(part, value, whole):
    try:
        number = int(value) if whole else float(value)
    except ValueError:
        number = -1
    if not 0 <= number < 1e9:
        raise ValueError("%r: a %s number of 0 or more" % (part, "whole" if whole else "decimal"))
    return number


class _Way(Link):
    """One direction. A flipped bit in an ARP packet would be believed: the FCS, which a real wire
    has, is not here.
    """

    def __init__(self, seed, options):
        options = {"delay": 0, "buffer": 64, **options}
        kbits = options.pop("rate", 0)
        if kbits:
            options["rate"] = max(kbits // 8, 1)  # octets a millisecond
        super().__init__(random.Random(seed), **options)
        self._corrupt = self.corrupt

    def push(self, frame, now):
        self.corrupt = 0 if frame[12:14] == b"\x08\x06" else self._corrupt
        super().push(frame, now)


class Wire:
    """Both directions, made from `parse`'s text; '' is a perfect wire."""

    def __init__(self, text=""):
        seed, ways = parse(text)
        self.ways = {way: _Way("%d %s" % (seed, way), ways[way]) for way in (UP, DOWN)}

    def push(self, way, frame, now):
        """A frame enters at `now` ms."""
        self.ways[way].push(bytes(frame), now)

    def pop(self, now):
        """(way, frame) of the next frame that is out by `now`, or None."""
        for way, link in self.ways.items():
            frame = link.take(now)
            if frame is not None:
                return way, frame
        return None

    def next(self):
        """When the next frame comes out, in ms of the caller's clock; None when nothing is under
        way.
        """
        times = [link.next_at for link in self.ways.values() if link.heap]
        return min(times) if times else None
