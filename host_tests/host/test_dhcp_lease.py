"""DHCP: a lease is kept, changed, lost (RFC 2131 3.2, 3.7, 4.4.5), over months."""

import itertools

import pytest
from host.dhcp_lab import (
    ACK,
    DECLINE,
    DISCOVER,
    NAK,
    OFFER,
    REQUEST,
    Client,
    Server,
    lent,
    sail,
)
from lab import packets
from lab.net import Station, Wire
from lab.packets import BROADCAST, addr

rfc = pytest.mark.rfc

OTHER_MAC = b"\2\0\0\0\0\xaa"
DAY = 86400


@rfc("2131 2-1", "2131 4.3.2-4")
def test_a_renewal_goes_to_the_server_alone_at_half_time(wire):
    client, server = lent(wire, seconds=1000)
    wire.run(510_000)
    (m,) = server.heard
    assert m.kind == REQUEST and m.ciaddr == m.src == addr("192.168.1.50")
    assert m.wanted is None and m.server is None and m.dst == addr(server.ip)
    assert m.mac == server.mac
    assert 440_000 < m.at < 510_000
    assert client.state == "BOUND" and client.count("dhcp_renewed") == 1
    assert 1000 - client.dhcp.left <= (wire.clock.ms - m.at) // 1000 + 1


@rfc("2131 4.1-2")
def test_a_renewal_goes_to_the_server_identifier_whoever_sent_it(wire):
    server = Server(wire)
    server.silent = True
    client = Client(wire)
    client.until("SELECTING")
    m = server.heard[-1]
    Station(wire, "192.168.1.9", OTHER_MAC)
    for kind in (OFFER, ACK):
        server.send(kind, m, "192.168.1.50", {54: addr("192.168.1.9")}, seconds=1000)
        wire.run()
    client.until("BOUND")
    sent = client.until("RENEWING", 600) + wire.run(100)
    (f,) = [f for f in sent if f.udp]
    assert f.ip_dst == addr("192.168.1.9") and f.dst == OTHER_MAC


@rfc("2131 3.5-1", "3442 client-2", "3442 client-3")
def test_every_request_wants_the_same_options(wire):
    server = Server(wire, seconds=300)
    client = Client(wire)
    client.until("BOUND")
    server.silent = True
    client.until("REBINDING", 300)
    wire.run(100)
    assert [m.kind for m in server.heard][:3] == [DISCOVER, REQUEST, REQUEST]
    assert not server.heard[1].bound and server.heard[-1].mac == BROADCAST
    # RFC 3442: 121 before 3
    assert {m.options[55] for m in server.heard} == {bytes([1, 121, 3, 6, 15, 42, 58, 59])}


@rfc("2131 4.4.5-1", "2131 4.4.5-2")
def test_t1_differs_from_board_to_board():
    at = set()
    for k in range(6):
        wire = Wire(mac=b"\2\0\0\0\1" + bytes([k]))
        server = Server(wire, seconds=100_000)
        stack = wire.board(ip=None, key=b"a key %02d" % k, udp=2)
        from uipy.host import Dhcp

        dhcp = Dhcp(stack)
        wire.run(9000)
        assert dhcp.state == "BOUND" and server.heard
        assert 46_800 < dhcp.lease.t1 <= 50_000 and 82_000 < dhcp.lease.t2 <= 87_500
        at.add(dhcp.lease.t1)
    assert len(at) == 6


def test_the_servers_t1_and_t2_count(wire):
    client, server = lent(wire, _58=(100).to_bytes(4, "big"), _59=(200).to_bytes(4, "big"))
    server.silent = True
    client.until("RENEWING", 110)
    client.until("REBINDING", 110)


@rfc("2131 4.4.5-1")
@pytest.mark.parametrize("t1", [0, 4000, 300])
def test_a_t1_that_makes_no_sense_does_not(wire, t1):
    client, _server = lent(wire, _58=t1.to_bytes(4, "big"), _59=(200).to_bytes(4, "big"))
    assert 1600 < client.dhcp.lease.t1 <= 1800 and client.dhcp.lease.t2 > 2900


@rfc("2131 4.3.2-5", "2131 4.4.5-3")
def test_a_silent_server_is_asked_again_after_half_of_what_is_left(wire):
    client, server = lent(wire, seconds=8000)
    server.silent = True
    sail(client, 7950)
    at = [m.at // 1000 for m in server.heard if m.mac == server.mac]
    first = at[0]
    for a, b in itertools.pairwise(at):
        assert b - a >= 60
    assert len(at) > 4 and 1300 <= at[1] - first <= 1800
    assert client.state == "REBINDING"
    casts = [m for m in server.heard if m.mac == BROADCAST]
    assert casts and all(m.src == m.ciaddr == addr("192.168.1.50") for m in casts)
    assert all(m.wanted is None and m.server is None for m in casts)
    assert client.ip == "192.168.1.50"


def test_another_server_may_take_over(wire):
    client, server = lent(wire, seconds=1000)
    server.silent = True
    second = Server(wire, "192.168.1.2", OTHER_MAC, seconds=500)
    second.lent[wire.mac] = "192.168.1.50"
    wire.run(880_000)
    assert client.state == "BOUND"
    assert bytes(client.dhcp.server) == addr("192.168.1.2") and client.ip == "192.168.1.50"
    assert client.dhcp.left > 400 and client.count("dhcp_renewed") == 1


@rfc("2131 4.4.5-4")
def test_the_end_of_the_lease_ends_the_use_of_the_address(wire):
    client, server = lent(wire, seconds=600)
    server.silent = True
    client.until("INIT", 620)
    assert client.ip == "0.0.0.0" and client.dhcp.left == 0 and not any(client.dhcp.address)
    assert "has run out" in client.said[-1] and client.count("dhcp_expired") == 1
    server.silent = False
    server.heard.clear()
    client.until("BOUND", 30)
    assert client.ip == "192.168.1.50" and server.heard[0].wanted == addr("192.168.1.50")


@rfc("2131 4.4.5-5")
def test_behind_the_end_of_the_lease_another_address_takes_its_place(wire):
    client, server = lent(wire, seconds=600)
    server.silent = True
    client.until("INIT", 620)
    server.lent = {b"x": "192.168.1.50"}
    server.silent = False
    client.until("BOUND", 30)
    assert client.ip == "192.168.1.51" and "192.168.1.51/24 is our address" in client.said[-1]
    peer = Station(wire)
    assert not wire.give(peer.arp_request(tpa="192.168.1.50"))
    assert wire.give(peer.arp_request(tpa="192.168.1.51"))


@pytest.mark.parametrize("state", ["RENEWING", "REBINDING"])
def test_a_nak_takes_the_address_at_once(wire, state):
    client, server = lent(wire, seconds=1000)
    server.silent = True
    client.until(state, 1000)
    wire.run(100)
    server.send(NAK, server.heard[-1])
    wire.run()
    assert client.state == "INIT" and client.ip == "0.0.0.0" and client.kept[-1] == b""
    server.silent = False
    server.lent = {b"x": "192.168.1.50"}
    client.until("BOUND")
    assert client.ip == "192.168.1.51"


def test_in_renewing_only_the_lender_can_refuse(wire):
    client, server = lent(wire, seconds=1000)
    server.silent = True
    client.until("RENEWING", 1000)
    wire.run(100)
    server.send(NAK, server.heard[-1], options={54: addr("192.168.1.66")})
    wire.run()
    assert client.state == "RENEWING" and client.count("dhcp_ignored") == 1


def test_a_renewal_that_names_another_address_is_none(wire):
    client, server = lent(wire, seconds=1000)
    server.silent = True
    client.until("RENEWING", 1000)
    wire.run(100)
    server.send(ACK, server.heard[-1], "192.168.1.99")
    wire.run()
    assert client.state == "RENEWING" and client.ip == "192.168.1.50"


def test_a_renewal_brings_new_facts(wire):
    client, server = lent(wire, seconds=1000)
    server.options[6] = addr("192.168.1.200")
    server.options[3] = addr("192.168.1.254")
    dns = client.dhcp.dns
    client.dhcp.renew()
    wire.run(100)
    assert bytes(dns) == addr("192.168.1.200") + bytes(8)
    assert bytes(client.dhcp.router) == addr("192.168.1.254")
    assert bytes(client.stack.ifaces[0].face[22:26]) == addr("192.168.1.254")
    assert client.ip == "192.168.1.50" and len(client.kept) == 2


@pytest.mark.parametrize("kind", [ACK, NAK])
@pytest.mark.parametrize("state", ["PROBING", "BOUND"])
def test_an_answer_that_nobody_waits_for_is_ignored(wire, kind, state):
    server = Server(wire)
    client = Client(wire)
    client.until(state)
    server.send(kind, server.heard[-1], "192.168.1.50")
    wire.run()
    assert client.state == state and client.count("dhcp_ignored") == 1


def test_what_is_kept_is_kept_once(wire):
    client, _server = lent(wire, seconds=100)
    sail(client, 10_000)
    assert client.count("dhcp_renewed") > 150 and len(client.kept) == 1


def test_a_keeper_that_raises_is_heard_of_and_nothing_else_happens(wire):
    Server(wire)

    def broken(lease):
        raise OSError("no room")

    client = Client(wire)
    client.dhcp.keep = broken
    client.dhcp.acd.say = broken
    client.until("BOUND")
    assert [str(e) for e in wire.errors] == ["no room"] * 2
    wire.errors.clear()


@rfc("2131 2-2")
def test_half_a_year_of_renewals(wire):
    client, server = lent(wire, seconds=8 * 3600)
    sail(client, 182 * DAY)
    assert client.state == "BOUND" and client.ip == "192.168.1.50"
    assert client.count("dhcp_renewed") >= 182 * 6
    assert all(m.kind == REQUEST and m.bound for m in server.heard)
    assert client.count("dhcp_bound") == 1 and len(client.said) == 1


def test_a_lease_of_years_is_renewed_after_years(wire):
    client, server = lent(wire, seconds=10 * 365 * DAY)
    sail(client, 4 * 365 * DAY)
    assert not server.heard and client.state == "BOUND"
    sail(client, 2 * 365 * DAY)
    assert len(server.heard) == 1 and client.dhcp.left > 8 * 365 * DAY


def test_a_week_with_a_server_that_comes_and_goes(wire):
    client, server = lent(wire, seconds=3600)
    for k in range(30):
        server.silent = k % 3 == 2
        server.refuses = k % 7 == 3
        sail(client, DAY // 4)
        at_work = client.state in ("BOUND", "RENEWING", "REBINDING")
        assert at_work == (not server.silent and not server.refuses), (k, client.state)
        assert any(client.dhcp.address) == at_work
    assert client.count("dhcp_expired") >= 8 and client.count("dhcp_nak") > 10


# The board is reset


def again(wire, client, **options):
    """The same board after a reset, with what was kept."""
    other = Wire(mac=wire.mac)
    server = Server(other)
    server.lent[wire.mac] = client.ip
    return other, server, Client(other, lease=client.kept[-1], **options)


@rfc("2131 3.2-1", "2131 3.7-1", "2131 4.3.2-3", "2131 4.4.2-1", "2131 4.4.2-2")
def test_after_a_reset_the_old_address_is_asked_for(wire):
    client, _ = lent(wire)
    _other, server, board = again(wire, client)
    assert board.state == "INIT-REBOOT" and board.ip == "0.0.0.0" and board.dhcp.left == 0
    board.until("PROBING")
    board.until("BOUND")
    (m,) = server.heard
    assert m.kind == REQUEST and m.wanted == addr("192.168.1.50") and m.server is None
    assert not m.bound and board.ip == "192.168.1.50"


@rfc("2131 3.2-2")
def test_after_a_reset_an_old_address_that_another_has_is_declined(wire):
    client, _ = lent(wire)
    other, server, board = again(wire, client)
    Station(other, client.ip, OTHER_MAC)
    board.until("BOUND", 40)
    assert [m.kind for m in server.heard] == [REQUEST, DECLINE, DISCOVER, REQUEST]
    assert server.heard[1].wanted == addr("192.168.1.50") and board.ip == "192.168.1.51"


def test_after_a_reset_elsewhere_the_nak_leads_to_a_new_address(wire):
    client, _ = lent(wire)
    _other, server, board = again(wire, client)
    server.lent = {b"x": "192.168.1.50"}
    board.until("BOUND")
    kinds = [m.kind for m in server.heard]
    assert kinds == [REQUEST, DISCOVER, REQUEST] and board.ip == "192.168.1.51"


def test_after_a_reset_nobody_knows_how_old_the_lease_is(wire):
    client, _ = lent(wire)
    _other, server, board = again(wire, client, fallback=False)
    server.silent = True
    board.until("SELECTING", 20)
    assert board.ip == "0.0.0.0" and server.heard[-1].wanted == addr("192.168.1.50")


@pytest.mark.parametrize(
    "lease", [b"", b"x", bytes(155), b"\1" + b"\xff" * 154, b"\1" * 155, None]
)
def test_what_was_kept_badly_is_as_nothing(wire, lease):
    client = Client(wire, lease=lease)
    # b"\1" * 155 has a mask with holes
    assert client.state == "INIT"


@pytest.mark.parametrize(("at", "octet"), [(0, 2), (1, 127), (5, 0), (11, 1), (53, 65), (118, 5)])
def test_a_lease_that_has_suffered_is_as_nothing(wire, at, octet):
    client, _ = lent(wire)
    kept = bytearray(client.kept[-1])
    assert again(wire, client)[2].state == "INIT-REBOOT"
    kept[at] = octet
    assert Client(Wire(), lease=bytes(kept)).state == "INIT"


# The cable


@rfc("2131 3.7-1")
def test_while_the_cable_is_out_there_is_no_address_and_then_it_is_verified(wire):
    client, server = lent(wire)
    wire.up = False
    wire.run(2000)
    assert client.state == "INIT-REBOOT" and client.ip == "0.0.0.0"
    wire.run(10_000)
    assert not server.heard
    wire.up = True
    sent = client.until("BOUND", 12)
    (m,) = server.heard
    assert m.kind == REQUEST and m.wanted == addr("192.168.1.50") and m.src == bytes(4)
    assert not [f for f in sent if f.arp and f.arp.spa == addr("192.168.1.50")][1:]
    assert client.ip == "192.168.1.50"


def test_when_nobody_answers_the_lease_is_used_while_it_lasts(wire):
    client, server = lent(wire)
    left = client.dhcp.left
    server.silent = True
    client.unplug()
    client.until("BOUND", 30)
    assert client.ip == "192.168.1.50" and left - 40 < client.dhcp.left < left - 10
    assert server.kinds() == [REQUEST] * 2


def test_another_network_has_another_address(wire):
    client, server = lent(wire)
    wire.up = False
    wire.run(2000)
    wire.peers.remove(server)
    there = Server(wire, "192.168.1.2", OTHER_MAC, first=90)
    wire.up = True
    client.until("BOUND", 20)
    assert client.ip == "192.168.1.90" and client.count("dhcp_nak") == 1
    assert bytes(client.dhcp.server) == addr(there.ip)


def test_a_lease_can_run_out_while_the_cable_is_out(wire):
    client, server = lent(wire, seconds=100)
    wire.up = False
    wire.run(120_000)
    assert client.count("dhcp_expired") == 1 and client.ip == "0.0.0.0" and not server.heard
    wire.up = True
    client.until("BOUND", 20)


def test_without_a_cable_nothing_is_asked_for_and_nothing_used(wire):
    Server(wire)
    client = Client(wire)
    client.until("PROBING")
    wire.up = False
    wire.run(1000)
    assert not wire.run(60_000) and client.ip == "0.0.0.0"


def test_the_cable_goes_in_every_state(wire):
    server = Server(wire)
    for state in ("INIT", "SELECTING", "REQUESTING", "PROBING", "BOUND", "RENEWING", "REBINDING"):
        server.heard.clear()
        server.lent.clear()
        server.seconds = 300
        server.deaf = {"SELECTING": {DISCOVER}, "REQUESTING": {REQUEST}}.get(state, set())
        client = Client(wire)
        if state in ("RENEWING", "REBINDING"):
            client.until("BOUND")
            server.silent = True
        client.until(state, 300)
        server.deaf = set()
        server.silent = False
        client.unplug()
        client.until("BOUND", 30)
        assert client.ip == "192.168.1.50"


# Another station insists


def intrude(wire, ip="192.168.1.50"):
    body = packets.arp(1, OTHER_MAC, ip, bytes(6), ip)
    return wire.give(packets.eth(BROADCAST, OTHER_MAC, 0x0806, body, pad=60))


@rfc("5227 2.4-1", "5227 2.4-2")
def test_a_claim_is_answered_once_and_the_second_within_ten_seconds_ends_it(wire):
    client, server = lent(wire)
    (f,) = intrude(wire)
    assert f.arp.spa == f.arp.tpa == addr("192.168.1.50") and f.dst == BROADCAST
    assert "uses it too" in client.said[-1]
    wire.run(11_000)
    assert intrude(wire)  # after ten seconds it is the first again
    wire.run(5000)
    intrude(wire)
    wire.run()
    assert client.state == "INIT" and client.ip == "0.0.0.0"
    assert [m.kind for m in server.heard] == [DECLINE]
    assert server.heard[0].wanted == addr("192.168.1.50")
    client.until("BOUND", 30)
    assert client.ip == "192.168.1.51"


@rfc("5227 2.1.1-8")
def test_ten_conflicts_in_a_row_slow_it_down(wire):
    server = Server(wire)
    for k in range(50, 90):
        Station(wire, "192.168.1.%d" % k, OTHER_MAC)
    client = Client(wire)
    wire.polls = -2_000_000
    wire.run(800_000)
    at = [m.at for m in server.heard if m.kind == DECLINE]
    assert len(at) > 12 and at[1] - at[0] < 25_000 and at[-1] - at[-2] > 60_000
    assert client.state != "BOUND"
