"""The callbacks of an application on TCP. Override what you need; all of them run inside
`poll`."""


class App:
    """One connection's application. `listen(port, App, n)` makes n of them; `connect(app, ...)`
    takes one.

    `conn` is the live connection; before `connected` and after `closed` every call on it raises
    `NotConnected`. Calls made inside a callback (send, close, connect, ...) mark a row; the frame
    is built when the callback has returned. A callback that raises loses its connection; the
    exception is printed, or goes to `stack.on_error`.
    """

    poll_ms = 0  # how often `poll` is called; 0 = never; at most 2**28 (3 days)
    conn = None  # set by the stack

    def connected(self, conn):
        """The handshake is complete, or the application object begins with a new connection."""

    def received(self, conn, buf, start, n):
        """n octets lie at buf[start:], valid during this call only.

        Return how many were taken, None for all. The rest (and a FIN behind it) stays
        unacknowledged: the peer sends it again (RFC 9293 3.8.6.2.2, SHLD-14). Set `conn.room` to
        what can be taken from now on.
        """

    def acked(self, conn, n):
        """The peer acknowledged n more octets; `conn.sending` is false once the source has ended
        and arrived."""

    def peer_closed(self, conn):
        """The peer sends no more (RFC 9293 3.6 case 2). The base class closes our side too, so
        that nobody leaks CLOSE-WAIT by forgetting; override it to go on sending, and call
        `conn.close()` in the end."""
        conn.close()

    def urgent(self, conn, n):
        """Urgent mode (RFC 6093): n octets are still to be read up to the urgent pointer; 0 = they
        have been read."""

    def error(self, conn, reason):
        """A soft error: 'unreachable', 'retrying' (R1, RFC 9293 3.8.3), 'too big'. The connection
        goes on."""

    def poll(self, conn):
        """Called every `poll_ms` while the connection lives."""

    def closed(self, conn, reason):
        """The last callback. 'done': both sides are closed, in order. The peer's doing: 'reset';
        'refused', before the handshake was complete. The network's: 'timeout', 'unreachable'.
        A RST of ours: 'aborted', `abort` was called; 'error', a callback raised; 'idle', the
        listener's limit; 'unread', data came behind our `close`."""
