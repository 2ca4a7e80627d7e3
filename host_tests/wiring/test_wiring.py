"""The drawing and the table of each board say what its pins.py says, and no board takes a pin that
cannot be had. Both are read here as a person reads them: from the wire's end to the pin's name."""

import itertools
import re
import xml.etree.ElementTree as ElementTree

import pytest
from wiring import board as boards
from wiring import headers, make, route

SVG = "{http://www.w3.org/2000/svg}"
NAMES = sorted(boards.KINDS)
WIRED = [name for name in NAMES if boards.KINDS[name].module]
# A signal's names on the modules and chips.
ON_MODULE = {
    "sck": {"SCK", "SCLK"},
    "mosi": {"SI", "MOSI"},
    "miso": {"SO", "MISO"},
    "cs": {"CS", "SCNn"},
    "int_pin": {"INT", "INTn"},
    "reset": {"RST", "RSTn"},
    "3v3": {"VCC", "3.3V"},
    "gnd": {"GND"},
}


@pytest.fixture(params=NAMES)
def board(request):
    return boards.load(request.param)


def drawing(board):
    return ElementTree.parse(board.folder / "wiring.svg").getroot()


def ends(path):
    """The two ends of what a path draws."""
    d = path.get("d")
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", d)]
    return (numbers[0], numbers[1]), (numbers[-2], numbers[-1])


def pads(root):
    """{(x, y): the pin drawn there}"""
    found = {}
    for circle in root.iter(SVG + "circle"):
        if circle.get("data-pin"):
            at = float(circle.get("cx")), float(circle.get("cy"))
            assert found.setdefault(at, circle.get("data-pin")) == circle.get("data-pin")
    return found


def drawn(root):
    """{net: (pin of the processor's board, the other end's pin or None)} as the picture has it."""
    at, found = pads(root), {}
    for path in root.iter(SVG + "path"):
        net = (path.get("id") or "").removeprefix("wire-")
        if net and net != "usb":
            one, two = ends(path)
            found[net] = at[one], at.get(two)
    return found


def wanted(board):
    """{net: name of the pin on the processor's board} by pins.py alone."""
    prefix = "IO" if board.kind.header is headers.DEVKITC else "GP"
    there = {net: board.pins[net] for net in boards.SIGNALS if board.pins[net] is not None}
    return {net: "%s%d" % (prefix, gpio) for net, gpio in there.items()}


def test_every_folder_with_pins_is_drawn():
    folders = {path.parent.name for path in boards.BOARDS.glob("*/pins.py")}
    assert folders == set(NAMES)


def test_what_is_committed_is_what_the_generator_makes(board):
    for path, text in make.made(board).items():
        assert path.read_text() == text, "make wiring"


def test_each_wire_of_the_drawing_joins_the_pins_of_pins_py(board):
    names = {pin.number: pin.name for pin in board.kind.header.pins}
    found = drawn(drawing(board))
    signals = {net: names[pin] for net, (pin, _) in found.items() if net in boards.SIGNALS}
    assert signals == wanted(board)
    for net, (_, other) in found.items():
        if board.kind.module:
            name, row, column = other.split()
            assert name in ON_MODULE[net]
            assert board.kind.module.rows[int(row)][int(column)][0] == name
        else:
            assert other is None


@pytest.mark.parametrize("name", WIRED)
def test_the_supply_is_wired_3v3_to_3v3_and_ground_to_ground(name):
    board = boards.load(name)
    names = {pin.number: pin.name for pin in board.kind.header.pins}
    found = drawn(drawing(board))
    assert names[found["3v3"][0]] in ("3V3(OUT)", "3V3")
    assert names[found["gnd"][0]] == "GND"


def test_the_table_of_the_readme_says_the_same(board):
    page = (board.folder / "README.md").read_text()
    made = page.partition("<!-- wiring:begin -->")[2].partition("<!-- wiring:end -->")[0]
    rows = [line.split("|")[1:3] for line in made.splitlines() if re.match(r"\| [A-Z0-9]", line)]
    found = {row[0].strip(): row[1].strip().partition(",")[0] for row in rows[1:]}
    words = {boards.NETS[net][0]: pin for net, pin in wanted(board).items()}
    got = {}
    for name, pin in found.items():
        label = re.search(r"\((.+)\)", name)
        got[label[1] if label else name] = pin
    assert {label: got.get(label) for label in words} == words
    supply = {"3.3 V", "GND"} if board.kind.module else set()
    assert set(got) - set(words) == supply


def test_no_pin_is_taken_that_cannot_be_had(board):
    assert boards.faults(board) == []


@pytest.mark.parametrize(
    ("name", "changed", "said"),
    [
        ("ESP32_W5500", {"cs": 6}, "cs: GPIO 6 leads to the flash"),
        ("ESP32_W5500", {"cs": 34}, "cs: GPIO 34 can only be read"),
        ("ESP32_W5500", {"reset": 12}, "reset: GPIO 12 is looked at when the ESP32 starts"),
        ("ESP32_ENC28J60", {"int_pin": 3}, "int_pin: GPIO 3 is the console's"),
        ("ESP32_ENC28J60", {"int_pin": 16}, "int_pin: GPIO 16 leads to the PSRAM"),
        ("ESP32_ENC28J60", {"sck": 14}, "sck: GPIO 14 is not the own pin of SPI 2: 18 is"),
        ("ESP32_ENC28J60", {"cs": 20}, "cs: GPIO 20 is on no pin of this board"),
        ("RPI_PICO_ENC28J60", {"miso": 19}, "miso: GPIO 19 is no miso of SPI 0"),
        ("RPI_PICO_ENC28J60", {"spi": 1}, "sck: GPIO 18 is no sck of SPI 1"),
        ("RPI_PICO_ENC28J60", {"cs": 25}, "cs: GPIO 25 is the LED's"),
        ("RPI_PICO_ENC28J60", {"cs": 21}, "int_pin and cs share GPIO 21"),
        ("RPI_PICO_ENC28J60", {"sck": None}, "sck is not connected"),
        ("RPI_PICO_SLIP", {"cs": 3}, "cs: a board without a chip has no wires"),
    ],
)
def test_a_pin_that_cannot_be_had_is_named(name, changed, said):
    board = boards.load(name)
    found = boards.faults(board._replace(pins={**board.pins, **changed}))
    assert [line for line in found if line.startswith(said)], found


def test_an_input_may_be_a_pin_that_can_only_be_read():
    board = boards.load("ESP32_W5500")
    assert boards.faults(board._replace(pins={**board.pins, "int_pin": 34})) == []


@pytest.mark.parametrize("left_out", [("int_pin",), ("reset",), ("int_pin", "reset")])
def test_int_and_reset_may_be_left_out_and_are_not_drawn(left_out):
    board = boards.load("RPI_PICO_ENC28J60")
    board = board._replace(pins={**board.pins, **dict.fromkeys(left_out)})
    assert boards.faults(board) == []
    found = drawn(ElementTree.fromstring(make.draw.svg(board)))
    assert set(found) == {*boards.NETS} - {*left_out}


@pytest.mark.parametrize("name", WIRED)
def test_no_two_wires_lie_on_one_another(name):
    root = drawing(boards.load(name))
    runs = {}
    for path in root.iter(SVG + "path"):
        net = (path.get("id") or "").removeprefix("wire-")
        if net:
            numbers = [float(n) for n in re.findall(r"-?[\d.]+", path.get("d"))]
            corners = list(zip(numbers[::2], numbers[1::2], strict=True))
            runs[net] = list(itertools.pairwise(corners))
    for a in runs:
        for b in runs:
            for one in runs[a] if a < b else ():
                for two in runs[b]:
                    assert not along(one, two), (a, b, one, two)


def along(one, two):
    """Whether two straight runs lie on one another for longer than a crossing."""
    for axis in (0, 1):
        (a, b), (c, d) = one, two
        level = a[axis] == b[axis] and c[axis] == d[axis]
        if level and abs(a[axis] - c[axis]) < 4:
            low = max(min(a[1 - axis], b[1 - axis]), min(c[1 - axis], d[1 - axis]))
            high = min(max(a[1 - axis], b[1 - axis]), max(c[1 - axis], d[1 - axis]))
            if high - low > 6:
                return True
    return False


def test_a_wire_turns_round_its_corners():
    d = route.rounded([(0, 0), (20, 0), (20, 30), (20, 30), (40, 30)])
    assert d == "M0 0L13 0Q20 0 20 7L20 23Q20 30 27 30L40 30"


def test_a_board_that_cannot_be_is_not_drawn(monkeypatch, capsys):
    load = boards.load
    wrong = {"cs": 25}
    monkeypatch.setattr(
        make.boards, "load", lambda n: (b := load(n))._replace(pins={**b.pins, **wrong})
    )
    with pytest.raises(SystemExit) as exc:
        make.main(["--check"])
    assert exc.value.code == 2
    said = capsys.readouterr().err
    assert said == "boards/RPI_PICO_ENC28J60/pins.py: cs: GPIO 25 is the LED's\n"


def test_check_names_what_is_stale_and_writes_nothing(monkeypatch, capsys):
    svg = boards.BOARDS / "RPI_PICO_SLIP" / "wiring.svg"
    before = svg.read_text()
    made = make.made
    monkeypatch.setattr(
        make, "made", lambda b: {**made(b), **({svg: "x"} if "SLIP" in b.name else {})}
    )
    assert make.main(["--check"]) == 1
    assert capsys.readouterr().out == "stale: boards/RPI_PICO_SLIP/wiring.svg\n"
    assert svg.read_text() == before


def clock(board):
    """What the processor makes of `baudrate`, in Hz, under MicroPython."""
    asked = board.pins["baudrate"]
    if board.kind.header.family == "esp32":
        return max(80e6 / n for n in range(1, 100) if 80e6 / n <= asked)
    return max(48e6 / n for n in range(2, 200, 2) if 48e6 / n <= asked)


def test_the_overview_has_every_board_with_its_chip_and_its_clock(board):
    page = (boards.ROOT / "docs" / "boards.md").read_text()
    link = f"[{board.name}](../boards/{board.name}/README.md)"
    (row,) = [line for line in page.splitlines() if line.startswith(f"| {link} |")]
    cells = [cell.strip() for cell in row.split("|")[1:-1]]
    assert cells[2] == (board.kind.chip or "none")
    wires = len(list(board.wires())) if board.kind.module else 0
    assert cells[4] == (f"{wires} wires" if wires else "nothing")
    if board.kind.chip:
        assert cells[5] == f"{board.pins['baudrate'] / 1e6:g}, {clock(board) / 1e6:g} MHz"
    else:
        assert not cells[5]


def test_the_page_of_a_board_has_parts_drawing_traps_and_ways(board):
    page = (board.folder / "README.md").read_text()
    heads = re.findall(r"^## (.*)", page, re.M)
    assert heads[:2] == ["Parts", "Wiring"] and heads[-2] == "Known traps"
    assert heads[-1].endswith("ways onto it") and "](wiring.svg)" in page
    assert set(re.findall(r"BOARD=(\w+)", page)) == {board.name}
