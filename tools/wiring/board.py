"""A board: its pins.py, what it is made of, and its wires.

`faults` knows which pin of a processor can do what; a board with one is not drawn.
"""

import runpy
from pathlib import Path
from typing import NamedTuple

from wiring import headers
from wiring.headers import Header, Module, Pin

ROOT = Path(__file__).resolve().parents[2]
BOARDS = ROOT / "boards"

# Of a signal: how it is called in the table, and which way it goes, seen from the processor.
NETS = {
    "sck": ("SCK", "out"),
    "mosi": ("MOSI", "out"),
    "miso": ("MISO", "in"),
    "cs": ("CS", "out"),
    "int_pin": ("INT", "in"),
    "reset": ("RESET", "out"),
    "3v3": ("3.3 V", "power"),
    "gnd": ("GND", "power"),
}
SIGNALS = ("sck", "mosi", "miso", "cs", "int_pin", "reset")
# Without these a board still works: it polls, and resets the chip over SPI.
MAY_MISS = ("int_pin", "reset")

# RP2040 data sheet 1.4.3, RP2350 data sheet 9.4: function F1, by number of the SPI.
RP2_SPI: dict[int, dict[str, tuple[int, ...]]] = {
    0: {"miso": (0, 4, 16, 20), "sck": (2, 6, 18, 22), "mosi": (3, 7, 19, 23)},
    1: {"miso": (8, 12, 24, 28), "sck": (10, 14, 26), "mosi": (11, 15, 27)},
}
RP2_INSIDE = {23: "the regulator's", 24: "the sense of VBUS", 25: "the LED's", 29: "VSYS / 3"}
# ESP32 data sheet, tables 1-1 and 2-2. Any other pin does for any SPI; these two have wires of
# their own inside the chip, which is what 40 MHz and more take.
ESP32_FLASH = (6, 7, 8, 9, 10, 11)
ESP32_INPUT_ONLY = (34, 35, 36, 37, 38, 39)
ESP32_STRAPPING = (0, 2, 5, 12, 15)
ESP32_CONSOLE = (1, 3)
ESP32_PSRAM = (16, 17)
ESP32_NATIVE = {
    1: {"miso": 12, "sck": 14, "mosi": 13},
    2: {"miso": 19, "sck": 18, "mosi": 23},
}


class Kind(NamedTuple):
    """What a folder of boards/ is made of. `module` is None where the chip is on the board
    itself, or where there is none; `chip` is the chip's name for people, or None."""

    header: Header
    module: Module | None
    chip: str | None


KINDS = {
    "RPI_PICO_ENC28J60": Kind(headers.PICO, headers.ENC28J60, "ENC28J60"),
    "RPI_PICO2_ENC28J60": Kind(headers.PICO2, headers.ENC28J60, "ENC28J60"),
    "W5500_EVB_PICO": Kind(headers.evb("W5500-EVB-Pico"), None, "W5500"),
    "W5500_EVB_PICO2": Kind(headers.evb("W5500-EVB-Pico2"), None, "W5500"),
    "W5100S_EVB_PICO": Kind(headers.evb("W5100S-EVB-Pico"), None, "W5100S"),
    "W6100_EVB_PICO": Kind(headers.evb("W6100-EVB-Pico"), None, "W6100"),
    "ESP32_ENC28J60": Kind(headers.DEVKITC, headers.ENC28J60, "ENC28J60"),
    "ESP32_W5500": Kind(headers.DEVKITC, headers.W5500, "W5500"),
    "RPI_PICO_SLIP": Kind(headers.PICO, None, None),
}


class Wire(NamedTuple):
    """From a pin of the processor's board to one of the module: its name, row and column; all
    three None where the wire is inside the board."""

    net: str
    pin: Pin
    to: str | None
    row: int | None
    column: int | None

    @property
    def label(self):
        return NETS[self.net][0]


class Board(NamedTuple):
    """A folder of boards/."""

    name: str
    kind: Kind
    pins: dict  # what its pins.py says

    @property
    def folder(self):
        return BOARDS / self.name

    def wires(self):
        """Every wire, those of the supply last. A signal whose pin is None has none."""
        header, module = self.kind.header, self.kind.module
        for net in SIGNALS:
            gpio = self.pins.get(net)
            if gpio is not None:
                yield self._wire(net, header.by_gpio(gpio))
        if module:
            for net in ("3v3", "gnd"):
                yield self._wire(net, header.by_number(header.power[net]))

    def _wire(self, net, pin):
        module = self.kind.module
        if module is None:
            return Wire(net, pin, None, None, None)
        name, row, column = next((n, r, c) for n, of, r, c in module.pins() if of == net)
        return Wire(net, pin, name, row, column)


def load(name):
    """The board of that name, from its pins.py."""
    said = runpy.run_path(str(BOARDS / name / "pins.py"))
    return Board(name, KINDS[name], {k: v for k, v in said.items() if not k.startswith("_")})


def faults(board):
    """What is wrong with the pins, a sentence each."""
    family = board.kind.header.family
    used = {net: board.pins.get(net) for net in SIGNALS}
    there = {net: gpio for net, gpio in used.items() if gpio is not None}
    if not board.kind.chip:
        return ["%s: a board without a chip has no wires" % net for net in there]
    found = ["%s is not connected" % net for net in used if net not in {*there, *MAY_MISS}]
    for net, gpio in there.items():
        twice = [other for other in there if other < net and there[other] == gpio]
        found += ["%s and %s share GPIO %d" % (net, other, gpio) for other in twice]
        why = (_rp2 if family == "rp2" else _esp32)(board, net, gpio)
        if not why and board.kind.header.by_gpio(gpio) is None:
            why = "is on no pin of this board"
        if why:
            found.append("%s: GPIO %d %s" % (net, gpio, why))
    return found


def _rp2(board, net, gpio):
    if gpio in RP2_INSIDE:
        return "is %s" % RP2_INSIDE[gpio]
    can = RP2_SPI[board.pins["spi"]].get(net, ())
    if can and gpio not in can:
        return "is no %s of SPI %d: %s are" % (net, board.pins["spi"], can)
    return None


def _esp32(board, net, gpio):
    if gpio in ESP32_FLASH:
        return "leads to the flash"
    if gpio in ESP32_INPUT_ONLY and NETS[net][1] == "out":
        return "can only be read"
    if gpio in ESP32_STRAPPING:
        return "is looked at when the ESP32 starts, and a module may pull it"
    if gpio in ESP32_CONSOLE:
        return "is the console's"
    if gpio in ESP32_PSRAM:
        return "leads to the PSRAM of a WROVER"
    native = ESP32_NATIVE[board.pins["spi"]].get(net)
    if native is not None and gpio != native:
        return "is not the own pin of SPI %d: %d is" % (board.pins["spi"], native)
    return None
