"""SPI transactions and octets that a frame costs, for each chip, beside the least that its data
sheet allows.

    python tools/bench/spi.py [--chip w5500] [--write]

Measured on the chip models: a transaction is one fall of chip select, octets are those clocked
while it is low. A frame that comes in is counted from the poll that finds it to the next one that
finds nothing, with the INT pin connected; one that goes out, until the driver knows that it has
left. "Train" is the cost of each of eight frames that wait at once. `--write` puts the table into
docs/DRIVERS.md.
"""

import argparse
import sys
from pathlib import Path

if __name__ == "__main__":
    ROOT = Path(__file__).resolve().parents[2]
    sys.path[:0] = [str(ROOT / p) for p in ("lib", "tools", "tools/shims")]

import machine
import readme
from chips.rig import PEER, Rig, frame, kinds

assert machine  # gives `time` the ticks_* of MicroPython
PAGE = Path(__file__).resolve().parents[2] / "docs" / "DRIVERS.md"
BEGIN, END = "<!-- spi -->", "<!-- /spi -->"
SIZES = (60, 590, 1514)
TRAIN = 8

# The least that the data sheets allow: (transactions, octets besides the frame).
#
# WIZnet, W5500 6.2: in: clear the flag in Sn_IR (4 octets), Sn_RX_RSR (5), length and frame
# (3 + 2); Sn_RX_RD and RECV can wait for several frames. Out: frame (3), Sn_TX_WR (5), SEND (4),
# Sn_IR (4), clear (4).
#
# ENC28J60, DS39662E 7.1 and 7.2: in: EPKTCNT (2 octets), header, frame and CRC in one read
# (1 + 6 + 4), PKTDEC (2). ERDPT is there already when all of the last packet was read; ERXRDPT (4,
# in two) can wait for several frames. Out: a bank select, the other one being part of TXRTS (2),
# EWRPT's low octet (2), control octet and frame (2), TXRTS (2), ECON1 until it is clear (2); ETXND
# is there already when the last frame was as long.
WIZNET = {"in": (3, 14), "out": (5, 20)}
LEAST = {"enc28j60": {"in": (3, 15), "out": (5, 10)}}


def cost(rig, work):
    """-> (transactions, octets) that `work()` took."""
    before = rig.wiring.transactions, rig.wiring.octets
    work()
    return rig.wiring.transactions - before[0], rig.wiring.octets - before[1]


def rig_at_rest(kind):
    """A rig that has warmed up and whose next health check is far."""
    rig = Rig(kind)
    assert rig.echo(frame(1514)) and rig.echo(frame(60))
    rig.run(300)
    for _ in range(5000):  # up to a health check, if the driver has one ...
        if cost(rig, rig.poll) != (0, 0):
            break
        rig.clock.advance_ms(1)
    for _ in range(3):  # ... and past it
        rig.poll()
    assert rig.echo(frame(100))  # after a health check a driver may write everything anew
    return rig


def incoming(kind, size, count=1):
    """-> what each of `count` frames that come in together costs."""
    rig = rig_at_rest(kind)
    frames = [frame(size, fill=k) for k in range(count)]
    frames = [f for f in frames if rig.chip.wire_in(f)]  # a small chip has no room for all
    count = len(frames)
    assert count

    def take():
        assert [rig.poll() for _ in frames] == frames
        assert rig.poll() is None

    transactions, octets = cost(rig, take)
    return transactions / count, octets / count


def outgoing(kind, size):
    rig = rig_at_rest(kind)
    f = frame(size, dst=PEER)
    rig.buf[2 : 2 + size] = f
    rig.wiring.spend(0)

    def send():
        rig.dev.send(rig.buf, size)
        rig.clock.advance_ms(5)  # it has left before it is asked for
        assert rig.dev.can_send()

    spent = cost(rig, send)
    assert rig.sent[-1] == f
    return spent


def measure(kind):
    """-> rows (size, way, transactions, least, octets, least, in a train)."""
    rows = []
    for way in ("in", "out"):
        few, extra = LEAST.get(kind, WIZNET)[way]
        for size in SIZES:
            transactions, octets = (incoming if way == "in" else outgoing)(kind, size)
            train = "-"
            if way == "in":
                train = "%.1f / %.0f" % incoming(kind, size, min(TRAIN, 5000 // size))
            rows.append((size, way, transactions, few, octets, size + extra, train))
    return rows


def table(chips):
    head = "chip | frame | transactions | least | octets | least | each of a train"
    lines = ["| " + head + " |", "|---|" + "--:|" * 6]
    for kind in chips:
        for size, way, transactions, few, octets, least, train in measure(kind):
            cells = (kind, f"{size} {way}", f"{transactions:g}", few, f"{octets:g}", least, train)
            lines.append("| " + " | ".join(str(c) for c in cells) + " |")
    return "\n".join(lines) + "\n"


def write(text):
    page = PAGE.read_text()
    head, tail = page[: page.index(BEGIN)], page[page.index(END) :]
    PAGE.write_text(head + BEGIN + "\n\n" + text + "\n" + tail)
    readme.rewritten(PAGE)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--chip", choices=kinds(), action="append")
    p.add_argument("--write", action="store_true")
    args = p.parse_args()
    text = table(args.chip or kinds())
    print(text)
    if args.write:
        write(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
