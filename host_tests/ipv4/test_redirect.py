"""ICMP redirects (RFC 1122 3.2.2.2): whom a host believes, and what it does then."""

import random

import pytest
from lab import packets
from lab.net import BOARD, GATEWAY, GATEWAY_MAC, PEER, WRAP, Clock, Inbox, Station, Wire
from lab.packets import addr
from uipy import Bytes, Redirects
from uipy.net.datagram import NEXT_AT

rfc = pytest.mark.rfc

FAR, BETTER, THIRD = "8.8.8.8", "192.168.1.2", "192.168.1.3"
BETTER_MAC, THIRD_MAC = b"\2\0\0\0\0\2", b"\2\0\0\0\0\3"


class Net:
    """A board, its default gateway, and two more routers."""

    def __init__(self, rows=4, start=None):
        self.wire = Wire(clock=None if start is None else Clock(start))
        self.stack = self.wire.board()
        self.redirects = Redirects(self.stack, rows)
        self.wire.run()
        self.gateway = Station(self.wire, GATEWAY, GATEWAY_MAC)
        self.better = Station(self.wire, BETTER, BETTER_MAC)
        self.third = Station(self.wire, THIRD, THIRD_MAC)
        self.app = Inbox()
        self.port = self.stack.bind(5000, self.app)

    def send(self, to=FAR, ms=0):
        """A datagram of the board's."""
        self.port.send(to, 9, Bytes(b"x"))
        return next(f for f in self.wire.run(ms) if f.udp)

    def via(self, to=FAR, ms=0):
        """The MAC by which the board sends."""
        return self.send(to, ms).dst

    def redirect(self, to=FAR, gw=BETTER, src=None, code=1, quote=None, csum=None, **header):
        src = src or self.gateway
        if quote is None:
            quote = packets.ip4(BOARD, to, 17, packets.udp(BOARD, to, 5000, 9, b"x"))[:28]
        body = packets.icmp(5, code, addr(gw) + quote, csum)
        return self.wire.give(src.datagram(1, body, **header))

    def ways(self):
        """{host: its gateway}, as the table has them."""
        tab = self.redirects.tab
        rows = [tab[o : o + 20] for o in range(0, len(tab), 20)]
        return {bytes(row[:4]): bytes(row[4:8]) for row in rows if row[12]}

    def count(self, name):
        return dict(self.redirects.counters())["redirect_" + name]


@pytest.fixture
def net():
    n = Net()
    yield n
    assert not n.wire.errors, n.wire.errors


def quote(src=BOARD, dst=FAR, proto=17, n=28, **header):
    return packets.ip4(src, dst, proto, packets.udp(src, dst, 5000, 9, b"x"), **header)[:n]


@rfc("1122 3.2.2.2-2", "1122 3.2.2.2-3")
@pytest.mark.parametrize("code", [0, 1, 2, 3])
def test_redirect_changes_the_first_hop_for_that_host_alone(net, code):
    assert net.via() == GATEWAY_MAC
    assert not net.redirect(code=code)
    assert net.via() == BETTER_MAC
    assert net.via("8.8.8.9") == GATEWAY_MAC and net.via(BETTER) == BETTER_MAC
    assert net.count("taken") == net.count("in") == 1


@pytest.mark.parametrize("to", ["1.1.1.1", "223.255.255.1", "128.0.0.1"])
def test_any_host_elsewhere_may_have_another_gateway(net, to):
    net.redirect(to)
    assert net.via(to) == BETTER_MAC


def test_board_without_the_part_ignores_redirects(wire, stack, peer, gateway):
    better = Station(wire, BETTER, BETTER_MAC)
    body = packets.icmp(5, 1, addr(BETTER) + quote())
    wire.give(gateway.datagram(1, body))
    stack.bind(5000, Inbox()).send(FAR, 9, Bytes(b"x"))
    assert [f.dst for f in wire.run() if f.udp] == [GATEWAY_MAC]
    better.nothing()


@rfc("1122 3.2.2.2-4")
@pytest.mark.parametrize(
    "how",
    [
        {"gw": "10.0.0.1"},  # on no subnet of ours
        {"gw": BOARD},
        {"gw": "192.168.1.255"},
        {"gw": "0.0.0.0"},
        {"gw": "224.0.0.2"},
        {"code": 4},
        {"quote": quote(src=PEER)},  # not ours
        {"quote": quote(dst=PEER)},  # a neighbour: it took no gateway
        {"quote": quote(dst="224.0.0.251")},
        {"quote": quote(dst="255.255.255.255")},
        {"quote": quote(dst="127.0.0.1")},
        {"quote": quote(dst="0.0.0.0")},
        {"quote": quote(proto=99)},  # we do not speak that
        {"quote": quote(frag=0x2000)},
        {"quote": quote(version=6)},
        {"quote": quote(ihl=4)},
        {"quote": quote(n=27)},
        {"quote": quote(opts=bytes(8))[:28]},
        {"quote": b""},
    ],
)
def test_redirect_that_must_not_be_believed_is_dropped(net, how):
    assert net.via() == GATEWAY_MAC
    assert not net.redirect(**how)
    assert net.via() == GATEWAY_MAC
    assert net.count("bad") == 1 and not net.count("taken")


@rfc("1122 3.2.2.2-4")
def test_redirect_comes_from_the_gateway_in_use(net):
    net.redirect(src=net.better)
    net.redirect(src=net.third)
    assert net.via() == GATEWAY_MAC and net.count("bad") == 2
    net.redirect()
    net.redirect(gw=THIRD)  # the default gateway is none for that host any more
    assert net.via() == BETTER_MAC
    net.redirect(gw=THIRD, src=net.better)
    assert net.via() == THIRD_MAC and net.count("bad") == 3


def test_unsound_or_broadcast_message_reaches_nobody(net):
    net.redirect(csum=1)
    net.redirect(mac_dst=packets.BROADCAST, dst="255.255.255.255")
    assert net.count("in") == 0 and net.wire.count("icmp_bad") == 1


def test_way_is_forgotten_after_ten_minutes(net):
    net.redirect()
    assert net.via() == BETTER_MAC
    net.wire.run(599_000)
    assert net.via() == BETTER_MAC
    net.wire.run(2000)
    assert net.via() == GATEWAY_MAC
    assert not any(net.redirects.tab)


@rfc("1122 3.3.1.2-2")
def test_way_ends_when_its_gateway_does_not_answer(net):
    net.redirect()
    assert net.via() == BETTER_MAC
    net.better.answers_arp = False
    net.wire.run(130_000)  # ARP has forgotten it
    assert net.via(ms=10_000) == GATEWAY_MAC
    assert net.count("dead") == 1 and net.via() == GATEWAY_MAC


def test_transport_that_gets_no_answer_has_the_new_gateway_asked(net):
    net.redirect()
    net.via()
    net.wire.run(5000)
    net.stack.ifaces[0].doubt(addr(FAR), 0)
    net.stack.ifaces[0].doubt(addr("8.8.4.4"), 0)
    asked = [(f.dst, f.arp.tpa) for f in net.wire.run() if f.arp]
    assert asked == [(BETTER_MAC, addr(BETTER))]
    net.via("8.8.4.4")
    net.wire.run(5000)
    net.stack.ifaces[0].doubt(addr("8.8.4.4"), 0)
    assert [f.arp.tpa for f in net.wire.run() if f.arp] == [addr(GATEWAY)]


def test_another_default_gateway_or_address_ends_all_ways(net):
    net.redirect()
    net.stack.ifaces[0].configure(BOARD + "/24", THIRD)
    assert net.via() == THIRD_MAC
    net.stack.ifaces[0].configure(BOARD + "/24", GATEWAY)
    assert net.via() == GATEWAY_MAC
    net.stack.ifaces[0].configure(BOARD + "/24", THIRD)
    net.redirect(src=net.third)
    assert net.via() == BETTER_MAC
    net.stack.ifaces[0].configure("192.168.9.7/24", THIRD)
    assert net.redirects.way(net.stack.ifaces[0], addr(FAR), 0) == -1


def test_full_table_gives_up_the_oldest_way():
    net = Net(rows=2)
    hosts = ["8.8.8.%d" % k for k in range(1, 4)]
    for host in hosts:
        net.wire.run(1000)
        net.redirect(host)
    net.redirect(hosts[2], gw=THIRD, src=net.better)
    net.redirect(hosts[2], src=net.third)
    assert [net.via(host) for host in hosts] == [GATEWAY_MAC, BETTER_MAC, BETTER_MAC]
    assert net.count("taken") == 5


def test_redirect_is_for_the_interface_that_it_came_from(net):
    other = Wire(mac=b"\2\0\0\0\0\x20")
    other.clock = net.wire.clock
    net.stack.add_iface(other, "10.0.0.1/24", gateway="10.0.0.2")
    net.stack.layers.remove(net.redirects)
    redirects = Redirects(net.stack)
    net.wire.run()
    net.redirect()
    assert redirects.way(net.stack.ifaces[0], addr(FAR), 0) >= 0
    assert redirects.way(net.stack.ifaces[1], addr(FAR), 0) == -1


def test_serial_line_has_no_gateways_to_choose_from():
    wire = Wire(l2=0)
    stack = wire.board()
    redirects = Redirects(stack)
    wire.give(packets.ip4(GATEWAY, BOARD, 1, packets.icmp(5, 1, addr(BETTER) + quote())))
    assert dict(redirects.counters())["redirect_bad"] == 1


def test_ten_thousand_random_redirects_do_no_harm(net):
    rng = random.Random(792)
    good = packets.icmp(5, 1, addr(BETTER) + quote())
    for _ in range(10_000):
        body = bytearray(good[4 : rng.choice((36, 36, 36, 8, 28, 35))])
        for _ in range(rng.randrange(4)):
            if body:
                body[rng.randrange(len(body))] = rng.choice(
                    (0, 1, 192, 224, 255, rng.randrange(256))
                )
        body = packets.icmp(5, rng.choice((0, 1, 1, 3, 7)), bytes(body))
        net.stack.buf[2 : 2 + 512] = bytes(512)
        frame = net.gateway.datagram(1, body)
        net.stack.buf[2 : 2 + len(frame)] = frame
        assert net.stack.input(len(frame), net.wire.clock.now) == 0
    assert net.count("in") == net.count("bad") + net.count("taken")
    assert net.count("taken") > 100 and net.count("bad") > 1000
    for o in range(0, len(net.redirects.tab), 20):
        assert bytes(net.redirects.tab[o + 4 : o + 7]) == addr(BETTER)[:3]


# The table


def test_each_host_has_its_own_way(net):
    net.redirect("8.8.8.1")
    net.redirect("8.8.8.2", gw=THIRD)
    net.redirect("8.8.8.3")
    net.redirect("8.8.8.4", gw=THIRD)
    want = [BETTER_MAC, THIRD_MAC, BETTER_MAC, THIRD_MAC, GATEWAY_MAC]
    assert [net.via("8.8.8.%d" % k) for k in range(1, 6)] == want


def test_table_of_one_row_has_one_way():
    net = Net(rows=1)
    net.redirect("8.8.8.1")
    assert [net.via("8.8.8.%d" % k) for k in (1, 2)] == [BETTER_MAC, GATEWAY_MAC]
    net.redirect("8.8.8.2")
    assert [net.via("8.8.8.%d" % k) for k in (1, 2)] == [GATEWAY_MAC, BETTER_MAC]


@pytest.mark.parametrize("start", [0, WRAP - 5000, WRAP - 650_000, WRAP // 2 - 300_000])
def test_free_rows_are_taken_before_the_oldest_way_is_given_up(start):
    """Against a dict in the order of time."""
    rng = random.Random(start)
    net = Net(rows=3, start=start)
    table, want = net.redirects, {}
    for _ in range(300):
        net.wire.clock.ms += rng.choice((1, 1000, 100_000))
        net.wire.polls = 0
        net.wire.run()
        now = net.wire.clock.ms
        want = {host: at for host, at in want.items() if now - at < 600_000}
        host = "8.8.8.%d" % rng.randrange(6)
        o = table.way(net.stack.ifaces[0], addr(host), 0)
        assert (o >= 0) == (addr(host) in want) and o in (-1, 0, 20, 40)
        if rng.random() < 0.3:
            if o >= 0:  # as `reach` does it when the gateway is dead
                table.tab[o : o + 20] = bytes(20)
            want.pop(addr(host), None)
        else:
            net.redirect(host, src=net.better if o >= 0 else net.gateway)
            if addr(host) not in want and len(want) == 3:
                del want[min(want, key=want.get)]
            want[addr(host)] = now
        assert net.ways() == dict.fromkeys(want, addr(BETTER))
    assert net.count("bad") == 0


def test_way_lasts_ten_minutes_to_the_millisecond_and_says_so(net):
    redirects, stack = net.redirects, net.stack
    assert redirects.deadline(stack.now) == 2**28
    net.redirect()
    net.wire.run(1000)
    net.redirect("8.8.4.4", gw=THIRD)
    now = stack.now
    assert redirects.deadline(now) == 599_000
    assert redirects.deadline((now + 599_000) % WRAP) == 0
    assert redirects.deadline((now + 599_001) % WRAP) == 0
    assert redirects.output((now + 598_999) % WRAP) == 0
    assert net.ways() == {addr(FAR): addr(BETTER), addr("8.8.4.4"): addr(THIRD)}
    assert redirects.output((now + 599_000) % WRAP) == 0
    assert net.ways() == {addr("8.8.4.4"): addr(THIRD)}
    assert redirects.deadline(now) == 600_000


def test_redirect_arms_the_stack(net):
    body = packets.icmp(5, 1, addr(BETTER) + quote())
    frame = net.gateway.datagram(1, body)
    stack = net.stack
    stack.env[NEXT_AT] = (stack.now + 1_000_000) % WRAP
    stack.buf[2 : 2 + len(frame)] = frame
    assert stack.input(len(frame), stack.now) == 0
    assert (stack.env[NEXT_AT] - stack.now) % WRAP == 600_000


# Whom to believe, at the edges


@pytest.mark.parametrize(
    "how", [quote(proto=1), quote(proto=17), quote(opts=bytes(4), n=32), quote(frag=0x4000)]
)
def test_quotation_of_what_we_can_have_sent_is_believed(net, how):
    net.redirect(quote=how)
    assert net.count("taken") == 1 and net.count("bad") == 0


@pytest.mark.parametrize("how", [quote(proto=2), quote(proto=6), quote(opts=bytes(4), n=31)])
def test_quotation_of_another_protocol_or_cut_short_is_not(net, how):
    """6: the board was made without TCP."""
    net.redirect(quote=how)
    assert net.count("taken") == 0 and net.count("bad") == 1


@pytest.mark.parametrize(
    "ours, gateway, to, gw, good",
    [
        ("100.1.1.7/1", "101.1.1.1", "200.1.1.1", "0.0.0.9", False),
        ("100.1.1.7/1", "101.1.1.1", "200.1.1.1", "1.0.0.9", True),
        ("100.1.1.7/1", "101.1.1.1", "200.1.1.1", "100.1.1.7", False),
        ("192.168.1.7/1", "193.1.1.1", "8.8.8.8", "223.0.0.9", True),
        ("192.168.1.7/1", "193.1.1.1", "8.8.8.8", "224.0.0.9", False),
        ("192.168.1.7/1", "193.1.1.1", "8.8.8.8", "255.255.255.255", False),
        ("192.168.1.7/1", "193.1.1.1", "0.0.0.8", "193.1.1.2", False),
        ("192.168.1.7/1", "193.1.1.1", "1.0.0.8", "193.1.1.2", True),
        ("192.168.1.7/1", "193.1.1.1", "126.0.0.8", "193.1.1.2", True),
        ("192.168.1.7/1", "193.1.1.1", "127.0.0.8", "193.1.1.2", False),
        ("100.1.1.7/1", "101.1.1.1", "223.0.0.8", "101.1.1.2", True),
        ("100.1.1.7/1", "101.1.1.1", "224.0.0.8", "101.1.1.2", False),
    ],
)
def test_better_gateway_is_a_host_of_the_subnet_and_what_it_is_for_a_host_elsewhere(
    ours, gateway, to, gw, good
):
    """A subnet of half the addresses."""
    wire = Wire()
    stack = wire.board(ours, gateway)
    stack.bind(5000, Inbox())
    redirects = Redirects(stack)
    wire.run()
    ip = ours.partition("/")[0]
    routers = [(gateway, gw), (gw, gateway)] if good else [(gateway, gw)]
    for router, better in routers:  # the second one takes it back
        body = packets.icmp(5, 1, addr(better) + quote(ip, to))
        wire.give(Station(wire, router).datagram(1, body, dst=ip))
    counters = dict(redirects.counters())
    assert counters["redirect_taken"] == (2 if good else 0)
    assert counters["redirect_bad"] == (not good)
