"""What a WIZnet chip model is made of: register files, and the faults that a test switches on."""


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


class Fault:
    """What is wrong with the chip at the moment; all off. Numbers count down as they happen."""

    def __init__(self):
        self.absent = None  # 0x00 or 0xFF: nobody drives MISO, and that is what the host reads
        self.version = None  # what the version register reads
        self.int_stuck = None  # 0 or 1
        self.tx_stuck = 0  # frames whose SENDOK never comes, and that do not leave
        self.length_wrong = 0  # frames stored under a wrong length ...
        self.length = 0  # ... this one, or None: another one each time
        self.rsr_wrong = 0  # reads of RX_RSR that give anything
        self.rx_dead = False  # nothing is received until OPEN
