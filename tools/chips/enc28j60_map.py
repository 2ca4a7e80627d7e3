"""ENC28J60: the control registers as DS39662E tables 3-1 and 3-2 list them, and the PHY's (table
3-3)."""

ETH, MAC, MII = "ETH", "MAC", "MII"

# name: (bank, address, value after reset, bits that can be written, group); bank None: in every
# bank
_COMMON = {
    "EIE": (0x1B, 0x00, 0xFB, ETH),
    "EIR": (0x1C, 0x00, 0x2B, ETH),
    "ESTAT": (0x1D, 0x00, 0x52, ETH),
    "ECON2": (0x1E, 0x80, 0xE8, ETH),
    "ECON1": (0x1F, 0x00, 0xFF, ETH),
}

_POINTERS = {  # bank 0, 13 bits each
    "ERDPT": (0x00, 0x05FA),
    "EWRPT": (0x02, 0x0000),
    "ETXST": (0x04, 0x0000),
    "ETXND": (0x06, 0x0000),
    "ERXST": (0x08, 0x05FA),
    "ERXND": (0x0A, 0x1FFF),
    "ERXRDPT": (0x0C, 0x05FA),
    "ERXWRPT": (0x0E, 0x0000),
    "EDMAST": (0x10, 0x0000),
    "EDMAND": (0x12, 0x0000),
    "EDMADST": (0x14, 0x0000),
}

_BANKS = {
    (0, 0x16): ("EDMACSL", 0, 0x00, ETH),
    (0, 0x17): ("EDMACSH", 0, 0x00, ETH),
    (1, 0x10): ("EPMCSL", 0, 0xFF, ETH),
    (1, 0x11): ("EPMCSH", 0, 0xFF, ETH),
    (1, 0x14): ("EPMOL", 0, 0xFF, ETH),
    (1, 0x15): ("EPMOH", 0, 0x1F, ETH),
    (1, 0x18): ("ERXFCON", 0xA1, 0xFF, ETH),
    (1, 0x19): ("EPKTCNT", 0, 0x00, ETH),
    (2, 0x00): ("MACON1", 0, 0x0F, MAC),
    (2, 0x02): ("MACON3", 0, 0xFF, MAC),
    (2, 0x03): ("MACON4", 0, 0x70, MAC),
    (2, 0x04): ("MABBIPG", 0, 0x7F, MAC),
    (2, 0x06): ("MAIPGL", 0, 0x7F, MAC),
    (2, 0x07): ("MAIPGH", 0, 0x7F, MAC),
    (2, 0x08): ("MACLCON1", 0x0F, 0x0F, MAC),
    (2, 0x09): ("MACLCON2", 0x37, 0x3F, MAC),
    (2, 0x0A): ("MAMXFLL", 0x00, 0xFF, MAC),
    (2, 0x0B): ("MAMXFLH", 0x06, 0xFF, MAC),
    (2, 0x12): ("MICMD", 0, 0x03, MII),
    (2, 0x14): ("MIREGADR", 0, 0x1F, MII),
    (2, 0x16): ("MIWRL", 0, 0xFF, MII),
    (2, 0x17): ("MIWRH", 0, 0xFF, MII),
    (2, 0x18): ("MIRDL", 0, 0x00, MII),
    (2, 0x19): ("MIRDH", 0, 0x00, MII),
    (3, 0x00): ("MAADR5", 0, 0xFF, MAC),
    (3, 0x01): ("MAADR6", 0, 0xFF, MAC),
    (3, 0x02): ("MAADR3", 0, 0xFF, MAC),
    (3, 0x03): ("MAADR4", 0, 0xFF, MAC),
    (3, 0x04): ("MAADR1", 0, 0xFF, MAC),
    (3, 0x05): ("MAADR2", 0, 0xFF, MAC),
    (3, 0x06): ("EBSTSD", 0, 0xFF, ETH),
    (3, 0x07): ("EBSTCON", 0, 0xFF, ETH),
    (3, 0x08): ("EBSTCSL", 0, 0x00, ETH),
    (3, 0x09): ("EBSTCSH", 0, 0x00, ETH),
    (3, 0x0A): ("MISTAT", 0, 0x00, MII),
    (3, 0x12): ("EREVID", 0, 0x00, ETH),
    (3, 0x15): ("ECOCON", 0x04, 0x07, ETH),
    (3, 0x17): ("EFLOCON", 0, 0x03, ETH),
    (3, 0x18): ("EPAUSL", 0x00, 0xFF, ETH),
    (3, 0x19): ("EPAUSH", 0x10, 0xFF, ETH),
}


class Reg:
    """One register: its name, its place, what a reset leaves, what can be written."""

    __slots__ = ("group", "mask", "name", "reset")

    def __init__(self, name, reset, mask, group):
        self.name, self.reset, self.mask, self.group = name, reset, mask, group


def _build():
    regs = {}
    for bank in range(4):
        for name, (addr, reset, mask, group) in _COMMON.items():
            regs[bank, addr] = Reg(name, reset, mask, group)
    for name, (addr, reset) in _POINTERS.items():
        low, high = (0xFF, 0x1F) if name != "ERXWRPT" else (0, 0)
        regs[0, addr] = Reg(name + "L", reset & 0xFF, low, ETH)
        regs[0, addr + 1] = Reg(name + "H", reset >> 8, high, ETH)
    for i in range(8):
        regs[1, i] = Reg(f"EHT{i}", 0, 0xFF, ETH)
        regs[1, 8 + i] = Reg(f"EPMM{i}", 0, 0xFF, ETH)
    for place, (name, reset, mask, group) in _BANKS.items():
        regs[place] = Reg(name, reset, mask, group)
    return regs


REGS = _build()

# number: (name, value after reset, bits that can be written, bits that must be written as 1)
PHY = {
    0x00: ("PHCON1", 0x0000, 0xC980, 0x0000),
    0x01: ("PHSTAT1", 0x1800, 0x0000, 0x0000),
    0x02: ("PHID1", 0x0083, 0x0000, 0x0000),
    0x03: ("PHID2", 0x1400, 0x0000, 0x0000),
    0x10: ("PHCON2", 0x0000, 0x6500, 0x0000),
    0x11: ("PHSTAT2", 0x0000, 0x0000, 0x0000),
    0x12: ("PHIE", 0x0000, 0x0012, 0x0000),
    0x13: ("PHIR", 0x0000, 0x0000, 0x0000),
    0x14: ("PHLCON", 0x3422, 0x3FFE, 0x3000),
}
