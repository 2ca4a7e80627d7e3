"""`make size ARGS=--packets`: what the usual exchanges of each part cost, in instructions.

    .venv/bin/python tools/exchanges/count.py [CASE...]        prints; leaves docs/sizes.md alone

run.py has each exchange ten times with the stack and ten times without, on the MicroPython unix
binary under callgrind, which counts from one call of `time.mktime` to the next: the difference, a
tenth of it, is the row of a table. The same sources give the same numbers; others lie elsewhere in
the heap, which makes some hundred, or a few in a hundred. It takes a minute.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

if __name__ == "__main__":
    _HERE = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(_HERE / p) for p in ("lib", "tools")]

import interpreters
from interpreters import ROOT, Missing
from readme import table

RUN = ROOT / "tools" / "exchanges" / "run.py"
COSTS = ROOT / "docs" / "costs.md"
TIMES = 10  # as in run.py
HEAP = "64m"  # that nothing is collected meanwhile
# What the cases of run.py are: {case: (part, exchange)}.
WHAT = {
    "mdns-other": ("uipy.host.mdns", "a question about another host's name"),
    "mdns-ours": ("uipy.host.mdns", "a question about our name, and the answer to all"),
    "mdns-told": ("uipy.host.mdns", "another host's announcement: PTR, SRV, TXT, A"),
    "dhcp-other": ("uipy.host.dhcp", "an offer to another host"),
    "dhcp-renew": ("uipy.host.dhcp", "a renewal: REQUEST, ACK"),
    "dns": ("uipy.host.dns", "a name: query, an answer with an address, the callback"),
    "sntp": ("uipy.host.sntp", "the time: request, answer"),
    "syslog": ("uipy.host.syslog", "a message of 44 octets"),
    "igmp": ("uipy.net_igmp", "a general query, and our report of a group"),
    "fragments": ("uipy.net_reassembly", "a ping of 56 octets in two fragments, and its answer"),
    "redirect": ("uipy.net_redirect", "a redirect that is obeyed"),
    "http-json": ("uipy.web.routes", "PUT with 32 octets of JSON, answered with JSON"),
    "http-304": ("uipy.web.files", "GET of a file that has not changed: 304"),
    "websocket": ("uipy.web.websocket", "a text of 64 octets, echoed"),
}
# And the yardsticks: the row of docs/costs.md.
PLAIN = {"icmp": "ICMP 56", "udp": "UDP 18", "tcp64": "TCP 64"}

HOW = (
    "The estimate: a ping and an echo of UDP are {:,} and {:,} instructions here, and {:,} and "
    "{:,} cycles on the emulated RP2040 with an ENC28J60, its bus left out "
    "([costs.md](costs.md)). So an instruction stands for about {:.1f} cycles, 125 of which are "
    "a us; driver and poll take another {} or so with each frame, which the table leaves out. "
    "An estimate: machine code, look-ups and the heap do not weigh the same on both. Tried by "
    "hand on the emulated RP2040 with the code in RAM, eleven of these exchanges took 1.5 to 6 "
    "cycles an instruction, the short ones most: the column is the least to be expected.\n\n"
    "What parts cost a packet that is not for them: the echoes of costs.md on a board that has "
    "all of these at work."
)


def instructions(*cases):
    """{case: instructions of one exchange}; of all of them, when none is named."""
    if not shutil.which("valgrind"):
        raise Missing("no valgrind here (apt install valgrind)")
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "count"
        # The binary lives inside CPython, so both are pinned down: no random hashes or layout.
        command = ["valgrind", "--tool=callgrind", "--dump-before=mktime"]
        command += ["--callgrind-out-file=%s" % out, sys.executable, interpreters.micropython()]
        if shutil.which("setarch"):
            command[:0] = ["setarch", "-R"]
        paths = os.pathsep.join(map(str, (interpreters.joined(), ROOT / "tools")))
        env = {**os.environ, "PYTHONHASHSEED": "0", "MICROPYPATH": paths}
        command += ["-X", "heapsize=" + HEAP, str(RUN), *cases]
        said = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        names = [line.split()[0] for line in said.stdout.splitlines()]
        counts = []
        while (part := Path("%s.%d" % (out, len(counts) + 1))).exists():
            counts.append(int(re.search(r"^totals: (\d+)", part.read_text(), re.M)[1]))
    if said.returncode or not names or len(counts) != 4 * len(names):
        raise SystemExit("%d counts, callgrind: %s%s" % (len(counts), said.stdout, said.stderr))
    pairs = zip(counts[1::4], counts[3::4], strict=True)
    return {
        name: round((full - without) / TIMES)
        for name, (full, without) in zip(names, pairs, strict=True)
    }


def emulated():
    """{row of docs/costs.md: cycles on an emulated RP2040 without those of the bus}."""
    text = COSTS.read_text().partition("cycles-enc28j60:begin")[2].partition("cycles-enc28j60:end")
    rows = [[c.strip() for c in line.split("|")] for line in text[0].splitlines()]
    rows = [row for row in rows if len(row) > 6 and row[1] in PLAIN.values()]
    return {row[1]: int(row[5].replace(",", "")) - int(row[6].replace(",", "")) for row in rows}


def conversion(found, cycles):
    """Cycles of an RP2040 per instruction, and those of driver and poll: by the two exchanges that
    are the same in both tables."""
    more = cycles[PLAIN["udp"]] - cycles[PLAIN["icmp"]]
    ratio = more / (found["udp"] - found["icmp"])
    return ratio, cycles[PLAIN["icmp"]] - ratio * found["icmp"]


def text(found):
    """The tables and how to read them."""
    cycles = emulated()
    ratio, fixed = conversion(found, cycles)
    rows = [
        (what, "`%s`" % part, format(found[case], ","), about(ratio * found[case]))
        for case, (part, what) in WHAT.items()
    ]
    head = ("exchange", "part", "instructions (x86-64)", "cycles of an RP2040, estimated")
    with_all = [
        (row, *(format(n, ",") for n in (found[case], found[case + "-all"])), difference)
        for case, row in PLAIN.items()
        for difference in (found[case + "-all"] - found[case],)
    ]
    return "\n\n".join(
        [
            table(head, rows),
            HOW.format(
                found["icmp"],
                found["udp"],
                cycles[PLAIN["icmp"]],
                cycles[PLAIN["udp"]],
                ratio,
                about(fixed),
            ),
            table(("echo, instructions", "without", "with all parts", "more"), with_all),
        ]
    )


def about(n):
    """Two digits of a number."""
    step = 10 ** max(0, len(str(round(n))) - 2)
    return format(round(n / step) * step, ",")


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("case", nargs="*", help="of run.py; all of them, and as tables, if none")
    args = parser.parse_args(argv)
    try:
        found = instructions(*args.case)
    except Missing as lack:
        sys.exit("count: %s" % lack)
    if args.case:
        for name, n in found.items():
            print("%-12s %9s" % (name, format(n, ",")))
    else:
        print(text(found))


if __name__ == "__main__":
    main()
