"""What is known of the datagram at hand, and what is asked of the one being built: two arrays of
ints that a stack has once, `seg` and `out`. A third one, `env`, has the clock and the settings.

The kernels fill them, the protocols read them where they need them. Nothing in `seg` and `out` is
read once the frame that it speaks of is done with; seg[ROW] alone is put back, to nobody's.
"""

from micropython import const

# `seg`: the datagram that was received, as far as it has been looked at
IP_AT = const(0)  # where its IP header lies in the buffer
SRC_AT = const(1)  # where its source address lies (ours, in a datagram that ICMP quotes)
DST_AT = const(2)  # and its destination address (the peer's, in a quotation)
CAST = const(3)  # 1: a broadcast or a multicast, on either layer
PROTO = const(4)  # its protocol number
AT = const(5)  # where the transport's part begins
LEN = const(6)  # octets of it
PSUM = const(7)  # the pseudo-header's sum, folded: csum(buf, at, len, psum) == 0xFFFF is good
ICMP_AT = const(8)  # the ICMP message that quotes the datagram
SPORT = const(9)  # of a UDP datagram: the port that it came from
# and of a TCP segment
DATA = const(9)  # where its text begins
TEXT = const(10)  # octets of text; less once what is known or beyond the window is cut off
FLAGS = const(11)  # SYN, ACK, ...
WND = const(12)  # SEG.WND, not scaled
ROW = const(13)  # the number of its connection's row; `rows` if there is none
REL = const(14)  # SEG.SEQ - RCV.NXT; after the text the same of the octet behind it
ACKS = const(15)  # SEG.ACK - SND.UNA
PLAIN = const(16)  # 1: in place; 2: and there is nothing special about it, see tcp/whose.py
# its options, as far as they have been read (tcp/options.py)
P_MSS = const(17)  # 0: none
P_SHIFT = const(18)  # of the window; -1: none
P_SACK_OK = const(19)
P_TS = const(20)  # where TSval lies; 0: none
P_SACK = const(21)  # where the first SACK block lies
P_NSACK = const(22)  # how many blocks
IFACE = const(23)  # the number of the interface that it came from
SEG_SIZE = const(24)

# `out`: the datagram being built
OUT_TTL = const(0)  # put back to TTL by each header
OUT_TOS = const(1)  # all eight bits, ECN's too; put back to 0
OUT_PROTO = const(2)
# and of a TCP segment
O_HEAD = const(3)  # octets of header, options included
O_FLAGS = const(4)
O_REL = const(5)  # SEG.SEQ - SND.UNA
O_TEXT = const(6)  # octets of text
O_UP = const(7)  # the urgent pointer
O_WND = const(8)  # SEG.WND, of a segment that has no connection's row behind it
O_AGAIN = const(9)  # 1: it was sent before
OUT_ID = const(10)  # its identification and 2**16; 0: it has DF. Put back to 0 by each header
OUT_WHOLE = const(11)  # octets behind an IP header that no router has complained of: they have DF
OUT_SIZE = const(12)

TTL = const(64)  # RFC 1122 3.2.1.7

# `env`: ticks of a millisecond, modulo 2**30 (compared with tdiff), flags, and what the kernels
# must know of TCP's settings
NOW = const(0)
NEXT_AT = const(1)  # the stack's next deadline; it may be early and is never late
DUE = const(2)  # 1: something is to be sent now
STILL_AT = const(3)  # until then an idle poll looks at the INT pin only; -1: it does not
BUSY = const(4)  # 1 in poll, input and output, and so in a callback
LOST = const(5)  # 1: an exception has ended the generator behind poll
TCP_AT = const(6)  # TCP's next deadline
ROWS = const(7)  # connections in TCP's table
OWN_MSS = const(8)  # octets of text that a segment from the peer can have
MAX_FLIGHT = const(9)  # segments in the network at the most; 0 = no such limit
RTO_MIN = const(10)  # ms (RFC 6298 2.4)
RTO_MAX = const(11)  # ms (RFC 6298 2.5)
DELAYED_ACK = const(12)  # ms
ROW_SPAN = const(13)  # halves of a row of that table
RTO_INIT = const(14)  # ms (RFC 6298 2.1)
MSL = const(15)  # ms (RFC 9293 3.4.2)
LINGER = const(16)  # ms that a FIN-WAIT-2 waits once nobody reads
FRESH_AT = const(17)  # when TCP moves up times long past
OUT_IFACE = const(18)  # the number of the interface that the last frame of `output` is for
CLOCK = const(19)  # two halves of a clock of 1 ms, 32 bits, for timestamps and cookies: the high
CLOCK_LOW = const(20)  # and the low one
FIRST_ROOM = const(21)  # octets that a connection offers until its application says otherwise
OUR_SHIFT = const(22)  # Rcv.Wind.Shift, where window scaling is agreed on (RFC 7323 2.3)
OFFER = const(23)  # OPT_*: what our SYN offers
TURN = const(24)  # the row that TCP's output asks first
ENV_SIZE = const(25)

FAR = const(0x10000000)  # 2**28 ms: no deadline lies further ahead

# `face`: what the kernels must know of an interface, a bytearray
L2 = const(0)  # octets of link header: 14 (Ethernet) or 0
OUR_IP = const(1)
BCAST = const(5)  # the subnet's broadcast address
OUR_MAC = const(9)
HOP = const(15)  # the MAC that the next frame of our own goes to
IDX = const(21)  # the interface's number
GATEWAY = const(22)  # its address; 0.0.0.0: none
WHOLE = const(26)  # octets of the subnet's prefix that must be equal,
PART = const(27)  # and the bits of the next octet
GROUPS = const(28)  # where the table of our multicast groups ends; 0: there are none
GROUP = const(29)  # the first of them, 4 octets each
FACE_SIZE = const(29)  # without that table

# `key`: what nobody can guess, a bytearray
# behind the key's 8 octets: the last output of random8 and `divisible`, and their next input
CHAIN = const(8)
HASHED = const(16)  # what else is hashed with the key, and the hash; nobody may mix it with CHAIN
KEY_SIZE = const(26)
