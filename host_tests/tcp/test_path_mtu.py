"""Path MTU discovery (RFC 1191): what a router says, how small it goes, and the way back."""

import pytest
from lab import packets
from lab.tcp import SACK_OK, Lab, Peer, active, mss, stamps
from uipy import Bytes
from uipy.tcp.row import MSS, STATE

MINUTE = 60_000
TEXT = bytes(k * 7 % 251 for k in range(60_000))


class Narrow:
    """A router in front of the peer that passes datagrams of up to `mtu` octets, and says so;
    `got` is what the peer has, in order."""

    def __init__(self, lab, peer, mtu, told=None, stamped=False):
        self.lab, self.peer, self.mtu, self.told = lab, peer, mtu, told
        self.stamped = stamped
        self.got = b""
        self.sizes: list[int] = []
        self.blocked = 0

    def opts(self):
        return stamps(self.lab.ms + 5000) if self.stamped else b""

    def carry(self, segs):
        """Takes what the board sends until it sends nothing more at once."""
        p = self.peer
        for _ in range(3000):
            if not segs:
                return
            back = []
            for s in segs:
                if s.proto != 6 or s.dport != p.port:
                    continue
                if len(s.frame) > self.mtu:
                    self.blocked += 1
                    told = self.mtu if self.told is None else self.told
                    back += self.lab.icmp(3, 4, s.frame, rest=told)
                    continue
                self.sizes.append(len(s.frame))
                if s.data and s.seq == p.ack:
                    p.ack = (p.ack + len(s.data)) % 2**32
                    self.got += s.data
                if s.data:
                    back += self.lab.give(p.segment("A", opts=self.opts()))
            segs = back
        raise AssertionError("the two find no rest")

    def run(self, ms):
        """ms go by."""
        end = self.lab.ms + ms
        while self.lab.ms < end:
            self.carry(self.lab.run(min(200, end - self.lab.ms)))


def opened(text=TEXT, opts=None, **options):
    lab = Lab(**options)
    p = Peer(lab, wnd=60_000)
    p.open(opts=opts or mss(1460))
    p.conn.send(Bytes(text))
    return lab, p


@pytest.mark.parametrize("mtu", [1492, 1000, 600, 576, 575, 508, 296, 128, 69, 68])
def test_bulk_arrives_over_a_path_of_any_mtu(mtu):
    """Down to 68 octets (RFC 1191 3), in segments as large as the path takes."""
    lab, p = opened()
    way = Narrow(lab, p, mtu)
    way.run(20_000)
    assert way.got == TEXT and max(way.sizes) == mtu
    assert way.blocked <= 11  # what had left before the first answer
    assert lab.app.said("error") == ["too big"]


@pytest.mark.parametrize("mtu", [296, 100, 88, 76, 68])
def test_bulk_arrives_with_timestamps_and_sack_blocks_in_its_headers(mtu):
    """The peer sends as well, with holes, so that each segment of ours bears blocks too."""
    on = {"timestamps": True, "sack": True, "reassembly": 4}
    text = TEXT[:4000]
    lab = Lab(tcp_options=on)
    p = Peer(lab, wnd=60_000)
    opts = mss(1460) + SACK_OK + stamps(1)
    p.open(opts=opts, opts3=stamps(2))
    for k in range(3):
        p.send("PA", b"x" * 10, seq=p.seq + 100 + 100 * k, opts=stamps(3))
    p.conn.send(Bytes(text))
    way = Narrow(lab, p, mtu, stamped=True)
    way.run(30_000)
    assert way.got == text and max(way.sizes) <= mtu


@pytest.mark.parametrize("mtu", [1400, 508, 300, 100])
def test_router_that_does_not_say_how_much_is_believed_step_by_step(mtu):
    """RFC 1191 5, 7.1: 0 is an old router; the next plateau below what did not pass."""
    lab, p = opened()
    way = Narrow(lab, p, mtu, told=0)
    way.run(30_000)
    assert way.got == TEXT and mtu // 5 < max(way.sizes) <= mtu


@pytest.mark.parametrize("told", [1, 20, 67])
def test_no_path_is_narrower_than_68(told):
    """RFC 1191 3: "A host MUST never reduce its estimate of the Path MTU below 68 octets"."""
    lab, p = opened()
    first = p.run(0)[0]
    out = lab.icmp(3, 4, first.frame, rest=told)
    assert {len(s.frame) for s in out} == {68}


def test_it_is_never_raised_by_what_a_router_says():
    lab, p = opened()
    first = p.run(0)[0]
    assert lab.icmp(3, 4, first.frame, rest=600)
    for told in (601, 700, 1400, 1499):
        assert not lab.icmp(3, 4, first.frame, rest=told)
    assert p.conn.mss == 560


@pytest.mark.parametrize("what", ["port", "host", "ours", "checksum", "short", "everyone"])
def test_mtu_is_lowered_by_nobody_else(what):
    lab, p = opened()
    quoted = bytearray(p.run(0)[0].frame)
    header = {}
    if what == "port":
        quoted[22] ^= 1
    elif what == "host":
        quoted[16] ^= 1
    elif what == "ours":
        quoted[12] ^= 1
    body = packets.icmp(3, 4, (600).to_bytes(4, "big") + bytes(quoted[:28]))
    if what == "checksum":
        body = packets.icmp(3, 4, body[4:], csum=0x1234)
    elif what == "short":
        body = packets.icmp(3, 4, (600).to_bytes(4, "big") + bytes(quoted[:27]))
    dst = "255.255.255.255" if what == "everyone" else "10.0.0.1"
    lab.give(packets.ip4("10.0.0.254", dst, 1, body, **header))
    assert p.conn.mss == 1460


def test_connection_with_nothing_in_flight_believes_nobody():
    lab, p = opened(text=b"all of it")
    (s,) = p.run(0)
    p.acks()
    lab.icmp(3, 4, s.frame[:2] + b"\5\xdc" + s.frame[4:], rest=600)
    assert p.conn.mss == 1460


def test_handshake_that_crosses_another_is_not_too_big():
    """SYN-RECEIVED: our SYN,ACK is shorter than what every router passes."""
    lab = Lab()
    _app, p, _syn = active(lab)
    (s,) = p.send("S", opts=mss(1460))
    assert s.flags == "SA"
    assert not lab.icmp(3, 4, s.frame, rest=40)
    p.send("A")
    assert p.state == "ESTABLISHED" and p.conn.mss == 1460


# The way back (RFC 1191 6.3)


def test_mtu_is_tried_again_after_ten_minutes():
    lab, p = opened(text=bytes(200))
    way = Narrow(lab, p, 600)
    p.conn.src.load(bytes(3000))
    way.run(1000)
    assert p.conn.mss == 560
    way.mtu = 1500  # the path has changed
    for minute in range(1, 13):
        way.run(MINUTE)
        assert p.conn.mss == (560 if minute < 10 else 1460), minute
    way.sizes.clear()
    p.conn.send(Bytes(bytes(20_000)))
    way.run(1000)
    assert max(way.sizes) == 1500


def test_path_that_is_still_narrow_says_so_again_and_the_next_try_is_ten_minutes_later():
    lab, p = opened(text=TEXT[:3000])
    way = Narrow(lab, p, 600)
    way.run(1000)
    for tries in range(1, 4):
        way.run(10 * MINUTE)
        assert p.conn.mss == 1460
        way.blocked = 0
        p.conn.send(Bytes(TEXT[:9000]))
        way.run(5000)
        assert p.conn.mss == 560 and 0 < way.blocked <= 11
        assert lab.app.said("error") == ["too big"] * (1 + tries)
    assert way.got == TEXT[:3000] + 3 * TEXT[:9000]


def test_mtu_that_is_lowered_twice_comes_back_to_what_the_peer_can_take():
    """Ten minutes after the second time: not sooner than five after any (RFC 1191 6.3)."""
    lab, p = opened(text=TEXT[:5000], opts=mss(1200))
    way = Narrow(lab, p, 1000)
    way.run(9 * MINUTE)
    assert p.conn.mss == 960
    p.conn.send(Bytes(TEXT[:5000]))
    way.mtu = 300
    way.run(9 * MINUTE)
    assert p.conn.mss == 260
    way.run(MINUTE + 1000)
    assert p.conn.mss == 1200


def test_only_who_was_lowered_is_raised_and_only_to_what_was_agreed():
    lab = Lab()
    low, other = Peer(lab, port=40001, wnd=60_000), Peer(lab, port=40002, wnd=60_000)
    low.open(opts=mss(700))
    other.open(opts=mss(536))
    for p in (low, other):
        p.conn.send(Bytes(TEXT[:4000]))
    first = low.run(0)[0]
    lab.icmp(3, 4, first.frame, rest=500)
    assert (low.conn.mss, other.conn.mss) == (460, 536)
    for p in (low, other):
        Narrow(lab, p, 1500).run(1000)
    lab.run(11 * MINUTE)
    assert (low.conn.mss, other.conn.mss) == (700, 536)


def test_row_that_serves_another_connection_remembers_nothing():
    lab = Lab(tcp=1, listeners=1)
    p = Peer(lab, wnd=60_000)
    p.open(opts=mss(1460))
    p.conn.send(Bytes(TEXT))
    lab.icmp(3, 4, p.run(0)[0].frame, rest=300)
    row = p.conn.row
    p.send("R", seq=p.seq)
    assert row[STATE] == 0
    q = Peer(lab, port=40002)
    q.open(opts=mss(400))
    lab.run(11 * MINUTE)
    assert row[MSS] == 400


def test_idle_stack_wakes_for_it_once():
    """One deadline, ten minutes ahead; afterwards there is none."""
    lab, p = opened(text=TEXT[:3000])
    way = Narrow(lab, p, 600)
    way.carry(lab.run(0))
    at = lab.ms
    lab.wire.settle()
    assert 0 < lab.wire.poll() <= 1000  # of the link
    lab.run(10 * MINUTE - 1)
    assert p.conn.mss == 560 and lab.ms == at + 10 * MINUTE - 1
    lab.run(1)
    assert p.conn.mss == 1460


def test_jumbo_segments_come_back_as_what_the_row_can_remember():
    """2047 octets: it has 11 bits for it."""
    lab = Lab(mtu=9000)
    p = Peer(lab, wnd=60_000)
    p.open(opts=mss(8960))
    p.conn.send(Bytes(bytes(40_000)))
    way = Narrow(lab, p, 1500)
    way.run(1000)
    assert p.conn.mss == 1460
    way.run(10 * MINUTE)
    assert p.conn.mss == 2047
