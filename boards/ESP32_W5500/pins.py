"""An ESP32 with a W5500 module: the chip, and the GPIO numbers of its pins
(None: not connected). README.md beside this file has the table and the traps.
"""

name = "uipy on an ESP32"
chip = "w5500"
spi = 2
baudrate = 20_000_000
sck, mosi, miso, cs = 18, 23, 19, 22
int_pin = 4
reset = 21
