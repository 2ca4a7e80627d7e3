"""The RAM that a board needs for what its configuration starts: from docs/sizes.md (`make size`)
and, for the code itself, which is in RAM when it comes from files, the sizes of the .mpy files.
"""

import ast
import re

import interpreters
from image.boards import Refused
from parts.pieces import imports

SIZES = interpreters.ROOT / "docs" / "sizes.md"
# What config.py asks for, and the parts that are imported for it; `ip`, `ntp` and the like are
# names of config.py.
_ASKED = (
    (lambda cfg: True, ("main", "uipy", "uipy.core")),
    (lambda cfg: cfg.get("services"), ("uipy.apps",)),
    (lambda cfg: "http" in (cfg.get("services") or ""), ("page", "status", "network_page")),
    (lambda cfg: cfg.get("events"), ("uipy.web", "uipy.web.events", "uipy.web.routes")),
    (lambda cfg: cfg.get("ip") == "dhcp", ("uipy.host", "uipy.host.dhcp", "uipy.host.linklocal")),
    (lambda cfg: cfg.get("hostname"), ("uipy.host", "uipy.host.mdns")),
    (lambda cfg: cfg.get("ntp"), ("clock", "uipy.host", "uipy.host.sntp")),
    (lambda cfg: cfg.get("syslog"), ("uipy.host", "uipy.host.syslog")),
)
# What they keep in tables: rows of docs/sizes.md by their beginnings, and how many of them.
_STACK = 7104  # Stack(dev), README.md
# What is there besides: MicroPython's own, main.py, the applications of each service. Measured on
# the emulated RP2040 with four configurations: 30.2 to 33.5 kB, the code from files.
_BASE = 32_000
# What must stay free, so that the largest piece that is asked for is found between the others.
RESERVE = 36_000
# What is switched off where the RAM does not hold it, the dearest first.
LEAN = (("events", 0), ("ntp", None), ("hostname", None), ("services", "http"))
_WHY = b"""
# Set by `make install`: the RAM of this board holds the code of no more. Where the code stays in
# flash (make firmware) these lines can go.
"""
_TABLES = (
    (lambda cfg: cfg.get("ip") == "dhcp", "`Dhcp(", 1),
    (lambda cfg: cfg.get("ip") == "dhcp", "`Acd(", 1),
    (lambda cfg: cfg.get("hostname"), "`Mdns(", 1),
    (lambda cfg: cfg.get("hostname"), "`Groups(", 1),
    (lambda cfg: cfg.get("ntp"), "`Sntp(", 1),
    (lambda cfg: cfg.get("syslog"), "`Syslog(", 1),
    (lambda cfg: cfg.get("events"), "`Routes(", 1),
    (lambda cfg: cfg.get("events"), "`Events(", 1),
)
_DRIVER_PARTS = {
    "enc28j60": ("uipy.drivers.enc28j60",),
    "slip": ("uipy.drivers.slip",),
}


def rows(text=None):
    """({part: RAM with its code in flash}, {row of the tables of services: octets})."""
    text = SIZES.read_text() if text is None else text
    parts, tables = {}, {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if len(cells) == 5 and re.fullmatch(r"[\w.]+", cells[0]):
            parts[cells[0]] = int(cells[3] or 0) if cells[3].isdigit() or not cells[3] else 0
        elif len(cells) == 2 and cells[1].isdigit():
            tables[cells[0]] = int(cells[1])
    return parts, tables


def started(cfg):
    """The parts that a board with this configuration imports at its start."""
    wanted = list(_DRIVER_PARTS.get(cfg.get("chip"), ("uipy.drivers.wiznet",)))
    wanted += [part for asks, parts in _ASKED if asks(cfg) for part in parts]
    for part in wanted:
        wanted += [p for p in imports().get(part, ((),))[0] if p not in wanted]
    return list(dict.fromkeys(wanted))


def configuration(*texts):
    """{name: value} of what pins.py and config.py set, as octets; values that are no literals are
    left out. Raises Refused for what is no Python."""
    cfg = {}
    for text in texts:
        try:
            body = ast.parse(text).body
        except SyntaxError as wrong:
            line = (wrong.text or "").strip()
            raise Refused("config.py, line %s, %r: %s" % (wrong.lineno, line, wrong.msg)) from None
        for node in body:
            if isinstance(node, ast.Assign):
                try:
                    value = ast.literal_eval(node.value)
                except ValueError:
                    continue
                for target in node.targets:
                    if isinstance(target, ast.Name):
                        cfg[target.id] = value
    return cfg


def lean(config, pins, files, total):
    """(config.py, names): with what does not go into `total` octets of heap switched off at its
    end, and what that is."""
    off = {}
    for name, value in LEAN:
        cfg = configuration(pins, config)
        if ram({**cfg, **off}, files) + RESERVE <= total:
            break
        if cfg.get(name) not in (value, None):
            off[name] = value
    lines = "".join("%s = %r\n" % row for row in off.items()).encode()
    return config + (_WHY + lines if off else b""), list(off)


def ram(cfg, files):
    """Octets of heap in use when the board serves, MicroPython's own among them. `files`: what it
    is given (content.library), whose code is in RAM."""
    parts, tables = rows()
    total = _BASE + _STACK
    total += (cfg.get("echo_ring") or 0) if "echo" in (cfg.get("services") or "") else 0
    for part in started(cfg):
        path = part.replace(".", "/")
        found = [files.get(path + end) for end in (".mpy", "/__init__.mpy")]
        code = next((len(data) for data in found if data is not None), 0)
        total += parts.get(part, 0) + (code or len(files.get(path + ".py", b"")) // 4)
    for asks, beginning, count in _TABLES:
        if asks(cfg):
            total += count * sum(n for row, n in tables.items() if row.startswith(beginning))
    return total
