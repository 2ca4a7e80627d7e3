"""What the WIZnet chip models share: sockets, MACRAW, memories, INT, timing and faults.

A model is driven through `cs(level)` and `exchange(mosi) -> miso` (octets while CS is low),
`reset_pin(level)`, `wire_in(frame)` and `link(up)`; it answers through `wire_out(frame)`,
`int_level` and `complaints`. Frames carry no FCS. `clock()` gives microseconds. The register maps
are in w5500.py, w5100s.py and w6100.py, written from the data sheets; nothing here is imported
from a driver.

A complaint is a sentence about something that a real chip punishes later and silently.
"""

import random

RST_HOLD_US = 500  # RSTn low at least so long
ETH_MIN = 60  # shortest frame without FCS; the MAC pads ours
ETH_MAX = 1514

OPEN, CLOSE, SEND, RECV = 0x01, 0x10, 0x20, 0x40
I_RECV, I_TIMEOUT, I_SENDOK = 0x04, 0x08, 0x10
SR_CLOSED, SR_MACRAW = 0x00, 0x42
LATE = (0x02, 0x04, 0x08, 0x21, 0x22)  # commands that MACRAW does not know


class Registers:
    """A register file: rows (name, address, octets, access); access is rw, ro, wo, w1c (a 1
    clears) or cmd."""

    def __init__(self, rows, defaults):
        self.at = {}
        self.defaults = defaults
        self.size = {}
        for name, address, size, access in rows:
            self.size[name] = size
            for k in range(size):
                self.at[address + k] = (name, k, access)
        self.reset()

    def reset(self):
        self.value = {name: bytearray(size) for name, size in self.size.items()}
        for name, octets in self.defaults.items():
            self.value[name][:] = octets

    def __getitem__(self, name):
        return int.from_bytes(self.value[name], "big")

    def __setitem__(self, name, number):
        self.value[name][:] = number.to_bytes(self.size[name], "big")


class WiznetModel:
    # What a chip's model states from its data sheet.
    COMMON = SOCKET = ()
    COMMON_DEFAULTS = SOCKET_DEFAULTS = {}
    SOCKETS = 8
    MEMORY = 16384  # octets of TX memory, and as many of RX memory
    MACRAW = 0x04  # protocol field of S0_MR
    VERSION = 0
    READY_US = 1000  # from the end of a reset to the first access
    SIZE_UNIT = 1024  # of the buffer size registers

    def __init__(self, clock=None, seed=1):
        self.now = 0
        self.clock = clock or (lambda: self.now)
        self.random = random.Random(seed)
        self.wire_out = lambda frame: None
        self.complaints = []
        self.carrier = True  # the cable
        self.autoneg_us = 0  # from plugging in to link
        self.carrier_at = -(1 << 60)
        self.open_pointer = 0  # where OPEN puts the four pointers
        self.torn = 0.0  # chance that a frame lands between the two octets of a RX_RSR read
        self.strict_filter = False  # the other reading of MFEN: only broadcast and our own
        self.sendok_without_link = True
        self.frames_in = self.frames_out = self.overflow = self.missed = self.filtered = 0
        self.resets = 0
        # Faults; each holds until it is used up or set back.
        self.mute = None  # MISO floats at this octet: no chip, or no CS
        self.version = None  # what the version register reads
        self.int_stuck = None
        self.lose_sendok = 0
        self.bogus_length = None  # the length word of the next frame
        self.rsr_noise = 0  # so many reads of RX_RSR give garbage
        self.common = Registers(self.COMMON, self.COMMON_DEFAULTS)
        self.sockets = [Registers(self.SOCKET, self.SOCKET_DEFAULTS) for _ in range(self.SOCKETS)]
        self.s0 = self.sockets[0]
        self.selected = False
        self.held = False
        self.power_up()

    # --- power, reset, cable

    def power_up(self):
        self.common.reset()
        for socket in self.sockets:
            socket.reset()
        self.tx = bytearray(self.MEMORY)
        self.rx = bytearray(self.random.randbytes(self.MEMORY))
        self.bounds = []  # where each frame in RX memory ends
        self.read_to = 0  # RX_RD as of the last RECV
        self.sendok_at = None
        self.landing = None
        self.ready_at = self.clock() + self.READY_US
        self.resets += 1

    def brownout(self):
        """The supply dips: as after power-up, in the middle of whatever was going on."""
        self.power_up()

    def reset_pin(self, level):
        if not level:
            self.held, self.held_at = True, self.clock()
        elif self.held:
            if self.clock() - self.held_at < RST_HOLD_US:
                self.complain("RSTn was low for less than %d us" % RST_HOLD_US)
            self.held = False
            self.power_up()

    def link(self, up):
        if up and not self.carrier:
            self.carrier_at = self.clock()
        self.carrier = up

    @property
    def link_up(self):
        return self.carrier and self.clock() - self.carrier_at >= self.autoneg_us

    def complain(self, text):
        self.complaints.append(text)

    # --- SPI

    def cs(self, level):
        if level and self.selected and 0 < len(self.head) < 3:
            self.complain("CS raised after %d octets, within the header" % len(self.head))
        self.selected = not level
        self.head = b""

    def exchange(self, mosi):
        if self.mute is not None:
            return bytes((self.mute,)) * len(mosi)
        if not self.selected:
            self.complain("clocked without CS")
            return bytes(len(mosi))
        if self.held or self.clock() < self.ready_at:
            self.complain("access during reset")
            return bytes(len(mosi))
        self.tick()
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
                frame, self.landing = self.landing, None  # between its two octets: a torn read
                self.store(frame)
                self.fresh(regs, name)
            return answer
        if name is None or access == "ro":
            self.complain("write to %s 0x%04x" % (name or "reserved", address))
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
                regs[name] = self.VERSION if self.version is None else self.version
            elif name == self.PHY_NAME:
                regs[name] = self.phy_status()
        elif name == "RX_RSR":
            regs[name] = (regs["RX_WR"] - self.read_to) & 0xFFFF if regs is self.s0 else 0
            if self.rsr_noise:
                self.rsr_noise -= 1
                regs[name] = self.random.randrange(0x10000)
        elif name == "TX_FSR":
            waiting = (regs["TX_WR"] - regs["TX_RD"]) & 0xFFFF
            regs[name] = max(0, self.buffer_size(regs, "tx") - waiting)

    def wrote(self, regs, name):
        if name == "CR" and regs["CR"]:
            command, regs["CR"] = regs["CR"], 0  # accepted at once, which clears it
            self.command(regs, command)
        elif name == "MR" and regs is not self.common and regs["SR"] != SR_CLOSED:
            self.complain("Sn_MR changed while the socket is open")

    # --- memories; the pointers wrap by themselves where the chip has it so

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
            self.complain("TX memory written while a frame is being sent")
        self.address = (self.address + len(mosi)) & 0xFFFF
        return bytes(answer)

    def rx_memory(self, mosi):
        if self.writing:
            self.complain("write into RX memory")
            return bytes(len(mosi))
        size = self.buffer_size(self.sockets[self.socket], "rx") or 1
        start = self.address % size
        self.address = (self.address + len(mosi)) & 0xFFFF
        ring = self.rx[:size]
        return bytes((ring[start:] + ring * (len(mosi) // size + 1))[: len(mosi)])

    def buffer_size(self, regs, way):
        return regs["RXBUF" if way == "rx" else "TXBUF"] * self.SIZE_UNIT

    # --- commands of socket 0

    def command(self, regs, command):
        if regs is not self.s0:
            self.complain("a command to a socket other than 0")
        elif command == OPEN:
            self.open()
        elif command == CLOSE:
            regs["SR"] = SR_CLOSED
            self.sendok_at = self.landing = None
            self.bounds = []
        elif regs["SR"] != SR_MACRAW:
            self.complain("command 0x%02x to a closed socket" % command)
        elif command == SEND:
            self.send()
        elif command == RECV:
            self.recv()
        else:
            kind = "a TCP or UDP command" if command in LATE else "an unknown command"
            self.complain("%s in MACRAW: 0x%02x" % (kind, command))

    def open(self):
        regs = self.s0
        if regs["SR"] != SR_CLOSED:
            self.complain("OPEN of an open socket")
        for way in ("rx", "tx"):
            if sum(self.buffer_size(socket, way) for socket in self.sockets) > self.MEMORY:
                self.complain("the sockets' %s buffers are larger than the memory" % way)
        if regs["MR"] & 0x0F != self.MACRAW:
            self.complain("OPEN in a mode other than MACRAW: 0x%02x" % regs["MR"])
            return
        regs["SR"] = SR_MACRAW
        for name in ("TX_RD", "TX_WR", "RX_RD", "RX_WR"):
            regs[name] = self.open_pointer
        regs["IR"] = 0
        self.read_to = self.open_pointer
        self.bounds = []
        self.sendok_at = self.landing = None

    def send(self):
        regs = self.s0
        n = (regs["TX_WR"] - regs["TX_RD"]) & 0xFFFF
        if self.sendok_at is not None:
            self.complain("SEND before the previous frame was sent")
        if not 14 <= n <= ETH_MAX:
            self.complain("SEND of %d octets" % n)
        size = self.buffer_size(regs, "tx")
        start = regs["TX_RD"] % size
        frame = bytes((self.tx[:size] * 2)[start : start + min(n, ETH_MAX)])
        regs["TX_RD"] = regs["TX_WR"]
        wire_us = (max(n, ETH_MIN) + 24) * 8 // 100  # FCS, preamble and gap at 100 Mb/s
        self.sendok_at = self.clock() + wire_us
        if self.lose_sendok:
            self.lose_sendok -= 1
            self.sendok_at = 1 << 60
        if self.link_up:
            self.frames_out += 1
            self.wire_out(frame.ljust(ETH_MIN, b"\0"))
        elif not self.sendok_without_link:
            self.sendok_at = 1 << 60

    def recv(self):
        """RX_RD is taken over: everything before it is free."""
        regs = self.s0
        moved = (regs["RX_RD"] - self.read_to) & 0xFFFF
        held = (regs["RX_WR"] - self.read_to) & 0xFFFF
        if moved > held:
            self.complain("RX_RD is beyond RX_WR")
        elif moved and regs["RX_RD"] not in self.bounds:
            self.complain("RX_RD is within a frame")
        while self.bounds and moved:
            end = self.bounds[0]
            if (end - self.read_to) & 0xFFFF > moved:
                break
            self.bounds.pop(0)
            moved -= (end - self.read_to) & 0xFFFF
            self.read_to = end
        self.read_to = regs["RX_RD"]

    def tick(self):
        """What became due: the end of a transmission."""
        if self.sendok_at is not None and self.clock() >= self.sendok_at:
            self.sendok_at = None
            self.s0["IR"] |= I_SENDOK

    # --- the wire

    def wire_in(self, frame):
        deaf = self.held or self.clock() < self.ready_at or self.s0["SR"] != SR_MACRAW
        if deaf or not self.link_up:
            self.missed += 1
        elif not self.wanted(frame):
            self.filtered += 1
        elif self.landing is None and self.random.random() < self.torn:
            self.landing = bytes(frame)  # lands in the middle of the next RX_RSR read
        else:
            if self.landing is not None:
                self.store(self.landing)
                self.landing = None
            self.store(frame)

    def store(self, frame):
        regs = self.s0
        frame = bytes(frame).ljust(ETH_MIN, b"\0")
        n = len(frame) + 2
        size = self.buffer_size(regs, "rx")
        if ((regs["RX_WR"] - self.read_to) & 0xFFFF) + n > size:
            self.overflow += 1
            return
        word = n
        if self.bogus_length is not None:
            word, self.bogus_length = self.bogus_length, None
        packet = word.to_bytes(2, "big") + frame
        start = regs["RX_WR"] % size
        first = min(n, size - start)
        self.rx[start : start + first] = packet[:first]
        self.rx[: n - first] = packet[first:]
        regs["RX_WR"] = (regs["RX_WR"] + n) & 0xFFFF
        self.bounds.append(regs["RX_WR"])
        regs["IR"] |= I_RECV
        self.frames_in += 1

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

    # --- INT

    @property
    def int_level(self):
        if self.int_stuck is not None:
            return self.int_stuck
        if self.held or self.mute is not None:
            return 1
        self.tick()
        return 0 if self.asserted() else 1

    def asserted(self):
        raise NotImplementedError

    def phy_status(self):
        raise NotImplementedError
