"""What is known of a board: its folder in boards/, and what follows from its chip.

A board's mpconfigboard.cmake says which processor it has, its pins.py which chip and where.
"""

import re
from pathlib import Path
from typing import NamedTuple

import interpreters

ROOT = interpreters.ROOT
BOARDS = ROOT / "boards"
BUILD = ROOT / "build"


class Refused(Exception):
    """What was asked cannot be done; the message is a sentence that says what to do."""


class Processor(NamedTuple):
    port: str  # the folder in MicroPython's ports/
    machine: str  # what mpy-cross calls it (-march)
    family: int | None  # of its UF2 images, as their blocks say; None: it takes no UF2
    drive: str | None  # what its boot loader calls itself (Board-ID in INFO_UF2.TXT)
    sold: str  # what people call it


# MicroPython has no name for a Cortex-M33: an RP2350 asks for armv7emsp, and so does mpy-cross.
PROCESSORS = {
    "rp2040": Processor("rp2", "armv6m", 0xE48BFF56, "RPI-RP2", "an RP2040 (Pico)"),
    "rp2350": Processor("rp2", "armv7emsp", 0xE48BFF59, "RP2350", "an RP2350 (Pico 2)"),
    "esp32": Processor("esp32", "xtensawin", None, None, "an ESP32"),
}


class Board(NamedTuple):
    name: str
    folder: Path
    processor: Processor
    pins: dict  # the names of its pins.py


def names():
    """-> the boards that there are."""
    return sorted(p.parent.name for p in BOARDS.glob("*/mpconfigboard.cmake"))


def find(name):
    """-> the `Board`; raises Refused for one that there is not."""
    if name not in names():
        raise Refused("no board %r: BOARD= is one of %s" % (name, ", ".join(names())))
    folder = BOARDS / name
    text = (folder / "mpconfigboard.cmake").read_text()
    said = re.search(r'^set\((?:PICO_PLATFORM|IDF_TARGET) "?(\w+)"?\)', text, re.M)
    if not said or said[1] not in PROCESSORS:
        raise Refused("boards/%s/mpconfigboard.cmake names none of %s" % (name, list(PROCESSORS)))
    pins: dict = {}
    exec((folder / "pins.py").read_text(), pins)
    return Board(name, folder, PROCESSORS[said[1]], pins)
