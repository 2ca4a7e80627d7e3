"""`uipy.doctor`: each fault turns its row BAD and no other, for every chip."""

import sys
from types import SimpleNamespace

import machine
import pytest
from lab.chipped import HERE, THERE, Chipped
from lab.desk import BOARD, ROUTER, Desk, NoNames, bad, rows
from lab.net import Inbox
from uipy import Bytes, doctor_rows
from uipy.apps import UdpEcho
from uipy.host import Ping

ROWS = [
    *("board", "clock", "memory", "config", "chip", "SPI clock", "RESET", "link", "duplex", "INT"),
    *("address", "gateway", "ping", "DNS", "name"),
]


@pytest.fixture(params=["enc28j60", "w5500", "w5100s", "w6100"])
def kind(request):
    return request.param


def test_a_board_in_order_has_no_bad_row(kind):
    desk = Desk(kind)
    said = desk.examine()
    assert list(said) == ROWS and bad(said) == [] and desk.bad == 0, said
    assert {what for what, row in said.items() if row[0] == "-"} <= {"memory"}
    assert kind.upper() in said["chip"][1] and BOARD in said["address"][1]
    assert said["gateway"][1] == ROUTER + " is 02:00:00:67:61:74"
    assert said["ping"][1].startswith("3 of 3 answered")
    assert "not found" in said["DNS"][1] and said["name"][1] == "uipy.local is ours"


@pytest.mark.parametrize("level", [0x00, 0xFF])
def test_miso_stuck(kind, level):
    desk = Desk(kind)
    desk.chip.fault.absent = level
    said = desk.examine()
    assert bad(said) == ["chip"] and list(said) == ROWS, said
    assert "GPIO 16" in said["chip"][2] and "0x%02X" % level in said["chip"][1]
    assert "stays high" in said["chip"][2] if level else "3.3 V and GND" in said["chip"][2]
    assert all(said[what][0] == "-" for what in ROWS[5:])


def test_int_not_connected(kind):
    said = Desk(kind, int_pin=None).examine()
    assert bad(said) == ["INT"], said
    assert "stays high" in said["INT"][1] and "GPIO 21" in said["INT"][2]


def test_int_stuck_low(kind):
    desk = Desk(kind)
    desk.chip.fault.int_stuck = 0
    said = desk.examine()
    assert bad(said) == ["INT"] and "is low all the time" in said["INT"][1], said


def test_int_that_does_not_rise_again(kind, monkeypatch):
    from uipy import doctor_kinds

    for chip in (doctor_kinds.Enc, doctor_kinds.Wiz):
        monkeypatch.setattr(chip, "clear_int", lambda chip: None)
    said = Desk(kind).examine()
    assert bad(said) == ["INT"] and "GPIO 21 does not rise again" in said["INT"][1], said


@pytest.mark.parametrize("kind", ["w5500", "w5100s", "w6100"])
def test_a_link_that_is_negotiated_after_each_reset_is_waited_for(kind):
    desk = Desk(kind)
    desk.chip.autoneg_ns = 4_500_000_000
    said = desk.examine(ip="192.168.7.9/24", gateway=ROUTER)
    assert bad(said) == [] and said["link"][1].startswith("up after 4"), said


def test_reset_not_connected(kind):
    said = Desk(kind, reset=None).examine()
    assert bad(said) == ["RESET"] and "GPIO 20" in said["RESET"][2], said


def test_neither_is_missed_where_config_has_none(kind):
    said = Desk(kind, reset=None, int_pin=None).examine(reset=None, int_pin=None)
    assert bad(said) == [] and said["RESET"][0] == said["INT"][0] == "-", said


def test_wires_that_carry_less_than_config_wants(kind):
    desk = Desk(kind)
    desk.wiring.clean_hz = 9_000_000
    said = desk.examine()
    assert bad(said) == ["SPI clock"], said
    assert said["SPI clock"][1].startswith(
        "clean up to 8 MHz, not at 10 MHz; config.py has 20 MHz"
    )
    assert "baudrate = 6400000" in said["SPI clock"][2]


def test_the_limit_is_told_when_config_is_below_it(kind):
    desk = Desk(kind)
    desk.wiring.clean_hz = 41_000_000
    said = desk.examine()
    assert bad(said) == [] and "clean up to 40 MHz, not at 48 MHz" in said["SPI clock"][1], said


def test_wires_that_carry_nothing(kind):
    desk = Desk(kind)
    desk.wiring.clean_hz = 1
    said = desk.examine()
    assert bad(said) in (["SPI clock"], ["chip"]), said
    assert said["link"][0] == "-"


def test_no_link(kind):
    desk = Desk(kind)
    desk.chip.link(False)
    said = desk.examine()
    assert bad(said) == ["link"] and list(said) == ROWS, said
    assert all(said[what][0] == "-" for what in ROWS[8:9] + ROWS[10:])


def test_no_dhcp_server(kind):
    desk = Desk(kind)
    desk.router.lease = False
    said = desk.examine()
    assert bad(said) == ["address"] and "DHCP server" in said["address"][2], said


def test_a_dead_gateway(kind):
    desk = Desk(kind)
    desk.router.alive = False
    said = desk.examine()
    assert bad(said) == ["gateway"] and said["ping"][0] == said["DNS"][0] == "-", said
    assert said["name"][0] == "ok"


def test_a_dead_name_server(kind):
    desk = Desk(kind)
    desk.router.names = False
    said = desk.examine()
    assert bad(said) == ["DNS"] and "timeout" in said["DNS"][1], said


def test_a_name_that_is_taken(kind):
    desk = Desk(kind)
    desk.claims("uipy")
    said = desk.examine()
    assert bad(said) == ["name"], said
    assert "uipy.local is somebody else's" in said["name"][1] and "uipy-2" in said["name"][2]


def test_another_chip_than_config_says(kind):
    other = "enc28j60" if kind == "w5500" else "w5500"
    desk = Desk(kind)
    said = desk.examine(chip=other)
    assert bad(said) == ["chip"] and "Say chip = %r" % kind in said["chip"][2], said


def test_an_address_that_is_typed(kind):
    said = Desk(kind).examine(ip="192.168.7.9/24", gateway=ROUTER)
    assert bad(said) == [] and said["address"][1] == "192.168.7.9, typed", said


def test_an_address_of_the_link():
    said = Desk("enc28j60").examine(ip="auto", hostname=None)
    assert bad(said) == [] and said["address"][1].startswith("169.254."), said
    assert said["gateway"][0] == said["name"][0] == "-"


def test_an_old_enc28j60_wants_8_mhz():
    desk = Desk("enc28j60")
    desk.chip.revision = 4
    said = desk.examine(baudrate=6_000_000)
    assert bad(said) == ["SPI clock"] and "errata 1" in said["SPI clock"][2], said
    assert "revision B4" in said["chip"][1]


def test_mistakes_in_config_have_rows_of_their_own():
    said = Desk("enc28j60").examine(services="htp", tcp="8")
    assert bad(said) == ["config"], said


def test_slip_has_nothing_to_look_at():
    desk = Desk("enc28j60")
    said = desk.examine(chip="slip")
    assert said["chip"][0] == "-" and "INT" not in said


def test_ctrl_c_ends_it_and_the_chip_is_given_back(monkeypatch):
    desk = Desk("w5500")
    desk.chip.link(False)
    lines = []
    turn = desk.time.turn

    def pressed():
        if any(line.startswith("RESET") for line in lines):
            raise KeyboardInterrupt
        turn()

    desk.time.turn = pressed
    from uipy import doctor_chip  # noqa: F401

    desk.examine()  # loads what it needs
    monkeypatch.undo()
    desk.use()
    assert doctor_rows.examine(desk.settings(), lines.append) == 0
    assert lines[-1] == "ended by Ctrl-C" and desk.wiring.hz == 20_000_000


@pytest.fixture
def busy(kind):
    """A board that serves in the background, and a host that talks to it."""
    made = Chipped(kind)
    machine.wire(made.rig.wiring)
    yield made
    machine.wire(None)
    made.end()


def test_behind_a_stack_that_runs_the_chip_is_given_back(busy, monkeypatch):
    from uipy import doctor_chip, doctor_kinds

    desk = Desk(busy.rig.kind)  # for its settings
    for module in (doctor_rows, doctor_chip, doctor_kinds):
        monkeypatch.setattr(module, "time", busy.rig.time)
    busy.host.bind(53, NoNames())
    busy.stack.bind(7, UdpEcho())
    heard = Inbox()
    port = busy.host.bind(0, heard)
    lines = []
    settings = desk.settings(ip=HERE + "/24", dns=THERE, hostname=None, baudrate=24_000_000)
    settings.baudrate = busy.rig.hz
    assert doctor_rows.examine(settings, lines.append) == 0, lines
    said = rows(lines)
    assert said["address"][1] == "10.0.0.1, typed" and said["INT"][0] == "ok"
    assert said["gateway"][0] == "-" and "not found" in said["DNS"][1]
    assert not [layer for layer in busy.stack.layers if type(layer).__module__.endswith("dns")]
    port.send(HERE, 7, Bytes(b"still there?"))
    assert busy.loop.until(lambda: heard.got, 5000)
    assert heard.got == [b"still there?"] and busy.rig.counters()["reinit"] >= 1


def test_the_watchdog_does_not_bite_the_doctor(busy, monkeypatch):
    from uipy import doctor_chip, doctor_kinds

    for module in (doctor_rows, doctor_chip, doctor_kinds):
        monkeypatch.setattr(module, "time", busy.rig.time)
    stopped = []
    dog = SimpleNamespace(the=1, stop=lambda: stopped.append(busy.rig.wiring.transactions))
    monkeypatch.setitem(sys.modules, "watchdog", dog)
    began = busy.rig.wiring.transactions
    lines = []
    settings = Desk(busy.rig.kind).settings(ip=HERE + "/24", dns=None, hostname=None)
    doctor_rows.examine(settings, lines.append)
    assert stopped == [began] and rows(lines)["watchdog"][0] == "-"


def test_a_gateway_is_pinged_by_the_stack_that_runs(busy, monkeypatch):
    from uipy import doctor_chip, doctor_kinds

    for module in (doctor_rows, doctor_chip, doctor_kinds):
        monkeypatch.setattr(module, "time", busy.rig.time)
    busy.stack.ifaces[0].configure(HERE + "/24", THERE)
    desk = Desk(busy.rig.kind)
    lines = []
    settings = desk.settings(ip=HERE + "/24", dns=None, hostname=None, baudrate=busy.rig.hz)
    for _ in range(2):  # what was made for the table is gone again
        lines.clear()
        assert doctor_rows.examine(settings, lines.append) == 0, lines
        assert rows(lines)["ping"][1].startswith("3 of 3")
    Ping(busy.stack)
