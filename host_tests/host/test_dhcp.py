"""DHCP: from nothing to an address, and what can come between (RFC 2131 3.1, 4.1, 4.4.1)."""

import itertools

import pytest
from host.dhcp_lab import (
    ACK,
    DECLINE,
    DISCOVER,
    NAK,
    OFFER,
    RELEASE,
    REQUEST,
    Client,
    Server,
    lent,
    sail,
)
from lab import packets
from lab.net import BOARD_MAC, Inbox, Station, Wire, join, run_all
from lab.packets import BROADCAST, addr
from uipy import BadAddress, Bytes, Error
from uipy.host import Dhcp
from uipy.host.dhcp_mail import label

rfc = pytest.mark.rfc

OTHER_MAC = b"\2\0\0\0\0\xaa"


@rfc(
    "2131 2-1",
    "2131 2-2",
    "2131 3.1-1",
    "2131 3.1-2",
    "2131 3.5-2",
    "2131 4.1-1",
    "2131 4.1-3",
    "2131 4.1-6",
    "2131 4.3.2-2",
    "2131 4.4.1-2",
    "3442 size-1",
)
def test_it_gets_an_address_in_four_messages(wire):
    server = Server(wire)
    client = Client(wire)
    assert client.state == "INIT" and client.ip == "0.0.0.0"
    client.until("BOUND", 9)
    discover, request = server.heard
    assert (discover.kind, request.kind) == (DISCOVER, REQUEST)
    for m in server.heard:
        assert m.src == addr("0.0.0.0") and m.flags == b"\x80\0" and m.mac == BROADCAST
        assert list(m.options[55]) == [1, 121, 3, 6, 15, 42, 58, 59]
        assert m.options[57] == (1500).to_bytes(2, "big") and m.options[60] == b"uipy"
    assert discover.wanted is None and discover.server is None
    assert request.wanted == addr("192.168.1.50") and request.server == addr("192.168.1.1")
    assert request.xid == discover.xid and client.ip == "192.168.1.50"


def test_what_the_server_said_can_be_read(wire):
    server = Server(wire)
    client = Client(wire)
    dhcp = client.dhcp
    dns, domain = dhcp.dns, dhcp.domain
    assert dhcp.left == 0 and not any(dns) and not any(domain)
    client.until("BOUND")
    assert bytes(dhcp.address) == addr("192.168.1.50") and bytes(dhcp.server) == addr(server.ip)
    assert bytes(dhcp.router) == addr("192.168.1.1")
    assert bytes(dns) == addr("192.168.1.3") + addr("192.168.1.4") + bytes(4)
    assert bytes(dhcp.ntp) == addr("192.168.1.5") + bytes(8)
    assert domain[0] == 11 and bytes(domain[1:12]) == b"example.org"
    assert 3590 <= dhcp.left <= 3600
    assert client.said == [
        "192.168.1.50/24 is our address: the DHCP server 192.168.1.1 lends it for 3600 s"
    ]
    assert client.count("dhcp_bound") == 1 and client.count("dhcp_sent") == 2


@rfc("2131 2.2-1", "2131 4.4.1-4", "2131 4.4.1-5", "5227 2.1-1", "5227 2.3-1")
def test_the_address_is_probed_then_announced_twice(wire):
    Server(wire)
    client = Client(wire)
    sent = [f for f in client.until("BOUND") + wire.run(5000) if f.arp]
    probes = [f for f in sent if f.arp.spa == bytes(4)]
    assert [f.arp.tpa for f in probes] == [addr("192.168.1.50")] * 3
    told = sent[3:]
    assert [(f.arp.spa, f.arp.tpa) for f in told] == [(addr("192.168.1.50"),) * 2] * 2
    assert told[1].at - told[0].at == 2000 and told[0].at - probes[2].at == 2000


def test_the_gateway_is_the_routers(wire):
    client, _ = lent(wire)
    far = Station(wire, "10.0.0.9")
    assert client.stack.route(addr(far.ip), 0) == 0


@rfc("2131 4.1-5", "2131 4.1-7")
def test_silence_is_asked_again_after_4_8_16_32_and_64_seconds(wire):
    server = Server(wire)
    server.silent = True
    client = Client(wire, fallback=False)
    wire.polls = -600_000
    wire.run(400_000)
    at = [m.at for m in server.heard]
    waits = [b - a for a, b in itertools.pairwise(at)]
    for wait, want in zip(waits, (4, 8, 16, 32, 64, 64, 64), strict=False):
        assert abs(wait - 1000 * want) <= 1000
    assert len(waits) >= 7 and len({w % 1000 for w in waits}) > 4  # none like another
    assert {m.kind for m in server.heard} == {DISCOVER}
    for m in server.heard:
        assert abs(m.secs - (m.at - at[0]) // 1000) <= 1
    assert [s for s in client.said if "no DHCP server" in s] == client.said and client.said


@rfc("2131 4.1-8", "2131 4.4.1-1")
def test_two_boards_do_not_ask_in_step():
    starts = set()
    for k in range(8):
        wire = Wire(mac=b"\2\0\0\0\0" + bytes([k]))
        server = Server(wire)
        stack = wire.board(ip=None, key=b"key %04d" % k, udp=2)
        Dhcp(stack)
        wire.run(1100)
        starts.add((server.heard[0].at, server.heard[0].xid))
    assert len(starts) == 8 and len({at for at, _ in starts}) > 4


@rfc("2131 3.1-3")
def test_a_request_has_the_secs_of_the_discover_that_was_answered(wire):
    server = Server(wire)
    server.silent = True
    Client(wire, fallback=False)
    wire.run(6500)
    discover = server.heard[-1]
    assert len(server.heard) == 2 and discover.secs >= 3
    wire.run(1500)
    server.send(OFFER, discover, "192.168.1.50")
    wire.run(20_000)
    requests = [m for m in server.heard if m.kind == REQUEST]
    assert len(requests) >= 3 and {m.secs for m in requests} == {discover.secs}
    assert {(m.dst, m.mac) for m in requests} == {(discover.dst, BROADCAST)}


def test_the_first_usable_offer_is_taken(wire):
    bad = Server(wire, "192.168.1.2", OTHER_MAC, _1=addr("255.0.255.0"))
    good = Server(wire)
    client = Client(wire)
    client.until("BOUND")
    assert bytes(client.dhcp.server) == addr(good.ip) and client.count("dhcp_bad") == 1
    assert bad.kinds() == [DISCOVER, REQUEST]


def test_the_server_that_was_not_chosen_has_no_say(wire):
    server = Server(wire)
    other = Server(wire, "192.168.1.2", OTHER_MAC, first=80)
    server.deaf = {REQUEST}
    client = Client(wire)
    client.until("REQUESTING")
    for kind in (NAK, ACK):
        other.send(kind, other.heard[-1], "192.168.1.50")
    wire.run()
    assert client.state == "REQUESTING" and client.count("dhcp_ignored") == 3  # and its offer
    server.deaf.clear()
    client.until("BOUND")
    assert client.ip == "192.168.1.50"


def test_a_request_without_an_answer_is_repeated_for_a_minute(wire):
    server = Server(wire)
    server.deaf = {REQUEST}
    client = Client(wire, fallback=False)
    client.until("REQUESTING")
    began = wire.clock.ms
    client.until("INIT", 70)
    assert wire.clock.ms - began > 56_000
    wire.run(2000)
    assert len({m.secs for m in server.heard[:5]}) == 1  # RFC 2131 3.1 (3)
    assert server.kinds() == [DISCOVER, *[REQUEST] * 4, DISCOVER, REQUEST]
    assert client.said == ["the DHCP server 192.168.1.1 has gone silent"]


def test_a_nak_sends_it_back_to_init(wire):
    server = Server(wire)
    server.refuses = True
    client = Client(wire)
    wire.run(1100)
    assert client.state == "INIT" and client.count("dhcp_nak") == 1
    assert "refuses us 192.168.1.50" in client.said[0]
    server.refuses = False
    client.until("BOUND")


def test_a_server_that_always_refuses_is_asked_ever_more_rarely(wire):
    server = Server(wire)
    server.refuses = True
    Client(wire, fallback=False)
    wire.polls = -2_000_000
    wire.run(1_000_000)
    at = [m.at for m in server.heard if m.kind == DISCOVER]
    assert 15 < len(at) < 30 and at[-1] - at[-2] > 60_000


@rfc("2131 3.1-4", "2131 3.1-5", "2131 4.4.1-6")
def test_an_address_in_use_is_declined(wire):
    server = Server(wire)
    Station(wire, "192.168.1.50", OTHER_MAC)
    client = Client(wire)
    client.until("PROBING")
    client.until("INIT")
    (m,) = [m for m in server.heard if m.kind == DECLINE]
    assert m.wanted == addr("192.168.1.50") and m.server == addr(server.ip)
    assert m.src == bytes(4) and set(m.options) == {53, 61, 50, 54}
    server.heard.clear()
    wire.run(9900)
    assert not server.heard  # RFC 2131 3.1.5: ten seconds
    client.until("BOUND")
    assert client.ip == "192.168.1.51"
    assert "192.168.1.50 is used by 02:00:00:00:00:aa" in client.said[0]
    assert client.count("dhcp_declined") == 1


@rfc("2131 3.1-4", "5227 2.1.1-7")
def test_a_second_board_that_probes_the_same_address_counts_as_in_use(wire):
    server = Server(wire)
    client = Client(wire)
    client.until("PROBING")
    body = packets.arp(1, OTHER_MAC, "0.0.0.0", bytes(6), "192.168.1.50")
    wire.give(packets.eth(BROADCAST, OTHER_MAC, 0x0806, body, pad=60))
    assert client.state == "INIT" and server.heard[-1].kind == DECLINE


def test_infinite_means_for_ever(wire):
    client, server = lent(wire, seconds=0xFFFFFFFF)
    assert client.dhcp.left == (1 << 30) - 1 and "for ever" in client.said[0]
    sail(client, 400 * 86400)
    assert client.state == "BOUND" and not server.heard
    assert client.dhcp.left == (1 << 30) - 1


@pytest.mark.parametrize(
    ("mask", "length"),
    [("255.255.255.0", 24), ("255.255.240.0", 20), ("255.0.0.0", 8), ("255.255.255.252", 30)],
)
def test_the_mask_is_the_servers(wire, mask, length):
    client, _ = lent(wire, _1=addr(mask))
    assert "192.168.1.50/%d is our address" % length in client.said[0]


def test_without_a_mask_it_is_that_of_the_class(wire):
    server = Server(wire)
    del server.options[1]
    client = Client(wire)
    client.until("BOUND")
    assert "192.168.1.50/24" in client.said[0]


@rfc("3442 client-1", "3442 client-4")
def test_classless_routes_come_before_the_router(wire):
    # RFC 3442: 10.0.0.0/8 by .2, 0/0 by .3
    routes = b"\x08\x0a" + addr("192.168.1.2") + b"\0" + addr("192.168.1.3")
    client, _ = lent(wire, _121=routes)
    assert bytes(client.dhcp.router) == addr("192.168.1.3")


def next_hop(wire, client, to):
    """The MAC that a datagram to this address is sent to; None: there is no way."""
    box = Inbox()
    port = client.stack.bind(0, box)
    try:
        port.send(to, 9, Bytes(b"?"))
    except BadAddress:
        return None
    sent = [f.dst for f in wire.run(5000) if f.udp and f.udp.dport == 9]
    port.close()
    return sent[0] if sent else None


A, B, C = (b"\2\0\0\0\0" + bytes([k]) for k in (0xA, 0xB, 0xC))


@rfc("3442 client-1")
@pytest.mark.parametrize("default", [True, False])
def test_each_classless_route_is_taken(wire, default):
    routes = b"\x08\x0a" + addr("192.168.1.2")  # 10.0.0.0/8
    routes += b"\x0c\x0a\x1f" + addr("192.168.1.3")  # 10.16.0.0/12, with bits behind its width
    routes += b"\x18\xac\x10\x05" + addr("0.0.0.0")  # 172.16.5.0/24, on this cable
    if default:
        routes += b"\0" + addr("192.168.1.4")
    client, _ = lent(wire, _121=routes)
    for k, mac in ((2, A), (3, B), (4, C)):
        Station(wire, "192.168.1.%d" % k, mac)
    Station(wire, "172.16.5.9", OTHER_MAC)
    assert next_hop(wire, client, "10.1.1.1") == A
    assert next_hop(wire, client, "10.31.255.1") == B
    assert next_hop(wire, client, "10.32.0.1") == A
    assert next_hop(wire, client, "172.16.5.9") == OTHER_MAC
    assert next_hop(wire, client, "172.16.4.9") == (C if default else None)
    assert next_hop(wire, client, "192.168.1.3") == B
    assert next_hop(wire, client, "255.255.255.255") == BROADCAST


def test_routes_change_and_go_with_the_lease(wire):
    client, server = lent(wire, _121=b"\x08\x0a" + addr("192.168.1.2"))
    for k, mac in ((1, server.mac), (2, A), (3, B)):
        Station(wire, "192.168.1.%d" % k, mac)
    assert next_hop(wire, client, "10.1.1.1") == A and not any(client.dhcp.router)
    server.options[121] = b"\x08\x0a" + addr("192.168.1.3")
    client.dhcp.renew()
    wire.run(1000)
    assert next_hop(wire, client, "10.1.1.1") == B
    del server.options[121]
    client.dhcp.renew()
    wire.run(1000)
    assert next_hop(wire, client, "10.1.1.1") == server.mac
    server.options[121] = b"\x08\x0a" + addr("192.168.1.3")
    client.dhcp.renew()
    wire.run(1000)
    client.dhcp.release()
    wire.run(5000)
    assert next_hop(wire, client, "10.1.1.1") is None


@rfc("3442 client-4")
def test_classless_routes_without_a_default_leave_no_router(wire):
    client, _ = lent(wire, _121=b"\x08\x0a" + addr("192.168.1.2"))
    Station(wire, "192.168.1.2", A)
    assert not any(client.dhcp.router)
    assert next_hop(wire, client, "8.8.8.8") is None


@rfc("2131 4.1-4")
def test_options_may_lie_in_file_and_sname(wire):
    server = Server(wire)
    client = Client(wire)
    server.silent = True
    client.until("SELECTING")
    m = server.heard[-1]
    mine = {1: None, 3: None, 6: None, 15: None, 42: None}
    file = bytes([3, 4]) + addr("192.168.1.77") + b"\xff"
    sname = bytes([1, 4]) + addr("255.255.0.0") + b"\xff"
    for kind in (OFFER, ACK):
        server.send(kind, m, "192.168.1.50", {52: b"\3", **mine}, file=file, sname=sname)
        wire.run()
    client.until("BOUND")
    assert bytes(client.dhcp.router) == addr("192.168.1.77") and "/16" in client.said[0]


@rfc("2131 4.1-4")
def test_options_are_read_before_file_and_file_before_sname(wire):
    server = Server(wire)
    client = Client(wire)
    server.silent = True
    client.until("SELECTING")
    m = server.heard[-1]
    mine = {52: b"\3", 3: None, 6: None}
    file = bytes([1, 4, 255, 255, 0, 0, 3, 4]) + addr("192.168.1.77") + b"\xff"
    sname = bytes([3, 4]) + addr("192.168.1.78") + bytes([6, 4]) + addr("192.168.1.79") + b"\xff"
    for kind in (OFFER, ACK):
        server.send(kind, m, "192.168.1.50", mine, file=file, sname=sname)
        wire.run()
    client.until("BOUND")
    dhcp = client.dhcp
    assert "192.168.1.50/24" in client.said[0] and bytes(dhcp.router) == addr("192.168.1.77")
    assert bytes(dhcp.dns[:4]) == addr("192.168.1.79")


@rfc("2131 4.3.2-1")
def test_what_the_ack_says_counts_not_the_offer(wire):
    server = Server(wire)
    client = Client(wire)
    server.silent = True
    client.until("SELECTING")
    m = server.heard[-1]
    server.send(OFFER, m, "192.168.1.50", {6: addr("192.168.1.88")})
    wire.run()
    server.send(ACK, m, "192.168.1.50", {3: addr("192.168.1.99"), 6: None}, seconds=1800)
    client.until("BOUND")
    assert bytes(client.dhcp.router) == addr("192.168.1.99") and not any(client.dhcp.dns)
    assert client.dhcp.left <= 1800


def test_its_name_goes_with_every_request(wire):
    server = Server(wire)
    client = Client(wire, name="uipy on a Raspberry Pi Pico!")
    client.until("BOUND")
    assert {m.options[12] for m in server.heard} == {b"uipy-on-a-Raspberry-Pi-Pico"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("", b""),
        ("AZaz09", b"AZaz09"),
        ("@[`{/:", b""),
        ("a", b"a"),
        ("--", b""),
        ("k\u00fcche 2", b"k-che-2"),
        ("x" * 70, b"x" * 63),
    ],
)
def test_a_name_is_made_a_host_name(text, name):
    assert label(text) == name


def test_without_a_name_there_is_no_option_12(wire):
    _, server = lent(wire)
    server.send(NAK, server.heard[0]) if server.heard else None
    client = Client(Wire())
    client.wire.run(2000)
    assert client.dhcp.name == b""


@rfc("2131 2-1", "2131 2-2", "2131 3.1-7", "2131 4.1-3", "2131 4.4.1-6")
def test_release_gives_the_address_back(wire):
    client, server = lent(wire)
    client.dhcp.release()
    wire.run(3000)
    (m,) = server.heard
    assert m.kind == RELEASE and m.ciaddr == m.src == addr("192.168.1.50")
    assert m.dst == addr(server.ip) and m.server == addr(server.ip)
    assert set(m.options) == {53, 61, 54} and m.wanted is None
    assert client.state == "RELEASED" and client.ip == "0.0.0.0" and client.kept[-1] == b""
    assert not any(client.dhcp.address) and not any(client.dhcp.dns) and client.dhcp.left == 0
    wire.run(90_000)
    assert not server.heard[1:]
    client.dhcp.renew()
    client.until("BOUND")
    assert client.ip == "192.168.1.50"


def test_release_while_nothing_is_lent_ends_the_asking(wire):
    server = Server(wire)
    server.silent = True
    client = Client(wire)
    client.until("SELECTING")
    client.dhcp.release()
    server.heard.clear()
    wire.run(90_000)
    assert client.state == "RELEASED" and not server.heard


def test_release_to_a_server_that_has_gone_ends_too(wire):
    client, server = lent(wire)
    wire.peers.remove(server)
    client.dhcp.release()
    wire.run(3000)
    assert client.state == "RELEASED" and client.ip == "0.0.0.0"


def test_an_address_that_was_typed_before_is_not_used(wire):
    stack = wire.board("192.168.1.7/24", udp=2)
    dhcp = Dhcp(stack)
    assert not any(stack.ifaces[0].ip) and not any(dhcp.address)


def test_it_needs_an_ethernet_and_room_for_a_message():
    for wire in (Wire(l2=0), Wire(mtu=500)):
        stack = wire.board(ip=None, gateway=None, udp=2)
        with pytest.raises(Error):
            Dhcp(stack)


def test_two_boards_on_one_cable_get_an_address_each():
    a, b = Wire(), Wire(mac=OTHER_MAC)
    join(a, b)
    one = Client(a)

    class Both(Server):
        def give(self, frame):
            for wire in (a, b):
                if frame[:6] in (BROADCAST, wire.mac):
                    wire.rx.append(frame)

    server = Both(a)
    b.peers.append(server)  # type: ignore[arg-type]
    b.clock = a.clock
    two = Client(b)
    run_all((a, b), 12_000)
    assert {one.ip, two.ip} == {"192.168.1.50", "192.168.1.51"}
    assert one.state == two.state == "BOUND" and BOARD_MAC in server.lent
