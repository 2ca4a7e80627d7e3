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

from exchanges import N, book

RUN = ROOT / "tools" / "exchanges" / "run.py"
HEAP = "64m"  # that nothing is collected meanwhile
# The tables' text.
HOW = "What parts cost a packet that is not for them: the echoes of costs.md on a board that has "
HOW += "all of these at work."


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
        name: round((full - without) / N)
        for name, (full, without) in zip(names, pairs, strict=True)
    }


def text(found):
    """The tables and how to read them."""
    rows = [
        (what, "`%s`" % part, format(found[case], ",")) for case, (part, what) in book.WHAT.items()
    ]
    with_all = [
        (row, *(format(n, ",") for n in (found[case], found[case + "-all"])), difference)
        for case, row in book.PLAIN.items()
        for difference in (found[case + "-all"] - found[case],)
    ]
    return "\n\n".join(
        [
            table(("exchange", "part", "instructions (x86-64)"), rows),
            HOW,
            table(("echo, instructions", "without", "with all parts", "more"), with_all),
        ]
    )


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
