"""Runs on the emulated RP2040, from its file system: an exchange of tools/exchanges."""

import gc

hole = [bytearray(16384)]  # before all else, so that it lies at the front of the heap
gc.threshold(32768)  # as firmware/main.py does

from exchanges import board  # noqa: E402 - behind the hole

board.main(hole)
