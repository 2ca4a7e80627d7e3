"""What is sent: sources, which produce their octets again as often as the stack asks.

The stack keeps no send buffer. A source has three names:

    fill(rel, buf, pos, n) -> count
            Write up to n octets from offset `rel` to buf[pos:]. `rel` counts from the first octet
            that is not acknowledged; the same offset gives the same octets until `acked`. Fewer
            than n: there is nothing more now. It allocates nothing.
    acked(n)
            The first n octets have arrived; they will not be asked for again.
    ended
            True: what a short `fill` did not give will never come.

A source that can stand in front of others in a `Chain` also has `left`: the octets, not yet
acknowledged, that it can give now. `Bytes`, `File`, `Chain` and `Ring` have all four. One whose
`left` is always exact may say so with `counted = True`: then an ACK behind which it has nothing
new does not ask it.
"""

from .kern import copy, zero


class Source:
    """The empty source. Derive from it, or write a class with the same names."""

    ended = True
    left = 0

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many."""
        return 0

    def acked(self, n):
        """The first n octets have arrived."""


class Bytes(Source):
    """Octets that lie in memory or in flash: bytes, bytearray, memoryview, or a str (sent as
    UTF-8).

    They are sent from where they are; whoever changes them meanwhile sends nonsense. `load` uses
    the same object again.
    """

    def __init__(self, data=b""):
        self.load(data.encode() if isinstance(data, str) else data)

    def load(self, data, n=-1):
        """Send the first n octets of `data` (-1: all) from now on. Not while a connection sends
        this source.
        """
        self.data = data
        self.ended = True  # asked for with each segment: found at once in the object itself
        self.at = 0
        self.left = len(data) if n < 0 else n

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many."""
        if n > self.left - rel:
            n = self.left - rel
        if n <= 0:
            return 0
        rel += self.at
        copy(buf, pos, self.data, rel, n)
        return n

    def acked(self, n):
        """The first n octets have arrived."""
        self.at += n
        self.left -= n


class File(Source):
    """A file, read from flash as it is sent and again if a segment is lost.

    `file` is a path or an open binary file; the size is what the file has now. The octets pass
    through `block` octets of RAM (128), because a view of just their place in the packet would
    cost the heap 16 octets a call. The file is closed when its last octet is acknowledged; call
    `close` when the connection ends before. A file that has become shorter meanwhile sends zeros
    for what is missing, so that the length promised is kept.
    """

    def __init__(self, file, block=128):
        self.file = open(file, "rb") if isinstance(file, str) else file
        self.left = self.file.seek(0, 2)
        self.at = 0
        self.wanted = 0  # octets that the fill() under way has still to give
        self.block = bytearray(block)

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many."""
        if n > self.left - rel:
            n = self.left - rel
        if n <= 0:
            return 0
        self.file.seek(self.at + rel)
        self.wanted = n
        while self.wanted > 0:
            rel = self.file.readinto(self.block) or 0
            zero(self.block, rel, len(self.block) - rel)  # it has become shorter
            rel = len(self.block)
            if rel > self.wanted:
                rel = self.wanted
            copy(buf, pos, self.block, 0, rel)
            pos += rel
            self.wanted -= rel
        return n

    def acked(self, n):
        """The first n octets have arrived; after the last one the file is closed."""
        self.at += n
        self.left -= n
        if self.left <= 0:
            self.close()

    def close(self):
        """Close the file and send nothing more. May be called twice."""
        self.left = 0
        if self.file:
            self.file.close()
            self.file = None


class Chain:
    """Sources one behind the other, as if they were one: `Chain(Bytes(head), File(body))`.

    All but the last must have `left`. The next one begins when the one before has `ended`.
    """

    def __init__(self, first, second, *more):
        self.parts = (first, second) + more
        self.i = 0  # the number of the next part, in the call under way
        self.part = first  # the part at hand
        self.k = 0  # what it gave
        self.given = 0  # what fill() has written so far

    @property
    def ended(self):
        """True when every part has ended."""
        for part in self.parts:
            if not part.ended:
                return False
        return True

    @property
    def left(self):
        """The octets that can be given now: those up to the first part that has not ended."""
        n = 0
        for part in self.parts:
            n += part.left
            if not part.ended:
                break
        return n

    def fill(self, rel, buf, pos, n):
        """Write up to n octets from offset rel to buf[pos:]; return how many."""
        self.i = self.given = 0
        while n > 0:
            self.part = self.parts[self.i]
            self.i += 1
            if self.i < len(self.parts) and rel >= self.part.left:
                if not self.part.ended:
                    break
                rel -= self.part.left
                continue
            self.k = self.part.fill(rel, buf, pos, n)
            if self.k < 0:  # nonsense, for the stack to find
                return self.k
            self.given += self.k
            pos += self.k
            n -= self.k
            if self.i == len(self.parts) or rel + self.k < self.part.left or not self.part.ended:
                break
            rel = 0
        return self.given

    def acked(self, n):
        """The first n octets have arrived; each part learns of its own."""
        self.i = 0
        while n > 0:
            self.part = self.parts[self.i]
            self.i += 1
            self.k = n
            if self.i < len(self.parts) and n > self.part.left:
                self.k = self.part.left
            if self.k:
                self.part.acked(self.k)
            n -= self.k
