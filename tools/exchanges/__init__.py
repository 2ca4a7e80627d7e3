"""What a packet costs in each part.

cycles.py   `make bench-cycles ARGS=--parts`: cycles of each exchange on the emulated RP2040
edges.py    what is counted there
count.py    `make size ARGS=--packets`: instructions of each exchange on a PC
book.py     docs/cycles.tsv, and the tables of docs/sizes.md
board.py    has an exchange on the emulated board
run.py      has them on a PC, under MicroPython
base.py     what an exchange is
host.py     those of the parts in host/ and net/
web.py      those of the parts in web/, and the yardsticks
"""

FIRST, N = 4, 10  # exchanges before those that count, and these
PINS = range(2, 8)  # of the emulated board: which case, the lowest bit first
