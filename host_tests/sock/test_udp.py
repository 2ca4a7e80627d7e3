"""Datagram sockets: what is sent, what is read, and what waits."""

import pytest
from lab.looped import Nap
from lab.net import PEER
from uipy import loop as loops
from uipy.sock import numbers as no
from uipy.sock.face import socket

RD, WR, ERR, NVAL = no.POLL_RD, no.POLL_WR, no.POLL_ERR, no.POLL_NVAL


@pytest.fixture
def nap(wire, stack):
    nap = Nap(wire)
    nap.attach(stack)
    yield nap
    loops.detach()


@pytest.fixture
def sock(nap):
    with socket(no.AF_INET, no.SOCK_DGRAM) as s:
        s.settimeout(5)
        yield s


def fails(number, call, *args):
    with pytest.raises(OSError) as caught:
        call(*args)
    assert caught.value.errno == number


def test_a_datagram_is_sent_and_its_answer_read(sock, nap, peer):
    assert sock.sendto(b"question", (PEER, 53)) == 8
    f = peer.expect(data=b"question", dport=53)
    nap.at(20, lambda: peer.udp(b"answer", sport=53, dport=f.udp.sport))
    assert sock.recvfrom(100) == (b"answer", (PEER, 53))
