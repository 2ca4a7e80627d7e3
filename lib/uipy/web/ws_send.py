"""What a WebSocket sends: frames in a ring, and in their midst one whose payload is a source."""

from ..ring import Ring


class Mixed:
    """A source: a ring, with another source in its midst while one is being sent."""

    counted = True

    def __init__(self, size):
        self.ring = Ring(size)
        self.clear()

    def clear(self):
        """For the next connection."""
        self.ring.clear()
        self.src = None
        self.before = 0  # octets of the ring that go before `src`
        self.between = 0  # octets of it that have not been acknowledged
        self.k = 0  # what fill() has given

    @property
    def ended(self):
        return self.ring.ended

    @property
    def left(self):
        """Octets not acknowledged."""
        return self.ring.left + self.between

    def put(self, src, n):
        """Send the next n octets of `src` behind what is in the ring."""
        self.before = self.ring.left
        self.between = n
        self.src = src

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many."""
        if self.src is None:
            return self.ring.fill(rel, buf, pos, n)
        self.k = 0
        if rel < self.before:
            self.k = self.ring.fill(rel, buf, pos, min(n, self.before - rel))
        rel += self.k - self.before
        if self.k < n and 0 <= rel < self.between:
            rel = self._from_source(rel, buf, pos, n)
        if self.k < n and rel >= self.between:
            rel += self.before - self.between
            self.k += self.ring.fill(rel, buf, pos + self.k, n - self.k)
        return self.k

    def _from_source(self, rel, buf, pos, n):
        k = self.src.fill(rel, buf, pos + self.k, min(n - self.k, self.between - rel))
        self.k += k
        return rel + k

    def acked(self, n):
        """The first n octets have arrived."""
        if self.src is not None:
            k = min(n, self.before)
            self.ring.acked(k)
            self.before -= k
            n -= k
            k = min(n, self.between)
            if k:
                self.src.acked(k)
            self.between -= k
            n -= k
            if not self.before and not self.between:
                self.src = None
        if n:
            self.ring.acked(n)
