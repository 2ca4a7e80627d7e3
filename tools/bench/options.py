"""What reassembly, SACK and timestamps bring on a bad wire: goodput on simulated time.

    python tools/bench/options.py            prints the table, writes it into docs/tcp-options.md
    python tools/bench/options.py --quick    fewer seeds, prints only

Two of our stacks (simtalk.py), one direction, kB/s of virtual time until the receiver has seen the
FIN: the median over the seeds, which are the same for each set of options. Nothing of it depends
on the machine.
"""

import statistics
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
if __name__ == "__main__":
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

import readme  # noqa: E402
from proof.simtalk import Talk  # noqa: E402

DOC = ROOT / "docs" / "tcp-options.md"
BEGIN, END = "<!-- tools/bench/options.py -->", "<!-- end -->"
SIZE = 200_000
MSS = 1460
VARIANTS = (  # segments in the window, the receiver's and the sender's options
    (4, "nothing", {}),
    (4, "reassembly 4", {"reassembly": 4}),
    (4, "reassembly 4, SACK", {"reassembly": 4, "sack": 1}),
    (16, "nothing", {}),
    (16, "reassembly 4", {"reassembly": 4}),
    (16, "reassembly 16", {"reassembly": 16}),
    (16, "reassembly 16, SACK", {"reassembly": 16, "sack": 1}),
    (16, "reassembly 16, timestamps", {"reassembly": 16, "timestamps": 1}),
    (16, "reassembly 16, SACK, timestamps", {"reassembly": 16, "sack": 1, "timestamps": 1}),
    (
        16,
        "the same, rto_min 200 ms",
        {"reassembly": 16, "sack": 1, "timestamps": 1, "rto_min": 200},
    ),
    (41, "nothing", {}),
    (41, "reassembly 16", {"reassembly": 16}),
    (41, "reassembly 16, SACK", {"reassembly": 16, "sack": 1}),
    (41, "reassembly 40", {"reassembly": 40}),
    (41, "reassembly 40, SACK", {"reassembly": 40, "sack": 1}),
)
LOSSES = (0, 1, 3, 5)
RTTS = (20, 200)


def goodput(seed, loss, rtt, window, options):
    """kB/s of one transfer."""
    room = window * MSS
    talk = Talk(seed=seed, up=SIZE, down=0, loss=loss, delay=rtt // 2, room=room, **options)
    talk.how["limit"] = 36000
    talk.run()
    server = talk.pairs[0][1]
    return SIZE / (server.at_end - talk.net.start)


def measure(seeds):
    """The whole table, as Markdown."""
    columns = ["%d ms %d %%" % (rtt, loss) for rtt in RTTS for loss in LOSSES]
    lines = [
        "| window | options | %s |" % " | ".join(columns),
        "|---:|---|" + "---:|" * len(columns),
    ]
    for window, name, options in VARIANTS:
        row = [
            statistics.median(goodput(seed, loss, rtt, window, options) for seed in seeds)
            for rtt in RTTS
            for loss in LOSSES
        ]
        lines.append("| %d | %s | %s |" % (window, name, " | ".join("%.1f" % v for v in row)))
        print(lines[-1], file=sys.stderr)
    return "\n".join(lines)


def write(text):
    old = DOC.read_text()
    head, _, rest = old.partition(BEGIN)
    _, _, tail = rest.partition(END)
    DOC.write_text(head + BEGIN + "\n" + text + "\n" + END + tail)
    readme.rewritten(DOC)


def main(argv):
    quick = "--quick" in argv
    text = measure(range(1, 4 if quick else 16))
    print(text)
    if not quick:
        write(text)


if __name__ == "__main__":
    main(sys.argv[1:])
