"""`network`: addresses by DHCP and by hand, as MicroPython documents them (docs/lan.md)."""

import pytest
from host.dhcp_lab import RELEASE, REQUEST
from lab.net import BOARD_MAC
from lab.packets import addr
from lab.tcp import Log
from sock.network_lab import Board
from uipy import loop
from uipy.host import Dhcp, LinkLocal
from uipy.sock.lan import Home

LENT = "192.168.1.50"


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
    board.until(lan.isconnected)
    board.run(1000)
    board.server.heard.clear()
    return board


@pytest.fixture
def fixed():
    made = Board(ip="192.168.1.7/24", gateway="192.168.1.1")
    made.run(2000)
    yield made
    loop.detach()
    assert not made.wire.errors, made.wire.errors


# Without a stack


def test_without_a_stack_lan_says_what_to_do():
    loop.detach()
    from uipy.sock import nic

    with pytest.raises(OSError, match=r"network\.LAN") as caught:
        nic.LAN()
    assert caught.value.errno == 19


# Up and down


def test_an_interface_without_an_address_is_down_until_it_is_made_active(board):
    lan = board.net.LAN()
    assert lan.active() is False and lan.isconnected() is False
    assert lan.ipconfig("addr4") == ("0.0.0.0", "0.0.0.0") and lan.ipconfig("gw4") == "0.0.0.0"
    assert board.run(20_000) == [] or not board.server.heard
    lan.active(True)
    assert lan.active() is True and lan.isconnected() is False
    assert board.until(lan.isconnected) < 12_000
    assert board.ip == LENT


def test_every_lan_is_the_same_interface(board):
    board.net.LAN().active(True)
    assert board.net.LAN(0).active() and board.net.WIZNET5K().active()
    assert board.net.LAN(0, phy_type="anything", mdc=23).active()
    assert board.net.route()[0].active()


def test_an_interface_that_is_made_active_twice_asks_once(leased):
    leased.net.LAN().active(True)
    leased.net.LAN().connect()
    leased.run(5000)
    assert not leased.server.heard


def test_a_program_that_only_asks_gets_on(board):
    """Where nothing polls in the background, a loop around isconnected() does."""
    lan = board.net.LAN()
    lan.active(True)
    for _ in range(40):
        if lan.isconnected():
            break
        board.nap(500)
    assert lan.isconnected()


def test_active_false_gives_the_lease_back(leased):
    lan = leased.net.LAN()
    lan.active(False)
    assert not lan.active() and not lan.isconnected() and leased.ip == "0.0.0.0"
    assert leased.server.kinds() == [RELEASE]
    lan.active(True)
    leased.until(lan.isconnected)


def test_active_false_ends_within_its_time_when_the_server_has_gone(leased):
    leased.server.silent = True
    leased.wire.peers.clear()
    leased.run(120_000)  # its MAC is forgotten
    began = leased.wire.clock.ms
    leased.net.LAN().active(False)
    assert leased.wire.clock.ms - began <= 4000 and leased.ip == "0.0.0.0"


def test_disconnect_lasts_until_connect(leased):
    lan = leased.net.LAN()
    lan.disconnect()
    assert lan.active() and not lan.isconnected() and lan.status() == 1
    lan.connect("an ssid", "a key")
    leased.until(lan.isconnected)


def test_a_static_address_comes_back_with_active(fixed):
    lan = fixed.net.LAN()
    assert lan.active() and lan.isconnected()  # config.py has made it
    lan.active(False)
    assert fixed.ip == "0.0.0.0"
    lan.active(True)
    assert fixed.ip == "192.168.1.7" and lan.ipconfig("gw4") == "192.168.1.1"
    assert not fixed.server.heard


def test_status_is_that_of_lan_in_other_ports(board):
    """As stm32's and mimxrt's LAN: 0 no link, 1 link, 2 up, 3 with an address. WIZNET5K's ends at
    2."""
    lan = board.net.LAN()
    board.wire.up = False
    board.run(2000)
    assert lan.status() == 0
    board.wire.up = True
    board.run(2000)
    assert lan.status() == 1
    lan.active(True)
    assert lan.status() == 2
    board.until(lan.isconnected)
    assert lan.status() == 3 and board.net.WIZNET5K().status() == 2
    with pytest.raises(ValueError):
        lan.status("rssi")


def test_without_a_cable_it_is_not_connected(leased):
    lan = leased.net.LAN()
    leased.wire.up = False
    leased.run(2000)
    assert not lan.isconnected() and lan.status() == 0
    leased.wire.up = True
    leased.until(lan.isconnected)


# DHCP


def test_ifconfig_dhcp_waits_for_the_address(board):
    lan = board.net.LAN()
    lan.active(True)
    assert lan.ifconfig("dhcp") is None
    assert lan.ifconfig() == (LENT, "255.255.255.0", "192.168.1.1", "192.168.1.3")


def test_ifconfig_dhcp_gives_up_after_10_seconds():
    board = Board(server=False)
    lan = board.net.LAN()
    lan.active(True)
    began = board.wire.clock.ms
    with pytest.raises(OSError) as caught:
        lan.ifconfig("dhcp")
    assert caught.value.errno == 110 and board.wire.clock.ms - began == 10_000
    loop.detach()


def test_ifconfig_dhcp_with_a_lease_renews_it_and_does_not_wait(leased):
    began = leased.wire.clock.ms
    leased.net.LAN().ifconfig("dhcp")
    assert leased.wire.clock.ms == began
    leased.run(1000)
    assert leased.server.kinds() == [REQUEST] and leased.ip == LENT


def test_what_dhcp_has_told_can_be_read(leased):
    lan = leased.net.LAN()
    assert lan.ipconfig("addr4") == (LENT, "255.255.255.0")
    assert lan.ipconfig("gw4") == "192.168.1.1"
    assert lan.ipconfig("dhcp4") is True and lan.ipconfig("has_dhcp4") is True
    assert leased.net.ipconfig("dns") == "192.168.1.3"
    assert lan.ipconfig("addr6") == [] and lan.ipconfig("dhcp6") is False


def test_nobody_answers_then_the_address_is_link_local():
    board = Board(server=False)
    lan = board.net.LAN()
    lan.active(True)
    board.until(lan.isconnected, 60)
    assert lan.ipconfig("addr4")[0].startswith("169.254.")
    assert lan.ipconfig("has_dhcp4") is False and lan.ipconfig("dhcp4") is True
    loop.detach()


def test_dhcp4_false_gives_the_lease_back(leased):
    lan = leased.net.LAN()
    lan.ipconfig(dhcp4=False)
    assert leased.ip == "0.0.0.0" and leased.server.kinds() == [RELEASE]
    assert lan.ipconfig("dhcp4") is False and lan.active()
    leased.run(30_000)
    assert leased.ip == "0.0.0.0" and not leased.server.heard


# By hand


def test_an_address_by_hand_is_there_at_once_and_stays(leased):
    lan = leased.net.LAN()
    lan.ipconfig(addr4="192.168.1.77/25", gw4="192.168.1.2")
    assert lan.ipconfig("addr4") == ("192.168.1.77", "255.255.255.128")
    assert lan.ipconfig("gw4") == "192.168.1.2" and lan.ipconfig("dhcp4") is False
    assert leased.server.kinds() == [RELEASE]
    assert leased.net.ipconfig("dns") == "192.168.1.3"  # those of the lease stay, as lwIP's do
    leased.wire.up = False
    leased.run(4_000_000)
    leased.wire.up = True
    leased.run(60_000)
    assert leased.ip == "192.168.1.77" and not leased.server.heard


def test_neighbours_are_told_of_an_address_by_hand(leased):
    leased.net.LAN().ipconfig(addr4="192.168.1.77/24")
    told = [f for f in leased.run(3000) if f.arp and f.arp.spa == addr("192.168.1.77")]
    assert len(told) == 2 and all(f.arp.tpa == addr("192.168.1.77") for f in told)


def test_an_address_by_hand_is_defended(leased):
    leased.net.LAN().ipconfig(addr4="192.168.1.9/24")  # the peer's
    leased.run(3000)
    leased.wire.give(leased.peer.arp_request())
    leased.run(3000)
    assert any("192.168.1.9 is ours" in line for line in leased.said)


@pytest.mark.parametrize(
    ("to", "now"),
    [
        (("192.168.1.8", "255.255.0.0"), ("192.168.1.8", "255.255.0.0")),
        ("192.168.1.8", ("192.168.1.8", "255.255.255.0")),  # the mask stays
        ("192.168.1.8/30", None),  # an end of its subnet
        ("192.168.1.8/30x", None),
        ("192.168.1.300/24", None),
        ("127.0.0.1/8", None),
        ("224.0.0.1/24", None),
        (("192.168.1.8", "255.0.255.0"), None),
        (("192.168.1.8", "24"), None),
        (("192.168.1.8", "64.0.0.0"), None),
        ("10.0.0.8/24", ("10.0.0.8", "255.255.255.0")),
    ],
)
def test_what_is_no_address_raises_and_changes_nothing(leased, to, now):
    lan = leased.net.LAN()
    if now:
        lan.ipconfig(addr4=to)
        assert lan.ipconfig("addr4") == now
        near = now[0].startswith("192.168.1.")
        assert lan.ipconfig("gw4") == ("192.168.1.1" if near else "0.0.0.0")
        return
    with pytest.raises(ValueError):
        lan.ipconfig(addr4=to)
    assert leased.ip == LENT and lan.ipconfig("dhcp4") and not leased.server.heard


def test_a_gateway_out_of_reach_raises_and_changes_nothing(leased):
    lan = leased.net.LAN()
    for to in ({"addr4": "192.168.1.8/24", "gw4": "192.168.2.1"}, {"gw4": "10.0.0.1"}):
        with pytest.raises(ValueError, match="no neighbour"):
            lan.ipconfig(**to)
    with pytest.raises(ValueError):
        lan.ipconfig(gw4="somewhere")
    assert leased.ip == LENT and lan.ipconfig("gw4") == "192.168.1.1"


def test_an_address_without_a_mask_has_that_of_the_one_before(board):
    lan = board.net.LAN()
    lan.ipconfig(addr4="192.168.1.77")
    lan.active(True)
    assert lan.ipconfig("addr4") == ("192.168.1.77", "255.255.255.0")
    lan.ipconfig(addr4="192.168.1.78/25")
    lan.ipconfig(addr4="192.168.1.79")
    assert lan.ipconfig("addr4") == ("192.168.1.79", "255.255.255.128")


def test_a_gateway_alone_is_changed_alone(fixed):
    lan = fixed.net.LAN()
    lan.ipconfig(gw4="192.168.1.2")
    assert lan.ifconfig()[:3] == ("192.168.1.7", "255.255.255.0", "192.168.1.2")
    lan.active(False)
    lan.active(True)
    assert lan.ipconfig("gw4") == "192.168.1.2"


def test_ifconfig_sets_all_four(leased):
    four = ("192.168.1.80", "255.255.255.0", "192.168.1.1", "8.8.8.8")
    leased.net.LAN().ifconfig(four)
    assert leased.net.LAN().ifconfig() == four
    assert leased.net.ipconfig("dns") == "8.8.8.8"


def test_an_address_may_be_set_before_the_interface_is_active(board):
    lan = board.net.LAN()
    lan.ifconfig(("192.168.1.80", "255.255.255.0", "192.168.1.1", "8.8.8.8"))
    assert board.ip == "0.0.0.0"
    lan.active(True)
    assert board.ip == "192.168.1.80" and lan.isconnected() and not board.server.heard


def test_dhcp_after_an_address_by_hand(leased):
    lan = leased.net.LAN()
    lan.ipconfig(addr4="192.168.1.77/24")
    leased.net.ipconfig(dns="8.8.8.8")
    lan.ipconfig(dhcp4=True)
    assert not lan.isconnected()
    leased.until(lan.isconnected)
    assert leased.ip == LENT and leased.net.ipconfig("dns") == "192.168.1.3"


def test_dhcp_on_a_board_that_began_with_an_address(fixed):
    lan = fixed.net.LAN()
    lan.ipconfig(dhcp4=True)
    fixed.until(lan.isconnected)
    assert fixed.ip == LENT and fixed.net.ipconfig("dns") == "192.168.1.3"
    lan.ipconfig(addr4="192.168.1.7/24")
    assert fixed.ip == "192.168.1.7"


def talking(board):
    """An established connection of the peer's, and what its application is told."""
    logs = []

    def app():
        logs.append(Log())
        return logs[-1]

    board.stack.listen(7, app, 1)
    board.peer.establish(7)
    board.run(200)
    board.peer.heard.clear()
    return logs[0]


@pytest.mark.parametrize("to", [{"addr4": "192.168.1.77/24"}, {"dhcp4": True}, None])
def test_connections_end_with_the_address_and_are_reset(fixed, to):
    log = talking(fixed)
    if to:
        fixed.net.LAN().ipconfig(**to)
    else:
        fixed.net.LAN().active(False)
    assert log.said("closed") == ["aborted"]
    fixed.peer.expect("R", ip_src=addr("192.168.1.7"))


def test_a_connection_of_an_address_by_hand_ends_when_dhcp_begins_again(leased):
    lan = leased.net.LAN()
    lan.ipconfig(addr4="192.168.1.7/24")
    leased.run(3000)
    leased.peer.heard.clear()
    log = talking(leased)
    lan.ipconfig(dhcp4=True)
    assert log.said("closed") == ["aborted"]
    leased.peer.expect("R", ip_src=addr("192.168.1.7"))
    leased.until(lan.isconnected)


def test_the_same_address_set_again_keeps_connections(fixed):
    log = talking(fixed)
    four = ("192.168.1.7", "255.255.255.0", "192.168.1.1", "192.168.1.1")
    fixed.net.LAN().ifconfig(four)
    fixed.peer.seg("AP", data=b"still here")
    assert log.data == b"still here" and not log.said("closed")


# What the board has from config.py


class Placed(Home):
    """As firmware's place.py, with its DHCP client."""

    def __init__(self, stack, say):
        super().__init__(stack, say)
        self.dhcp = Dhcp(stack, 0, "uipy", None, None, say)


class Alone(Home):
    """With ip = "auto"."""

    def __init__(self, stack, say):
        super().__init__(stack, say)
        self.local = LinkLocal(stack, 0, None, say)


def test_a_board_that_asks_already_is_active():
    board = Board(home=Placed)
    lan = board.net.LAN()
    assert lan.active() and lan.ipconfig("dhcp4")
    lan.active(True)
    board.until(lan.isconnected)
    assert len(board.server.heard) == 2
    loop.detach()


def test_a_link_local_board_can_have_another_address():
    board = Board(home=Alone)
    lan = board.net.LAN()
    board.until(lan.isconnected)
    assert board.ip.startswith("169.254.") and lan.ipconfig("dhcp4") is False
    lan.active(False)
    assert board.ip == "0.0.0.0"
    lan.active(True)
    board.until(lan.isconnected)
    lan.ipconfig(addr4="192.168.1.77/24")
    board.run(100_000)
    assert board.ip == "192.168.1.77"
    lan.ipconfig(dhcp4=True)
    board.until(lan.isconnected)
    assert board.ip == LENT
    loop.detach()


def changes(lan):
    lan.active(False)
    lan.active(True)
    lan.ipconfig(addr4="192.168.1.77/24")
    lan.disconnect()
    lan.connect()
    lan.ipconfig(dhcp4=False)
    lan.ipconfig(dhcp4=True)


@pytest.mark.parametrize("home", [None, Placed, Alone])
def test_nothing_grows_however_often_an_address_changes(home):
    board = Board(home=home)
    lan = board.net.LAN()
    changes(lan)
    stack = board.stack
    before = len(stack.layers), [p.num for p in stack.udp.ports if p]
    for _ in range(20):
        changes(lan)
        board.run(3000)
    assert (len(stack.layers), [p.num for p in stack.udp.ports if p]) == before
    board.until(lan.isconnected)
    assert board.ip == LENT
    loop.detach()


def test_nothing_grows_however_often_a_link_local_board_is_switched():
    board = Board(home=Alone)
    lan = board.net.LAN()
    layers = len(board.stack.layers)
    for _ in range(20):
        lan.active(False)
        lan.active(True)
        board.run(1000)
    assert len(board.stack.layers) == layers
    board.until(lan.isconnected)
    loop.detach()


def test_a_server_that_refuses_is_no_reason_to_stop(leased):
    leased.server.refuses = True
    leased.net.LAN().ifconfig("dhcp")
    leased.run(2000)
    assert not leased.net.LAN().isconnected()
    leased.server.refuses = False
    leased.until(leased.net.LAN().isconnected, 60)


def test_the_mac_can_be_read_and_is_not_changed(board):
    lan = board.net.LAN()
    assert lan.config("mac") == BOARD_MAC
    lan.config(mac=BOARD_MAC)
    with pytest.raises(ValueError, match="LAN\\(mac="):
        lan.config(mac=b"\2\0\0\0\0\5")
    for wrong in ("colour", "ssid"):
        with pytest.raises(ValueError):
            lan.config(wrong)
    with pytest.raises(ValueError):
        lan.config(colour=1)
    lan.config(trace=8)
