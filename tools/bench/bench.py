"""`make bench`: what packets cost and how fast octets flow; tables and a picture for
docs/costs.md.

    instructions    of the MicroPython unix binary, per packet, counted by callgrind: the slope
                    between 200 and 1200 packets, less that of preparing them
    throughput      chargen from a MicroPython board to the Linux kernel on a TAP, with 1, 2, 4 and
                    8 segments in flight, on the bare TAP and with 20 ms there and back (as root)
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    _HERE = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(_HERE / p) for p in ("lib", "tools")]

import interpreters
from interpreters import ROOT
from readme import put, table
from wire.lan import Lan, Missing

COSTS = ROOT / "docs" / "costs.md"
PICTURE = ROOT / "docs" / "img" / "throughput.png"
CASES = {
    "icmp": "ICMP echo, 56 octets",
    "udp": "UDP echo, 18 octets",
    "tcp64": "TCP echo, 64 octets",
    "tcp1460": "TCP echo, 1460 octets",
}
AIMS = {"icmp": 13_000, "udp": 20_000, "tcp64": 60_000, "tcp1460": 65_000}  # a fifth of the first
FLIGHTS = (1, 2, 4, 8)
DELAYS = (0, 10)  # ms each way, on top of the TAP
SECONDS = 2.0
_FEW, _MANY = 200, 1200


def instructions():
    """[(what, instructions per packet, aim)]."""
    if not shutil.which("valgrind"):
        raise Missing("no valgrind here")
    rows = []
    for case, what in CASES.items():
        slope = {
            mode: (_count(case, _MANY, mode) - _count(case, _FEW, mode)) / (_MANY - _FEW)
            for mode in ("with", "without")
        }
        rows.append((what, round(slope["with"] - slope["without"]), AIMS[case]))
    return rows


def _count(case, n, mode):
    # The binary lives inside CPython, so both are pinned down: no random hashes, no random layout.
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable]
    command += [interpreters.micropython(), str(ROOT / "tools" / "bench" / "packets.py")]
    if shutil.which("setarch"):
        command[:0] = ["setarch", "-R"]
    paths = os.pathsep.join(map(str, (interpreters.joined(), ROOT / "tools")))
    env = {**os.environ, "PYTHONHASHSEED": "0", "MICROPYPATH": paths}
    done = subprocess.run(
        [*command, case, str(n), mode], env=env, capture_output=True, text=True, check=False
    )
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        raise SystemExit("callgrind: %s%s" % (done.stdout, done.stderr))
    return int(found[1])


def throughput():
    """[(round trip in ms, [octets a second for each of FLIGHTS])]."""
    rows = []
    for delay in DELAYS:
        rates = []
        for flight in FLIGHTS:
            rtt, rate = _flow(delay, flight)
            rates.append(rate)
        rows.append((rtt, rates))
    return rows


def _flow(delay, flight):
    lan = Lan()
    try:
        lan.start(python="micropython", flight=flight, wire="delay=%d" % delay)
        said = lan.run("ping", "-c", "5", "-i", "0.1", lan.board_ip).stdout
        rtt = float(re.search(r"= ([\d.]+)/", said)[1])  # the least of five
        return rtt, _rate(lan.connect(19))
    finally:
        lan.close()


def _rate(sock):
    """Octets a second, without the first half second."""
    with sock:
        begin = time.monotonic()
        while time.monotonic() < begin + 0.5:
            sock.recv(65536)
        begin, n = time.monotonic(), 0
        while time.monotonic() < begin + SECONDS:
            n += len(sock.recv(65536))
        return n / (time.monotonic() - begin)


def picture(rows):
    """Throughput against segments in flight, with what the window allows beside it."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6.4, 3.6), layout="constrained")
    for rtt, rates in rows:
        (line,) = axes.plot(FLIGHTS, [r / 1000 for r in rates], "o-", label="%.1f ms" % rtt)
        limit = [n * 1460 / rtt for n in FLIGHTS]
        if rtt > 5:  # on the bare TAP it is the board that is the limit
            label = "window / %.1f ms" % rtt
            axes.plot(FLIGHTS, limit, ":", color=line.get_color(), label=label)
    axes.set(xlabel="segments in flight", ylabel="kB/s", xscale="log", yscale="log")
    axes.set_xticks(FLIGHTS, [str(n) for n in FLIGHTS], minor=False)
    axes.minorticks_off()
    axes.grid(alpha=0.3)
    axes.legend(title="round trip", frameon=False)
    axes.set_title("chargen, MicroPython to the Linux kernel", fontsize="medium")
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(PICTURE, dpi=120)


def flows_text(rows):
    """The table and the picture of `throughput`."""
    head = ("round trip", *["%d in flight" % n for n in FLIGHTS])
    lines = [
        ("%.1f ms" % rtt, *["%s kB/s" % format(round(r / 1000), ",") for r in rates])
        for rtt, rates in rows
    ]
    where = PICTURE.relative_to(COSTS.parent)
    return "%s\n\n![throughput against segments in flight](%s)" % (table(head, lines), where)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dry", action="store_true", help="print, and leave docs/costs.md alone")
    parser.add_argument("--packets", action="store_true", help="instructions only")
    args = parser.parse_args(argv)
    texts = {}
    try:
        rows = [(what, *(format(n, ",") for n in counts)) for what, *counts in instructions()]
        texts["bench"] = table(("one packet, answered", "instructions (x86-64)", "aim"), rows)
        print(texts["bench"], flush=True)
        if not args.packets:
            rates = throughput()
            picture(rates)
            texts["flows"] = flows_text(rates)
            print(texts["flows"])
    except (Missing, interpreters.Missing) as lack:
        sys.exit("bench: %s" % lack)
    for mark, text in texts.items() if not args.dry else ():
        put(mark, text, COSTS)


if __name__ == "__main__":
    main()
