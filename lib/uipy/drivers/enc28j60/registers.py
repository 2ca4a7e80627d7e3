"""ENC28J60: the numbers of the data sheet (DS39662E), where the buffers lie, the counters, and the
bits of `recover`. This is their one home; the other files import them by name."""

from micropython import const

# SPI instructions, table 4-1; the register's address is or-ed in
RBM = const(0x3A)
WBM = const(0x7A)
WCR = const(0x40)
BFS = const(0x80)
BFC = const(0xA0)

# Registers in every bank
EIE = const(0x1B)
EIR = const(0x1C)
ECON2 = const(0x1E)
ECON1 = const(0x1F)
# Bank 0
ERDPT = const(0x00)
EWRPT = const(0x02)
ETXND = const(0x06)
ERXST = const(0x08)
ERXND = const(0x0A)
ERXRDPT = const(0x0C)
ERXWRPT = const(0x0E)
# Bank 1
EPKTCNT = const(0x19)
# Bank 2
MICMD = const(0x12)
MIREGADR = const(0x14)
MIWR = const(0x16)
MIRDL = const(0x18)
MIRDH = const(0x19)
# Bank 3
MISTAT = const(0x0A)
EREVID = const(0x12)
# PHY registers
PHCON1 = const(0x00)
PHSTAT1 = const(0x01)
PHCON2 = const(0x10)
PHLCON = const(0x14)

RXERIF = const(0x01)  # EIR
TXERIF = const(0x02)
TXIF = const(0x08)
PKTDEC = const(0x40)  # ECON2
TXRST = const(0x80)  # ECON1
RXRST = const(0x40)
TXRTS = const(0x08)
RXEN = const(0x04)

# The receive buffer is 0 to RX_END: it starts at 0 (errata 5) and its end is odd (errata 14).
RX_SIZE = const(0x1A00)
RX_END = const(0x19FF)
TX_START = const(0x1A00)  # 1 + 1514 + 7 octets, rounded up to 1536
LONGEST = const(1518)  # octets of a frame with its CRC

RESET = b"\xff"  # the soft reset

# Whole instructions of the hot path, made once
GET_ECON1 = b"\x1f\x00"
GET_EIR = b"\x1c\x00"
GET_EPKTCNT = b"\x19\x00"
BANK_0 = b"\xbf\x01"  # BFC ECON1: from bank 1 to bank 0 ...
BANK_1 = b"\x9f\x01"  # ... and back, with BFS
SEND_BANK_1 = b"\x9f\x09"  # TXRTS, and bank 1 in the same octet: EPKTCNT is what we want next
DROP_PACKET = b"\x9e\x40"  # PKTDEC
EWRPTL_START = b"\x42\x00"  # EWRPT to TX_START
EWRPTH_START = b"\x43\x1a"

# What `recover` may put right
R_RX = const(1)  # bad header, pointers astray
R_RXEN = const(2)
R_CONFIG = const(4)
R_TX = const(8)
R_LATE = const(16)
R_OVERFLOW = const(32)
R_QUIET = const(64)
R_CHIP = const(128)
R_INT = const(256)
R_ALL = const(511)

# The counters: places in `stat`
N_RX = const(0)
N_TX = const(1)
N_RX_LONG = const(2)
N_RX_BAD = const(3)
N_RX_OVERFLOW = const(4)
N_RX_RESET = const(5)
N_RX_QUIET = const(6)
N_RXEN_OFF = const(7)
N_REINIT = const(8)
N_TX_TIMEOUT = const(9)
N_TX_LATE = const(10)
N_TX_FAILED = const(11)
N_TX_DROPPED = const(12)
N_NO_CHIP = const(13)
N_INT_MISSED = const(14)
N_LINK = const(15)

# Why the generator of frames.py calls `mend`; HAND_OVER is what it was sent
CHECK = const(1)  # the health check is due
OUT_OF_STEP = const(2)  # a header that does not follow from the last one
TX_ERROR = const(3)  # TXERIF
TX_OVERDUE = const(4)  # TXRTS has been set for TX_MS
HAND_OVER = const(
    -3
)  # given to the generator: another one takes its place (no frame has 3 octets)
