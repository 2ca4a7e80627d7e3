"""An emulated RP2040 with a chip model on its SPI: `make emulate` and `make bench-cycles`.

    firmware.py   which MicroPython image
    content.py    what lies on its file system, flash.py: how it gets there
    mcu.py        the emulator (rp2040py) with what a real chip punishes, and its console
    bridge.py     a chip model on its SPI and pins
    port.py       its serial port as one of this PC
    meter.py      cycles between two edges of a pin, split
    trace.py      what happens between them, call by call, with the names that objects.py reads
    direct.py     calls a kernel from outside; vectors.py: all of them against their oracle
    client.py     a host on the chip's Ethernet, in the emulator's time
    slip.py       a board without a chip, its network on its USB port
    on_board/     what runs inside

Only mcu.py and firmware.py import rp2040py.
"""
