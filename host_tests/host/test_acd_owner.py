"""Conflict detection in its times, and for an owner who decides what becomes of the address
(RFC 5227; host/dhcp.py and host/linklocal.py are such owners)."""

import pytest
from lab import packets
from lab.net import BOARD, BOARD_MAC, PEER_MAC, WRAP, Station, Wire
from lab.packets import BROADCAST, addr
from lab.tcp import Log
from uipy import Acd
from uipy.net.datagram import NEXT_AT, NOW

OTHER_MAC = b"\2\0\0\0\0\xaa"


def arp(wire, spa=BOARD):
    """Another station claims this address."""
    body = packets.arp(1, OTHER_MAC, spa, bytes(6), BOARD)
    return wire.give(packets.eth(BROADCAST, OTHER_MAC, 0x0806, body))


def ip(stack):
    return "%d.%d.%d.%d" % tuple(stack.ifaces[0].ip)


# By itself, for an owner who decides (host/dhcp.py, host/linklocal.py)


class Owner:
    def __init__(self):
        self.heard = []

    def free(self):
        self.heard.append("free")

    def taken(self):
        self.heard.append("taken")

    def lost(self):
        self.heard.append("lost")

    def plug(self, up):
        self.heard.append(up)


class Owned:
    """A board with an Acd whose owner only listens, and whose chance is always the same: half."""

    def __init__(self, wire, address=None, **options):
        self.wire = wire
        self.said = []
        self.stack = wire.board(ip=address, gateway=None, **options)
        self.stack.random8 = lambda: 0x80
        self.owner = Owner()
        wire.run(1000)
        self.acd = Acd(self.stack, owner=self.owner, say=self.said.append)

    def hears(self, **claim):
        """A claim that `input` sees, and `output` does not yet."""
        body = packets.arp(1, OTHER_MAC, claim.get("spa", BOARD), bytes(6), BOARD)
        frame = packets.eth(BROADCAST, OTHER_MAC, 0x0806, body)
        self.stack.buf[2 : 2 + len(frame)] = frame
        assert self.stack.input(len(frame), self.wire.clock.now) == 0

    def times(self, ms):
        begin = self.wire.clock.ms
        return [(f.at - begin, f.raw) for f in self.wire.run(ms)]


@pytest.fixture
def owned(wire):
    return Owned(wire)


def asks(spa, tpa=BOARD, dst=BROADCAST):
    """A request of the board's, every octet of it."""
    return packets.eth(dst, BOARD_MAC, 0x0806, packets.arp(1, BOARD_MAC, spa, bytes(6), tpa))


PROBE, TELL = asks("0.0.0.0"), asks(BOARD)


def test_a_probe_has_no_sender_though_the_board_has_an_address(wire):
    owned = Owned(wire, "10.0.0.7/24")
    owned.acd.probe(addr(BOARD), owned.owner, 5000)
    assert owned.times(20_000) == [(5501, PROBE), (7002, PROBE), (8503, PROBE)]
    assert owned.owner.heard == ["free"]


def test_random_parts_go_from_nothing_to_all_but_one(owned):
    chance = iter((0, 0, 0xFF, 0xFF, 0x80, 0, 0, 0xFF))
    owned.stack.random8 = lambda: next(chance)
    assert [owned.acd.some(1000) for _ in range(4)] == [0, 999, 500, 3]


def test_who_is_told_taken_is_asked_no_more(owned):
    owned.acd.probe(addr(BOARD), owned.owner)
    assert len(owned.times(1000)) == 1
    owned.hears()
    assert not owned.times(120_000)
    assert owned.owner.heard == ["taken"] and owned.acd.conflicts == 1


def test_what_was_cancelled_is_neither_free_nor_taken(owned):
    owned.acd.probe(addr(BOARD), owned.owner)
    owned.hears()
    owned.acd.cancel()
    assert not owned.times(120_000) and not owned.owner.heard
    owned.acd.probe(addr(BOARD), owned.owner)
    owned.acd.cancel()
    assert not owned.times(120_000) and not owned.owner.heard


def test_address_in_use_is_held_back_while_another_claim_is_still_heard(owned):
    """`hold` forgets conflicts about the address that it takes away, not about the one probed."""
    owned.acd.probe(addr(BOARD), owned.owner)
    owned.hears()
    owned.acd.hold()
    owned.wire.run()
    assert owned.owner.heard == ["taken"]


def test_conflict_about_an_address_that_was_put_away_is_not_told(owned):
    owned.acd.take(BOARD + "/24")
    owned.hears()
    owned.acd.hold()
    owned.wire.run(30_000)
    assert not owned.said and not owned.owner.heard and owned.acd.conflicts == 0


def test_second_conflict_within_ten_seconds_is_the_owner_s_to_decide(owned):
    owned.acd.take(BOARD + "/24")
    owned.wire.run(5000)
    assert [f.raw for f in arp(owned.wire)] == [TELL]
    owned.wire.run(9999)
    assert not arp(owned.wire) and owned.owner.heard == ["lost"]
    owned.wire.run(1)
    assert [f.raw for f in arp(owned.wire)] == [TELL] and owned.owner.heard == ["lost"]
    assert owned.acd.conflicts == 3 and len(owned.said) == 2


def test_gravest_of_several_conflicts_is_the_one_that_counts(owned):
    owned.acd.take(BOARD + "/24")
    owned.wire.run(5000)
    owned.hears()
    owned.hears()
    owned.hears()
    owned.wire.run()
    assert owned.owner.heard == ["lost"] and owned.acd.conflicts == 1


def test_conflict_a_week_after_the_last_is_defended(owned):
    """The ticks of the two times look as if the later were the earlier."""
    owned.acd.take(BOARD + "/24")
    owned.wire.run(5000)
    assert arp(owned.wire)
    for _ in range(9):
        owned.wire.clock.ms += 2**26
        owned.wire.run()
    assert [f.raw for f in arp(owned.wire)] == [TELL] and not owned.owner.heard


def test_another_address_is_defended_from_its_first_conflict_on(owned):
    owned.acd.take("192.168.1.8/24")
    arp(owned.wire, spa="192.168.1.8")
    owned.acd.take(BOARD + "/24")
    owned.wire.run(5000)
    assert [f.raw for f in arp(owned.wire)] == [TELL] and not owned.owner.heard


def test_address_that_is_taken_ends_the_probes_and_is_announced_twice(owned):
    owned.acd.probe(addr("192.168.1.8"), owned.owner)
    owned.acd.take(BOARD + "/24")
    assert owned.times(60_000) == [(0, TELL), (2000, TELL)]
    assert not owned.owner.heard


def test_address_that_is_held_back_is_announced_no_more(owned):
    owned.acd.take(BOARD + "/24")
    assert owned.times(1000) == [(0, TELL)]
    owned.acd.hold()
    assert not owned.times(60_000) and ip(owned.stack) == "0.0.0.0"
    assert bytes(owned.acd.held) == addr(BOARD)
    owned.acd.drop()
    assert not any(owned.acd.held)


def test_cable_is_told_to_the_owner(owned):
    owned.wire.up = False
    owned.wire.run(2000)
    owned.wire.up = True
    owned.wire.run(2000)
    assert owned.owner.heard == [False, True]


def test_what_is_begun_from_outside_wakes_and_arms_the_stack(owned):
    woken = []
    stack, acd = owned.stack, owned.acd
    stack.wake = lambda: woken.append(stack.due)
    for begin, ms in ((lambda: acd.probe(addr(BOARD), owned.owner), 501),):
        stack.env[NEXT_AT] = (stack.now + 100_000) % WRAP
        begin()
        assert (stack.env[NEXT_AT] - stack.now) % WRAP == ms and woken == [True]
    acd.cancel()
    stack.env[NEXT_AT] = (stack.now + 100_000) % WRAP
    acd.take(BOARD + "/24")
    assert (stack.env[NEXT_AT] - stack.now) % WRAP == 2000 and woken == [True, True]


def test_deadline_is_that_of_the_next_probe_or_announcement(owned):
    acd, now = owned.acd, owned.stack.now
    assert acd.deadline(now) == 2**28
    acd.probe(addr(BOARD), owned.owner)
    assert acd.deadline(now) == 501
    assert acd.deadline((now + 501) % WRAP) == acd.deadline((now + 502) % WRAP) == 0
    acd.take(BOARD + "/24")
    assert acd.deadline(now) == 2000 and acd.deadline((now + 2001) % WRAP) == 0


def test_a_turn_without_a_frame_says_0(owned):
    """For who calls output() without a device."""
    acd, start = owned.acd, owned.wire.clock.now
    acd.probe(addr(BOARD), owned.owner)
    assert [acd.output((start + ms) % WRAP) for ms in (0, 500)] == [0, 0]
    for ms in (501, 2002, 3503):
        owned.stack.env[NOW] = (start + ms) % WRAP
        assert acd.output(owned.stack.now) == 42
    assert acd.output((start + 5503) % WRAP) == 0 and owned.owner.heard == ["free"]
    assert acd.deadline(start) == 2**28


@pytest.mark.parametrize(
    "ours, everyone",
    [("169.254.7.7", True), ("169.253.7.7", False), ("168.254.7.7", False)],
)
def test_only_a_link_local_board_speaks_to_everyone(wire, ours, everyone):
    """RFC 3927 2.5: replies, and polls of a neighbour."""
    owned = Owned(wire)
    owned.acd.take(ours + "/16")
    near = Station(wire, ours[:-1] + "9")
    dst = BROADCAST if everyone else PEER_MAC
    assert [f.dst for f in wire.give(near.arp_request(tpa=ours)) if f.arp.op == 2] == [dst]
    wire.run(10_000)
    owned.stack.ifaces[0].doubt(addr(near.ip), 0)
    assert [f.raw for f in wire.run()] == [asks(ours, near.ip, dst)]
    owned.acd.close()
    assert [f.dst for f in wire.give(near.arp_request(tpa=ours))] == [PEER_MAC]
    wire.run(10_000)
    owned.stack.ifaces[0].doubt(addr(near.ip), 0)
    assert [f.raw for f in wire.run()] == [asks(ours, near.ip, PEER_MAC)]


def test_who_is_closed_asks_and_defends_no_more(owned):
    owned.acd.take(BOARD + "/24")
    owned.wire.run(10_000)
    owned.acd.probe(addr("192.168.1.8"), owned.owner)
    owned.acd.close()
    assert owned.acd not in owned.stack.layers
    assert not owned.times(10_000)
    assert not arp(owned.wire) and ip(owned.stack) == BOARD
    assert owned.acd.deadline(owned.stack.now) == 2**28
    owned.acd.probe(addr("192.168.1.8"), owned.owner)
    assert not owned.times(10_000)
    assert not owned.owner.heard and not owned.said


# Connections that were made from an address


class Talk(Owned):
    """With a connection from its address, whose peer does not answer ARP."""

    def __init__(self, wire):
        super().__init__(wire, tcp=2)
        self.acd.take(BOARD + "/24")
        self.app = Log()
        self.stack.listen(7, lambda: self.app)
        self.peer = Station(wire)
        self.peer.answers_arp = False
        wire.run(5000)
        self.peer.establish()

    def closed(self):
        self.wire.run()
        return self.app.said("closed")


@pytest.fixture
def talk(wire):
    return Talk(wire)


def test_connections_outlast_the_same_address(talk):
    talk.acd.hold()
    talk.acd.take(BOARD + "/24")
    assert not talk.closed()
    talk.acd.take("192.168.1.7/16")
    assert not talk.closed()


@pytest.mark.parametrize("other", ["193.168.1.7", "192.168.1.8", "192.169.1.7"])
def test_connections_end_without_a_word_with_another_address(talk, other):
    talk.acd.take(other + "/24")
    assert talk.closed() == ["unreachable"] and not talk.peer.heard


def test_connections_end_without_a_word_with_an_address_that_is_dropped(talk):
    talk.acd.drop()
    assert talk.closed() == ["unreachable"] and not any(talk.acd.held)


def test_connections_are_reset_before_an_address_is_given_up(talk):
    now = talk.stack.now
    assert talk.acd.part(now) is True and talk.acd.parting
    assert not talk.closed() and talk.acd.part(now) is True
    talk.wire.give(talk.peer.arp_reply())
    assert talk.closed() == ["aborted"]
    assert [f.tcp.flags[0] for f in talk.peer.heard] == ["R"]
    assert talk.acd.part(now) is False and not talk.acd.parting


def test_neighbours_have_a_second_to_be_found(talk):
    now = talk.stack.now
    assert talk.acd.deadline(now) == 2**28
    assert talk.acd.part(now) and talk.acd.deadline(now) == 1000
    assert talk.acd.part((now + 999) % WRAP) and talk.acd.deadline((now + 999) % WRAP) == 1
    assert not talk.acd.part((now + 1000) % WRAP)
    assert talk.acd.deadline((now + 1000) % WRAP) == 2**28


def test_parting_ends_when_the_address_is_held_back(talk):
    now = talk.stack.now
    assert talk.acd.part(now)
    talk.acd.hold()
    assert talk.acd.deadline(now) == 2**28 and not talk.acd.part(now)
    talk.acd.take(BOARD + "/24")
    assert talk.acd.part((now + 5000) % WRAP)
    assert talk.acd.part((now + 5999) % WRAP) and not talk.acd.part((now + 6000) % WRAP)


def test_without_connections_or_an_address_there_is_nothing_to_wait_for(wire, owned):
    assert owned.acd.part(owned.stack.now) is False
    owned.acd.take(BOARD + "/24")
    assert owned.acd.part(owned.stack.now) is False
    other = Owned(Wire(), tcp=2)
    assert other.acd.part(other.stack.now) is False
    other.acd.take(BOARD + "/24")
    assert other.acd.part(other.stack.now) is False


def test_the_turn_after_a_minute_s_rest_has_no_frame(wire):
    stack = wire.board(ip=None, gateway=None)
    acd = Acd(stack)
    acd.use(BOARD + "/24")
    acd.taken()
    start = stack.now
    for ms in (59_999, 60_000):
        stack.env[NOW] = (start + ms) % WRAP
        assert acd.output(stack.now) == 0
        assert (acd.deadline(stack.now) == 1) == (ms == 59_999)
