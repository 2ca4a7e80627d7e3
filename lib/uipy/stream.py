"""An application made of two rings: what arrives goes into one, what is to be sent comes out of
the other.
"""

from .app import App


class Stream(App):
    """`rx` takes what the peer sends, `tx` is what it gets; one ring may be both (then it is an
    echo).

    The window offered follows the room in `rx`. The peer's FIN ends `rx`; `tx.end()` sends ours,
    behind its last octet. Whoever fills or empties the rings outside of the callbacks calls `pump`
    afterwards.
    """

    def __init__(self, rx, tx):
        self.rx = rx
        self.tx = tx

    def connected(self, conn):
        self.rx.clear()
        self.tx.clear()
        conn.room = self.rx.room
        conn.finish(self.tx)

    def received(self, conn, buf, start, n):
        n = self.rx.write(buf, start, n)
        conn.room = self.rx.room
        return n

    def acked(self, conn, n):
        if self.rx is self.tx:
            conn.offer(self.rx.room)

    def peer_closed(self, conn):
        self.rx.end()

    def closed(self, conn, reason):
        self.rx.end()

    def pump(self, conn):
        """The rings have changed: offer the room that there is now, and send what there is."""
        conn.offer(self.rx.room)
        conn.resume()
