"""For debugging: a wrapper around each source that keeps what was sent until it is acknowledged,
and compares when it is asked again.

    from uipy.watch import Watch
    stack = Stack(dev, ..., tcp_options={'watch': Watch})

Costs a copy of everything in flight; leave it out of a finished program.
"""

from .errors import SourceChanged


class Watch:
    """Stands for `src`; raises `SourceChanged` when an offset gives another octet than before, or
    none."""

    def __init__(self, src):
        self.src = src
        self.kept = bytearray()

    @property
    def ended(self):
        """As that of the source."""
        return self.src.ended

    def fill(self, rel, buf, pos, n):
        """As that of the source, compared with what it gave before."""
        k = self.src.fill(rel, buf, pos, n)
        for i in range(k):
            self._compare(rel + i, buf[pos + i])
        if k < n and rel + k < len(self.kept):
            raise SourceChanged("octet %d was given before and is gone" % (rel + k))
        return k

    def _compare(self, at, octet):
        kept = self.kept
        if at == len(kept):
            kept.append(octet)
        elif at < len(kept) and kept[at] != octet:
            raise SourceChanged(
                "octet %d from the first unacknowledged one was %d and is %d: "
                "give the source a snapshot" % (at, kept[at], octet)
            )

    def acked(self, n):
        """The first n octets need not be the same any more."""
        self.kept = self.kept[n:]
        self.src.acked(n)
