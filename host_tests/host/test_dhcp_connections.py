"""What becomes of connections and datagrams when the address changes, or is lost."""

import pytest
from host.dhcp_lab import RELEASE, REQUEST, Server, lent
from lab import packets
from lab.net import Inbox, Station
from lab.packets import BROADCAST, addr
from lab.tcp import Log
from uipy import BadAddress, Bytes, NotConnected

rfc = pytest.mark.rfc

OTHER_MAC = b"\2\0\0\0\0\xaa"
IP = "192.168.1.50"


class Far(Station):
    """A station that speaks TCP with the board at its leased address."""

    def segment(
        self, flags, seq=None, ack=None, data=b"", wnd=None, opts=b"", up=0, header=None, **f
    ):
        s, a, w = self.numbers(flags, data, seq, ack, wnd)
        body = packets.tcp(self.ip, IP, self.port, self.to, s, a, flags, w, data, opts, up, **f)
        return self.datagram(6, body, dst=IP)


def talking(wire, seconds=1000, **options):
    """A board with a connection to a station, and what its application is told."""
    client, server = lent(wire, seconds=seconds, tcp=4, **options)
    apps = []

    def app():
        apps.append(Log())
        return apps[-1]

    client.stack.listen(7, app, 2)
    far = Far(wire)
    far.establish()
    wire.run(200)
    far.heard.clear()
    (log,) = [a for a in apps if a.conn and a.conn.state_name == "ESTABLISHED"]
    return client, server, far, log


def test_a_renewal_is_nothing_to_a_connection(wire):
    client, server, far, log = talking(wire)
    client.dhcp.renew()
    wire.run(1000)
    assert [m.kind for m in server.heard] == [REQUEST] and client.state == "BOUND"
    far.seg("AP", data=b"still here")
    assert log.data == b"still here" and not log.said("closed")


def test_a_nak_ends_connections_without_a_word(wire):
    client, server, far, log = talking(wire)
    server.refuses = True
    client.dhcp.renew()
    wire.run(1000)
    assert log.said("closed") == ["unreachable"] and not [f for f in far.heard if f.tcp]
    assert log.conn.state_name == "CLOSED"
    with pytest.raises(NotConnected):
        log.conn.send(b"x")


@rfc("2131 4.4.5-4")
def test_the_end_of_the_lease_ends_connections_without_a_word(wire):
    client, server, far, log = talking(wire, seconds=300)
    server.silent = True
    client.until("INIT", 320)
    assert log.said("closed") == ["unreachable"] and not [f for f in far.heard if f.tcp]


def test_release_resets_connections_from_the_old_address(wire):
    client, server, far, log = talking(wire)
    client.dhcp.release()
    wire.run(1000)
    assert log.said("closed") == ["aborted"]
    (rst,) = [f for f in far.heard if f.tcp]
    assert "R" in rst.tcp.flags and rst.ip_src == addr(IP) and rst.tcp.seq == far.ack
    assert [m.kind for m in server.heard] == [RELEASE] and server.heard[0].at >= rst.at


@rfc("5227 2.4-2", "5227 2.4-5")
def test_who_loses_the_address_to_another_station_resets_connections(wire):
    client, _server, far, log = talking(wire)
    body = packets.arp(1, OTHER_MAC, IP, bytes(6), IP)
    for _ in range(2):
        wire.give(packets.eth(BROADCAST, OTHER_MAC, 0x0806, body, pad=60))
    assert log.said("closed") == ["aborted"] and client.ip == "0.0.0.0"
    (rst,) = [f for f in far.heard if f.tcp]
    assert "R" in rst.tcp.flags and rst.ip_src == addr(IP)


def test_a_cable_that_comes_back_with_the_address_keeps_connections(wire):
    client, _server, far, log = talking(wire)
    wire.up = False
    wire.run(3000)
    log.conn.send(b"said while the cable was out")
    wire.run(3000)
    far.heard.clear()
    wire.up = True
    sent = client.until("BOUND", 12)
    verified = next(f.at for f in sent if f.arp and f.arp.spa == addr(IP))
    assert all(f.at >= verified for f in sent if f.tcp)
    sent += wire.run(70_000)
    assert any(f.tcp and f.tcp.data == b"said while the cable was out" for f in sent)
    assert not log.said("closed")
    far.seg("AP", data=b"and back")
    assert log.data == b"and back"


def test_a_cable_into_another_network_ends_connections_without_a_word(wire):
    client, server, far, log = talking(wire)
    wire.up = False
    wire.run(2000)
    wire.peers.remove(server)
    Server(wire, "192.168.1.2", OTHER_MAC, first=90)
    wire.up = True
    client.until("BOUND", 20)
    assert log.said("closed") == ["unreachable"] and client.ip == "192.168.1.90"
    assert not [f for f in far.heard if f.tcp and "R" in f.tcp.flags]


def test_handshakes_and_time_wait_are_forgotten_with_the_address(wire):
    client, server, far, log = talking(wire)
    log.conn.close()
    wire.run()
    far.seg("FA")
    half = Far(wire, "192.168.1.10", OTHER_MAC)
    half.syn()
    tcp = client.stack.tcp
    assert (tcp.half.used(), tcp.wait.used()) == (1, 1)
    server.refuses = True
    client.dhcp.renew()
    wire.run(1000)
    assert (tcp.half.used(), tcp.wait.used()) == (0, 0)


def test_listeners_serve_the_next_address(wire):
    client, server, _far, _log = talking(wire)
    server.refuses = True
    client.dhcp.renew()
    wire.run(1000)
    server.refuses = False
    client.until("BOUND", 30)
    again = Far(wire, port=40001)
    again.establish()


def test_whoever_connects_anew_in_closed_is_told_each_time_and_not_for_ever(wire):
    client, server, far, log = talking(wire)
    tries = []

    def closed_then_connect(conn, reason):
        tries.append(reason)
        try:
            client.stack.connect(log, "192.168.1.9", 99)
        except BadAddress:
            tries.append("no address")

    log.closed = closed_then_connect
    client.dhcp.release()
    wire.run(3000)
    assert tries == ["aborted", "unreachable", "no address"] and client.state == "RELEASED"
    (rst,) = [f for f in far.heard if f.tcp and "R" in f.tcp.flags]
    assert server.heard[0].at == rst.at  # nobody waits for what was begun after the reset


def test_a_datagram_that_waits_for_a_neighbour_is_told_that_it_cannot_go(wire):
    client, server, _far, _log = talking(wire)
    box = Inbox()
    port = client.stack.bind(0, box)
    port.send("192.168.1.77", 9, Bytes(b"?"))  # nobody there
    wire.run()
    server.refuses = True
    client.dhcp.renew()
    sent = wire.run(500)
    assert box.errors == ["unreachable"] and port.src is None
    assert not [f for f in sent if f.udp and f.udp.dport == 9]


def test_an_abort_under_way_has_one_end(wire):
    client, _server, far, log = talking(wire)
    log.conn.abort()
    client.dhcp.release()
    wire.run(1000)
    assert log.said("closed") == ["aborted"]
    assert len([f for f in far.heard if f.tcp and "R" in f.tcp.flags]) == 1


def test_a_reset_that_cannot_leave_does_not_hold_the_address(wire):
    client, _server, far, log = talking(wire)
    far.answers_arp = False
    client.stack.ifaces[0].arp.clear()
    client.dhcp.release()
    wire.run(5000)
    assert log.said("closed") == ["unreachable"] and client.state == "RELEASED"
