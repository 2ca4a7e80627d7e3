"""For debugging: a wrapper around each source that keeps what was sent until it is acknowledged,
and compares when it is asked again.

    from uipy.watch import Watch
    stack = Stack(dev, ..., tcp_options={'watch': Watch})

Costs a copy of everything in flight; leave it out of a finished program.
"""

from .errors import SourceChanged


class Watch:
    """Stands for `src`; raises `SourceChanged` when an offset gives another octet than before."""

    def __init__(self, src):
        self.src = src
        self.kept = bytearray()

    @property
    def ended(self):
        return self.src.ended

    def fill(self, rel, buf, pos, n):
        n = self.src.fill(rel, buf, pos, n)
        kept = self.kept
        for i in range(n):
            at = rel + i
            if at < len(kept):
                if kept[at] != buf[pos + i]:
                    raise SourceChanged(
                        "octet %d from the first unacknowledged one was %d and is %d: "
                        "give the source a snapshot" % (at, kept[at], buf[pos + i])
                    )
            elif at == len(kept):
                kept.append(buf[pos + i])
        return n

    def acked(self, n):
        self.kept = self.kept[n:]
        self.src.acked(n)
