"""The bench's host on the wire talks to our stack: what it measures works."""

import pytest
from boards import ends
from emu.client import Client, csum
from uipy import Stack
from uipy.apps.echo import Echo, UdpEcho

BOARD = "192.168.7.2"


class Lan:
    """A stack on a QueueDevice, and the client; what either says the other hears at once."""

    def __init__(self):
        self.dev = ends.QueueDevice(b"\x02\0\0\0\0\1")
        self.stack = Stack(self.dev, BOARD + "/24", now=0)
        self.stack.listen(7, Echo, 1)
        self.stack.bind(7, UdpEcho())
        self.client = Client(self.dev.rx.append, BOARD)
        self.now = 0

    def run(self, turns=20):
        for _ in range(turns):
            self.now += 50
            self.stack.poll(self.now)
            while self.dev.tx:
                self.client.got(self.dev.tx.popleft())


@pytest.fixture
def lan():
    lan = Lan()
    lan.client.arp()
    lan.run()
    assert lan.client.met
    return lan


def test_ping(lan):
    lan.client.ping(56)
    lan.run()
    assert lan.client.echoes == 1


def test_a_datagram(lan):
    lan.client.datagram(7, 18)
    lan.run()
    assert lan.client.datagrams == 1


@pytest.mark.parametrize("n", [64, 1460])
def test_an_echo_over_tcp_again_and_again(lan, n):
    c = lan.client
    c.connect(7)
    lan.run()
    assert c.established
    for k in range(5):
        c.data.clear()
        c.write(bytes((k,)) * n)
        lan.run()
        assert bytes(c.data) == bytes((k,)) * n


def test_acknowledgements_held_back_until_they_are_asked_for(lan):
    c = lan.client
    c.hold = True
    c.connect(7)
    lan.run()
    assert c.established and c.owes
    c.ack()
    c.write(b"data")
    lan.run(2)
    assert bytes(c.data) == b"data" and c.owes
    c.ack()
    c.ack()  # nothing is owed any more
    lan.run(2)
    assert not c.owes


def test_data_with_the_end(lan):
    c = lan.client
    c.connect(7)
    lan.run()
    c.write(b"all of it", last=True)
    lan.run()
    assert bytes(c.data) == b"all of it"


def test_a_second_connection_after_a_reset(lan):
    c = lan.client
    for _ in range(2):
        c.connect(7)
        lan.run()
        assert c.established
        c.reset()
        lan.run()


def test_a_wrong_checksum_is_noticed(lan):
    lan.client.ping(8)
    lan.stack.poll(lan.now)
    frame = bytearray(lan.dev.tx.popleft())
    frame[40] ^= 1
    with pytest.raises(AssertionError, match="ICMP"):
        lan.client.got(bytes(frame))


def test_csum_of_rfc_1071_section_3():
    assert csum(bytes.fromhex("0001f203f4f5f6f7")) == 0xDDF2 ^ 0xFFFF
