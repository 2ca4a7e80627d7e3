"""What the models of the WIZnet chips share: sockets, MACRAW, memories, INT, times and faults.

    chip = W5500(clock=VirtualClock())
    chip.cs(0); answer = chip.exchange(bytes); chip.cs(1)      what the host does to it
    chip.wire_in(frame); chip.wire_out = callback; chip.link(up)      what the network does to it

The register maps are in w5500.py, w5100s.py and w6100.py, written from the data sheets. Whatever a
real chip would punish, most of it later and silently, is written to `chip.complaints` ("code: what
happened"). `strict` also judges times (off when the clock does not run with the bus, as across a
pipe). Faults that a test switches on are attributes of `chip.fault`. Frames carry no FCS.
"""

import random

from .clock import VirtualClock
from .wiznet_regs import Fault, Registers

RST_HOLD_NS = 500_000  # RSTn low at least so long (W5500 5.5.1)
ETH_MIN = 60  # shortest frame without FCS; the MAC pads ours
ETH_MAX = 1514
NEVER = 1 << 62

OPEN, CLOSE, SEND, RECV = 0x01, 0x10, 0x20, 0x40
I_RECV, I_TIMEOUT, I_SENDOK = 0x04, 0x08, 0x10
SR_CLOSED, SR_MACRAW = 0x00, 0x42


class WiznetModel:
    """One chip after power-on."""

    # What a chip's model states from its data sheet.
    COMMON = SOCKET = ()
    COMMON_DEFAULTS = SOCKET_DEFAULTS = {}
    SOCKETS = 8
    MEMORY = 16384  # octets of TX memory, and as many of RX memory
    MACRAW = 0x04  # protocol field of S0_MR
    VERSION = 0
    VERSION_NAME = PHY_NAME = ""  # the registers that hold the version and the PHY's state
    READY_NS = 1_000_000  # from the end of a reset to the first access
    BIT_RATE = 100_000_000
    SIZE_UNIT = 1024  # of the buffer size registers

    def __init__(self, clock=None, seed=1, strict=True):
        self.clock = clock or VirtualClock()
        self.random = random.Random(seed)
        self.strict = strict
        self.spi_hz = 0  # told by the bus; 0: not known
        self.complaints = []
        self.fault = Fault()
        self.wire_out = None  # called with each frame sent
        self.on_int = None  # called with the level of INT when it changes
        self.cable = True
        self.autoneg_ns = 0  # from plugging in, or from a reset, to a link
        self.open_pointer = 0  # where OPEN puts the four pointers
        self.torn = 0.0  # chance that a frame lands between the two octets of a RX_RSR read
        self.strict_filter = False  # the other reading of MFEN: broadcast and our own only
        self.sendok_without_link = True
        self.frames_in = self.frames_out = self.overflow = self.missed = self.filtered = 0
        self.resets = 0
        self.common = Registers(self.COMMON, self.COMMON_DEFAULTS)
        self.sockets = [Registers(self.SOCKET, self.SOCKET_DEFAULTS) for _ in range(self.SOCKETS)]
        self.s0 = self.sockets[0]
        self.selected = self.held = False
        self._int = 1
        self.power_on()

    # Power, reset, cable

    def power_on(self):
        """Power-on or brown-out: everything at its reset value, the memories undefined."""
        self.tx = bytearray(self.random.randbytes(self.MEMORY))
        self.rx = bytearray(self.random.randbytes(self.MEMORY))
        self.reset()

    brown_out = power_on

    def reset(self):
        self.common.reset()
        for socket in self.sockets:
            socket.reset()
        self.head = b""
        self.space, self.socket, self.address, self.writing = "none", 0, 0, 0
        self.bounds = []  # where each frame in RX memory ends
        self.read_to = 0  # RX_RD as of the last RECV
        self.sendok_at = None
        self.landing = None
        self.fault.rx_dead = False
        self.ready_at = self.clock() + (self.READY_NS if self.strict else 0)
        self.phy_reset()
        self.resets += 1
        self.int_changed()

    def reset_pin(self, level):
        if not level and not self.held:
            self.held, self.held_at = True, self.clock()
            self.int_changed()
        elif level and self.held:
            if self.strict and self.clock() - self.held_at < RST_HOLD_NS:
                self.complain("rst-short", "RSTn was low for less than 500 us")
            self.held = False
            self.reset()

    def link(self, up):
        if up and not self.cable:
            self.phy_reset()
        self.cable = up

    def phy_reset(self):
        self.link_at = self.clock() + self.autoneg_ns

    @property
    def link_up(self):
        return self.cable and self.clock() >= self.link_at

    @property
    def receiving(self):
        """True when the driver has set the chip up."""
        return self.s0["SR"] == SR_MACRAW

    def complain(self, code, text):
        if len(self.complaints) < 1000:
            self.complaints.append(f"{code}: {text}")

    def next_at(self):
        """-> nanoseconds of the next thing that happens by itself; None: nothing."""
        return self.sendok_at

    def poll(self):
        """Lets happen what is due: the end of a transmission."""
        if self.sendok_at is not None and self.clock() >= self.sendok_at:
            self.sendok_at = None
            self.s0["IR"] |= I_SENDOK

    # SPI

    def cs(self, level):
        if level and self.selected and 0 < len(self.head) < 3:
            self.complain("short", f"CS rose after {len(self.head)} octets, within the header")
        self.selected = not level
        self.head = b""
        self.int_changed()

    def exchange(self, mosi):
        """Octets from the host -> as many from the chip."""
        if self.fault.absent is not None:
            return bytes([self.fault.absent]) * len(mosi)
        if not self.selected:
            return b"\xff" * len(mosi)  # another chip's transfer
        if self.held or self.clock() < self.ready_at:
            self.complain("in-reset", "SPI used during a reset")
            return bytes(len(mosi))
        self.poll()
        short = 3 - len(self.head)
        if short > 0:
            self.head += mosi[:short]
            if len(self.head) < 3 or len(mosi) <= short:
                if len(self.head) == 3:
                    self.begin(self.head)
                return bytes(len(mosi))
            self.begin(self.head)
            return bytes(short) + self.data(mosi[short:])
        return self.data(mosi)

    def begin(self, head):
        """Decodes the header: sets `writing`, `space` (common, socket, tx, rx, none), `socket` and
        `address`."""
        raise NotImplementedError

    def data(self, mosi):
        if self.space == "tx":
            return self.tx_memory(mosi)
        if self.space == "rx":
            return self.rx_memory(mosi)
        if self.space == "none":
            return bytes(len(mosi))
        regs = self.common if self.space == "common" else self.sockets[self.socket]
        return bytes([self.register(regs, octet) for octet in mosi])

    def register(self, regs, octet):
        address, self.address = self.address, (self.address + 1) & 0xFFFF
        name, k, access = regs.at.get(address, (None, 0, "ro"))
        if not self.writing:
            if name is None or access == "wo":
                return 0
            if k == 0:
                self.fresh(regs, name)
            answer = regs.value[name][k]
            if name == "RX_RSR" and k == 0 and self.landing is not None:
                frame, self.landing = self.landing, None  # a torn read
                self.store(frame)
                self.fresh(regs, name)
            return answer
        if name is None or access == "ro":
            self.complain("read-only", f"{name or 'reserved'} at {address:#06x} written")
        elif access == "w1c":
            regs.value[name][k] &= ~octet & 0xFF
        elif self.may_write(regs, name):
            regs.value[name][k] = octet
            self.wrote(regs, name)
        return 0

    def may_write(self, regs, name):
        return True  # the W6100 has locks

    def fresh(self, regs, name):
        """Brings a register that the chip computes up to date before it is read."""
        if regs is self.common:
            if name == self.VERSION_NAME:
                regs[name] = self.VERSION if self.fault.version is None else self.fault.version
            elif name == self.PHY_NAME:
                regs[name] = self.phy_status()
        elif name == "RX_RSR":
            regs[name] = (regs["RX_WR"] - self.read_to) & 0xFFFF if regs is self.s0 else 0
            if self.fault.rsr_wrong:
                self.fault.rsr_wrong -= 1
                regs[name] = self.random.randrange(0x10000)
        elif name == "TX_FSR":
            waiting = (regs["TX_WR"] - regs["TX_RD"]) & 0xFFFF
            regs[name] = max(0, self.buffer_size(regs, "tx") - waiting)

    def wrote(self, regs, name):
        if name == "CR" and regs["CR"]:
            command, regs["CR"] = regs["CR"], 0  # accepted at once, which clears it
            self.command(regs, command)
        elif name == "MR" and regs is not self.common and regs["SR"] != SR_CLOSED:
            self.complain("mode-open", "Sn_MR written while the socket is open")

    # Memories; the addresses wrap by themselves, where the chip has it so

    def tx_memory(self, mosi):
        size = self.buffer_size(self.sockets[self.socket], "tx") or 1
        answer = bytearray(len(mosi))
        for k, octet in enumerate(mosi):
            place = (self.address + k) % size
            if self.writing:
                self.tx[place] = octet
            else:
                answer[k] = self.tx[place]
        if self.writing and self.sendok_at is not None:
            self.complain("tx-busy", "TX memory written during a transmission")
        self.address = (self.address + len(mosi)) & 0xFFFF
        return bytes(answer)

    def rx_memory(self, mosi):
        if self.writing:
            self.complain("rx-write", "RX memory written")
            return bytes(len(mosi))
        size = self.buffer_size(self.sockets[self.socket], "rx") or 1
        start = self.address % size
        self.address = (self.address + len(mosi)) & 0xFFFF
        ring = self.rx[:size]
        return bytes((ring[start:] + ring * (len(mosi) // size + 1))[: len(mosi)])

    def buffer_size(self, regs, way):
        return regs["RXBUF" if way == "rx" else "TXBUF"] * self.SIZE_UNIT

    # Commands of socket 0

    def command(self, regs, command):
        if regs is not self.s0:
            self.complain("command", "a command to a socket other than 0")
        elif command == OPEN:
            self.open()
        elif command == CLOSE:
            regs["SR"] = SR_CLOSED
            self.sendok_at = self.landing = None
            self.bounds = []
        elif regs["SR"] != SR_MACRAW:
            self.complain("closed", f"command {command:#04x} to a closed socket")
        elif command == SEND:
            self.send()
        elif command == RECV:
            self.recv()
        else:
            self.complain("command", f"{command:#04x} is no command in MACRAW")

    def open(self):
        regs = self.s0
        if regs["SR"] != SR_CLOSED:
            self.complain("open-open", "OPEN of an open socket")
        for way in ("rx", "tx"):
            if sum(self.buffer_size(socket, way) for socket in self.sockets) > self.MEMORY:
                self.complain("memory", f"the sockets' {way} sizes exceed the memory")
        if regs["MR"] & 0x0F != self.MACRAW:
            self.complain("mode", f"OPEN with Sn_MR {regs['MR']:#04x}, not MACRAW")
            return
        regs["SR"] = SR_MACRAW
        for name in ("TX_RD", "TX_WR", "RX_RD", "RX_WR"):
            regs[name] = self.open_pointer
        regs["IR"] = 0
        self.read_to = self.open_pointer
        self.bounds = []
        self.sendok_at = self.landing = None
        self.fault.rx_dead = False

    def send(self):
        regs = self.s0
        n = (regs["TX_WR"] - regs["TX_RD"]) & 0xFFFF
        if self.sendok_at is not None:
            self.complain("tx-busy", "SEND before the end of the previous transmission")
        if not 14 <= n <= ETH_MAX:
            self.complain("tx-length", f"SEND of {n} octets")
        size = self.buffer_size(regs, "tx") or 1
        start = regs["TX_RD"] % size
        frame = bytes((self.tx[:size] * 2)[start : start + min(n, ETH_MAX)])
        regs["TX_RD"] = regs["TX_WR"]
        # FCS, preamble and gap go along
        self.sendok_at = self.clock() + (max(n, ETH_MIN) + 24) * 8_000_000_000 // self.BIT_RATE
        if self.fault.tx_stuck:
            self.fault.tx_stuck -= 1
            self.sendok_at = NEVER
        elif self.link_up:
            self.frames_out += 1
            if self.wire_out:
                self.wire_out(frame.ljust(ETH_MIN, b"\0"))
        elif not self.sendok_without_link:
            self.sendok_at = NEVER

    def recv(self):
        """RX_RD is taken over: everything before it is free."""
        regs = self.s0
        moved = (regs["RX_RD"] - self.read_to) & 0xFFFF
        held = (regs["RX_WR"] - self.read_to) & 0xFFFF
        if moved > held:
            self.complain("rx-beyond", "RX_RD is beyond RX_WR")
        elif moved and regs["RX_RD"] not in self.bounds:
            self.complain("rx-within", "RX_RD is within a frame")
        while self.bounds and (self.bounds[0] - self.read_to) & 0xFFFF <= moved:
            self.bounds.pop(0)
        self.read_to = regs["RX_RD"]

    # The wire

    def wire_in(self, frame):
        """A frame comes in; short ones are padded, as the sender's MAC does. -> True if stored."""
        deaf = self.held or self.clock() < self.ready_at or self.s0["SR"] != SR_MACRAW
        if deaf or not self.link_up or self.fault.rx_dead:
            self.missed += 1
            return False
        if not self.wanted(frame):
            self.filtered += 1
            return False
        if self.landing is not None:
            self.store(self.landing)
            self.landing = None
        elif self.random.random() < self.torn:
            self.landing = bytes(frame)  # lands in the middle of the next RX_RSR read
            return True
        stored = self.store(frame)
        self.int_changed()
        return stored

    def store(self, frame):
        regs = self.s0
        frame = bytes(frame).ljust(ETH_MIN, b"\0")
        n = len(frame) + 2
        size = self.buffer_size(regs, "rx") or 1
        if ((regs["RX_WR"] - self.read_to) & 0xFFFF) + n > size:
            self.overflow += 1
            return False
        word = n
        if self.fault.length_wrong:
            self.fault.length_wrong -= 1
            word = self.fault.length
            word = self.random.randrange(0x10000) if word is None else word
        packet = word.to_bytes(2, "big") + frame
        start = regs["RX_WR"] % size
        first = min(n, size - start)
        self.rx[start : start + first] = packet[:first]
        self.rx[: n - first] = packet[first:]
        regs["RX_WR"] = (regs["RX_WR"] + n) & 0xFFFF
        self.bounds.append(regs["RX_WR"])
        regs["IR"] |= I_RECV
        self.frames_in += 1
        return True

    def wanted(self, frame):
        """The MAC filter; see `filters` of the chip."""
        mac_filter, no_broadcast, no_multicast, no_ipv6 = self.filters()
        target = bytes(frame[:6])
        if target == b"\xff" * 6:
            return not no_broadcast
        if no_ipv6 and bytes(frame[12:14]) == b"\x86\xdd":
            return False
        if target[0] & 1:
            return not no_multicast and not (mac_filter and self.strict_filter)
        return not mac_filter or target == bytes(self.common.value["SHAR"])

    def filters(self):
        """-> (MAC filter, block broadcast, block multicast, block IPv6), as the modes stand."""
        raise NotImplementedError

    # INT

    @property
    def int_level(self):
        if self.fault.int_stuck is not None:
            return self.fault.int_stuck
        return 0 if not self.held and self.fault.absent is None and self.asserted() else 1

    def int_changed(self):
        level = self.int_level
        if level != self._int:
            self._int = level
            if self.on_int:
                self.on_int(level)

    def asserted(self):
        raise NotImplementedError

    def phy_status(self):
        raise NotImplementedError
