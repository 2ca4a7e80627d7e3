"""IGMP version 2, host side (RFC 2236), and what a group costs the datagrams of others."""

import random

import pytest
from ipv4.igmp_lab import (
    ALERT,
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
    Source,
    group_mac,
    kinds,
)
from lab import packets
from lab.net import BOARD, BOARD_MAC, PEER, Inbox, Station, Wire
from lab.packets import addr
from uipy import BadAddress, Error, Groups, TableFull
from uipy.net.datagram import GROUP, GROUPS, NOW

rfc = pytest.mark.rfc


@pytest.fixture
def board():
    b = Board()
    yield b
    assert not b.wire.errors, b.wire.errors


# Joining and leaving


@rfc("2236 3-6")
def test_join_is_reported_at_once_and_again_within_ten_seconds(board):
    start = board.wire.clock.ms
    first, second = board.joined()
    assert kinds([first, second]) == [(REPORT, addr(MDNS))] * 2
    assert first.at == start < second.at <= start + 10_000
    assert not board.run(1_000_000) and board.count("reports") == 2


@rfc("1112 6.2-1", "2236 3-4")
def test_report_goes_to_the_group_with_ttl_1_and_router_alert(board):
    f = board.joined()[0]
    assert f.dst == group_mac(MDNS) and f.ip_dst == addr(MDNS) and f.ip_src == addr(BOARD)
    assert f.ttl == 1 and f.raw[34:38] == ALERT and f.src == BOARD_MAC


@rfc("1112 7.2-1")
def test_datagrams_for_a_joined_group_reach_the_port(board):
    app = Inbox()
    board.stack.bind(5353, app)
    peer = Station(board.wire)
    peer.udp(b"early", dst=MDNS, mac_dst=group_mac(MDNS), dport=5353)
    board.groups.join(MDNS)
    peer.udp(b"now", dst=MDNS, mac_dst=group_mac(MDNS), dport=5353)
    board.groups.leave(MDNS)
    board.run()
    peer.udp(b"late", dst=MDNS, mac_dst=group_mac(MDNS), dport=5353)
    assert app.got == [b"now"]


@rfc("2236 3-7")
def test_last_reporter_sends_a_leave_to_all_routers(board):
    board.joined()
    board.groups.leave(MDNS)
    (f,) = board.run(60_000)
    assert kinds([f]) == [(LEAVE, addr(MDNS))] and f.ip_dst == addr(ROUTERS)
    assert f.dst == group_mac(ROUTERS) and f.ttl == 1 and board.count("leaves") == 1


def test_who_did_not_report_last_leaves_in_silence(board):
    board.groups.join(MDNS)
    board.run()
    board.igmp(REPORT, MDNS, MDNS, src=PEER)
    board.groups.leave(MDNS)
    assert not board.run(60_000) and board.count("suppressed") == 1


@rfc("1112 7.2-6")
def test_group_joined_twice_is_left_twice(board):
    board.joined()
    board.groups.join(MDNS)
    assert not board.run(60_000)
    board.groups.leave(MDNS)
    assert not board.run(60_000)
    board.groups.leave(MDNS)
    assert kinds(board.run(60_000)) == [(LEAVE, addr(MDNS))]
    with pytest.raises(BadAddress, match=r"not in the group 224\.0\.0\.251"):
        board.groups.leave(MDNS)


def test_group_joined_again_before_the_leave_has_gone_is_reported(board):
    board.joined()
    board.groups.leave(MDNS)
    board.groups.join(MDNS)
    assert kinds(board.run(20_000)) == [(REPORT, addr(MDNS))] * 2


@rfc("1112 7.2-7", "2236 3-1")
def test_all_hosts_is_always_joined_and_never_reported(board):
    face = board.stack.ifaces[0].face
    assert bytes(face[GROUP : GROUP + 4]) == addr(ALL) and face[GROUPS] == GROUP + 4
    board.groups.join(ALL)
    board.groups.leave(ALL)
    board.groups.leave(ALL)
    assert not board.query() and not board.run(20_000)
    assert face[GROUPS] == GROUP + 4


def test_full_table_says_what_to_do():
    board = Board(2)
    board.groups.join(MDNS)
    with pytest.raises(TableFull, match=r"interface 0 is in 2 groups.*Stack\(groups=...\)"):
        board.groups.join(OTHER)
    board.run()
    board.groups.leave(MDNS)  # the message waits, and gives its place up
    board.groups.join(OTHER)
    assert kinds(board.run(20_000)) == [(REPORT, addr(OTHER))] * 2


def test_rows_stay_with_their_groups_when_one_is_left(board):
    for group in (MDNS, OTHER, "239.1.2.3"):
        board.groups.join(group)
    board.run(20_000)
    board.groups.leave(MDNS)
    board.run(1000)
    board.query(OTHER)
    assert kinds(board.run(20_000)) == [(REPORT, addr(OTHER))]
    board.query()
    assert {g for _, g in kinds(board.run(20_000))} == {addr(OTHER), addr("239.1.2.3")}


@pytest.mark.parametrize("ip", ["192.168.1.9", "255.255.255.255", "240.0.0.1", "x"])
def test_what_is_no_group_is_refused(board, ip):
    with pytest.raises(BadAddress):
        board.groups.join(ip)


def test_stack_without_groups_is_told_so(wire):
    with pytest.raises(Error, match=r"Stack\(groups=2\)"):
        Groups(wire.board())
    with pytest.raises(Error, match="56 groups"):
        Groups(wire.board(groups=57))


def test_interface_that_came_later_or_has_no_room_is_named(board):
    board.stack.add_iface(Wire(mac=b"\2\0\0\0\0\x20"), "10.0.0.1/24", groups=2)
    with pytest.raises(Error, match="all interfaces"):
        board.groups.join(MDNS, 1)
    assert not board.run(2000)
    board.stack.layers.remove(board.groups)
    board.stack.add_iface(Wire(mac=b"\2\0\0\0\0\x21"), "10.0.1.1/24")
    with pytest.raises(TableFull, match="add_iface"):
        Groups(board.stack).join(MDNS, 2)


# Queries


@rfc("2236 3-1", "2236 3-4")
def test_general_query_is_answered_for_each_group_within_the_time_asked(board):
    board.groups.join(MDNS)
    board.groups.join(OTHER)
    board.run(20_000)
    start = board.wire.clock.ms
    assert not board.query(tenths=50)
    got = board.run(60_000)
    assert {g for _, g in kinds(got)} == {addr(MDNS), addr(OTHER)} and len(got) == 2
    assert all(start < f.at <= start + 5000 for f in got) and got[0].at != got[1].at


@rfc("2236 3-2")
def test_group_specific_query_is_answered_for_that_group(board):
    board.joined()
    board.joined(OTHER)
    board.query(OTHER, tenths=10)
    assert kinds(board.run(1000)) == [(REPORT, addr(OTHER))]
    board.query("239.9.9.9", tenths=10)
    assert not board.run(60_000)


@rfc("2236 3-1")
def test_delays_are_spread_over_the_time_asked(board):
    board.joined()
    delays = []
    for _ in range(60):
        start = board.wire.clock.ms
        board.query(tenths=100)
        delays += [f.at - start for f in board.run(10_000)]
    assert len(delays) == 60 and min(delays) < 1500 and max(delays) > 8500


@rfc("2236 3-3")
def test_running_timer_is_set_again_only_if_it_would_end_too_late(board):
    board.joined()
    start = board.wire.clock.ms
    board.query(tenths=100)
    board.query(tenths=1)
    (f,) = board.run(20_000)
    assert f.at - start <= 100
    start = board.wire.clock.ms
    board.query(tenths=1)
    board.query(tenths=255)
    (f,) = board.run(60_000)
    assert f.at - start <= 100


@rfc("2236 3-5")
def test_other_member_s_report_takes_the_place_of_ours(board):
    board.joined()
    for kind in (REPORT, V1_REPORT):
        board.query()
        board.igmp(kind, MDNS, MDNS, src=PEER)
        assert not board.run(60_000)
    assert board.count("suppressed") == 2


def test_join_is_reported_though_another_member_reports_just_then(board):
    """A switch has to learn of our port too."""
    board.groups.join(MDNS)
    sent = board.igmp(REPORT, MDNS, MDNS, src=PEER)
    assert kinds(f for f in sent if f.igmp) == [(REPORT, addr(MDNS))]


@rfc("1112 I-1")
def test_report_from_elsewhere_or_for_another_group_silences_nobody(board):
    board.joined()
    board.joined(OTHER)
    board.query(MDNS, tenths=10)
    board.igmp(REPORT, MDNS, MDNS, src="10.1.1.1")
    board.igmp(REPORT, MDNS, OTHER, src=PEER)
    board.igmp(REPORT, OTHER, OTHER, src=PEER)
    assert kinds(board.run(60_000)) == [(REPORT, addr(MDNS))]


def test_query_of_version_3_is_taken_as_one_of_version_2(board):
    board.joined()
    board.query(tenths=10, rest=b"\x02\x7d\0\0")
    assert kinds(board.run(1000)) == [(REPORT, addr(MDNS))]


def test_query_of_a_switch_without_an_address_is_answered(board):
    board.joined()
    board.query(tenths=10, src="0.0.0.0")
    assert kinds(board.run(1000)) == [(REPORT, addr(MDNS))]


@pytest.mark.parametrize("how", [{"src": "0.0.0.9"}, {"src": "0.0.0.0", "to": BOARD}])
def test_other_senders_of_network_0_are_nobody(board, how):
    board.joined()
    assert not board.query(tenths=10, **how)
    assert not board.run(60_000)


def test_board_without_the_part_answers_nobody_who_has_no_address(wire, stack, peer):
    query = packets.igmp(QUERY, "0.0.0.0", 10)
    for to in (BOARD, ALL, "255.255.255.255"):
        assert not wire.give(peer.datagram(2, query, src="0.0.0.0", dst=to))
    assert wire.count("ip_ignored") == 2 and wire.count("icmp_out") == 0


def test_nothing_but_igmp_comes_from_0_0_0_0(board):
    app = Inbox()
    board.stack.bind(5353, app)
    board.groups.join(MDNS)
    Station(board.wire).udp(b"?", dst=MDNS, mac_dst=group_mac(MDNS), dport=5353, src="0.0.0.0")
    assert not app.got and board.wire.count("ip_ignored") == 1


@rfc("2236 6-1")
@pytest.mark.parametrize(
    "how",
    [{"csum": 1}, {"cut": 7}, {"cut": 0}, {"to": MDNS}, {"group": "0.0.0.1", "to": ALL}],
)
def test_query_that_is_not_sound_is_dropped_and_counted(board, how):
    board.joined()
    board.igmp(QUERY, how.pop("group", "0.0.0.0"), how.pop("to", ALL), 10, **how)
    assert not board.run(60_000) and board.count("bad") == 1


@rfc("2236 2.1-1")
@pytest.mark.parametrize("kind", [0, 0x10, 0x18, 0x22, 0xFF])
def test_message_of_an_unknown_type_is_ignored(board, kind):
    board.joined()
    for to, group in ((ALL, "0.0.0.0"), (MDNS, MDNS)):
        assert not board.igmp(kind, group, to, 10)
    assert not board.run(60_000)


@rfc("2236 4-1", "2236 4-2", "2236 4-3", "2236 4-4")
def test_router_of_version_1_gets_its_reports_and_no_leaves(board):
    board.joined()
    start = board.wire.clock.ms
    board.query(tenths=0)
    (f,) = board.run(60_000)
    assert kinds([f]) == [(V1_REPORT, addr(MDNS))] and f.at <= start + 10_000
    board.query(tenths=10)  # another querier of version 2 does not change that
    assert kinds(board.run(60_000)) == [(V1_REPORT, addr(MDNS))]
    board.groups.join(OTHER)
    assert kinds(board.run(20_000)) == [(V1_REPORT, addr(OTHER))] * 2
    board.groups.leave(OTHER)
    assert not board.run(20_000)
    board.run(400_000)
    board.query(tenths=10)
    assert kinds(board.run(1000)) == [(REPORT, addr(MDNS))]


# The interface


def test_nothing_is_sent_without_an_address_and_all_once_there_is_one():
    board = Board(ip=None, gateway=None)
    board.groups.join(MDNS)
    assert not board.run(60_000)
    board.stack.ifaces[0].configure(BOARD + "/24")
    assert kinds(board.run(20_000)) == [(REPORT, addr(MDNS))] * 2


def test_new_address_or_cable_is_reported_to(board):
    board.joined()
    board.stack.ifaces[0].configure("192.168.1.99/24")
    assert [f.ip_src for f in board.run(20_000)] == [addr("192.168.1.99")] * 2
    board.wire.up = False
    assert not board.run(5000)
    board.wire.up = True
    assert kinds(board.run(20_000)) == [(REPORT, addr(MDNS))] * 2


def test_group_belongs_to_its_interface():
    wire, other = Wire(), Wire(mac=b"\2\0\0\0\0\x20")
    stack = wire.board(groups=2)
    stack.add_iface(other, "10.0.0.1/24", groups=2)
    groups = Groups(stack)
    groups.join(MDNS, 1)
    other.clock = wire.clock
    assert not [f for f in wire.run(20_000) if f.igmp]
    assert kinds(f for f in other.take() if f.igmp) == [(REPORT, addr(MDNS))] * 2
    port = stack.bind(5353, Inbox())
    port.send(MDNS, 5353, Source(), iface=1)
    assert not wire.run() and [f.ip_src for f in other.take()] == [addr("10.0.0.1")]


@rfc("1112 7.2-3")
def test_datagram_for_a_group_of_another_interface_is_dropped():
    wire, other = Wire(), Wire(mac=b"\2\0\0\0\0\x20")
    stack = wire.board(groups=2)
    stack.add_iface(other, "10.0.0.1/24", groups=2)
    Groups(stack).join(MDNS, 1)
    other.clock = wire.clock
    app = Inbox()
    stack.bind(5353, app)
    for w, ip in ((wire, PEER), (other, "10.0.0.9")):
        body = packets.udp(ip, MDNS, 5353, 5353, ip.encode())
        frame = Station(w, ip).datagram(17, body, dst=MDNS, mac_dst=group_mac(MDNS))
        w.rx.append(frame)
        wire.run(100)
    assert app.got == [b"10.0.0.9"]


def test_serial_line_has_groups_too():
    wire = Wire(l2=0)
    stack = wire.board(groups=2)
    Groups(stack).join(MDNS)
    assert kinds(wire.run(20_000)) == [(REPORT, addr(MDNS))] * 2


@rfc("1112 6.4-1", "1112 7.4-1")
def test_device_is_told_which_frames_to_let_through():
    wire = Filter()
    stack = wire.board(groups=3)
    groups = Groups(stack)
    groups.join(OTHER)
    groups.join(MDNS)
    wire.run(20_000)
    groups.leave(OTHER)
    wire.run()
    all_hosts, other, mdns = map(group_mac, (ALL, OTHER, MDNS))
    assert wire.told == [{all_hosts}, {all_hosts, other}, {all_hosts, other, mdns}] + [
        {all_hosts, mdns}
    ]


# TTL (RFC 1112 6.1)


@rfc("1112 6.1-1")
@pytest.mark.parametrize(("to", "ttl"), [(MDNS, 1), (PEER, 64), ("255.255.255.255", 64)])
def test_datagram_for_a_group_has_ttl_1_others_64(board, to, ttl):
    Station(board.wire)
    port = board.stack.bind(5353, Inbox())
    port.send(to, 5353, Source())
    (f,) = [f for f in board.wire.run() if f.udp]
    assert f.ttl == ttl


@rfc("1112 6.2-1", "1112 6.2-3", "1112 6.4-1")
def test_a_datagram_for_a_group_goes_to_its_mac_without_a_question(board):
    port = board.stack.bind(5353, Inbox())
    for to, mac in ((MDNS, "01005e0000fb"), ("239.129.2.3", "01005e010203")):
        port.send(to, 5353, Source())
        (f,) = board.wire.run()
        assert f.dst == bytes.fromhex(mac) and f.ip_src == addr(BOARD)


@rfc("1112 6.1-2")
@pytest.mark.parametrize("to", [MDNS, PEER])
def test_fill_says_how_far_its_datagram_goes(board, to):
    peer = Station(board.wire)
    port = board.stack.bind(5353, Inbox())
    port.send(to, 5353, Source(groups=board.groups, hops=255))
    (f,) = [f for f in board.wire.run() if f.udp]
    assert f.ttl == 255
    peer.ping(b"x")
    assert peer.expect(type=0).ttl == 64 if to == MDNS else peer.heard[-1].ttl == 64
    port.send(MDNS, 5353, Source())
    assert [f.ttl for f in board.wire.run() if f.udp] == [1]


def test_ttl_of_a_datagram_that_was_not_sent_is_nobody_s(board):
    peer = Station(board.wire)
    port = board.stack.bind(5353, Inbox())
    for source in (Source(groups=board.groups, hops=255, fails=True), Source(fails=True)):
        port.send(MDNS, 5353, source)
        board.run()
        assert isinstance(board.wire.errors.pop(), ValueError)
        peer.ping(b"x")
        assert peer.expect(type=0).ttl == 64


# Time


def test_months_of_queries_are_answered_across_the_clock_s_wrap(board):
    board.joined()
    for _ in range(300):  # 75 days
        start = board.wire.clock.ms
        board.query()
        got = board.run(10_000)
        assert kinds(got) == [(REPORT, addr(MDNS))] and got[0].at - start <= 10_000
        board.wire.clock.ms += 6 * 3_600_000 - 10_000
        board.wire.polls = 0


def test_ten_thousand_random_messages_do_no_harm(board):
    rng = random.Random(2236)
    board.groups.join(MDNS)
    board.groups.join(OTHER)
    stack, face = board.stack, board.stack.ifaces[0].face
    before = bytes(face)
    ms = board.wire.clock.ms
    for _ in range(10_000):
        group = rng.choice((MDNS, OTHER, "0.0.0.0", ALL, "239.1.1.1", "10.0.0.1"))
        to = rng.choice((ALL, group if group in (MDNS, OTHER) else ALL, MDNS, BOARD))
        kind = rng.choice((QUERY, QUERY, V1_REPORT, REPORT, LEAVE, 0x22, rng.randrange(256)))
        body = packets.igmp(kind, group, rng.randrange(256), rng.randbytes(rng.choice((0, 0, 4))))
        if rng.random() < 0.2:
            body = body[: rng.randrange(len(body))] + rng.randbytes(rng.randrange(3))
        src = rng.choice((PEER, "192.168.1.1", "0.0.0.0", "10.9.9.9"))
        frame = board.router.datagram(2, body, src=src, dst=to, opts=rng.choice((ALERT, b"")))
        stack.buf[2 : 2 + len(frame)] = frame
        ms += rng.choice((0, 1, 100, 1000))
        now = (board.wire.clock.start + ms) % (1 << 30)
        assert stack.input(len(frame), now) == 0
        while n := stack.output(now):
            f = packets.decode(bytes(stack.buf[2 : 2 + n]))
            assert f.arp or f.igmp.group in (addr(MDNS), addr(OTHER))
    stat = dict(board.groups.counters())
    assert bytes(face)[GROUPS:] == before[GROUPS:]
    for name in ("bad", "queries", "reports", "suppressed"):
        assert stat["igmp_" + name] > 30, (name, stat)


def test_it_says_when_a_report_is_due():
    """A board that sleeps until something is due answers a query in its time."""
    board = Board()
    board.joined()
    now = board.stack.env[NOW]
    assert board.groups.deadline(now) > 1_000_000
    board.query(tenths=3)
    assert 0 <= board.groups.deadline(now) <= 300
    assert [f.igmp.type for f in board.run(300)] == [REPORT]
