"""The control bits of a TCP header (RFC 9293 3.1, RFC 3168 6.1) and its options' kinds (3.2)."""

from micropython import const

TCP = const(6)  # the protocol number

FIN = const(0x01)
SYN = const(0x02)
RST = const(0x04)
PSH = const(0x08)
ACK = const(0x10)
URG = const(0x20)
ECE = const(0x40)
CWR = const(0x80)

KIND_END = const(0)
KIND_NOP = const(1)
KIND_MSS = const(2)
KIND_WINDOW = const(3)
KIND_SACK_OK = const(4)
KIND_SACKS = const(5)
KIND_STAMP = const(8)
