"""RFC 6093 against the kernel's MSG_OOB and SO_OOBINLINE."""

import fcntl
import socket
import struct
import time

from interop.lab import BOARD, Board, alone, kernel
from uipy import App, Bytes

SIOCATMARK = 0x8905


class Listener(App):
    def __init__(self):
        self.data = b""
        self.events = []

    def received(self, conn, buf, start, n):
        self.data += bytes(buf[start : start + n])

    def urgent(self, conn, n):
        self.events.append((len(self.data), n))


@alone
def test_msg_oob_arrives_in_line_and_urgent_mode_is_told():
    board = Board()
    app = Listener()
    board.stack.listen(7, lambda: app, 1)

    def client():
        s = socket.create_connection((BOARD, 7))
        s.sendall(b"before ")
        s.send(b"!", socket.MSG_OOB)
        s.sendall(b" after")
        time.sleep(0.5)
        s.close()

    board.run(kernel(client))
    assert app.data == b"before ! after"
    entered, left = app.events[0], app.events[-1]
    assert entered[0] + entered[1] == len(
        b"before !"
    )  # the pointer is that of the octet behind it
    assert left[1] == 0


@alone
def test_our_urgent_data_is_at_the_kernels_mark():
    class Shouting(App):
        def connected(self, conn):
            conn.send(Bytes(b"calm " + b"urgent!" + b" calm again"))
            conn.push_urgent(len(b"calm urgent!"))

    board = Board()
    board.stack.listen(7, Shouting, 1)

    def client():
        s = socket.create_connection((BOARD, 7))
        s.setsockopt(socket.SOL_SOCKET, socket.SO_OOBINLINE, 1)
        time.sleep(0.3)
        before = s.recv(100)  # the kernel stops at the mark
        mark = struct.unpack("i", fcntl.ioctl(s, SIOCATMARK, struct.pack("i", 0)))[0]
        rest = s.recv(100)
        s.close()
        return before, mark, rest

    before, mark, rest = board.run(kernel(client))
    assert before + rest == b"calm urgent! calm again"
    assert mark == 1
    # Linux marks the last urgent octet, not the one behind it (RFC 6093 3.1)
    assert before == b"calm urgent"


@alone
def test_urgent_pointer_reaches_the_kernel_even_when_its_window_is_closed():
    class Stuck(App):
        def connected(self, conn):
            conn.finish(Bytes(bytes(300_001)))

        def poll(self, conn):
            if conn.sending and not self.asked and conn.unacked <= 1:
                self.asked = True
                conn.push_urgent(100)

        poll_ms = 100
        asked = False

    board = Board()
    board.stack.listen(7, Stuck, 1)

    def client():
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect((BOARD, 7))
        time.sleep(4)
        n = 0
        while chunk := s.recv(65536):
            n += len(chunk)
        s.close()
        return n

    n = board.run(kernel(client), seconds=40)
    assert n in (300_000, 300_001)  # without SO_OOBINLINE the kernel takes one octet out
    assert any("U" in seg.flags for way, seg in board.segments("out"))
