"""Several interfaces on one stack, and several stacks in one process."""

import pytest
from lab import packets
from lab.net import BOARD, PEER, Inbox, Station, Wire, join, run_all
from lab.packets import addr, mac
from uipy import App, BadAddress, Bytes, Error


class Two(Wire):
    """A board with an Ethernet (192.168.1.7) and a serial line (10.0.0.1) to the gateway."""

    def __init__(self):
        super().__init__()
        self.line = Wire(l2=0, mtu=296, clock=self.clock)
        self.board(gateway=None).add_iface(self.line, "10.0.0.1/30", "10.0.0.2")
        self.run()


@pytest.fixture
def two():
    return Two()


@pytest.mark.parametrize("ip", ["192.168.1.9", "255.255.255.255", "224.0.0.251"])
def test_datagram_for_the_first_subnet_and_for_everyone_leaves_by_the_first_interface(two, ip):
    Station(two)
    two.stack.bind(9, Inbox()).send(ip, 9, Bytes(b"x"))
    assert [f.ip_dst for f in two.run() if f.udp] == [addr(ip)]
    assert not two.line.take()


@pytest.mark.parametrize("ip", ["10.0.0.2", "8.8.8.8"])
def test_datagram_for_the_second_subnet_and_beyond_its_gateway_leaves_by_the_second(two, ip):
    two.stack.bind(9, Inbox()).send(ip, 9, Bytes(b"x"))
    assert not two.run()
    (f,) = two.line.take()
    assert f.ip_dst == addr(ip) and f.ip_src == addr("10.0.0.1")


def test_interface_can_be_chosen(two):
    two.stack.bind(9, Inbox()).send("255.255.255.255", 9, Bytes(b"x"), iface=1)
    two.run()
    assert [f.ip_dst for f in two.line.take()] == [addr("255.255.255.255")]


def test_chosen_interface_is_kept_even_if_it_has_no_route(two):
    app = Inbox()
    two.stack.bind(9, app).send("10.0.0.2", 9, Bytes(b"x"), iface=0)
    assert not two.run() and not two.line.take()
    assert app.errors == ["unreachable"]


def test_reply_goes_out_where_the_frame_came_in(two):
    peer = Station(two.line, "10.0.0.2")
    peer.wire.rx.append(packets.ip4("10.0.0.2", "10.0.0.1", 1, packets.icmp(8, 0, b"\0\1\0\1")))
    assert not two.run()
    peer.expect(type=0)


def test_address_is_ours_only_on_the_interface_that_has_it(two):
    """The strong model (RFC 1122 3.3.4.2)."""
    two.line.rx.append(packets.ip4("10.0.0.2", BOARD, 1, packets.icmp(8, 0, b"\0\1\0\1")))
    two.run()
    assert not two.line.take()
    assert two.count("ip_ignored") == 1


def test_bound_port_serves_both(two):
    two.stack.bind(7, Inbox(True))
    ether, line = Station(two), Station(two.line, "10.0.0.2")
    ether.udp(b"by ether")
    ether.expect(data=b"by ether")
    two.line.rx.append(
        packets.ip4(
            "10.0.0.2", "10.0.0.1", 17, packets.udp("10.0.0.2", "10.0.0.1", 5, 7, b"by line")
        )
    )
    two.run()
    line.expect(data=b"by line", ip_src=addr("10.0.0.1"))


def test_each_interface_cuts_at_its_own_mtu(two):
    src = Bytes(b"a" * 1000)
    two.stack.bind(9, Inbox()).send("10.0.0.2", 9, src)
    two.run()
    assert [len(f.udp.data) for f in two.line.take()] == [268]


def test_larger_mtu_on_the_second_interface_is_cut_to_the_buffer():
    line, ether = Wire(l2=0, mtu=576), Wire()
    stack = line.board("10.0.0.1/30")
    ether.clock = line.clock
    stack.add_iface(ether, "192.168.1.7/24")
    assert stack.ifaces[1].mtu <= 576
    src = Bytes(b"a" * 1500)
    stack.bind(9, Inbox()).send("192.168.1.255", 9, src)
    line.run()
    assert [f.udp.data for f in ether.take() if f.udp]


class Edge(Bytes):
    """A source that knows how long the buffer is."""

    def fill(self, rel, buf, pos, n):
        assert pos + n <= len(buf), "%d octets behind the buffer" % (pos + n - len(buf))
        return Bytes.fill(self, rel, buf, pos, n)


@pytest.mark.parametrize("first, second", [(0, 14), (14, 0), (14, 14), (0, 0)])
@pytest.mark.parametrize("mtus", [(576, 1500), (1500, 1600), (576, 577), (1500, 9000)])
@pytest.mark.parametrize("options", [{}, {"timestamps": True}])
def test_source_never_writes_behind_the_buffer(first, second, mtus, options):
    """It is asked for one octet more than a segment takes, also on an interface whose mtu the
    shared buffer has cut."""
    a = Wire(l2=first, mtu=mtus[0])
    b = Wire(l2=second, mtu=mtus[1], mac=mac("02:00:00:00:00:77"), clock=a.clock)
    stack = a.board("10.0.0.1/30", tcp=2, tcp_options=options)
    stack.add_iface(b, BOARD + "/24")
    a.run()
    b.take()

    class Sends(App):
        def connected(self, conn):
            conn.send(Edge(b"x" * 20_000))

    stack.listen(7, Sends)
    peer = Station(b)
    syn = peer.segment("S", opts={"mss": 20_000, "ts": (1, 0)} if options else {"mss": 20_000})
    b.rx.append(syn)
    a.settle()
    peer.expect("SA")
    b.rx.append(peer.segment("A", opts={"ts": (2, 1)} if options else {}))
    a.settle()
    assert not a.errors
    sent = [len(f.tcp.data) for f in peer.heard]
    assert max(sent) + 40 <= min(stack.ifaces[1].mtu, mtus[1])


def test_mtu_of_a_second_interface_leaves_the_spare_octets_free():
    for l2 in (0, 14):
        stack = Wire(l2=l2, mtu=576).board("10.0.0.1/30")
        spare = len(stack.buf) - 2 - l2 - 576
        for other in (0, 14):
            iface = stack.add_iface(Wire(l2=other, mtu=9000), "172.16.%d.1/24" % other)
            assert iface.mtu == len(stack.buf) - spare - 2 - other


@pytest.mark.parametrize("mtu", [1, 67, 68, 91, 127])
def test_mtu_that_has_no_place_for_all_headers_is_refused(mtu):
    """20 octets of IP header, 60 of TCP's, 8 of text, and an ICMP error with 60 octets of
    somebody's header: 128 is a round number that has room for all."""
    with pytest.raises(Error, match="128"):
        Wire(mtu=mtu).board()
    stack = Wire(l2=0, mtu=128).board()
    assert stack.ifaces[0].mtu == 128
    with pytest.raises(Error, match="128"):
        stack.add_iface(Wire(mtu=1500), "10.0.0.1/24")  # 14 octets less
    assert len(stack.ifaces) == 1
    stack.add_iface(Wire(l2=0, mtu=1500), "10.0.0.1/24")


@pytest.mark.parametrize("mtu", [32_764, 65_535])
def test_mtu_that_a_checksum_cannot_add_up_is_refused(mtu):
    with pytest.raises(Error, match="32763"):
        Wire(l2=0, mtu=mtu).board()


def test_longest_datagram_is_added_up():
    """All ones: no sum is greater."""
    wire = Wire(l2=0, mtu=32_763)
    wire.board(key=bytes(16))
    host = Station(wire)
    data = b"\xff" * (32_763 - 28)
    host.ping(data, 0xFFFF, 0xFFFF)
    assert host.expect(type=0).body[8:] == data


def test_device_that_is_busy_holds_back_what_is_due(two):
    """Whose frame is the next is known when it is built."""
    two.line.free = False
    two.stack.bind(9, Inbox()).send("255.255.255.255", 9, Bytes(b"x"))
    two.poll()
    assert not two.take()
    two.line.free = True
    two.poll()
    assert len(two.take()) == 1


def test_link_that_comes_back_is_announced_on_that_interface_only(two):
    two.stack.add_iface(
        other := Wire(mac=mac("02:00:00:00:00:77"), clock=two.clock), "172.16.0.1/16"
    )
    two.run(2000)
    other.take()
    other.up = False
    two.run(2000)
    other.up = True
    assert not two.run(2000)
    assert [f.arp.spa for f in other.take()] == [addr("172.16.0.1")]


def test_neighbours_of_two_ethernets_are_kept_apart(two):
    other = Wire(mac=mac("02:00:00:00:00:77"), clock=two.clock)
    two.stack.add_iface(other, "172.16.0.1/16")
    a, b = Station(two, PEER), Station(other, "172.16.0.9", mac("02:00:00:00:00:99"))
    two.stack.bind(1, Inbox()).send(PEER, 9, Bytes(b"to a"))
    two.stack.bind(2, Inbox()).send("172.16.0.9", 9, Bytes(b"to b"))
    two.run()
    assert a.expect(data=b"to a").dst == a.mac
    assert b.expect(data=b"to b").dst == b.mac


def test_no_interface_with_a_route_is_a_named_error():
    ether = Wire()
    stack = ether.board(gateway=None)
    with pytest.raises(BadAddress, match=r"8\.8\.8\.8"):
        stack.bind(9, Inbox()).send("8.8.8.8", 9, Bytes(b"x"))


# Two stacks


def test_two_stacks_in_one_process_share_nothing():
    a, b = Wire(), Wire(mac=mac("02:00:00:00:00:08"))
    sa, sb = a.board(), b.board("10.9.8.7/24", gateway=None)
    app = Inbox(True)
    sa.bind(7, app)
    pa, pb = Station(a), Station(b, "10.9.8.1")
    pa.udp(b"to a")
    pb.udp(b"to b", dst="10.9.8.7")
    assert app.got == [b"to a"]
    pb.expect(type=3, code=3)
    assert a.count("udp_in") == b.count("udp_in") == 1
    assert b.count("udp_no_port") == 1 and a.count("udp_no_port") == 0
    assert sa.buf is not sb.buf


def test_two_boards_on_a_cable_find_and_serve_each_other():
    a, b = Wire(), Wire(mac=mac("02:00:00:00:00:08"))
    join(a, b)
    inbox = Inbox()
    b.board("192.168.1.8/24").bind(7, Inbox(True))
    a.board().bind(4000, inbox).send("192.168.1.8", 7, Bytes(b"ping"))
    run_all((a, b), 1000)
    assert inbox.got == [b"ping"]
    assert a.count("arp_conflict") == b.count("arp_conflict") == 0


def test_two_boards_with_one_address_both_notice():
    a, b = Wire(), Wire(mac=mac("02:00:00:00:00:08"))
    join(a, b)
    a.board()
    b.board()
    run_all((a, b), 1000)
    assert a.count("arp_conflict") == 1 and b.count("arp_conflict") == 1


def test_callback_of_one_stack_may_drive_another():
    """`busy` belongs to a stack, not to the process."""
    a, b = Wire(), Wire(mac=mac("02:00:00:00:00:08"))
    sb = b.board("10.9.8.7/24", gateway=None)

    class Relay(Inbox):
        def received(self, port, buf, start, n):
            sb.poll(b.clock.now)

    a.board().bind(7, Relay())
    Station(a).udp(b"go")
    assert [f.arp.spa for f in b.take()] == [addr("10.9.8.7")]


def test_the_address_of_a_lone_host_is_on_its_own_subnet():
    """A prefix of 32 bits: four octets are compared, and none behind them."""
    stack = Wire().board(BOARD + "/32")
    assert stack.ifaces[0].local(addr(BOARD), 0) and not stack.ifaces[0].local(addr(PEER), 0)
