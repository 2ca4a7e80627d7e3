"""The way out, for the simulated board: a TCP port of its gateway is that of 127.0.0.1.

Where a program on the board connects to 192.168.7.1:1883, a broker on this machine answers. A SYN
for a port on which nothing listens here is answered with a RST, as by any host.
"""

import socket

from uipy import App

_PENDING = 8  # connections made here whose handshake with the board has not ended
_CLIENTS = 8  # of a port, at a time
_SYN, _ACK = 2, 16


class Outward:
    """`make(sock)` makes the application that carries a connection between the board and a socket
    (gateway.py)."""

    def __init__(self, stack, make):
        self._stack = stack
        self._make = make
        self._ip = bytes(stack.ifaces[0].ip)
        self._ports = set()
        self._pending: dict[tuple[int, int], socket.socket] = {}

    def look(self, frame):
        """A frame from the board. Is it a SYN, then there is a listener behind this."""
        if not (len(frame) >= 54 and frame[12:15] == b"\x08\x00\x45" and frame[23] == 6):
            return
        if frame[30:34] != self._ip or frame[47] & (_SYN | _ACK) != _SYN:
            return
        ports = int.from_bytes(frame[34:36], "big"), int.from_bytes(frame[36:38], "big")
        if ports in self._pending:
            return
        try:
            sock = socket.create_connection(("127.0.0.1", ports[1]), timeout=1)
        except OSError:
            return
        sock.setblocking(False)
        while len(self._pending) >= _PENDING:
            self._pending.pop(next(iter(self._pending))).close()
        self._pending[ports] = sock
        if ports[1] not in self._ports:
            self._ports.add(ports[1])
            self._stack.listen(ports[1], lambda: _Board(self), _CLIENTS)

    def met(self, conn):
        """The handshake has ended: -> who carries the connection, or None."""
        sock = self._pending.pop((conn.rport, conn.lport), None)
        return self._make(sock) if sock else None

    def close(self):
        for sock in self._pending.values():
            sock.close()


class _Board(App):
    """A place of a listener. Each connection has a Client of its own, which may still have
    something for this machine when the place has its next one."""

    def __init__(self, outward):
        self._outward = outward
        self._client = None

    def connected(self, conn):
        self._client = self._outward.met(conn)
        if self._client:
            self._client.connected(conn)
        else:  # nobody listens here any more
            conn.abort()

    def received(self, conn, buf, start, n):
        return self._client.received(conn, buf, start, n) if self._client else None

    def acked(self, conn, n):
        if self._client:
            self._client.acked(conn, n)

    def peer_closed(self, conn):
        if self._client:
            self._client.peer_closed(conn)

    def closed(self, conn, reason):
        client, self._client = self._client, None
        if client:
            client.closed(conn, reason)
