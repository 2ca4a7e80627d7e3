"""A Raspberry Pi Pico with an ENC28J60 module: the chip, and the GPIO numbers of its pins
(None: not connected). README.md beside this file has the table and the traps.
"""

name = "uipy on a Raspberry Pi Pico"
chip = "enc28j60"
spi = 0
baudrate = 20_000_000
sck, mosi, miso, cs = 18, 19, 16, 17
int_pin = 21
reset = 20
