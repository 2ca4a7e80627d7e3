"""What a packet and a transfer cost.

    bench.py        `make bench`: instructions per packet (of packets.py), throughput to the kernel
    grid.py         `make bench`: transfers by window, distance and loss (flow.py measures one,
                    theory.py says what TCP can carry, text.py and plot.py show it)
    sockets.py      `make bench`: the same by a socket as by callbacks (socket_work.py), and the
                    heap of a socket that is idle (socket_heap.py)
    latency.py      `make bench-cycles ARGS=--sockets`: how long an answer takes, in the emulator
    cycles.py       `make bench-cycles`: cycles per packet on an emulated RP2040 (rig.py:
                    the board and the exchanges); --update runs the next three, too
    calls.py        calls and look-ups per packet, there
    stack.py        the C stack that is left to each application's callbacks, there
    heap.py         heap in use and the largest free block, there
    hot.py          cycles by Python function, kernel and part of the interpreter, there
    options.py      what reassembly, SACK and timestamps bring, on simulated time
    spi.py          SPI transactions and octets per frame, chip by chip

Figures go into README.md and docs/, between marks (../readme.py).
"""
