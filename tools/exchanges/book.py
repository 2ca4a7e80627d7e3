"""docs/cycles.tsv, which `make bench-cycles ARGS="--parts --update"` writes, and the tables that
`make size` makes of it.

A line is a form of the library (frozen, or .mpy `files` on a file system), the case, and the
Count of cycles.py. Each form has a line that says on which image and which state of the library
it was measured; `make size` says when the library has changed since.
"""

import hashlib

import readme
from interpreters import ROOT
from parts import join

BOOK = ROOT / "docs" / "cycles.tsv"
COSTS = ROOT / "docs" / "costs.md"
# What the cases are: {case: (part, exchange)}.
WHAT = {
    "mdns-other": ("uipy.host.mdns", "a question about another host's name"),
    "mdns-ours": ("uipy.host.mdns", "a question about our name, and the answer to all"),
    "mdns-told": ("uipy.host.mdns", "another host's announcement: PTR, SRV, TXT, A"),
    "mdns-browse": ("uipy.host.mdns_browse", "the same, about a service that is known already"),
    "mdns-local": ("uipy.host.mdns_query", "a name in .local: question, answer, the callback"),
    "dhcp-other": ("uipy.host.dhcp", "an offer to another host"),
    "dhcp-renew": ("uipy.host.dhcp", "a renewal: REQUEST, ACK"),
    "dns": ("uipy.host.dns", "a name: query, an answer with an address, the callback"),
    "sntp": ("uipy.host.sntp", "the time: request, answer"),
    "syslog": ("uipy.host.syslog", "a message of 44 octets"),
    "igmp": ("uipy.net_igmp", "a general query, and our report of a group"),
    "fragments": ("uipy.net_reassembly", "a ping of 56 octets in two fragments, and its answer"),
    "acd": ("uipy.net_acd", "another station speaks from our address, and is told so"),
    "redirect": ("uipy.net_redirect", "a redirect that is obeyed"),
    "http-json": ("uipy.web.routes", "PUT with 32 octets of JSON, answered with JSON"),
    "http-304": ("uipy.web.files", "GET of a file that has not changed: 304"),
    "http-basic": ("uipy.web.auth", "GET with name and password, answered with a word"),
    "events": ("uipy.web.events", "an event of 25 octets to a client, and its ACK"),
    "websocket": ("uipy.web.websocket", "a text of 64 octets, echoed"),
}
# And the yardsticks: the row of docs/costs.md.
PLAIN = {"icmp": "ICMP 56", "udp": "UDP 18", "tcp64": "TCP 64"}
ECHOES = {
    "icmp": "a ping of 56 octets, answered",
    "udp": "a datagram of 18 octets, echoed",
    "tcp64": "a segment of 64 octets, echoed",
}
ALL = {**WHAT, **{case: ("uipy.core", what) for case, what in ECHOES.items()}}
CASES = tuple(ALL)
FORMS = ("frozen", "files")
MHZ = 125
_MEASURED = ("core.py", "toolbox.py", "apps.py", "net_*.py", "host/*.py", "web/*.py")
_HEAD = (
    "# Made by make bench-cycles ARGS='--parts --update': cycles of an RP2040 (tools/exchanges)."
)
_NAMES = "form\tcase\tcycles\tspread\theap full"

HOW = (
    "Cycles of the emulated RP2040, {mhz} of which are a us; the median of ten warm exchanges, "
    "which lie {spread:.1f} % apart at most. No garbage collection is among them, and no driver: "
    "with that of the ENC28J60 and the poll, its bus left out, a ping takes {ping:,} "
    "([costs.md](costs.md)), {more:,} more.\n\n"
    "A function whose VM frame is over 11 words asks for heap when it is called, and MicroPython "
    "looks for it from the front of the heap, past all that is taken. `ms` and `cycles` have room "
    "at the front; `heap taken` has 16 kB there that nobody gives back, the library frozen; "
    "`full` has the code of the parts as well, loaded from .mpy files. That search is what "
    "differs between them, and a rest of it is in `cycles`, too: .mpy files with room at the "
    "front are within {apart:.0f} % of frozen code."
)


def library():
    """Which state of the parts this is."""
    tree, text = join.build("viper") / "uipy", hashlib.sha256()
    for path in sorted(path for what in _MEASURED for path in tree.glob(what)):
        text.update(path.read_bytes())
    return text.hexdigest()[:12]


def read(path=BOOK):
    """-> ({form: (library, machine)}, {(form, case): (cycles, spread, full)})."""
    made, rows = {}, {}
    for line in path.read_text().splitlines() if path.exists() else ():
        if line.startswith("# "):
            form, _, rest = line[2:].partition(": library ")
            if rest:
                made[form] = tuple(rest.split(", ", 1))
        elif line != _NAMES:
            form, case, *counts = line.split("\t")
            rows[form, case] = tuple(map(int, counts))
    return made, rows


def write(form, machine, found, path=BOOK):
    """The counts of a form, {case: Count}; what else is in the file stays."""
    made, rows = read(path)
    made[form] = (library(), machine)
    rows.update({(form, case): tuple(count) for case, count in found.items()})
    lines = [_HEAD, *("# %s: library %s, %s" % (f, *made[f]) for f in FORMS if f in made), _NAMES]
    lines += [
        "\t".join(map(str, (form, case, *rows[form, case])))
        for form in FORMS
        for case in CASES
        if (form, case) in rows
    ]
    path.write_text("\n".join(lines) + "\n")
    readme.rewritten(path)


def of_parts(rows):
    """{part: its exchanges' cycles, in words}, of the frozen library."""
    found = {}
    for case, (part, _) in ALL.items():
        if ("frozen", case) in rows:
            found.setdefault(part, []).append(rows["frozen", case][0])
    return {
        part: " to ".join(format(n, ",") for n in dict.fromkeys((min(counts), max(counts))))
        for part, counts in found.items()
    }


def driver():
    """-> cycles of a ping with driver and poll, without those of the bus (docs/costs.md)."""
    text = COSTS.read_text().partition("cycles-enc28j60:begin")[2].partition("cycles-enc28j60:end")
    rows = [[c.strip() for c in line.split("|")] for line in text[0].splitlines()]
    (row,) = [row for row in rows if len(row) > 6 and row[1] == PLAIN["icmp"]]
    return int(row[5].replace(",", "")) - int(row[6].replace(",", ""))


def text(path=BOOK):
    """The table of docs/sizes.md, and how to read it."""
    made, rows = read(path)
    table = []
    for case, (part, what) in ALL.items():
        frozen, files = rows["frozen", case], rows["files", case]
        counts = (format(n, ",") for n in (frozen[0], frozen[2], files[2]))
        table.append((what, "`%s`" % part, "%.2f" % (frozen[0] / MHZ / 1000), *counts))
    head = ("exchange", "part", "ms", "cycles", "heap taken", "full")
    ping = driver()
    how = HOW.format(
        mhz=MHZ,
        spread=max(100 * spread / cycles for cycles, spread, _ in rows.values()),
        ping=ping,
        more=ping - rows["frozen", "icmp"][0],
        apart=max(abs(100 * rows["files", c][0] / rows["frozen", c][0] - 100) for c in CASES),
    )
    now = library()
    on = ["%s: %s, library %s" % (form, made[form][1], made[form][0]) for form in FORMS]
    on += ["the library has changed since"] * any(made[form][0] != now for form in FORMS)
    return "\n\n".join([readme.table(head, table), how, "Measured on " + "; ".join(on) + "."])
