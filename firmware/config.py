"""What a board is told before it starts. Edit this file; everything that is left out has the value
shown here.
"""

# The board's name, its chip, and the chip's pins: boards/NAME/pins.py. What is set below goes
# before what stands there.
from pins import *

# The network. "dhcp": a server lends an address, and tells the rest; while none answers the board
# has one of 169.254.x.x. "auto": such a one at once. None: no address, until one is set. Or what
# you know: ip = "192.168.1.7/24", gateway = "192.168.1.1", and what is wanted of dns =
# "192.168.1.1, 9.9.9.9" and ntp = "192.168.1.1".
ip = "dhcp"
gateway = None
mac = None  # None: made from the board's unique id
lease_file = "lease.bin"  # so that the same address is asked for after a restart; None: nowhere

# The page is http://uipy.local/, also for who looks for web servers nearby. None: no name.
hostname = "uipy"

dns = None  # name servers; None: those that DHCP tells
ntp = "dhcp"  # time servers, addresses or names; "dhcp": those that it tells; None: no clock
syslog = None  # "192.168.1.5": what the console says of the network goes there, too

# Services, and how many clients each TCP service takes at a time.
services = "http,echo,discard,chargen,daytime"
clients = 4
events = 2  # pages that the board tells its status by itself (/events); others ask. 0: all ask
echo_clients = 1  # of echo: each takes a ring of RAM
echo_ring = 5840  # its octets: the 4 segments that a client is offered first

# A program of yours, on the board's file system: it starts when the services above have, which go
# on beside it, and finds `socket`, `network`, `ssl` and `asyncio` as on a board with a radio
# (docs/lan.md). Ctrl-C ends it. Without one the board only serves, until Ctrl-C; or with
# background = True it does so behind the prompt.
program = "app.py"
background = False

# docs/first-start.md: what to do when a program of yours does not let you to the prompt.
safe_pin = None  # a GPIO number: nothing is started while that pin is at GND
watchdog = 0  # seconds, 8 at the most on a Pico: a board that hangs for so long is reset. 0: never

# A peer that has vanished says nothing, and its connection would stay (docs/architecture.md, "A
# peer that has vanished"). 0 switches either off.
keepalive_s = 300  # of silence, then a probe; 8 without an answer, 15 minutes in all, end it
idle_s = 3600  # without data either way, then the connection is reset

# Sizes of the stack's tables.
tcp = 8
udp = 8
arp = 8
time_wait = 16
half_open = 8
tcp_options = {"cookies": True}  # a flood of SYNs keeps nobody out
