"""A host on the chip's Ethernet that answers at once: what the bench measures the board with.

Written from the RFCs on its own, with one TCP connection and no retransmission: the wire loses
nothing. Everything happens in the emulator's time, so that a run repeats to the cycle.
"""

import struct

_MAC, _IP = b"\x02\x00\x00\x00\x00\x02", bytes((192, 168, 7, 1))
_PORT = 40000
_ISS = 0x10203040
_MSS = 1460
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


def csum(data):
    """RFC 1071 of the octets, complemented."""
    if len(data) & 1:
        data += b"\0"
    s = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while s >> 16:
        s = (s & 0xFFFF) + (s >> 16)
    return s ^ 0xFFFF


class Client:
    """`send(frame)` puts a frame on the wire; `got(frame)` is called with each of the board's."""

    def __init__(self, send, board):
        self._send = send
        self._board = bytes(map(int, board.split(".")))
        self._mac = b"\xff" * 6
        self._port = _PORT
        self._ident = 0
        self.echoes = self.datagrams = 0
        self.established = False
        self.data = bytearray()  # received on the connection
        self.hold = False  # acknowledge nothing before ack() is called
        self.owes = False  # an acknowledgement

    @property
    def met(self):
        """The board's MAC is known."""
        return self._mac[0] != 0xFF

    # What it says

    def arp(self):
        """Asks for the board, which learns our address from it (RFC 826)."""
        self._arp(1, b"\0" * 6)

    def ping(self, n):
        """ICMP echo with n octets of data."""
        body = struct.pack("!HHHH", 0x0800, 0, 1, self._ident & 0xFFFF) + bytes(n)
        self._ip(1, body[:2] + struct.pack("!H", csum(body)) + body[4:])

    def datagram(self, port, n):
        body = struct.pack("!HHHH", 5000, port, 8 + n, 0) + b"u" * n
        s = csum(self._pseudo(17, len(body)) + body)
        self._ip(17, body[:6] + struct.pack("!H", s or 0xFFFF) + body[8:])

    def connect(self, port):
        self._port += 1
        self._there = port
        self._nxt, self._rcv = _ISS, 0
        self.established = False
        self.data.clear()
        self.owes = False
        self._tcp(SYN, options=struct.pack("!BBH", 2, 4, _MSS))

    def ack(self):
        """Acknowledges what came, if anything did since the last time."""
        if self.owes:
            self.owes = False
            self._tcp(ACK)

    def write(self, data, last=False):
        """Sends octets; the last ones with a FIN."""
        self._tcp(PSH | ACK | (FIN if last else 0), data)

    def reset(self):
        self._tcp(RST | ACK)

    # What it hears

    def got(self, frame):
        kind, body = frame[12:14], frame[14:]
        if kind == b"\x08\x06":
            self._got_arp(body)
        elif kind == b"\x08\x00":
            size = (body[0] & 15) * 4
            data = body[size : struct.unpack("!H", body[2:4])[0]]
            assert csum(body[:size]) == 0, "a bad IP checksum"
            if body[16:20] == _IP:  # what goes to a group is for others
                self._protocols.get(body[9], lambda self, data: None)(self, data)

    def _got_arp(self, body):
        if body[14:18] != self._board:
            return
        self._mac = body[8:14]
        if body[7] == 1 and body[24:28] == _IP:
            self._arp(2, self._mac)

    def _got_icmp(self, data):
        assert csum(data) == 0, "a bad ICMP checksum"
        self.echoes += data[0] == 0

    def _got_udp(self, data):
        assert csum(self._pseudo(17, len(data), True) + data) == 0, "a bad UDP checksum"
        self.datagrams += 1

    def _got_tcp(self, data):
        assert csum(self._pseudo(6, len(data), True) + data) == 0, "a bad TCP checksum"
        _, port, seq, _, offset, flags = struct.unpack("!HHIIBB", data[:14])
        if port != self._port or flags & RST:
            return
        body = data[(offset >> 4) * 4 :]
        if flags & SYN and not self.established:
            self._rcv = seq + 1
            self.established = self.owes = True
        elif seq == self._rcv & 0xFFFFFFFF and (body or flags & FIN):
            self.data += body
            self._rcv += len(body) + (flags & FIN)
            self.owes = True
        if not self.hold:
            self.ack()

    _protocols = {1: _got_icmp, 6: _got_tcp, 17: _got_udp}

    # Frames

    def _arp(self, op, target):
        body = struct.pack("!HHBBH", 1, 0x0800, 6, 4, op) + _MAC + _IP + target + self._board
        self._frame(b"\x08\x06", body)

    def _pseudo(self, proto, n, back=False):
        ends = self._board + _IP if back else _IP + self._board
        return ends + struct.pack("!BBH", 0, proto, n)

    def _tcp(self, flags, data=b"", options=b""):
        head = struct.pack(
            "!HHIIBBHHH",
            *(self._port, self._there, self._nxt & 0xFFFFFFFF, self._rcv & 0xFFFFFFFF),
            *((20 + len(options)) << 2, flags, 65535, 0, 0),
        )
        body = head + options + data
        s = csum(self._pseudo(6, len(body)) + body)
        self._nxt += len(data) + bool(flags & (SYN | FIN))
        self._ip(6, body[:16] + struct.pack("!H", s) + body[18:])

    def _ip(self, proto, body):
        self._ident += 1
        head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), self._ident, 0, 64, proto, 0)
        head += _IP + self._board
        head = head[:10] + struct.pack("!H", csum(head)) + head[12:]
        self._frame(b"\x08\x00", head + body)

    def _frame(self, kind, body):
        self._send((self._mac + _MAC + kind + body).ljust(60, b"\0"))
