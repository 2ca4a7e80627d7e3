"""For which processor a UF2 image is, and where it goes.

A UF2 file is a row of blocks of 512 octets, each with 256 for the flash and their address; its
family says what may take it.
"""

import struct

from .boards import PROCESSORS, Refused

_BLOCK = 512
_PAYLOAD = 256  # a page of the flash
_MAGIC = (0x0A324655, 0x9E5D5157)
_END = 0x0AB16F30
_HAS_FAMILY = 0x2000
_SKIP = 0x0001  # not for the main flash
# A block of this one stands before the others of an RP2350's image, for the sake of its erratum
# E10; it is for any chip of that sort.
_ABSOLUTE = 0xE48BFF57


def blocks(data, name="the file"):
    """-> [(family or None, address, octets)] of an image; raises Refused for what is none."""
    if not data or len(data) % _BLOCK:
        raise Refused("%s is no UF2 image: %d octets are no whole blocks" % (name, len(data)))
    found = []
    for at in range(0, len(data), _BLOCK):
        one, two, flags, address, size, _, _, family = struct.unpack_from("<8I", data, at)
        (end,) = struct.unpack_from("<I", data, at + _BLOCK - 4)
        if (one, two, end) != (*_MAGIC, _END) or size > 476:
            raise Refused("%s is no UF2 image, or a broken one (block %d)" % (name, at // _BLOCK))
        if not flags & _SKIP:
            family = family if flags & _HAS_FAMILY else None
            found.append((family, address, data[at + 32 : at + 32 + size]))
    return found


def family(data, name="the file"):
    """-> the one family of an image; None where its blocks name none."""
    found = {f for f, _, _ in blocks(data, name)} - {_ABSOLUTE}
    if len(found) > 1:
        raise Refused("%s holds images for several processors" % name)
    return found.pop() if found else None


def span(data, name="the file"):
    """-> (first, last + 1) of the flash's addresses that the image fills."""
    found = [(at, at + len(part)) for f, at, part in blocks(data, name) if f != _ABSOLUTE]
    return min(a for a, _ in found), max(b for _, b in found)


def made(family, address, data):
    """-> an image that fills the flash from `address` on with `data`."""
    count = -(-len(data) // _PAYLOAD)
    found = b""
    for k in range(count):
        part = data[k * _PAYLOAD : (k + 1) * _PAYLOAD].ljust(476, b"\0")
        at = address + k * _PAYLOAD
        head = struct.pack("<8I", *_MAGIC, _HAS_FAMILY, at, _PAYLOAD, k, count, family)
        found += head + part + struct.pack("<I", _END)
    return found


def joined(one, two):
    """-> an image with the blocks of both, of one family and numbered anew: a boot loader starts
    what it got when it has as many as they say."""
    wanted = family(one)
    whole = bytearray(one + two)
    ours = [
        at
        for at in range(0, len(whole), _BLOCK)
        if struct.unpack_from("<I", whole, at + 28)[0] == wanted
    ]
    for k, at in enumerate(ours):
        struct.pack_into("<II", whole, at + 20, k, len(ours))
    return bytes(whole)


def check(data, board, name="the image"):
    """Raises Refused where the image is not for this board."""
    found = family(data, name)
    if found != board.processor.family:
        sold = {p.family: p.sold for p in PROCESSORS.values() if p.family}
        what = sold.get(found, "another processor" if found else "a board that it does not name")
        message = "%s is for %s, and %s has %s: make firmware BOARD=%s makes the right one"
        raise Refused(message % (name, what, board.name, board.processor.sold, board.name))
