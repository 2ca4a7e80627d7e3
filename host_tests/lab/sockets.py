"""A board whose program uses sockets, on a virtual clock, and its peers, played by hand.

board = Board()                          a stack on a wire, attached to the loop
peer = board.server(80)                  plays a server that the board's program connects to
board.soon(lambda: peer.send(...))       happens while the program waits
s, peer = board.pair()                   an accepted socket and its peer
board.end()
"""

import pytest
from uipy import loop
from uipy.sock.face import socket
from uipy.sock.numbers import AF_INET, IOCTL_POLL, POLL_RD, POLL_WR, SOCK_STREAM

from lab.looped import Nap
from lab.tcp import MSS, PEER, Lab, Peer, Seg


def number(f, *args):
    """The errno of the OSError that f raises."""
    with pytest.raises(OSError) as caught:
        f(*args)
    return caught.value.errno


def flags(s, events=POLL_RD | POLL_WR):
    """What select.poll is told of a socket."""
    return s.ioctl(IOCTL_POLL, events)


class Board(Lab):
    """`sent` is what left since it was looked at last; `errors` what callbacks raised."""

    def __init__(self, **options):
        super().__init__(listeners=0, **options)
        self.nap = Nap(self.wire)
        self.loop = self.nap.attach(self.stack)
        self.ports = 40000

    def end(self):
        loop.detach()
        assert not self.errors, self.errors

    def socket(self, **options):
        s = socket(AF_INET, SOCK_STREAM)
        s.settimeout(20)
        for name, value in options.items():
            getattr(s, name)(value)
        return s

    def soon(self, f, ms=1):
        """f() is called when so much time has gone by, and somebody waits."""
        self.nap.at(ms, f)

    def listener(self, port=8000, backlog=2):
        s = self.socket()
        s.bind(("", port))
        s.listen(backlog)
        return s

    def peer(self, to=8000):
        """Somebody on the wire."""
        self.ports += 1
        return Peer(self, port=self.ports, to=to)

    def pair(self, listener=None):
        """A socket that was accepted, and its peer."""
        li = listener or self.listener()
        peer = self.peer(li.getsockname()[1])
        peer.open()
        s, _ = li.accept()
        if not listener:
            li.close()
        return s, peer

    def answers(self, port=80, flags="SA", **k):
        """The peer at `port` answers the SYN of our next connect; returns it."""
        peer = Peer(self, port=port, to=0, isn=5000)

        def answer():
            syn = [f for f in self.taken() if "S" in f.flags and f.dport == port][-1]
            peer.to = syn.sport
            peer.ack, peer.iss = syn.end, syn.seq
            peer.send(flags, opts=MSS if "S" in flags else b"", **k)

        self.soon(answer)
        return peer

    def connected(self, port=80):
        """A socket that has connected, and its peer."""
        s = self.socket()
        peer = self.answers(port)
        s.connect((PEER, port))
        return s, peer

    def taken(self):
        """What the board has sent, as segments."""
        return [Seg(f) for f in self.wire.take()]

    def said(self, peer):
        """The octets that the peer has been sent by now, in order."""
        return b"".join(s.data for s in peer.hear(self.taken()))
