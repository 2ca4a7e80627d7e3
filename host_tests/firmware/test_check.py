"""Each mistake in config.py is told in one sentence with its remedy, and all of them at once."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import check
import config
import main
import pytest
from lab.pythons import run_unix, run_wasm

ROOT = Path(__file__).resolve().parents[2]
PICO = "Raspberry Pi Pico with RP2040"
ESP = "Generic ESP32 module with ESP32"


@pytest.fixture
def board(monkeypatch):
    """-> says which machine this is."""
    return lambda machine: monkeypatch.setattr(
        sys.implementation, "_machine", machine, raising=False
    )


def found(**changed):
    """What is said of our config.py with some of its names changed."""
    values = {n: getattr(config, n) for n in dir(config) if n[0] != "_"}
    return check.problems(SimpleNamespace(**{**values, **changed}))


def test_the_config_that_comes_with_the_board_is_in_order(board):
    for machine in ("", PICO, "Raspberry Pi Pico 2 with RP2350"):
        board(machine)
        assert found() == []


def test_the_table_knows_the_names_of_config_and_no_others():
    names = {line.split()[0] for line in check._NAMES.strip().split("\n")}
    slip = ("line_ip", "line_gateway", "line_mtu")  # of boards/RPI_PICO_SLIP/pins.py
    assert names == {n for n in dir(config) if n[0] != "_"}.union(slip)


@pytest.mark.parametrize("pins", sorted((ROOT / "boards").glob("*/pins.py")), ids=str)
def test_the_pins_of_every_board_are_in_order(board, pins):
    names = {}
    exec(pins.read_text(), names)
    mine = {n: v for n, v in names.items() if n[0] != "_"}
    folder = pins.parent.name
    board(
        "a board with "
        + ("ESP32" if "ESP32" in folder else "RP2350" if "2" in folder[-12:] else "RP2040")
    )
    assert found(**mine) == []


ONE = [
    (PICO, {"gatway": "192.168.1.1"}, "there is no setting gatway; did you mean gateway?"),
    (PICO, {"intpin": 21}, "there is no setting intpin; did you mean int_pin?"),
    (PICO, {"ip": "192.168.1.300/24"}, "ip = '192.168.1.300/24': 'dhcp', 'auto', None or an addr"),
    (PICO, {"ip": "192.168.1.0/24"}, "ip = '192.168.1.0/24': an address between the two ends of"),
    (PICO, {"ip": "127.0.0.1"}, "ip = '127.0.0.1': an address that a host can have"),
    (PICO, {"ip": 7}, "ip = 7: 'dhcp', 'auto', None or an address"),
    (
        PICO,
        {"gateway": "router"},
        "gateway = 'router': an address such as '192.168.1.1' is wanted",
    ),
    (
        PICO,
        {"ip": "192.168.1.7/24", "gateway": "192.168.2.1"},
        "gateway = '192.168.2.1' is no neighbour of ip = '192.168.1.7/24': both must begin alike",
    ),
    (
        PICO,
        {"ip": "192.168.1.7/24", "gateway": "192.168.1.7"},
        "gateway = '192.168.1.7' is the board's own address: the router's is wanted",
    ),
    (PICO, {"dns": "192.168.1"}, "dns = '192.168.1': None, or addresses such as '192.168.1.1, "),
    (PICO, {"mac": "02:00"}, "mac = '02:00': None, or 6 octets with an even first one"),
    (PICO, {"hostname": "my board"}, "hostname = 'my board': None, or a name of up to 32 letters"),
    (PICO, {"name": 5}, "name = 5: a text in quotes is wanted"),
    (
        PICO,
        {"chip": "ENC28J6"},
        "chip = 'ENC28J6': there is no such driver; did you mean 'enc28j6",
    ),
    (PICO, {"chip": "rtl8139"}, "chip = 'rtl8139': there is no such driver; there are enc28j60, "),
    (PICO, {"spi": 2}, "spi = 2: an RP2040 has SPI0 and SPI1 for us"),
    (
        PICO,
        {"sck": 17, "cs": 20, "reset": None},
        "sck = 17: SPI0 of an RP2040 has its SCK at GPIO 2,",
    ),
    (PICO, {"sck": 10}, "SCK at GPIO 2, 6, 18, 22; or is spi = 1 meant?"),
    (PICO, {"miso": 30}, "miso = 30: an RP2040 has no such GPIO"),
    (PICO, {"int_pin": 24}, "int_pin = 24: GP24 of a Pico leads to no pin of the board"),
    (PICO, {"int_pin": 20}, "reset = 20 is the pin of int_pin, too: two pins are wanted"),
    (PICO, {"cs": "GP17"}, "cs = 'GP17': a GPIO number, such as 17 is wanted"),
    (PICO, {"safe_pin": 17}, "safe_pin = 17 is the pin of cs, too"),
    (PICO, {"baudrate": 20}, "baudrate = 20: a number from 100000 to 80000000 is wanted"),
    (
        PICO,
        {"services": "http,ecko"},
        "services: there is no service 'ecko'; did you mean 'echo'?",
    ),
    (PICO, {"services": "ftp"}, "services: there is no service 'ftp'; there are http, echo, "),
    (PICO, {"tcp": 0}, "tcp = 0: the services need connections"),
    (PICO, {"tcp": 1000}, "tcp = 1000: a number from 0 to 250 is wanted"),
    (PICO, {"udp": 2}, "udp = 2: hostname, ntp, ip, services need a port each, so that 4 is the"),
    (PICO, {"echo_ring": True}, "echo_ring = True: a number from 64 to 65535 is wanted"),
    (
        PICO,
        {"chip": "slip", "background": True},
        "background = True: SLIP has the line of the pro",
    ),
    (PICO, {"background": 1}, "background = 1: True or False is wanted"),
    (PICO, {"tcp_options": {"cookie": 1}}, "tcp_options = {'cookie': 1}: 'cookies' is wanted"),
    (PICO, {"watchdog": 10}, "watchdog = 10: the RP2040 counts to 8 seconds at the most"),
    (PICO, {"watchdog": 1}, "watchdog = 1: 0, or 3 seconds and more is wanted"),
    (ESP, {"spi": 0}, "spi = 0: an ESP32 has SPI1 and SPI2 for us"),
    (ESP, {"spi": 2, "cs": 35}, "cs = 35: GPIO35 of an ESP32 is an input; take one below 34"),
    (
        ESP,
        {"spi": 2, "sck": 7},
        "sck = 7: an ESP32 has no such GPIO for us (6 to 11 are its flash)",
    ),
]
ESP_PINS = {"sck": 18, "mosi": 23, "miso": 19, "cs": 22, "int_pin": 4, "reset": 21}


@pytest.mark.parametrize(("machine", "changed", "told"), ONE)
def test_a_mistake_is_one_sentence(board, machine, changed, told):
    board(machine)
    said = found(**{**(ESP_PINS if machine == ESP else {}), **changed})
    assert len(said) == 1 and told in said[0], said


def test_services_and_chips_are_those_of_main():
    assert check.SERVICES == main.SERVICES and check.CHIPS == (*main.CHIPS, "slip")


def test_all_mistakes_are_told_at_once(board):
    board(PICO)
    said = found(gatway="192.168.1.1", chip="enc", sck=17, cs=20, tcp="8", services="http,ftp")
    assert len(said) == 6, said
    first = {re.split("[ :]", line)[0] for line in said}
    assert first == {"there", "chip", "sck", "reset", "tcp", "services"}


def test_what_is_the_users_own_is_left_alone(board):
    board(PICO)
    assert found(mqtt_server="192.168.1.9", cs2=5, sys=sys, near=lambda: 1) == []


def test_without_pins_the_file_is_named(board):
    board(PICO)
    values = {n: getattr(config, n) for n in dir(config) if n[0] != "_"}
    for name in ("spi", "baudrate", "sck", "mosi", "miso", "cs", "int_pin", "reset"):
        del values[name]
    said = check.problems(SimpleNamespace(**values))
    assert len(said) == 1 and "from pins import *" in said[0]


def test_the_options_are_those_of_tcp():
    import inspect

    from uipy.tcp.demux import Tcp

    names = [*inspect.signature(Tcp.__init__).parameters]
    assert sorted(check._OPTIONS.split()) == sorted(
        set(names) - {"self", "stack", "rows", "half_open", "time_wait"}
    )


ON_A_BOARD = """
import sys
sys.path.append(sys.argv[1])
import check, pins
class Config: pass
for name in dir(pins):
    if name[0] != "_":
        setattr(Config, name, getattr(pins, name))
assert check.problems(Config) == []
Config.ip = "192.168.1.7/24"
Config.gateway = "192.168.2.1"
Config.gatway = Config.chip = "enc"
Config.services = "http,eco"
Config.tcp_options = {"cookie": 1}
Config.mac = 5
for line in check.problems(Config):
    print(line)
"""


@pytest.mark.parametrize("run", [run_unix, run_wasm])
def test_micropython_finds_the_same(run, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(ON_A_BOARD)
    pins = ROOT / "boards" / "RPI_PICO_ENC28J60" / "pins.py"
    if run is run_unix:
        said = run(script, pins.parent)
    else:
        said = run(script, "/board", files=[("joined", "/lib"), (str(pins), "/board/pins.py")])
    assert sorted(line.split()[0] for line in said.splitlines()) == sorted(
        ["there", "mac", "tcp_options", "gateway", "services:", "chip"]
    ), said
