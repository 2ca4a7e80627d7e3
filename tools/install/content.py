"""What goes where on a board: {path: octets}, compiled for its machine.

What is imported lies in lib/, also the page and the status; main.py, config.py and pins.py in the
root, where a person looks for them.
"""

import interpreters
from image import boards as known
from image.boards import Refused
from parts import cross, join, pieces
from parts.table import PIECES

BOARDS = known.BOARDS
BOARD = "board"  # the piece that runs at boot
CONFIG = interpreters.ROOT / "firmware" / "config.py"
_DRIVERS = {"enc28j60": "enc28j60", "slip": "slip"}  # the piece for a chip; else wiznet
_RISC_V = {"armv7emsp": ("armv7emsp", "rv32imc")}  # an RP2350 has cores of both kinds


def boards():
    """The names of the boards that have pins, sorted."""
    return sorted(p.parent.name for p in BOARDS.glob("*/pins.py"))


def pins(board):
    """The octets of a board's pins.py. Raises Refused for a board that there is not."""
    path = BOARDS / board / "pins.py"
    if not path.exists():
        raise Refused("there is no board %s: BOARD= is one of %s" % (board, ", ".join(boards())))
    return path.read_bytes()


def driver(board):
    """The piece with the driver of a board's chip."""
    cfg: dict = {}
    exec(pins(board), cfg)
    return _DRIVERS.get(cfg["chip"], "wiznet")


def suits(board, arch):
    """Raises Refused for a board of another machine than the one that is there."""
    machines = {b: _machines(b) for b in boards()}
    fit = [b for b in machines if arch in machines[b]]
    if fit and machines[board] and board not in fit:
        raise Refused(
            "BOARD=%s is another machine than what is there (%s): BOARD=%s"
            % (board, arch, " or ".join(fit))
        )


def _machines(board):
    if board not in known.names():
        return ()
    machine = known.find(board).processor.machine
    return _RISC_V.get(machine, (machine,))


def known_parts(names):
    """Raises Refused for a name that is none of a piece's."""
    for name in names:
        if name not in PIECES:
            raise Refused("there is no part %s: PARTS= takes %s" % (name, ",".join(PIECES)))


def chosen(names, board):
    """The pieces to install: those that were named and what they need, or all that the board can
    use. Raises Refused for a name that is none."""
    known_parts(names)
    return pieces.closure(names) if names else pieces.whole(driver(board))


def made(arch):
    """Whether the parts have been compiled for this machine, some time."""
    return (join.OUT / (arch or cross.ANY) / "made.from").exists()


def library(names, arch):
    """{path below lib/, or "main.py": octets} of these pieces as .mpy for a machine."""
    try:
        folder = cross.package(arch or cross.ANY)
    except AssertionError as said:
        raise Refused("uipy does not compile for %s: %s" % (arch, said)) from None
    found = {}
    for name in names:
        for target, dotted in pieces.pieces()[name].parts.items():
            if dotted == "main":
                found["main.py"] = (folder / "main.py").read_bytes()
                continue
            path = target + ".mpy"
            place = "modules/" + path if dotted.startswith("modules.") else path
            found[path] = (folder / place).read_bytes()
    return found
