"""A gateway without root: connections to 127.0.0.1 go to a board's port over a virtual Ethernet.

It is a host of its own on that Ethernet, made of our stack, so it shows nothing of how we get
on with others (host_tests/kernel does). Each connection is two rings of RING octets: what a
browser does not read fills one ring, our window closes, and the board waits; what the board does
not take fills the other, and we stop reading from the browser. Nothing else is kept.
"""

import socket
import struct

from boards.ends import QueueDevice, StackEnd
from uipy import NotConnected, Ring, Stack
from uipy.net.iface import ip_of
from uipy.stream import Stream

from wire.outward import Outward
from wire.router import Clock, Leases

RING = 16384  # octets each way
CLIENTS = 32  # at a time; more wait in the kernel's queue
_MAC = b"\x02\0\0gat"
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close with a RST


class PortInUse(Exception):
    """Somebody else listens there; the message says what to do."""


class Client(Stream):
    """One browser connection and the one to the board that belongs to it."""

    def __init__(self, sock):
        super().__init__(Ring(RING), Ring(RING))
        self.sock = sock
        self.live = None  # the connection to the board, while there is one
        self.over = False  # nothing more comes from the board
        self.deaf = False  # the browser has sent its FIN
        self.told = False  # and we ours

    # From the board

    def connected(self, conn):
        conn.room = self.rx.room
        self.live = conn
        conn.finish(self.tx)

    def closed(self, conn, reason):
        self.live = None
        self.over = True
        if reason != "done":
            self.reset()

    # From the browser

    def fileno(self):
        return self.sock.fileno()

    def wants_to_read(self):
        """There is room for what the browser sends."""
        return self.sock is not None and self.live is not None and not self.deaf and self.tx.room

    def wants_to_write(self):
        """There is something for the browser, or a FIN."""
        return self.sock is not None and (self.rx.left or (self.rx.ended and not self.told))

    def readable(self):
        try:
            data = self.sock.recv(self.tx.room)
        except BlockingIOError:
            return
        except OSError:
            self.abort()
            return
        self.tx.write(data, 0, len(data))
        if not data:
            self.deaf = True
            self.tx.end()
        self._pump()

    def writable(self):
        data = bytearray(min(self.rx.left, 65536))
        try:
            if data:
                n = self.sock.send(data[: self.rx.fill(0, data, 0, len(data))])
                self.rx.acked(n)
            if self.rx.ended and not self.rx.left and not self.told:
                self.told = True
                self.sock.shutdown(socket.SHUT_WR)
        except BlockingIOError:
            return
        except OSError:
            self.abort()
            return
        self._pump()

    def _pump(self):
        if self.live:
            try:
                self.pump(self.live)
            except NotConnected:
                self.live = None

    def abort(self):
        """The browser has gone: the board is told."""
        self.reset()
        try:
            if self.live:
                self.live.abort()
        except NotConnected:
            pass

    def reset(self):
        """The browser is told that its connection has failed."""
        sock, self.sock = self.sock, None  # first: a signal may fall in behind
        if sock is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            sock.close()

    def finished(self):
        """True when both sides are done with it."""
        if self.over and self.sock is not None and self.told and not self.rx.left:
            sock, self.sock = self.sock, None
            sock.close()
        return self.over and self.sock is None


class Gateway(StackEnd):
    """An end of the wire (pump.py). 127.0.0.1:port leads to `board_port` of the board, `forward`
    makes more of such doors. `board` is the board's address, which it leases to who asks for one;
    `ip` is ours as ADDR/LEN. It tells the time, too. Browsers wait until the board has been heard
    from that address. With `outward` the board finds the servers of 127.0.0.1 at `ip`."""

    def __init__(self, port, board, ip, board_port=80, outward=False, **options):
        self._board = board
        self.clients: list[Client] = []
        self.doors: dict[int, socket.socket] = {}  # by the board's ports
        self.port = self.forward(board_port, port)
        dev = QueueDevice(_MAC)
        super().__init__(dev, Stack(dev, ip, tcp=CLIENTS, **options))
        self.stack.bind(123, Clock())
        self._leases = Leases(_MAC, board, *_split(ip))

        self._outward = Outward(self.stack, self._client) if outward else None
        self._there = bytes(ip_of(board))
        self._heard = False

    def forward(self, board_port, port):
        """127.0.0.1:port leads to that port of the board from now on. -> its number, for 0 one
        that is free. Raises PortInUse."""
        door = _listen(port)
        self.doors[board_port] = door
        return door.getsockname()[1]

    def board_is_new(self):
        """It was reset, and knows nothing of its connections: whoever has one is told."""
        for client in self.clients:
            client.abort()
        self._heard = False

    def give(self, frame):
        if self._there in (frame[28:32], frame[26:30]):  # who sends an ARP message, or a datagram
            self._heard = True
        if self._outward:
            self._outward.look(frame)
        lease = self._leases.answer(frame)
        if lease is None:
            super().give(frame)
        else:
            self.dev.tx.append(lease)

    def run(self, now):
        for client in self.clients:
            if client.wants_to_write():
                client.writable()
            if client.wants_to_read():
                client.readable()
        self.clients = [c for c in self.clients if not c.finished()]
        for port, door in self.doors.items():
            if self._heard and len(self.clients) < CLIENTS:
                self._accept(door, port)
        return super().run(now)

    def _accept(self, door, port):
        try:
            sock, _ = door.accept()
        except BlockingIOError:
            return
        sock.setblocking(False)
        self.stack.connect(self._client(sock), self._board, port)

    def _client(self, sock):
        client = Client(sock)
        self.clients.append(client)
        return client

    def files(self):
        readable: list = [c for c in self.clients if c.wants_to_read()]
        writable = [c for c in self.clients if c.wants_to_write()]
        if self._heard and len(self.clients) < CLIENTS:
            readable += self.doors.values()
        return readable, writable

    def close(self):
        for door in self.doors.values():
            door.close()
        for client in self.clients:
            client.reset()
        if self._outward:
            self._outward.close()


def _split(ip):
    """ "192.168.7.1/24" -> ("192.168.7.1", 24)."""
    address, _, bits = ip.partition("/")
    return address, int(bits or 24)


def _listen(port):
    if not 0 <= port < 65536:
        raise PortInUse("port %d: a port is 1 to 65535" % port)
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(("127.0.0.1", port))
    except OSError as exc:
        sock.close()
        raise PortInUse(
            "port %d on 127.0.0.1: %s; choose another one with PORT=" % (port, exc.strerror)
        ) from None
    sock.listen(64)
    sock.setblocking(False)
    return sock
