"""A service of somebody else's, as it is known."""

from array import array

from micropython import const

from .dns_names import label, text

ROOM = const(96)  # octets of a service's wire name, and of its host's


class Service:
    """A service that was found. What its properties return is made when asked for."""

    def __init__(self, room):
        self.full = bytearray(ROOM)  # its wire name; the first octet 0: the row is free
        self.target = bytearray(ROOM)  # its host's
        self.ip = bytearray(4)
        self.port = 0
        self.data = bytearray(room)  # its TXT,
        self.size = 0  # so many octets
        self.state = bytearray(4)
        self.ask = bytearray(4)  # 1: the question is to be in the next message
        self.born = array("i", [0] * 4)
        self.life = array("i", [0] * 4)  # ms
        self.next = array("i", [0] * 4)
        self.changed = False  # `found` is to hear of it
        self.there = False  # and has heard that it is there

    @property
    def name(self):
        """The name of the service alone, as text."""
        return label(self.full, 0)

    @property
    def host(self):
        """'printer.local'"""
        return text(self.target)

    @property
    def address(self):
        """'192.168.1.9'"""
        return "%d.%d.%d.%d" % tuple(self.ip)

    @property
    def text(self):
        """What else is to be known, a dict: names as text, values as octets; True where there is a
        name alone (RFC 6763 6.4)."""
        out = {}
        i = 0
        while i < self.size:
            item = bytes(self.data[i + 1 : min(i + 1 + self.data[i], self.size)])
            i += 1 + self.data[i]
            at = item.find(b"=")
            key = item[:at] if at >= 0 else item
            if key and 32 <= min(key) <= max(key) < 127 and key.decode() not in out:
                out[key.decode()] = item[at + 1 :] if at >= 0 else True
        return out
