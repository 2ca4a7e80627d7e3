"""The tables of grid.py: docs/throughput.md."""

from pathlib import Path

import readme
from readme import table

from bench.flow import SEND

DOCS = Path(__file__).resolve().parents[2] / "docs"

_PAGE = """\
# How fast, and how near to what is possible

Made by `make bench` (tools/bench/grid.py), this time in {seconds:.0f} s. Bulk data goes between
a stack on CPython and the Linux kernel, `net.ipv4.tcp_congestion_control=reno`, through a TAP
in a network namespace of its own and tools/wire/wire.py, which delays each direction by half of
the round trip and loses segments with data, each with the same probability, from a seed. ACKs are
not lost. Every octet is compared on arrival. Default options: no reassembly, no SACK, no
timestamps.

`n` segments of 1460 octets in flight: `tcp_options={{'max_flight': n}}` when we send,
`'room': n * 1460` when we receive.

**The figures in brackets are the ones to look at**: the rate as a share of the limit. Without loss
the limit is the window, n * MSS / RTT. With loss it is Reno with that window, independent losses
and no timeout ever (Padhye et al. 1998, without their timeouts; Mathis et al. 1997 where the
window is no limit); it is an approximation, so that a share can exceed 1. A rate is the median of
three runs, per connection where several ran side by side. Seconds are noisy on a shared machine:
at 0.3 ms the limit is the time that CPython and the host take for a packet, not the window, and
the table says nothing about a board there. `make bench` counts instructions under MicroPython.

## In kB/s, and as a share of the limit

{grid}

![rates and limits](img/throughput-grid.svg)

One segment in flight goes as two halves, whoever sends: Linux halves what fills a window, we halve
with `max_flight` 1. The second half is acknowledged at once; a lone segment would wait for a
delayed ACK (RFC 9293 3.8.6.3), 40 ms with Linux.

## What became of the losses

Segments sent again for each segment that the wire lost: 1.0 is the least. In brackets, when we
send, how many timeouts of ours there were for how many losses: a timeout costs a second (RFC 6298
2.4) where fast retransmit costs a round trip. With few segments in flight it is limited transmit
(RFC 3042) that brings the three duplicate ACKs about. A segment that was sent again and is lost
again is found by a timeout only: one loss in a hundred at 1 %. At 0.3 ms a second is thousands of
round trips; we suppose that this decides the rate there, and have not traced it.

{losses}

Without reassembly a loss costs everything behind it, and the peer sends that again one segment a
round trip (RFC 6582): what the rows "receive" show, and what `reassembly` is for.

## What the options bring

16 segments in flight, 20 ms, rates in kB/s. `SACK` when we send: the peer's blocks say what to
send again (RFC 6675, reduced). `reassembly`: 16 buffers of a segment each.
[tcp-options.md](tcp-options.md) has the same question answered by a simulation.
As a sender SACK has been somewhat slower than NewReno here, and why is not known: where losses are
independent a window seldom loses two segments, and NewReno repairs one each round trip. What
brings speed is the other direction, `reassembly`.

{options}

![what the options bring](img/throughput-options.svg)

A window over 64 kB matters where the path holds more than that. Receiving at 200 ms with 90
buffers and SACK:

{scaling}
"""


def grid(results, limit):
    """A row for each way, round trip and loss; a column for each flight."""
    flights = sorted({cell.flight for cell in results})
    head = ["", "round trip", "loss", *["%d" % n for n in flights]]
    rows = []
    for key in dict.fromkeys(cell[:3] for cell in results):
        cells = [cell for cell in results if cell[:3] == key]
        rates = ["%s (%.2f)" % (_kb(results[c]), results[c]["rate"] / limit(c)) for c in cells]
        rows.append([key[0], "%g ms" % key[1], "%g %%" % key[2], *rates])
    return table(head, sorted(rows, key=lambda row: row[0], reverse=True))


def _kb(result):
    n = result["rate"] / 1000
    return "%.1f" % n if n < 10 else format(round(n), ",")


def losses(results):
    """Retransmissions for each loss, and timeouts, over all runs."""
    rows = []
    for key in dict.fromkeys(cell[:3] for cell in results if cell.loss):
        per = []
        for cell in (cell for cell in results if cell[:3] == key):
            per.append(_again(key[0], results[cell]))
        rows.append([key[0], "%g ms" % key[1], *per])
    flights = sorted({cell.flight for cell in results})
    head = ["again for each loss (timeouts of ours)", "round trip", *["%d" % n for n in flights]]
    return table(head, sorted(rows, key=lambda row: row[0], reverse=True))


def _again(way, result):
    """Segments sent again for each that was lost; when we send, also timeouts and losses."""
    ours = way == SEND
    text = "%.1f" % (result["tcp_rexmt" if ours else "linux"] / max(result["lost"], 1))
    return text + (" (%d of %d)" % (result["tcp_rto"], result["lost"]) if ours else "")


def options(cells, limit):
    """A row for each way and loss and set of options."""
    rows = []
    for (way, loss, what), (cell, result) in cells.items():
        plain = cells[way, loss, "none"][1]["rate"]
        share, gain = result["rate"] / limit(cell), result["rate"] / plain
        again = _again(way, result)
        row = [way, "%g %%" % loss, what, _kb(result), "%.2f" % share, "%.2f" % gain, again]
        rows.append(row)
    head = [
        "",
        "loss",
        "options",
        "kB/s",
        "of the limit",
        "of that without",
        "again for each loss",
    ]
    return table(head, rows)


def scaling(cells):
    """Rates with and without window scaling."""
    rows = [["%g %%" % loss, what, _kb(r)] for (loss, what), (_, r) in cells.items()]
    return table(["loss", "window", "kB/s"], rows)


def page(results, wanted, scaled, limit, seconds):
    """Writes docs/throughput.md."""
    (DOCS / "throughput.md").write_text(
        _PAGE.format(
            seconds=seconds,
            grid=grid(results, limit),
            losses=losses(results),
            options=options(wanted, limit),
            scaling=scaling(scaled),
        )
    )
    readme.rewritten(DOCS / "throughput.md")
