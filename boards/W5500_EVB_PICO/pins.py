"""WIZnet's W5500-EVB-Pico: the chip, and the GPIO numbers of its pins
(None: not connected). README.md beside this file has the table and the traps.
"""

name = "uipy on a W5500-EVB-Pico"
chip = "w5500"
spi = 0
baudrate = 33_000_000
sck, mosi, miso, cs = 18, 19, 16, 17
int_pin = 21
reset = 20
