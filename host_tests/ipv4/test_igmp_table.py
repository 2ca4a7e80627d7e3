"""The table of multicast groups, the octets of IGMP messages, and their times to the millisecond
(RFC 2236)."""

import pytest
from ipv4.igmp_lab import (
    ALL,
    LEAVE,
    MDNS,
    OTHER,
    QUERY,
    REPORT,
    ROUTERS,
    V1_REPORT,
    Board,
    Filter,
    group_mac,
    kinds,
)
from lab import packets
from lab.net import BOARD, BOARD_MAC, PEER, WRAP, Inbox, Station, Wire
from lab.packets import addr
from uipy import BadAddress, Groups, TableFull
from uipy.net.datagram import GROUP, GROUPS, NEXT_AT

THIRD = "239.129.2.3"
LOW, HALF, HIGH = 0, 0x80, 0xFF  # chance


def board_of(chance, n=4, **options):
    b = Board(n, **options)
    b.stack.random8 = lambda: chance
    return b


def within(ms, chance):
    """What a board of this chance makes of a random time within ms."""
    return 1 + (ms * (chance << 6 | chance >> 2) >> 14)


def message(kind, group, to, src=BOARD, l2=14):
    """A frame of the board's, every octet of it."""
    whole = packets.ip4(
        src, to, 2, packets.igmp(kind, group), tos=0xC0, ident=0, ttl=1, opts=b"\x94\x04\0\0"
    )
    return packets.eth(group_mac(to), BOARD_MAC, 0x0800, whole) if l2 else whole


def times(board, ms):
    """(when, type) of each message, from now on."""
    begin = board.wire.clock.ms
    return [(f.at - begin, f.igmp.type) for f in board.run(ms)]


def members(stack):
    face = stack.ifaces[0].face
    return [bytes(face[at : at + 4]) for at in range(GROUP, face[GROUPS], 4)]


# Octets


@pytest.mark.parametrize("l2", [14, 0])
@pytest.mark.parametrize("group", [MDNS, OTHER, THIRD, "224.128.0.1"])
def test_every_octet_of_reports_and_leaves(l2, group):
    wire = Wire(l2=l2)
    stack = wire.board(groups=2)
    groups = Groups(stack)
    wire.run()
    groups.join(group)
    assert [f.raw for f in wire.run(20_000)] == [message(REPORT, group, group, l2=l2)] * 2
    query = packets.ip4(PEER, ALL, 2, packets.igmp(QUERY, "0.0.0.0", 0), ttl=1)
    wire.give(packets.eth(group_mac(ALL), b"\2\0\0\0\0\x09", 0x0800, query) if l2 else query)
    assert [f.raw for f in wire.run(20_000)] == [message(V1_REPORT, group, group, l2=l2)]
    wire.run(400_000)
    groups.leave(group)
    assert [f.raw for f in wire.run()] == [message(LEAVE, group, ROUTERS, l2=l2)]


def test_message_leaves_by_the_interface_of_its_group():
    wire, other = Wire(), Wire(mac=b"\2\0\0\0\0\x20")
    stack = wire.board(groups=2)
    stack.add_iface(other, "10.0.0.1/24", groups=2)
    other.clock = wire.clock
    groups = Groups(stack)
    stack.random8 = lambda: HIGH
    wire.run()
    other.take()
    for k in (1, 0, 1, 0):
        groups.join((MDNS, OTHER)[k], k)
        here, there = wire.run(20_000), other.take()
        assert [len(here), len(there)] == ([0, 2] if k else [2, 0])
        groups.leave((MDNS, OTHER)[k], k)
        here, there = wire.run(), other.take()
        assert kinds(there if k else here) == [(LEAVE, addr((MDNS, OTHER)[k]))]


# Time


@pytest.mark.parametrize("chance", [LOW, 1, HALF, HIGH])
def test_second_report_comes_from_1_ms_to_10_s_after_the_first(chance):
    board = board_of(chance)
    board.groups.join(MDNS)
    assert times(board, 60_000) == [(0, REPORT), (within(10_000, chance), REPORT)]
    assert 1 <= within(10_000, chance) <= 10_000


@pytest.mark.parametrize("chance", [LOW, HALF, HIGH])
@pytest.mark.parametrize("tenths", [1, 10, 127, 255])
def test_query_is_answered_from_1_ms_to_its_time_later(chance, tenths):
    board = board_of(chance)
    board.joined()
    board.query(tenths=tenths)
    assert times(board, 60_000) == [(within(100 * tenths, chance), REPORT)]
    assert 1 <= within(100 * tenths, chance) <= 100 * tenths


def test_random_times_are_of_14_bits(wire):
    board = Board()
    chance = iter((0, 0xFF, 0xFF, 0, 0x80, 0x40, 0, 3))
    board.stack.random8 = lambda: next(chance)
    now = board.stack.now
    got = [(board.groups._within(16_384) - now) % WRAP for _ in range(4)]
    assert got == [1 + 63, 1 + (255 << 6), 1 + (128 << 6) + 16, 1]


@pytest.mark.parametrize("chance", [LOW, HIGH])
def test_querier_of_version_1_is_remembered_for_400_s(chance):
    board = board_of(chance)
    board.joined()
    begin = board.wire.clock.ms
    board.query(tenths=0)
    assert times(board, 20_000) == [(within(10_000, chance), V1_REPORT)]
    board.run(399_999 - (board.wire.clock.ms - begin) - within(100, chance))
    board.query(tenths=1)
    assert times(board, within(100, chance)) == [(within(100, chance), V1_REPORT)]
    assert board.wire.clock.ms == begin + 399_999
    board.run(1)
    board.query(tenths=1)
    assert times(board, 100) == [(within(100, chance), REPORT)]
    board.groups.leave(MDNS)
    assert times(board, 1000) == [(0, LEAVE)]


def test_timer_that_runs_is_kept_unless_it_would_end_too_late():
    board = board_of(HIGH)
    board.joined()
    board.query(tenths=20)
    board.wire.run(1000)
    board.stack.random8 = lambda: HALF
    board.query(tenths=10)  # what is left is just that
    assert times(board, 60_000) == [(1000, REPORT)]
    board.stack.random8 = lambda: HIGH
    board.query(tenths=20)
    board.wire.run(999)
    board.stack.random8 = lambda: HALF
    board.query(tenths=10)  # a millisecond more is left
    assert times(board, 60_000) == [(within(1000, HALF), REPORT)]


def test_report_of_another_member_stops_the_timer_of_its_group_alone():
    board = board_of(HIGH)
    for group in (MDNS, OTHER, THIRD):
        board.joined(group)
    for group, tenths in ((MDNS, 11), (OTHER, 12), (THIRD, 13)):
        board.query(group, tenths=tenths)
    board.igmp(REPORT, OTHER, OTHER, src=PEER)
    assert times(board, 20_000) == [(within(1100, HIGH), REPORT), (within(1300, HIGH), REPORT)]
    board.groups.leave(OTHER)  # the other member is still there
    assert not board.run(20_000) and board.count("suppressed") == 1


def test_deadline_is_that_of_the_next_report_or_of_the_version_1_querier():
    board = board_of(HIGH)
    groups, now = board.groups, board.stack.now
    assert groups.deadline(now) == 2**28
    groups.join(MDNS)
    groups.join(OTHER)
    assert groups.deadline(now) == 0
    board.run(20_000)
    now = board.stack.now
    board.query(tenths=30)
    board.stack.random8 = lambda: HALF
    board.query(OTHER, tenths=10)
    assert groups.deadline(now) == within(1000, HALF)
    assert groups.deadline((now + 4000) % WRAP) == 0
    board.run(20_000)
    assert groups.deadline(now) == 2**28
    board.query(tenths=0)
    board.run(20_000)
    assert groups.deadline(board.stack.now) == 380_000
    assert groups.deadline((board.stack.now + 380_001) % WRAP) == 0
    board.run(380_000)
    assert groups.deadline(board.stack.now) == 2**28


def test_without_an_address_it_is_looked_for_each_second():
    board = board_of(HIGH, ip=None, gateway=None)
    board.groups.join(MDNS)
    now = board.stack.now
    assert board.groups.deadline(now) == 1000
    assert board.groups.output(now) == 0
    board.stack.ifaces[0].configure(BOARD + "/24")
    assert board.groups.deadline(now) == 0 and board.groups.output(now) == 46


@pytest.mark.parametrize(
    "members, tenths, ms",
    [([MDNS], 3, within(300, HIGH)), ([MDNS], 0, within(10_000, HIGH)), ([], 0, 400_000)],
)
def test_query_arms_the_stack(members, tenths, ms):
    board = board_of(HIGH)
    for group in members:
        board.joined(group)
    stack = board.stack
    stack.env[NEXT_AT] = (stack.now + 1_000_000) % WRAP
    body = packets.igmp(QUERY, "0.0.0.0", tenths)
    frame = board.router.datagram(2, body, dst=ALL, mac_dst=group_mac(ALL), ttl=1)
    stack.buf[2 : 2 + len(frame)] = frame
    assert stack.input(len(frame), stack.now) == 0
    assert (stack.env[NEXT_AT] - stack.now) % WRAP == ms


# The table


def test_memory_is_what_the_class_says():
    """8 octets a group, 10 an interface, 6 for each group of the one that has most; however often
    a device is told."""
    wire, other = Filter(), Wire(mac=b"\2\0\0\0\0\x20")
    stack = wire.board(groups=3)
    stack.add_iface(other, "10.0.0.1/24", groups=2)
    groups = Groups(stack)
    assert len(groups.macs) == 18
    for _ in range(3):
        groups.join(MDNS)
        assert len(groups.macs) == 18
        groups.join(OTHER)
        assert [len(rows) for rows in groups.rows] == [24, 16]
        assert [len(known) for known in groups.known] == [10, 10] and len(groups.macs) == 18
        assert [len(i.face) for i in stack.ifaces] == [29 + 12, 29 + 8]
        groups.leave(MDNS)
        groups.leave(OTHER)


def test_interface_is_in_56_groups_at_the_most():
    board = Board(56)
    ips = ["239.1.2.%d" % k for k in range(55)]
    for ip in ips:
        board.groups.join(ip)
    with pytest.raises(TableFull, match="56 groups"):
        board.groups.join("239.1.2.55")
    assert {g for _, g in kinds(board.run(20_000))} == set(map(addr, ips))
    assert members(board.stack) == [addr(ALL), *map(addr, ips)]


def test_group_has_255_users_at_the_most():
    board = board_of(LOW)
    for _ in range(255):
        board.groups.join(MDNS)
    with pytest.raises(TableFull, match="255 users"):
        board.groups.join(MDNS)
    board.run(20_000)
    for _ in range(254):
        board.groups.leave(MDNS)
    assert not board.run(1000)
    board.groups.leave(MDNS)
    assert kinds(board.run(1000)) == [(LEAVE, addr(MDNS))]


def test_group_that_nobody_is_in_cannot_be_left():
    board = board_of(LOW)
    with pytest.raises(BadAddress, match=r"not in the group 224\.0\.0\.251"):
        board.groups.leave(MDNS)
    board.joined(OTHER)
    with pytest.raises(BadAddress):
        board.groups.leave(MDNS)
    board.groups.leave(OTHER)
    with pytest.raises(BadAddress):  # though its message has not gone yet
        board.groups.leave(OTHER)
    assert kinds(board.run(1000)) == [(LEAVE, addr(OTHER))]


def test_group_that_is_left_in_silence_is_gone_at_once():
    board = board_of(HIGH)
    app = Inbox()
    board.stack.bind(5353, app)
    board.groups.join(MDNS)
    board.run()
    board.igmp(REPORT, MDNS, MDNS, src=PEER)
    board.groups.leave(MDNS)
    assert members(board.stack) == [addr(ALL)]
    Station(board.wire).udp(b"?", dst=MDNS, mac_dst=group_mac(MDNS), dport=5353)
    assert not app.got


def test_row_of_a_group_that_was_left_is_as_new_for_the_next():
    board = board_of(LOW)
    for group in (MDNS, OTHER):
        board.joined(group)
    board.query(tenths=0)
    board.run(20_000)  # a querier of version 1: groups are left in silence
    board.groups.leave(MDNS)
    board.groups.leave(OTHER)
    assert members(board.stack) == [addr(ALL)] and not board.run(1000)
    for group in (THIRD, MDNS):
        board.groups.join(group)
        assert kinds(board.run(1000)) == [(V1_REPORT, addr(group))] * 2


@pytest.mark.parametrize("asked", [MDNS, OTHER, THIRD])
def test_group_specific_query_is_for_no_other_group(asked):
    board = board_of(LOW)
    for group in (MDNS, OTHER, THIRD):
        board.joined(group)
    board.query(asked, tenths=10)
    assert kinds(board.run(20_000)) == [(REPORT, addr(asked))]
    assert board.count("queries") == 1


@pytest.mark.parametrize("group, to", [("239.9.9.9", ALL), ("239.9.9.9", MDNS), (ALL, ALL)])
def test_query_for_a_group_without_members_asks_nobody(group, to):
    """In a full table; 224.0.0.1 is never reported."""
    board = board_of(LOW)
    for member in (MDNS, OTHER, THIRD):
        board.joined(member)
    board.igmp(QUERY, group, to, 0)
    board.run(20_000)
    board.query(tenths=10)
    assert {kind for kind, _ in kinds(board.run(20_000))} == {REPORT}
    assert board.count("queries") == 1 and board.count("bad") == 0


def test_group_that_gives_way_is_the_one_that_was_left():
    board = board_of(LOW)
    for group in (MDNS, OTHER, THIRD):
        board.joined(group)
    board.groups.leave(OTHER)
    board.groups.join("239.7.7.7")
    assert members(board.stack) == [addr(g) for g in (ALL, MDNS, THIRD, "239.7.7.7")]
    assert kinds(board.run(20_000)) == [(REPORT, addr("239.7.7.7"))] * 2
    with pytest.raises(TableFull, match="in 4 groups"):
        board.groups.join(OTHER)


def test_interface_that_came_later_hears_nothing():
    board = board_of(LOW)
    board.joined()
    other = Wire(mac=b"\2\0\0\0\0\x20", clock=board.wire.clock)
    board.stack.add_iface(other, "10.0.0.1/24", groups=2)
    board.wire.run(2000)
    other.take()
    for kind, csum in ((QUERY, None), (REPORT, None), (QUERY, 1)):
        body = packets.igmp(kind, MDNS, 10, csum=csum)
        frame = packets.ip4("10.0.0.9", "10.0.0.1", 2, body, ttl=1)
        other.rx.append(packets.eth(other.mac, b"\2\0\0\0\0\x29", 0x0800, frame))
    assert not board.run(20_000) and not other.take()
    assert (board.count("in"), board.count("queries"), board.count("bad")) == (3, 0, 0)


# Counters


@pytest.mark.parametrize(
    "args, how, counts",
    [
        ((QUERY, "0.0.0.0", ALL, 10), {}, {"queries": 1, "reports": 1}),
        ((QUERY, MDNS, MDNS, 10), {}, {"queries": 1, "reports": 1}),
        ((QUERY, "0.0.0.0", ALL, 10), {"src": "0.0.0.0"}, {"queries": 1, "reports": 1}),
        ((QUERY, "0.0.0.0", ALL, 10), {"src": "0.0.0.9"}, {"bad": 1}),
        ((QUERY, "0.0.0.0", MDNS, 10), {}, {"bad": 1}),
        ((QUERY, "0.0.0.1", ALL, 10), {}, {"bad": 1}),
        ((QUERY, "0.0.0.0", ALL, 10), {"csum": 1}, {"bad": 1}),
        ((QUERY, "0.0.0.0", ALL, 10), {"cut": 7}, {"bad": 1}),
        ((REPORT, MDNS, MDNS), {"src": PEER}, {}),
        ((REPORT, MDNS, MDNS), {"src": "10.1.1.1"}, {}),
        ((REPORT, OTHER, MDNS), {"src": PEER}, {"bad": 1}),
        ((V1_REPORT, OTHER, MDNS), {"src": PEER}, {"bad": 1}),
        ((LEAVE, MDNS, MDNS), {"src": PEER}, {}),
        ((0x22, MDNS, MDNS), {"src": PEER}, {}),
    ],
)
def test_counters_that_a_message_moves(args, how, counts):
    """A type that we do not know makes no sense, or another sense: it is no bad message."""
    board = board_of(LOW)
    board.joined()
    before = dict(board.groups.counters())
    board.igmp(*args, **how)
    board.run(20_000)
    after = dict(board.groups.counters())
    moved = {k[5:]: after[k] - before[k] for k in after if after[k] != before[k]}
    assert moved == {"in": 1} | counts
