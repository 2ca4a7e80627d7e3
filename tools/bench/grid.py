"""Bulk transfers between our TCP and the Linux kernel's, by window, distance and loss: part of
`make bench`.

    grid.py            about four minutes: docs/throughput.md and its pictures
    grid.py --dry      measures, prints, writes nothing
    grid.py --quick    a few cells in a few seconds, prints, writes nothing

Wants root and /dev/net/tun (flow.py says what is set up). Cells whose packets are few are
measured side by side; each one three times.
"""

import argparse
import multiprocessing
import os
import sys
import time
from pathlib import Path
from statistics import median

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

from bench import text, theory
from bench.flow import MSS, RECEIVE, SEND, Cell, measure

WAYS = (SEND, RECEIVE)
RTTS = (0.3, 20, 200)
LOSSES = (0, 1)
FLIGHTS = (1, 2, 4, 8, 16)
RUNS = 3

POOL = ("reassembly", 16)
SACK = ("sack", True)
STAMPS = ("timestamps", True)
OPTIONS: dict[str, dict[str, tuple]] = {
    SEND: {"none": (), "SACK": (SACK,), "SACK, timestamps": (SACK, STAMPS)},
    RECEIVE: {
        "none": (),
        "reassembly": (POOL,),
        "reassembly, SACK": (POOL, SACK),
        "reassembly, SACK, timestamps": (POOL, SACK, STAMPS),
    },
}
_BIG = (("reassembly", 90), SACK)
SCALES = {
    "64 kB": (*_BIG, ("room", 44 * MSS)),
    "128 kB, scaled": (*_BIG, ("room", 88 * MSS), ("window_scale", True)),
}


def grid():
    """Every cell of the table, without its seed."""
    for rtt in RTTS:
        for way in WAYS:
            for loss in LOSSES:
                for flight in FLIGHTS:
                    yield _timed(Cell(way, rtt, loss, flight))


def with_options():
    """{(way, loss, what): cell} with 16 segments at 20 ms."""
    return {
        (way, loss, what): Cell(way, 20, loss, 16, options, 2, 1.0, 4.0)
        for way in WAYS
        for loss in (1, 3)
        for what, options in OPTIONS[way].items()
    }


def with_scaling():
    """{(loss, what): cell}: windows that need scaling, at 200 ms."""
    return {
        (loss, what): Cell(RECEIVE, 200, loss, 44, options, 1, 4.0, 6.0)
        for loss in LOSSES
        for what, options in SCALES.items()
    }


def _timed(cell):
    """Long enough to be steady; with loss, enough segments for some losses."""
    if cell.rtt < 1:
        return cell._replace(warm=0.4, seconds=1.6 if cell.loss else 0.6)
    far = cell.rtt > 100
    if not cell.loss:
        return cell._replace(warm=3, seconds=3) if far else cell._replace(warm=1, seconds=1.5)
    side = max(2, 16 // cell.flight) if far else max(1, 8 // cell.flight)
    return cell._replace(conns=side, warm=3 if far else 1.5, seconds=18 if far else 4.5)


def quick():
    """What a test can wait for."""
    for way in WAYS:
        for loss in LOSSES:
            for flight in (2, 8):
                yield Cell(way, 20, loss, flight, warm=0.4, seconds=0.6)


def limit(cell):
    """What theory allows: the window, or Reno with this loss."""
    return theory.reno(cell.flight, cell.rtt, MSS, cell.loss)


def abreast(cell):
    """How many such cells are measured at a time. Where the round trip is short and nothing is
    lost, the processor is what is measured: one; with losses it mostly waits."""
    if cell.rtt < 1:
        return 2 if cell.loss else 1
    return 4 if cell.rtt < 100 else 20


def run(cells, runs=RUNS):
    """{cell: result}, the rate the median of the runs, the counts their sums."""
    out = {}
    for workers in sorted({abreast(cell) for cell in cells}, reverse=True):
        some = [cell for cell in cells if abreast(cell) == workers]
        jobs = [cell._replace(seed=seed) for seed in range(1, runs + 1) for cell in some]
        # A process for each: it stays in the namespace that it made.
        context = multiprocessing.get_context("fork")
        with context.Pool(workers, maxtasksperchild=1) as pool:
            done = pool.map(measure, jobs, chunksize=1)
        for k, cell in enumerate(some):
            out[cell] = _together(done[k :: len(some)])
    return out


def _together(results):
    out = {name: sum(r[name] for r in results) for name in results[0]}
    out["rate"] = median(r["rate"] for r in results)
    return out


def write(results, options, scaling, seconds):
    """docs/throughput.md and the pictures."""
    from bench import plot

    plot.grid(results, limit, text.DOCS / "img" / "throughput-grid.svg")
    plot.options(options, text.DOCS / "img" / "throughput-options.svg")
    text.page(results, options, scaling, limit, seconds)


def main(argv=None):
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--dry", action="store_true", help="measure, print, write nothing")
    parser.add_argument("--quick", action="store_true", help="a few cells, print, write nothing")
    args = parser.parse_args(argv)
    if os.geteuid() or not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        sys.exit("grid: wants root and /dev/net/tun: the kernel's TCP is reached over a TAP")
    if args.quick:
        print(text.grid(run(list(quick()), 1), limit))
        return
    begin = time.monotonic()
    cells, options, scaling = list(grid()), with_options(), with_scaling()
    done = run(list(dict.fromkeys([*cells, *options.values(), *scaling.values()])))
    results = {cell: done[cell] for cell in cells}
    print(text.grid(results, limit))
    options = {key: (cell, done[cell]) for key, cell in options.items()}
    scaling = {key: (cell, done[cell]) for key, cell in scaling.items()}
    print("\n" + text.options(options, limit))
    print("\n" + text.scaling(scaling))
    if not args.dry:
        write(results, options, scaling, time.monotonic() - begin)


if __name__ == "__main__":
    main()
