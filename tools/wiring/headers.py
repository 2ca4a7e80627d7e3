"""The pins of the boards and modules that are wired, in their real order, as printed on them.

Raspberry Pi: the pinouts of the Pico and the Pico 2, which are the same but for ADC_VREF's label.
Espressif: ESP32-DevKitC V4, 38 pins, antenna up. The ENC28J60 module is the small one with two
rows of five; the W5500 module has the pins of WIZnet's WIZ850io, as the USR-ES1 has.
"""

from typing import NamedTuple


class Pin(NamedTuple):
    """A pin of a header. `side`: "left" or "right"; `row` from the top, 0; `number` as its maker
    counts it; `gpio`: None for a pin that is none."""

    name: str
    number: str
    side: str
    row: int
    gpio: int | None


class Header(NamedTuple):
    """The pins of a board with a processor. `power`: {net: number of the pin that is taken}."""

    title: str
    pins: tuple[Pin, ...]
    power: dict[str, str]
    family: str  # of the processor: "rp2" or "esp32"

    def by_number(self, number):
        return next(pin for pin in self.pins if pin.number == number)

    def by_gpio(self, gpio):
        """The pin; None where it is on no header."""
        return next((pin for pin in self.pins if pin.gpio == gpio), None)


class Module(NamedTuple):
    """A module with a chip: rows of two pins, (name, net or None) each. `apart`: how far from one
    another the columns are drawn."""

    title: str
    rows: tuple[tuple[tuple[str, str | None], tuple[str, str | None]], ...]
    apart: int
    names: str  # of the two columns in the table

    def pins(self):
        """(name, net, row, column), top to bottom."""
        for r, row in enumerate(self.rows):
            for c, (name, net) in enumerate(row):
                yield name, net, r, c


def _gpio(name):
    known = {"TX": 1, "RX": 3, "VP": 36, "VN": 39, "CLK": 6, "D0": 7, "D1": 8}
    known |= {"D2": 9, "D3": 10, "CMD": 11}
    digits = name.removeprefix("GP").removeprefix("IO")
    return int(digits) if digits.isdigit() else known.get(name)


def _header(title, family, power, left, right, number):
    pins = []
    for side, names in (("left", left.split()), ("right", right.split())):
        for row, name in enumerate(names):
            name = name.replace("~", " ")
            pins.append(Pin(name, number(side, row), side, row, _gpio(name)))
    return Header(title, tuple(pins), power, family)


def _pico(title):
    return _header(
        title,
        "rp2",
        {"3v3": "36", "gnd": "23"},
        "GP0 GP1 GND GP2 GP3 GP4 GP5 GND GP6 GP7 GP8 GP9 GND GP10 GP11 GP12 GP13 GND GP14 GP15",
        "VBUS VSYS GND 3V3_EN 3V3(OUT) ADC_VREF GP28 AGND GP27 GP26 RUN GP22 GND GP21 GP20 GP19"
        " GP18 GND GP17 GP16",
        lambda side, row: str(row + 1 if side == "left" else 40 - row),
    )


PICO = _pico("Raspberry Pi Pico")
PICO2 = _pico("Raspberry Pi Pico 2")
DEVKITC = _header(
    "ESP32-DevKitC V4",
    "esp32",
    {"3v3": "J2-1", "gnd": "J3-7"},
    "3V3 EN VP VN IO34 IO35 IO32 IO33 IO25 IO26 IO27 IO14 IO12 GND IO13 D2 D3 CMD 5V",
    "GND IO23 IO22 TX RX IO21 GND IO19 IO18 IO5 IO17 IO16 IO4 IO0 IO2 IO15 D1 D0 CLK",
    lambda side, row: "%s-%d" % ("J2" if side == "left" else "J3", row + 1),
)


def evb(title):
    """A board of WIZnet's with the chip on it: the pins of a Pico."""
    return _pico(title)


ENC28J60 = Module(
    "ENC28J60 module",
    (
        (("CLK", None), ("INT", "int_pin")),
        (("WOL", None), ("SO", "miso")),
        (("SI", "mosi"), ("SCK", "sck")),
        (("CS", "cs"), ("RST", "reset")),
        (("VCC", "3v3"), ("GND", "gnd")),
    ),
    72,
    "ENC28J60 module",
)
W5500 = Module(
    "W5500 module (WIZ850io, USR-ES1)",
    (
        (("GND", "gnd"), ("GND", None)),
        (("GND", None), ("3.3V", "3v3")),
        (("MOSI", "mosi"), ("3.3V", None)),
        (("SCLK", "sck"), ("NC", None)),
        (("SCNn", "cs"), ("RSTn", "reset")),
        (("INTn", "int_pin"), ("MISO", "miso")),
    ),
    120,
    "W5500 module",
)
