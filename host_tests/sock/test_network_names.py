"""`network`: names, name servers, the cable, a radio that is none, a chip that a program names."""

import machine
import pytest
from boards import ends
from host.dhcp_lab import REQUEST
from lab.mdns import TYPES
from lab.net import BOARD_MAC
from lab.packets import addr
from sock.network_lab import Board
from uipy import loop
from uipy.host import Mdns
from uipy.sock.lan import Home


@pytest.fixture
def board():
    made = Board()
    yield made
    loop.detach()
    assert not made.wire.errors, made.wire.errors


@pytest.fixture
def leased(board):
    lan = board.net.LAN()
    lan.active(True)
    board.until(lambda: lan.isconnected() and board.lan.home.mdns.established)
    board.run(3000)
    board.server.heard.clear()
    return board


def spoken(frames):
    """(name's first label, TTL) of the A records that were told, by multicast DNS."""
    found = []
    for f in frames:
        if f.udp and f.udp.dport == 5353 and f.udp.data[2] & 0x80:
            data = f.udp.data
            at = 12
            n = data[at]
            kind = int.from_bytes(data[at + n + 8 : at + n + 10], "big")
            ttl = int.from_bytes(data[at + n + 12 : at + n + 16], "big")
            if kind == TYPES["A"]:
                found.append((data[at + 1 : at + 1 + n].decode(), ttl))
    return found


# The host name


def test_the_name_goes_to_the_dhcp_server_and_into_local(board):
    board.net.hostname("kitchen")
    assert board.net.hostname() == board.net.LAN().config("hostname") == "kitchen"
    lan = board.net.LAN()
    lan.active(True)
    board.until(lan.isconnected)
    sent = board.run(3000)
    assert {m.options[12] for m in board.server.heard} == {b"kitchen"}
    assert ("kitchen", 120) in spoken(sent)


def test_another_name_takes_effect_at_once(leased):
    """MicroPython's own ports want it before the interface is active."""
    leased.net.hostname("cellar")
    sent = leased.run(5000)
    (request,) = leased.server.heard
    assert request.kind == REQUEST and request.options[12] == b"cellar"
    told = spoken(sent)
    assert told[0] == ("uipy", 0)  # goodbye, RFC 6762 10.1
    assert ("cellar", 120) in told and ("uipy", 120) not in told
    assert leased.lan.home.mdns.name == "cellar" and leased.lan.home.mdns.established


def test_the_same_name_again_is_nothing_new(leased):
    leased.net.hostname("uipy")
    assert not spoken(leased.run(5000)) and not leased.server.heard


def test_services_go_by_the_new_name():
    class Web(Home):
        def __init__(self, stack, say):
            super().__init__(stack, say)
            self.mdns = Mdns(stack, "uipy", 0, say)
            self.mdns.add("_http._tcp", 80)

    board = Board(ip="192.168.1.7/24", home=Web)
    board.run(5000)
    board.net.hostname("cellar")
    octets = b"".join(f.udp.data for f in board.run(5000) if f.udp and f.udp.dport == 5353)
    assert b"\x06cellar" in octets and board.home.mdns.name == "cellar"
    assert any("cellar.local" in line for line in board.said)
    loop.detach()


def test_a_name_that_changes_twice_at_once_is_the_last(leased):
    leased.net.hostname("cellar")
    leased.net.LAN().config(hostname="attic")
    leased.run(5000)
    assert leased.lan.home.mdns.name == "attic"


def test_a_name_that_changes_without_a_cable_is_there_when_it_is_back(leased):
    leased.wire.up = False
    leased.run(3000)
    leased.net.hostname("cellar")
    leased.run(1000)
    leased.wire.up = True
    assert ("cellar", 120) in spoken(leased.run(30_000))
    assert leased.server.heard[-1].options[12] == b"cellar"


@pytest.mark.parametrize("name", ["", "x" * 33, "a\nb"])
def test_what_is_no_host_name_raises(leased, name):
    with pytest.raises(ValueError):
        leased.net.hostname(name)
    assert leased.net.hostname() == "uipy"


@pytest.mark.parametrize("name", ["k", "my board"])
def test_a_name_may_be_short_and_have_a_blank(leased, name):
    leased.net.hostname(name)
    leased.run(5000)
    assert leased.lan.home.mdns.name == name
    assert leased.server.heard[-1].options[12] == name.replace(" ", "-").encode()


def test_a_name_may_be_set_before_there_is_an_interface(monkeypatch):
    from uipy.sock import nic

    monkeypatch.setattr(nic, "_told", {"country": "XX"})
    loop.detach()
    assert nic.hostname() == "uipy"
    nic.hostname("shed")
    assert nic.hostname() == "shed"


# Name servers


def test_the_name_server_by_hand_is_asked(leased):
    leased.net.ipconfig(dns="192.168.1.9")
    assert leased.net.ipconfig("dns") == leased.net.LAN().ifconfig()[3] == "192.168.1.9"
    loop.current().resolver.resolve("www.example.org", "A", lambda answer: None)
    asked = [f for f in leased.run(1500) if f.udp and f.udp.dport == 53]
    assert asked and {f.ip_dst for f in asked} == {addr("192.168.1.9")}


def test_a_resolver_that_exists_changes_its_server(leased):
    resolver = loop.current().resolver
    assert bytes(resolver.servers[:4]) == addr("192.168.1.3")
    leased.net.ipconfig(dns="192.168.1.9")
    assert bytes(resolver.servers) == addr("192.168.1.9")
    leased.net.LAN().ipconfig(dhcp4=True)
    assert bytes(resolver.servers[:4]) == addr("192.168.1.3")


def test_local_names_are_asked_for_on_the_cable(leased):
    loop.current().resolver.resolve("printer.local", "A", lambda answer: None)
    asked = [f for f in leased.run(1500) if f.udp]
    assert asked and {f.udp.dport for f in asked} == {5353}


def test_what_network_ipconfig_does_not_know_raises(leased):
    net = leased.net
    assert net.ipconfig("prefer") == 4
    net.ipconfig(prefer=4)
    for wrong in ({"dns": "nowhere"}, {"prefer": 5}, {"colour": 1}):
        with pytest.raises(ValueError):
            net.ipconfig(**wrong)
    with pytest.raises(ValueError):
        net.ipconfig("colour")
    with pytest.raises(TypeError):
        net.ipconfig("dns", dns="192.168.1.1")
    with pytest.raises(ValueError):
        net.LAN().ipconfig("colour")
    with pytest.raises(ValueError):
        net.LAN().ipconfig(colour=1)
    with pytest.raises(TypeError):
        net.LAN().ipconfig("addr4", dhcp4=True)


def test_a_country_is_kept(board):
    board.net.country("DE")
    assert board.net.country() == "DE"
    with pytest.raises(ValueError):
        board.net.country("DEU")
    board.net.country("XX")


# The cable


def test_who_asked_is_told_of_the_cable(leased):
    heard = []
    leased.net.LAN().on_link(heard.append)
    leased.wire.up = False
    leased.wait(2000)
    assert heard == [False]
    leased.wire.up = True
    leased.wait(2000)
    assert heard == [False, True]
    leased.net.LAN().on_link(None)
    leased.wire.up = False
    leased.wait(2000)
    assert heard == [False, True]


def test_a_cable_that_is_told_of_may_change_the_address(leased):
    """Not in a poll: what it calls may wait."""
    lan = leased.net.LAN()
    lan.on_link(lambda up: lan.ipconfig(addr4="192.168.1.77/24") if up else None)
    leased.wire.up = False
    leased.wait(2000)
    leased.wire.up = True
    leased.wait(5000)
    assert leased.ip == "192.168.1.77"


# A radio that is none


def test_a_pico_w_tutorial_runs(board):
    """The one of Raspberry Pi's "Connecting to the internet with Pico W", its clock ours."""
    network = board.net
    wlan = network.WLAN(network.STA_IF)
    wlan.active(True)
    wlan.config(pm=0xA11140)
    wlan.connect("Wireless Network", "The Password")
    max_wait = 20
    while max_wait > 0:
        if wlan.status() < 0 or wlan.status() >= 3:
            break
        max_wait -= 1
        board.run(1000)
    assert wlan.status() == network.STAT_GOT_IP
    assert wlan.ifconfig()[0] == "192.168.1.50"
    assert wlan.scan() == [] and wlan.config("ssid") == "" and wlan.status("rssi") == 0
    assert wlan.config("channel") == 0 and wlan.config("mac") == BOARD_MAC


def test_the_same_tutorial_with_lan_runs(board):
    network = board.net
    wlan = network.LAN(network.STA_IF)
    wlan.active(True)
    wlan.connect("Wireless Network", "The Password")
    board.until(lambda: wlan.status() < 0 or wlan.status() >= 3)
    assert wlan.status() == 3


def test_the_radio_shows_what_the_cable_does(board):
    wlan = board.net.WLAN()
    assert wlan.status() == board.net.STAT_IDLE and wlan.active() is False
    wlan.active(True)
    assert wlan.status() == board.net.STAT_CONNECTING and board.net.LAN().active()
    board.until(wlan.isconnected)
    wlan.disconnect()
    assert not wlan.isconnected() and wlan.active()


def test_an_access_point_is_never_active(leased):
    """webrepl.py asks IF_AP first, and prints the address of whom is active."""
    network = leased.net
    ap = network.WLAN(network.WLAN.IF_AP)
    assert ap.active() is False and not ap.isconnected() and ap.active(False) is None
    assert ap.ifconfig() == ("0.0.0.0",) * 4 and ap.status("stations") == [] and ap.status() == 0
    ap.disconnect()
    ap.config(ssid="x", key="y")
    with pytest.raises(OSError, match="no access point"):
        ap.active(True)
    with pytest.raises(OSError, match="no access point"):
        ap.connect()
    shown = [
        network.WLAN(i).ifconfig()[0]
        for i in (network.WLAN.IF_AP, network.WLAN.IF_STA)
        if network.WLAN(i).active()
    ]
    assert shown == ["192.168.1.50"]


# A chip that the program names


@pytest.fixture
def w5500():
    loop.detach()
    model, wiring = ends.model("w5500")
    machine.wire(wiring)
    model.clock = lambda: 10**12
    yield
    machine.wire(None)
    loop.detach()


@pytest.mark.parametrize("kind", ["LAN", "WIZNET5K"])
def test_a_program_may_name_its_chip(w5500, kind):
    from machine import SPI, Pin
    from uipy.sock import nic

    spi, cs, reset = SPI(0), Pin(17), Pin(20)
    if kind == "LAN":
        lan = nic.LAN(0, spi=spi, cs=17, reset=reset, phy_type=nic.PHY_W5500, mac=b"\2\0\0\0\0\1")
    else:
        lan = nic.WIZNET5K(spi, cs, reset)
    assert type(loop.current().stack.ifaces[0].dev).__name__ == "W5500"
    assert lan.active() is False and nic.LAN().config("mac") == lan.config("mac")
    assert lan.config("mac")[0] & 1 == 0
    lan.active(True)
    assert lan.active() and repr(lan) == "<%s up 0.0.0.0>" % kind


@pytest.mark.parametrize("given", [{"cs": 17}, {"spi": 1, "cs": 17, "chip": "rtl8139"}])
def test_a_chip_that_is_not_named_well_is_refused(given):
    from uipy.sock import nic

    loop.detach()
    with pytest.raises(ValueError, match="enc28j60, w5100s, w5500, w6100"):
        nic.LAN(**given)
