"""A bare Raspberry Pi Pico whose network is its USB cable: SLIP on the serial port that the prompt
has. Nothing is wired. README.md beside this file says what runs at the other end.
"""

name = "uipy on a Raspberry Pi Pico, over USB"
chip = "slip"
spi = baudrate = sck = mosi = miso = cs = int_pin = reset = None
# Nobody lends addresses on such a line: these are taken where config.py says "dhcp" or "auto".
line_ip = "192.168.7.2/24"
line_gateway = "192.168.7.1"  # the computer's end
line_mtu = 1500
