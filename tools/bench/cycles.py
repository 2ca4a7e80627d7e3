"""`make bench-cycles FIRMWARE=file.uf2`: what a packet costs on an RP2040 at 125 MHz.

MicroPython boots in an emulator, with our stack frozen in the image or on its file system and a
model of a chip on its SPI (12 MHz: the divisor below 20). Each row is one exchange seen by a host
on the wire: all polls of the board from the frame's arrival to the last octet of the answer. The
median of several, and the worst; the same image and sources give the same cycles, which --twice
proves. --update writes docs/costs.md, with C stack and heap, and some words in the README.

--parts: an exchange of each part instead (exchanges/cycles.py), for docs/sizes.md.
--sockets: a program with sockets instead (latency.py).
"""

import argparse
import statistics
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

import readme
from emu import boot, content
from emu.firmware import NoImage, find
from exchanges import cycles as exchanges

from bench import calls, heap, latency, stack
from bench.rig import MHZ, Rig

CHIPS = ("enc28j60", "w5500")
AIMS = {  # microseconds
    "ICMP 56": 500,
    "UDP 18": 700,
    "TCP 64": 1000,
    "TCP 64, ACK": 500,
    "TCP 1460": 3500,
    "HTTP 1 kB": 5000,
    "idle poll": 15,
}
FAR = 1.4  # times its aim: further away a row is marked
COSTS = Path(__file__).resolve().parents[2] / "docs" / "costs.md"
_HEAD = ("exchange", "us", "aim", "worst", "cycles", "SPI", "kernels", "bytecode", "polls")


def measure(image, chip, strict=False):
    """-> what a board with this chip shows: a dict of rows and single figures."""
    rig = Rig(image, chip, strict).run()
    used, free = rig.said["heap"].split()
    ms, page = boot.page(image, chip)
    said = rig.bridge.chip.complaints
    return {
        "rows": list(lines(rig.rows)),
        "heap in use": "%s octets, free: %s" % (used, free),
        "from power to the page": "%.1f ms (%d octets)" % (ms, page),
        "the chip model complained": "%d times%s" % (len(said), ": " + said[0] if said else ""),
    }


def lines(rows):
    """-> the lines of the table: medians, and the time of the worst."""
    for name, seen in rows.items():
        total, spi, kernels, rest, polls = (int(statistics.median(x)) for x in zip(*seen))  # noqa: B905
        us, worst = total / MHZ, max(x[0] for x in seen) / MHZ
        aim = AIMS.get(name)
        mark = " !" if aim and us > FAR * aim else ""
        said = "" if aim is None else "%d%s" % (aim, mark)
        yield (name, "%.1f" % us, said, "%.1f" % worst, total, spi, kernels, rest, polls)


def show(chip, said):
    print("\nchip %s, ! is above %.1f times the aim" % (chip, FAR))
    form = "%-15s %8s %7s %8s %8s %7s %8s %9s %6s"
    print(form % _HEAD)
    for line in said["rows"]:
        print(form % line)
    for what, value in list(said.items())[1:]:
        print("%s: %s" % (what, value))


def update(found, table, image):
    """docs/costs.md, and the README's words. Sizes of the heap are those of a frozen board, the
    rest is measured with the library on the file system, where both chips have their driver.
    """
    rest = ["--firmware", str(image), "--update"]
    if content.frozen(image):
        heap.main(rest)
        return
    _write(found)
    if table and CHIPS[0] in found:
        calls.write(table)
        stack.main(rest)


def _write(found):
    for chip, said in found.items():
        rows = [(*r[:4], *(format(n, ",") for n in r[4:8]), r[8]) for r in said["rows"]]
        rest = ["%s: %s." % x for x in list(said.items())[1:]]
        readme.put("cycles-" + chip, readme.table(_HEAD, rows) + "\n\n" + "\n".join(rest), COSTS)
    if CHIPS[0] not in found:
        return
    ms = {r[0]: float(r[1]) / 1000 for r in found[CHIPS[0]]["rows"]}
    known = {_KEYS[name]: x for name, x in ms.items() if name in _KEYS}
    readme.put("cycles", _WORDS.format(**known))


_KEYS = {
    "ICMP 56": "icmp",
    "UDP 18": "udp",
    "TCP 64": "tcp",
    "TCP 64, ACK": "ack",
    "TCP 1460": "full",
    "HTTP 1 kB": "page",
    "idle poll": "idle",
}
_WORDS = """On an RP2040 at 125 MHz with an ENC28J60, emulated to the cycle, driver and bus
included, a ping of 56 octets takes {icmp:.2f} ms, a datagram echoed {udp:.2f} ms, a TCP segment of
64 octets echoed {tcp:.2f} ms and the ACK behind it {ack:.2f} ms, one of 1460 octets {full:.1f} ms,
of which the wires are 2.0, a page of 1 kB over HTTP {page:.1f} ms, and a poll with nothing to do
{idle:.3f} ms."""


def main(argv=None):
    p = argparse.ArgumentParser(prog="bench-cycles", description=__doc__)
    p.add_argument("--firmware", metavar="FILE", help="a MicroPython image (.uf2) for RPI_PICO")
    p.add_argument("--strict", action="store_true", help="misaligned accesses raise; slower")
    p.add_argument("--chip", choices=("enc28j60", "w5500", "w5100s"), help="this one alone")
    p.add_argument("--twice", action="store_true", help="twice, and compare to the cycle")
    p.add_argument("--update", action="store_true", help="write docs/costs.md")
    p.add_argument("--no-calls", action="store_true", help="without the table of calls")
    p.add_argument("--parts", action="store_true", help="an exchange of each part instead")
    p.add_argument("--sockets", action="store_true", help="latencies with sockets instead")
    given = sys.argv[1:] if argv is None else argv
    if "--parts" in given:
        return exchanges.main([x for x in given if x != "--parts"])
    args = p.parse_args(given)
    chips = (args.chip,) if args.chip else CHIPS
    try:
        image = find(args.firmware)
        print("%s: MicroPython on an emulated RP2040, 125 MHz" % image.name)
        if args.sockets:
            latency.show(image, args.chip or CHIPS[0], args.update)
            return 0
        found = {}
        for chip in chips:
            if not content.has_driver(image, chip):
                print("\nuipy is frozen in, without a driver for %s" % chip)
                continue
            found[chip] = measure(image, chip, args.strict)
            show(chip, found[chip])
            if args.twice and measure(image, chip, args.strict) != found[chip]:
                p.exit(1, "bench-cycles: the second run with %s differs\n" % chip)
        if args.twice:
            print("\na second run: the same to the cycle")
        table = None if args.no_calls or not found else calls.measure(image, next(iter(found)))
    except (NoImage, boot.Stuck, boot.HardFault) as exc:
        p.exit(1, "bench-cycles: %s\n" % exc)
    if table:
        calls.show(next(iter(found)), table)
    if args.update:
        update(found, table, image)
    return 0


if __name__ == "__main__":
    sys.exit(main())
