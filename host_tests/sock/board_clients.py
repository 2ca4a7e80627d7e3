"""Clients and a server as people write them for a board, on every Python: two stacks on a cable,
one of which has the sockets; a wait moves the clock. Prints a line for each case."""

import struct
import sys

from uipy import Stack, UdpApp, loop
from uipy.host import Resolver

try:
    from uipy.sock.face import socket
except ImportError:  # joined: it is in the module that programs import
    sys.path[:0] = [p + "/modules" for p in sys.path]
    from socket import socket
from uipy.sock.names import getaddrinfo

AF_INET, SOCK_DGRAM = 2, 2
HERE, THERE = "10.0.0.1", "10.0.0.2"
PEEK, DONTWAIT = 1, 2


class End:
    l2 = 0
    mtu = 1500
    mac = b""
    far = None

    def __init__(self):
        self.frames = []

    def recv_into(self, buf):
        if not self.frames:
            return 0
        frame = self.frames.pop(0)
        buf[2 : 2 + len(frame)] = frame
        return len(frame)

    def can_send(self):
        return True

    def send(self, buf, n):
        self.far.frames.append(bytes(buf[2 : 2 + n]))

    def link_up(self):
        return True


class Net:
    """`here` has the sockets; the wait polls `there`, and lets 10 ms go by at the most."""

    def __init__(self):
        self.ms = 1000
        a, b = End(), End()
        a.far, b.far = b, a
        self.here = Stack(a, HERE + "/24", tcp=2, key=b"12345678", now=self.ms)
        self.there = Stack(b, THERE + "/24", tcp=2, key=b"12345678", now=self.ms)
        poll = self.here.poll
        self.here.poll = lambda: poll(self.ms)
        self.loop = loop.attach(self.here, self, resolver=self.resolver)

    def ticks(self):
        return self.ms

    def __call__(self, ms):
        self.there.poll(self.ms)
        if not self.here.ifaces[0].dev.frames:
            self.ms += min(ms, 10)

    def resolver(self):
        return Resolver(self.here, [THERE])


class Answers(UdpApp):
    """Answers each datagram with what `f` makes of it."""

    def __init__(self, f):
        self.f = f

    def received(self, port, buf, start, n):
        data = self.f(bytes(buf[start : start + n]))
        if data is None:
            return None
        buf[start : start + len(data)] = data
        return len(data)


def errno(f, *args):
    try:
        f(*args)
    except OSError as exc:
        return exc.args[0]
    return None


def ntp(host):
    """The seconds that a time server says, as clients for boards ask for them."""
    query = bytearray(48)
    query[0] = 0x1B
    address = getaddrinfo(host, 123)[0][-1]
    s = socket(AF_INET, SOCK_DGRAM)
    try:
        s.settimeout(1)
        s.sendto(query, address)
        said = s.recv(48)
    finally:
        s.close()
    return struct.unpack("!I", said[40:44])[0] & 0x3FFFFFFF


def name_server(asked):
    """192.168.0.7 for time.example.org, and no such name for everything else."""
    ours = asked[12:].lower().startswith(b"\x04time\x07example\x03org\0")
    head = asked[:2] + (b"\x81\x80\0\1\0\1\0\0\0\0" if ours else b"\x81\x83\0\1\0\0\0\0\0\0")
    record = b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\x0a\0\0\2" if ours else b""
    return head + asked[12:] + record


def case_time(net):
    net.there.bind(123, Answers(lambda asked: bytes(40) + b"\x12\x34\x56\x78" + bytes(4)))
    net.there.bind(53, Answers(name_server))
    for _ in range(20):
        assert ntp(THERE) == 0x12345678
        assert ntp("time.example.org") == 0x12345678
    assert not any(net.here.udp.nums)


def case_time_of_nobody(net):
    net.there.bind(53, Answers(name_server))
    assert errno(ntp, "nobody.example.org") == -2
    assert errno(ntp, "time.example.org") == 111  # nobody has port 123 there
    net.there.bind(123, Answers(lambda asked: None))
    before = net.ms
    assert errno(ntp, THERE) == 110
    assert 1000 <= net.ms - before <= 1100
    assert not any(net.here.udp.nums)


def case_question_and_answer_by_hand(net):
    """As small DNS clients do it."""
    net.there.bind(53, Answers(name_server))
    s = socket(AF_INET, SOCK_DGRAM)
    s.connect((THERE, 53))
    s.settimeout(0.5)
    s.send(b"\x12\x34\1\0\0\1\0\0\0\0\0\0" + b"\x04time\x07example\x03org\0" + b"\0\1\0\1")
    buf = bytearray(512)
    n = s.readinto(buf, 50)
    assert n == 50 and buf[:2] == b"\x12\x34" and buf[n - 4 : n] == b"\x0a\0\0\2"
    assert s.getpeername() == (THERE, 53)
    s.close()


def case_server(net):
    """Answers whoever asks, until there is silence."""
    heard = []

    class Asker(UdpApp):
        def received(self, port, buf, start, n):
            heard.append((bytes(buf[start : start + n]), port.sport))

    class Source:
        def fill(self, rel, buf, pos, n):
            buf[pos : pos + 3] = b"%03d" % len(heard)
            return 3

        def acked(self, n):
            pass

    asker = net.there.bind(4000, Asker())
    s = socket(AF_INET, SOCK_DGRAM)
    s.setsockopt(1, 4, 1)
    s.bind(getaddrinfo("0.0.0.0", 9000)[0][-1])
    s.settimeout(2)
    for k in range(30):
        asker.send(HERE, 9000, Source())
        data, address = s.recvfrom(64)
        assert address == (THERE, 4000) and data == b"%03d" % k
        assert s.sendto(data.upper() + b"!", address) == 4
        net.loop.step()  # a board's background does that
        net(1)
        net(1)
    assert heard == [(b"%03d!" % k, 9000) for k in range(30)]
    s.setblocking(False)
    assert errno(s.recv, 9) == 11
    assert s.read(9) is None
    s.close()
    assert errno(s.recv, 9) == 9


def case_poll(net):
    try:
        import select
    except ImportError:
        return
    if not hasattr(select, "poll") or hasattr(select, "epoll"):
        return  # CPython's wants descriptors
    net.there.bind(7, Answers(lambda data: data))
    s = socket(AF_INET, SOCK_DGRAM)
    poller = select.poll()
    poller.register(s, select.POLLIN)
    assert poller.poll(0) == []
    s.sendto("hello", (THERE, 7))
    for _ in range(20):
        net(1)
        ready = poller.poll(0)
        if ready:
            break
    assert ready[0][0] is s and ready[0][1] == select.POLLIN
    assert s.recv(10, PEEK) == s.recv(10, DONTWAIT) == b"hello"
    s.close()
    assert poller.poll(0)[0][1] == 0x20


def main():
    for case in (
        case_time,
        case_time_of_nobody,
        case_question_and_answer_by_hand,
        case_server,
        case_poll,
    ):
        case(Net())
        print(case.__name__)
        loop.detach()


main()
