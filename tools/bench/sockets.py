"""`make bench`: what a socket costs beside the callbacks that it stands on; a table for
docs/costs.md.

    python tools/bench/sockets.py [--dry] [--quick]

One stack and one process (socket_work.py): an echo, or segments that are read, by callbacks and by
a blocking socket. Instructions are those of the MicroPython unix binary, counted by callgrind,
less what preparing the packets takes; no driver. Octets a second are the best of many short rounds
in turns, under MicroPython and CPython; they depend on the machine, their ratio hardly. --quick
counts no instructions.
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
from interpreters import ROOT
from readme import put, table

COSTS = ROOT / "docs" / "costs.md"
WORK = ROOT / "tools" / "bench" / "socket_work.py"
HEAP = ROOT / "tools" / "bench" / "socket_heap.py"
CASES = {
    "udp": "UDP echo, 18 octets",
    "tcp64": "TCP echo, 64 octets",
    "tcp1460": "TCP echo, 1460 octets",
    "down": "TCP, 1460 octets read",
}
HEAD = (
    "a packet",
    "instructions by callbacks",
    "by a socket",
    "ratio",
    "MicroPython, kB/s",
    "by a socket",
    "CPython, kB/s",
    "by a socket",
)
HEAP_HEAD = ("an idle socket", "octets of heap, 32 bits")
PACKETS = 16  # as in socket_work.py
WAYS = ("callback", "socket")
BIG = ("-X", "heapsize=32m")  # that nothing is collected meanwhile


def run(command, path, **more):
    """What a command printed."""
    env = {**os.environ, "PYTHONHASHSEED": "0", **path}
    done = subprocess.run(
        [str(x) for x in command],
        env=env,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    if done.returncode:
        raise SystemExit("%s\n%s%s" % (command, done.stdout, done.stderr))
    return done


def small():
    """Of MicroPython: where the library is found."""
    paths = (".frozen", interpreters.joined(), ROOT / "tools")
    return {"MICROPYPATH": os.pathsep.join(map(str, paths))}


def large():
    """Of CPython."""
    paths = (ROOT / "lib", ROOT / "tools", ROOT / "tools" / "shims")
    return {"PYTHONPATH": os.pathsep.join(map(str, paths))}


def instructions():
    """{case: [by callbacks, by a socket]} of one packet, in one run."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "count"
        # The binary lives inside CPython, so both are pinned down, as in bench.py.
        command = ["valgrind", "--tool=callgrind", "--dump-before=mktime"]
        command += ["--callgrind-out-file=%s" % out, sys.executable]
        if shutil.which("setarch"):
            command[:0] = ["setarch", "-R"]
        said = run([*command, interpreters.micropython(), *BIG, WORK, "count"], small()).stdout
        names = [tuple(line.split()) for line in said.splitlines()]
        took = {}
        for k, name in enumerate(names):
            part = Path("%s.%d" % (out, 2 * k + 2)).read_text()
            took[name] = int(re.search(r"^totals: (\d+)", part, re.M)[1])
    return {
        case: [round((took[case, how] - took[case, "wire"]) / PACKETS) for how in WAYS]
        for case in CASES
    }


def speeds(case):
    """[octets a second by callbacks, by a socket] under MicroPython, and under CPython."""
    words = run([interpreters.micropython(), WORK, "time", case], small()).stdout.split()
    words += run([sys.executable, WORK, "time", case], large()).stdout.split()
    return list(map(int, words))


def heap():
    """[(what, octets)] of sockets that wait."""
    said = interpreters.run_wasm(HEAP, files=(("joined", "/lib"), ("tools/wire", "/lib/wire")))
    return [(line.split(" ", 1)[1], int(line.split(" ", 1)[0])) for line in said.splitlines()]


def rows(quick):
    counts = {} if quick else instructions()
    for case, what in CASES.items():
        ours = ["-", "-", "-"]
        if not quick:
            by = counts[case]
            ours = [*(format(x, ",") for x in by), "%.1f" % (by[1] / by[0])]
        rates = [format(round(x / 1000), ",") for x in speeds(case)]
        print(what, *ours, *rates, flush=True)
        yield (what, *ours, *rates)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dry", action="store_true", help="print, and leave docs/costs.md alone")
    parser.add_argument("--quick", action="store_true", help="count no instructions; prints only")
    parser.add_argument("--packets", action="store_true", help="of bench.py; changes nothing here")
    args = parser.parse_args(argv)
    if not args.quick and not shutil.which("valgrind"):
        sys.exit("sockets: no valgrind here")
    try:
        taken = table(HEAP_HEAD, [(what, format(n, ",")) for what, n in heap()])
        print(taken, flush=True)
        text = table(HEAD, rows(args.quick)) + "\n\n" + taken
    except interpreters.Missing as lack:
        sys.exit("sockets: %s" % lack)
    if not (args.dry or args.quick):
        put("sockets", text, COSTS)


if __name__ == "__main__":
    main()
