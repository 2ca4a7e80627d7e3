"""wiring.svg of a board: its two boards with their pins in their real order, and the wires.

Light and dark: the drawing has a ground of its own and asks the viewer which it prefers. Each
wire is a <path class="wire" id="wire-NET"> whose two ends are the centres of two <circle
class="pad"> (host_tests/wiring reads them back).
"""

from xml.sax.saxutils import escape

from wiring import route
from wiring.board import NETS

PITCH = 24  # between the pins of a board
LEFT, TOP, WIDE = 60, 118, 236  # the processor's board
FIRST = LEFT + WIDE + 70  # the first lane
ROW = 44  # between the pins of a module
MODULE = 640  # the first column of a module's pins

# Of the wires: on a light ground, on a dark one.
COLOURS = {
    "3v3": ("#d62828", "#ff6b6b"),
    "gnd": ("#3d4450", "#c3cad5"),
    "sck": ("#c77700", "#ffb347"),
    "mosi": ("#1a62c9", "#6cb0ff"),
    "miso": ("#138a4a", "#4fd48c"),
    "cs": ("#8b3fc4", "#c893f5"),
    "int_pin": ("#0b8a99", "#45d5e3"),
    "reset": ("#b3366e", "#ff8fc0"),
    "usb": ("#1a62c9", "#6cb0ff"),
}
_PLAIN = """
text{font-family:system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif;
font-size:12px;fill:#1d2430}
.ground{fill:#fbfcfe;stroke:#d5dbe5}
.title{font-size:19px;font-weight:600}
.note{fill:#586273;font-size:12px}
.casing{fill:none;stroke:#fbfcfe;stroke-width:7}
.wire{fill:none;stroke-width:3;stroke-linecap:round}
.net{font-size:11px;font-weight:600}
.pcb text,.on{fill:#fff}
.number{font-size:9.5px;opacity:.72}
.pcb .quiet{opacity:.62}
.pcb .used{font-weight:700}
.pad{fill:#e3bf62;stroke:#7c6118}
.tag{font-weight:600;fill:#fff}
.shell{fill:#c3c8d0;stroke:#6e7683}
.hole{fill:#23272e}
.die{fill:#1c2026;stroke:#000}
.legend{font-size:12px}
"""
_DARK = """
text{fill:#e6ebf3}
.ground{fill:#151a22;stroke:#323b4a}
.note{fill:#9aa6b8}
.casing{stroke:#151a22}
.tag{fill:#10141a}
"""


def svg(board):
    """The drawing, as text."""
    module = board.kind.module
    wires = list(board.wires())
    wide, high = (
        (940 if module else 640),
        TOP + 20 * PITCH + (104 if module else 140 if wires else 60),
    )
    what = _title(board)
    said = "; ".join(_sentence(wire) for wire in wires) or "nothing to wire: a USB cable"
    lines = [
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d"'
        ' role="img" aria-labelledby="title desc">' % (wide, high, wide, high),
        '<title id="title">%s</title>' % escape(what),
        '<desc id="desc">%s.</desc>' % escape(said),
        "<style>%s</style>" % _style(),
        '<rect class="ground" x=".5" y=".5" width="%d" height="%d" rx="14"/>'
        % (wide - 1, high - 1),
        '<text class="title" x="28" y="40">%s</text>' % escape(what),
        '<text class="note" x="28" y="62">%s</text>' % escape(_note(board)),
        *_processor(board, wires),
    ]
    if module:
        top = _top(board, wires)
        paths = list(_paths(board, wires, top))
        lines += [*_module(module, wires, top), *_joined(paths, wires), *_legend(wires, high)]
    elif wires:
        lines += _taken(board, wires)
    else:
        lines += _usb()
    return "\n".join([*lines, "</svg>", ""])


def _title(board):
    header, module = board.kind.header, board.kind.module
    return "%s with %s" % (header.title, module.title) if module else header.title


def _note(board):
    if board.kind.module:
        return "Seen from above. Names are those printed on the boards: go by them, not by places."
    if board.kind.chip:
        return "Nothing to wire: the %s is on the board, and takes these pins." % board.kind.chip
    return "Nothing to wire: the network is a serial line over the USB cable."


def _sentence(wire):
    to = " to %s" % wire.to if wire.to else ""
    return "%s: %s (pin %s)%s" % (wire.label, wire.pin.name, wire.pin.number, to)


def _style():
    light = "".join(".%s{stroke:%s}.f-%s{fill:%s}" % (_c(n), a, n, a) for n, (a, _) in _all())
    dark = "".join(".%s{stroke:%s}.f-%s{fill:%s}" % (_c(n), b, n, b) for n, (_, b) in _all())
    rules = _PLAIN + light + "\n@media (prefers-color-scheme:dark){" + _DARK + dark + "}\n"
    return rules.replace("\n\n", "\n")


def _all():
    return COLOURS.items()


def _c(net):
    return "w-" + net


def _text(x, y, text, classes="", anchor="start"):
    return '<text x="%g" y="%g" class="%s" text-anchor="%s">%s</text>' % (
        *(x, y, classes, anchor),
        escape(text),
    )


def _rect(x, y, w, h, classes="", r=4, fill=None):
    extra = ' fill="%s"' % fill if fill else ""
    size = 'x="%g" y="%g" width="%g" height="%g" rx="%g"' % (x, y, w, h, r)
    return '<rect %s class="%s"%s/>' % (size, classes, extra)


def place(pin):
    """Where the pad of a pin of the processor's board lies."""
    return (LEFT if pin.side == "left" else LEFT + WIDE), TOP + 30 + PITCH * pin.row


def _pad(x, y, who, r=5.5):
    return '<circle class="pad" cx="%g" cy="%g" r="%g" data-pin="%s"/>' % (x, y, r, escape(who))


def _processor(board, wires):
    """The board on the left."""
    header = board.kind.header
    used = {wire.pin.number: wire.net for wire in wires}
    rows = max(pin.row for pin in header.pins) + 1
    tall = 60 + PITCH * (rows - 1)
    esp = header.family == "esp32"
    middle = LEFT + WIDE / 2
    yield '<g class="pcb">'
    if board.kind.chip and not board.kind.module:
        tall += 62
    yield _rect(LEFT - 14, TOP, WIDE + 28, tall, "", 10, "#23303c" if esp else "#17633a")
    if esp:
        yield _rect(middle - 40, TOP - 8, 80, 112, "shell", 3)
        yield _text(middle, TOP + 52, "ESP32", "die-name", "middle").replace(
            "<text", '<text fill="#1d2430" style="fill:#1d2430;font-weight:600"'
        )
        yield _rect(middle - 20, TOP + tall - 16, 40, 26, "shell", 3)
        yield _text(middle, TOP + tall - 24, "USB", "number", "middle")
    else:
        yield _rect(middle - 24, TOP - 12, 48, 34, "shell", 3)
        yield _text(middle, TOP + 38, "USB", "number", "middle")
        yield _rect(middle - 26, TOP + 196, 52, 52, "die", 3)
        chip = "RP2350" if header.title.endswith(("2", "Pico2")) else "RP2040"
        yield _text(middle, TOP + 226, chip, "number", "middle")
    if tall > 60 + PITCH * (rows - 1):
        yield _rect(middle - 26, TOP + 330, 52, 52, "die", 3)
        yield _text(middle, TOP + 360, board.kind.chip, "number on", "middle")
        yield from _jack(middle - 44, TOP + tall - 64, 88, 70)
    for pin in header.pins:
        x, y = place(pin)
        inward = 1 if pin.side == "left" else -1
        anchor = "start" if pin.side == "left" else "end"
        state = "used" if pin.number in used else "quiet"
        yield _pad(x, y, pin.number)
        yield _text(x + 11 * inward, y + 3.5, pin.number, "number", anchor)
        gap = 28 if header.family == "rp2" else 40
        yield _text(x + gap * inward, y + 4, pin.name, state, anchor)
    yield "</g>"


def _jack(x, y, w, h):
    """An RJ45 socket, its opening down."""
    yield _rect(x, y, w, h, "shell", 4)
    yield _rect(x + w * 0.2, y + h * 0.34, w * 0.6, h * 0.5, "hole", 3)
    yield _text(x + w / 2, y + 16, "RJ45", "number", "middle").replace(
        "<text", '<text style="fill:#1d2430;opacity:1"'
    )


def _top(board, wires):
    """The y of a module's first row: about where the pins are that it is wired to, and where no
    two wires lie on one another and few cross."""
    signals = [place(wire.pin)[1] for wire in wires if wire.net not in ("3v3", "gnd")]
    middle = (min(signals) + max(signals)) / 2
    tall = ROW * (len(board.kind.module.rows) - 1)
    best = round(middle - tall / 2)

    def cost(top):
        return route.cost(list(_paths(board, wires, top))) + abs(top - best) / 20

    low, high = TOP + 40, TOP + 20 * PITCH - tall
    return min(range(max(low, best - 60), min(high, max(best, low) + 60), 2), key=cost)


def spot(module, top, row, column):
    """Where the pad of a module's pin lies."""
    return MODULE + column * module.apart, top + ROW * row


def _module(module, wires, top):
    used = {(wire.row, wire.column) for wire in wires}
    tall = ROW * (len(module.rows) - 1)
    right = MODULE + module.apart + 64
    yield '<g class="pcb">'
    yield _rect(MODULE - 66, top - 44, right - MODULE + 66 + 40, tall + 88, "", 10, "#1d4f91")
    yield from _jack(right + 12, top + tall / 2 - 46, 92, 92)
    for name, _, row, column in module.pins():
        x, y = spot(module, top, row, column)
        state = "used" if (row, column) in used else "quiet"
        yield _pad(x, y, "%s %d %d" % (name, row, column), 6.5)
        if column:
            yield _text(x + 13, y + 4, name, state)
        else:
            yield _text(x - 13, y - 7, name, state, "end")
    yield "</g>"


def _paths(board, wires, top):
    """Each wire from its pad to the other one, all but its lane."""
    for wire in wires:
        x, y = place(wire.pin)
        before = [(x, y)]
        if wire.pin.side == "left":  # round the board, above it
            before += [(x - 30, y), (x - 30, TOP - 24)]
        ex, ey = spot(board.kind.module, top, wire.row, wire.column)
        after = [(ex, ey)]
        if wire.column:  # between two rows, then up to the pin
            after = [(ex, ey + ROW / 2), (ex, ey)]
        yield route.Path(wire.net, before, after)


def _joined(paths, wires):
    lane = route.lanes(paths, FIRST)
    labels = {wire.net: wire for wire in wires}
    for path in paths:
        d = route.rounded(route.points(path, lane[path.net]))
        wire = labels[path.net]
        yield '<path class="casing" d="%s"/>' % d
        yield '<path class="wire %s" id="wire-%s" d="%s"><title>%s</title></path>' % (
            *(_c(path.net), path.net, d),
            escape(_sentence(wire)),
        )
    for path in paths:
        x, y = path.before[-1]
        at = (x + 20, y - 5) if len(path.before) == 1 else (x + 8, y - 6)
        yield _text(*at, labels[path.net].label, "net f-%s" % path.net)
    yield '<g class="pcb">'  # the pads once more, above the wires
    for path, wire in zip(paths, wires, strict=True):
        for x, y in (path.before[0], path.after[-1]):
            yield '<circle class="pad %s" cx="%g" cy="%g" r="5.5"/>' % (_c(wire.net), x, y)
    yield "</g>"


def _legend(wires, high):
    """Every wire in words, four to a line."""
    for k, wire in enumerate(wires):
        x, y = 28 + 224 * (k % 4), high - 46 + 22 * (k // 4)
        yield '<path class="wire %s" d="M%g %gh18"/>' % (_c(wire.net), x, y)
        text = "%s: %s to %s" % (wire.label, wire.pin.name, wire.to)
        yield _text(x + 26, y + 4, text, "legend")


def _taken(board, wires):
    """Which pins the chip on the board has: a tag at each."""
    for wire in wires:
        x, y = place(wire.pin)
        way = {"out": "to", "in": "from"}[NETS[wire.net][1]]
        text = "%s %s the %s" % (wire.label, way, board.kind.chip)
        yield '<path class="wire %s" id="wire-%s" d="M%g %gh34"><title>%s</title></path>' % (
            *(_c(wire.net), wire.net, x, y),
            escape(_sentence(wire)),
        )
        yield _rect(x + 30, y - 10, 32 + 7.4 * len(text), 20, "f-%s" % wire.net, 10)
        yield _text(x + 44, y + 4, text, "tag")
        yield _pad(x, y, wire.pin.number)


def _usb():
    """A cable to a computer, and what runs there."""
    x, y = LEFT + WIDE / 2, TOP - 12
    d = route.rounded([(x, y), (x, y - 18), (LEFT + WIDE + 60, y - 18), (LEFT + WIDE + 60, 250)])
    yield '<path class="wire w-usb" id="wire-usb" d="%s"/>' % d
    left = LEFT + WIDE + 34
    yield _rect(left, 250, 250, 128, "ground", 8)
    for k, (text, kind) in enumerate(
        (
            ("A computer", "used"),
            ("its serial port, e.g. /dev/ttyACM0", "note"),
            ("SLIP: tools/wire/sliprelay.py,", "note"),
            ("or the kernel's slattach", "note"),
        )
    ):
        yield _text(left + 16, 278 + 26 * k, text, kind)
