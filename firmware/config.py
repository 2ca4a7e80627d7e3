"""What a board is told before it starts. Edit this file; everything that is left out has the value
shown here.
"""

name = "uipy on a Raspberry Pi Pico"

# The network. ip=None waits for nobody: the board is silent until an address is set.
ip = "192.168.1.7/24"
gateway = "192.168.1.1"
mac = None  # None: made from the board's unique id

# The chip: "enc28j60", "w5500", "w5100s" or "w6100". The pins are GPIO numbers; None: not
# connected.
chip = "enc28j60"
spi = 0
baudrate = 20_000_000
sck, mosi, miso, cs = 18, 19, 16, 17
int_pin = 21
reset = 20

# Services, and how many clients each TCP service takes at a time.
services = "http,echo,discard,chargen,daytime"
clients = 4
events = 2  # pages that the board tells its status by itself (/events); others ask. 0: all ask
echo_clients = 1  # of echo: each takes a ring of RAM
echo_ring = 5840  # its octets: the 4 segments that a client is offered first

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
