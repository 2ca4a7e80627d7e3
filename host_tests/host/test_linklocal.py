"""Link-local addresses (RFC 3927), and the way back to a lease."""

import itertools

import pytest
from host.dhcp_lab import DISCOVER, Client, Server
from lab import packets
from lab.net import PEER_MAC, Inbox, Station, Wire
from lab.packets import BROADCAST, addr
from lab.tcp import Log
from uipy import Bytes
from uipy.host import LinkLocal

rfc = pytest.mark.rfc

OTHER_MAC = b"\2\0\0\0\0\xaa"


def claim(wire, spa):
    body = packets.arp(1, OTHER_MAC, spa, bytes(6), spa)
    return wire.give(packets.eth(BROADCAST, OTHER_MAC, 0x0806, body, pad=60))


def ip(stack):
    return "%d.%d.%d.%d" % tuple(stack.ifaces[0].ip)


def local(wire, **options):
    said = []
    stack = wire.board(ip=None, gateway=None, **options)
    return stack, LinkLocal(stack, say=said.append), said


@rfc("3927 2.2-1", "3927 2.2.1-2", "3927 2.4-1", "3927 2.8-1")
def test_an_address_nobody_has_given(wire):
    stack, _link, said = local(wire)
    sent = wire.run(10_000)
    mine = addr(ip(stack))
    assert mine[:2] == b"\xa9\xfe" and 1 <= mine[2] <= 254
    assert [f.arp.tpa for f in sent] == [mine] * 5
    assert said == ["%s/16 is our address on this cable (link-local)" % ip(stack)]


@rfc("3927 2.1-1")
def test_none_of_the_reserved_addresses_is_tried(wire):
    _stack, link, _said = local(wire)
    for seed in range(65536):
        link.seed = seed
        _, _, third, _ = link.ip()
        assert 1 <= third <= 254


@rfc("3927 2.2-2")
def test_once_it_has_one_it_asks_no_more(wire):
    local(wire)
    wire.run(10_000)
    assert not wire.run(3_600_000)


@rfc("3927 2.2.1-4")
def test_a_probe_for_the_same_one_moves_it_on(wire):
    stack, link, _said = local(wire)
    wire.run(2500)
    first = "%d.%d.%d.%d" % tuple(link.ip())
    body = packets.arp(1, OTHER_MAC, "0.0.0.0", bytes(6), first)
    wire.give(packets.eth(BROADCAST, OTHER_MAC, 0x0806, body, pad=60))
    wire.run(20_000)
    assert ip(stack) not in (first, "0.0.0.0") and link.conflicts == 1


@rfc("3927 2.1-2", "3927 2.1-3")
def test_it_is_the_same_after_each_reset_and_another_for_another_mac():
    seen = {}
    for k in (7, 8, 9, 7):
        wire = Wire(mac=b"\2\0\0\0\0" + bytes([k]))
        stack, _, _ = local(wire)
        wire.run(10_000)
        assert seen.setdefault(k, ip(stack)) == ip(stack)
    assert len(set(seen.values())) == 3


@rfc("3927 1.2-1", "3927 2.2-1", "3927 2.2.1-3")
def test_a_taken_one_gives_way_to_the_next(wire):
    stack, link, _said = local(wire)
    first = "%d.%d.%d.%d" % tuple(link.ip())
    Station(wire, first, OTHER_MAC)
    wire.run(20_000)
    assert ip(stack) not in (first, "0.0.0.0") and link.conflicts == 1


@rfc("3927 1.2-1", "3927 2.5-1", "3927 2.5-2")
def test_a_second_claim_within_ten_seconds_moves_it(wire):
    stack, _link, _said = local(wire)
    wire.run(10_000)
    first = ip(stack)
    assert claim(wire, first)
    assert ip(stack) == first
    claim(wire, first)
    wire.run(10_000)
    assert ip(stack) not in (first, "0.0.0.0")


@rfc("5227 2.1.1-8", "3927 2.2.1-5")
def test_after_ten_conflicts_once_a_minute(wire):
    _stack, _link, _said = local(wire)

    class Greedy(Station):
        """Has every address."""

        def hear(self, f):
            if f.arp and f.arp.spa == bytes(4):
                body = packets.arp(2, self.mac, f.arp.tpa, f.arp.sha, f.arp.spa)
                self.wire.rx.append(packets.eth(f.arp.sha, self.mac, 0x0806, body, pad=60))

    Greedy(wire, mac=OTHER_MAC)
    probes = [f.at for f in wire.run(600_000) if f.arp]
    assert probes[9] < 12_000 and all(b - a >= 60_000 for a, b in itertools.pairwise(probes[10:]))
    assert 18 <= len(probes) <= 21


@rfc("3927 2.5-4")
def test_all_that_it_says_in_arp_is_said_to_everyone(wire):
    stack, _link, _said = local(wire)
    wire.run(10_000)
    peer = Station(wire, "169.254.3.3")
    (f,) = wire.give(peer.arp_request(tpa=ip(stack)))
    assert f.arp.op == 2 and f.dst == BROADCAST and f.arp.tha == PEER_MAC  # RFC 3927 2.5


@rfc("3927 2.6.2-1", "3927 2.6.2-3", "3927 2.6.2-4", "3927 2.7-1")
def test_the_rest_of_the_world_is_out_of_reach(wire):
    stack, _link, _said = local(wire)
    wire.run(10_000)
    assert stack.route(addr("8.8.8.8"), 0) == -1 and stack.route(addr("169.254.9.9"), 0) == 0


@rfc("3927 2.5-4")
def test_a_neighbour_is_polled_by_broadcast(wire):
    stack, _link, _said = local(wire)
    wire.run(10_000)
    peer = Station(wire, "169.254.3.3")
    box = Inbox()
    port = stack.bind(0, box)
    sent = []
    for _ in range(4):
        port.send(peer.ip, 9, Bytes(b"?"))
        sent += wire.run(30_000)
    asked = [f.dst for f in sent if f.arp and f.arp.tpa == addr(peer.ip)]
    assert asked == [BROADCAST] * 3


# While no DHCP server answers


def without_server(wire, **options):
    """A board that has been left alone: its client, and the server that says nothing."""
    server = Server(wire)
    server.silent = True
    client = Client(wire, **options)
    wire.run(30_000)
    return client, server


def test_when_nobody_answers_it_helps_itself(wire):
    client, _server = without_server(wire)
    assert client.ip.startswith("169.254.") and client.state == "SELECTING"
    assert [line.split(",")[0] for line in client.said] == [
        "no DHCP server answers: is there one in this network? Asking on",
        "%s/16 is our address on this cable (link-local)" % client.ip,
    ]
    assert client.dhcp.left == 0 and not any(client.dhcp.address)


@rfc("2131 4.1-1", "3927 1.9-2")
def test_it_goes_on_asking_from_nowhere(wire):
    client, server = without_server(wire)
    mine = client.ip
    server.heard.clear()
    wire.run(200_000)
    assert server.heard and {m.kind for m in server.heard} == {DISCOVER}
    assert {m.src for m in server.heard} == {bytes(4)} and client.ip == mine


def test_without_a_fallback_it_has_no_address(wire):
    client, _server = without_server(wire, fallback=False)
    assert client.ip == "0.0.0.0"


@rfc("3927 1.9-1", "3927 1.9-3")
def test_a_server_that_comes_back_is_obeyed(wire):
    client, server = without_server(wire)
    server.silent = False
    sent = client.until("BOUND", 80)
    assert client.ip == "192.168.1.50" and not client.dhcp.local.active
    wire.run(60_000)
    assert client.ip == "192.168.1.50"
    told = [f.arp.tpa for f in sent if f.arp and f.arp.spa == addr("192.168.1.50")]
    assert told


def connected(wire):
    """The same with a connection to a neighbour, and what its application is told."""
    client, server = without_server(wire, tcp=2)
    app = Log()
    client.stack.listen(7, lambda: app, 1)
    mine = client.ip

    class Near(Station):
        def segment(
            self, flags, seq=None, ack=None, data=b"", wnd=None, opts=b"", up=0, header=None, **f
        ):
            s, a, w = self.numbers(flags, data, seq, ack, wnd)
            body = packets.tcp(
                self.ip, mine, self.port, self.to, s, a, flags, w, data, opts, up, **f
            )
            return self.datagram(6, body, dst=mine)

    near = Near(wire, "169.254.3.3")
    near.establish()
    assert app.said("connected")
    near.heard.clear()
    server.silent = False
    return client, near, app


@rfc("3927 1.9-4")
def test_connections_over_it_are_reset_for_the_lease(wire):
    client, near, app = connected(wire)
    mine = client.ip
    client.until("BOUND", 80)
    resets = [f for f in near.heard if f.tcp and "R" in f.tcp.flags]
    assert app.said("closed") == ["aborted"] and [f.ip_src for f in resets] == [addr(mine)]


@rfc("3927 2.5-3")
def test_a_conflict_over_it_resets_connections(wire):
    client, near, app = connected(wire)
    mine = client.ip
    for _ in range(2):
        claim(wire, mine)
    resets = [f for f in near.heard if f.tcp and "R" in f.tcp.flags]
    assert app.said("closed") == ["aborted"] and [f.ip_src for f in resets] == [addr(mine)]


def test_when_the_cable_brings_a_lease_they_end_without_a_word(wire):
    client, near, app = connected(wire)
    client.unplug()
    client.until("BOUND", 80)
    assert app.said("closed") == ["unreachable"] and client.ip == "192.168.1.50"
    assert not [f for f in near.heard if f.tcp]


@rfc("3927 2.5-2")
def test_while_a_lease_is_probed_the_link_local_address_serves(wire):
    client, server = without_server(wire)
    mine = client.ip
    server.silent = False
    client.until("PROBING", 80)
    assert client.ip == mine
    peer = Station(wire, "169.254.3.3")
    assert wire.give(peer.arp_request(tpa=mine))
    (f,) = claim(wire, mine)
    assert f.arp.spa == addr(mine)
    client.until("BOUND", 20)


@rfc("3927 1.9-2")
def test_a_conflict_over_it_does_not_disturb_the_asking(wire):
    client, server = without_server(wire)
    mine = client.ip
    claim(wire, mine)
    claim(wire, mine)
    wire.run(15_000)
    assert client.ip.startswith("169.254.") and client.ip != mine
    assert client.state == "SELECTING"
    server.silent = False
    client.until("BOUND", 80)


@rfc("3927 2.2-1")
def test_cable_out_and_in_it_has_the_same_again(wire):
    client, _server = without_server(wire)
    mine = client.ip
    wire.up = False
    wire.run(3000)
    assert client.ip == "0.0.0.0" and client.state == "INIT"
    wire.run(60_000)
    assert client.ip == "0.0.0.0"
    wire.up = True
    wire.run(30_000)
    assert client.ip == mine


def test_release_gives_it_up_too(wire):
    client, _server = without_server(wire)
    client.dhcp.release()
    wire.run(3000)
    assert client.ip == "0.0.0.0" and client.state == "RELEASED"
    wire.run(60_000)
    assert client.ip == "0.0.0.0"


def test_an_expired_lease_leads_there(wire):
    server = Server(wire, seconds=60)
    client = Client(wire)
    client.until("BOUND")
    server.silent = True
    wire.run(120_000)
    assert client.ip.startswith("169.254.") and client.count("dhcp_expired") == 1


def test_alone_it_watches_the_cable_itself(wire):
    stack, _link, _said = local(wire)
    wire.run(10_000)
    mine = ip(stack)
    wire.up = False
    wire.run(3000)
    assert ip(stack) == "0.0.0.0"
    wire.up = True
    wire.run(10_000)
    assert ip(stack) == mine
